"""Settings, wholly from the environment.

Embedded (no ``DATABASE_URL``): SQLite in WAL mode and a file-system broker under ``AGON_HOME``,
and a secret key made on the first start and kept there.
Production (``DATABASE_URL`` and ``REDIS_URL`` set): PostgreSQL, Redis, a required ``SECRET_KEY``.
"""

import os
import secrets
from pathlib import Path
from urllib.parse import urljoin

import django_stubs_ext
import environ
from celery.schedules import crontab
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

# lets forms and admin classes name their model in annotations at run time
django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()

AGON_HOME = Path(env.str("AGON_HOME", default=str(BASE_DIR / "var"))).resolve()
IS_EMBEDDED = not env.str("DATABASE_URL", default="")
REDIS_URL = env.str("REDIS_URL", default="")
DEBUG = env.bool("DEBUG", default=False)


def _secret_key() -> str:
    """The key from the environment, or on an embedded machine the one kept in ``AGON_HOME``."""
    given: str = env.str("SECRET_KEY", default="")
    if given:
        return given
    if not IS_EMBEDDED:
        raise ImproperlyConfigured(
            "SECRET_KEY is not set. With DATABASE_URL set it is required: put at least 50 random "
            "characters into the environment variable SECRET_KEY, the same on every host."
        )
    AGON_HOME.mkdir(parents=True, exist_ok=True)
    kept = AGON_HOME / "secret_key"
    try:
        descriptor = os.open(kept, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return kept.read_text().strip()
    with os.fdopen(descriptor, "w") as file:
        key = secrets.token_urlsafe(50)
        file.write(key)
    return key


SECRET_KEY = _secret_key()
ALLOWED_HOSTS = env.list(
    "ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"] if IS_EMBEDDED else []
)
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "channels",
    "csp",
    "django_htmx",
    "arena",
    "judging",
    "benchmarks",
    "speed",
    "leaderboard",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "config.policy.KeptPolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "arena.unstorable.RefuseNulMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]

ROOT_URLCONF = "config.urls"
CSRF_FAILURE_VIEW = "arena.views.errors.csrf_failure"
ASGI_APPLICATION = "config.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]


def _databases() -> dict[str, dict[str, object]]:
    """PostgreSQL from ``DATABASE_URL``, otherwise SQLite set up for several processes at once."""
    if not IS_EMBEDDED:
        database = env.db("DATABASE_URL")
        prepares = env.bool("DATABASE_PREPARES", default=True)
        # under ASGI every request runs in a thread of its own, which would connect anew
        database["OPTIONS"] = {
            # a prepared statement is planned once, not five times over per connection first; said
            # before the address's own options, which may say otherwise
            **({"options": "-c plan_cache_mode=force_generic_plan"} if prepares else {}),
            **database.get("OPTIONS", {}),
            "pool": {"min_size": 1, "max_size": env.int("DATABASE_POOL_SIZE", default=8)},
            # only cursors that ask for it prepare anything; off for poolers between us and the
            # server that hand a session to somebody else in between
            "prepare_threshold": 2 if prepares else None,
        }
        database["CONN_MAX_AGE"] = 0
        return {"default": database}
    AGON_HOME.mkdir(parents=True, exist_ok=True)
    return {
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": AGON_HOME / "agon.sqlite3",
            # opening the file and its settings anew costs a request about a millisecond
            "CONN_MAX_AGE": None,
            "OPTIONS": {
                "timeout": 30,
                # a deferred transaction that upgrades from read to write fails at once with
                # "database is locked" whatever the timeout; an immediate one waits its turn
                "transaction_mode": "IMMEDIATE",
                "init_command": (
                    "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON; "
                    "PRAGMA temp_store=MEMORY; PRAGMA cache_size=-65536; "
                    "PRAGMA mmap_size=134217728;"
                ),
            },
            "TEST": {"NAME": AGON_HOME / "test.sqlite3"},
        }
    }


DATABASES = _databases()
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

CACHES = {
    "default": (
        {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}
        if REDIS_URL
        else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
    )
}

QUEUE_DIR = AGON_HOME / "queue"
CELERY_BROKER_URL = REDIS_URL or "filesystem://localhost//"
if not REDIS_URL:
    for _folder in ("messages", "control"):
        (QUEUE_DIR / _folder).mkdir(parents=True, exist_ok=True)
    CELERY_BROKER_TRANSPORT = "config.file_queue:Transport"
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": str(QUEUE_DIR / "messages"),
        "data_folder_out": str(QUEUE_DIR / "messages"),
        "control_folder": str(QUEUE_DIR / "control"),
        "polling_interval": 0.2,  # seconds a new message may wait
    }
CELERY_TASK_IGNORE_RESULT = True
CELERY_WORKER_REDIRECT_STDOUTS = False
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# at a time of the day: a day's length begins anew with every beat that has lost its file
_EVERY_DAY = crontab(hour="4", minute="17")
# the queue is a hint: whatever a lost message leaves behind, the sweep finds in the rows
CELERY_BEAT_SCHEDULE = {
    "sweep-unfinished-runs": {"task": "arena.tasks.sweep_unfinished_runs", "schedule": 15.0},
    "render-answers-ahead": {"task": "arena.tasks.render_answers_ahead", "schedule": 15.0},
    "review-votes": {"task": "arena.tasks.review_votes", "schedule": 600.0},
    "forget-visitors": {"task": "arena.tasks.forget_visitors", "schedule": _EVERY_DAY},
    "clear-sessions": {"task": "arena.tasks.clear_sessions", "schedule": _EVERY_DAY},
    "prepare-waiting-benchmarks": {
        "task": "benchmarks.tasks.sweep_preparations",
        "schedule": 15.0,
    },
    "sweep-speed-runs": {"task": "speed.tasks.sweep_speed_runs", "schedule": 15.0},
    "refresh-live-boards": {"task": "leaderboard.tasks.refresh_live_boards", "schedule": 20.0},
}
CELERY_BEAT_SCHEDULE_FILENAME = str(AGON_HOME / "beat-schedule")

# a worker gives its model's memory back after so many seconds without work
BENCHMARK_KEEP_MODEL_S = env.float("BENCHMARK_KEEP_MODEL_S", default=600.0)

# the load generator: ceilings that no run may pass, and the CPU it keeps to itself (-1: none)
SPEED_MAX_CONCURRENCY = env.int("SPEED_MAX_CONCURRENCY", default=512)
SPEED_MAX_RATE = env.float("SPEED_MAX_RATE", default=500.0)
SPEED_MAX_DURATION_S = env.float("SPEED_MAX_DURATION_S", default=3600.0)
SPEED_MAX_REQUESTS = env.int("SPEED_MAX_REQUESTS", default=200_000)
SPEED_CPU: int | None = env.int("SPEED_CPU", default=None)
SPEED_ALLOWED_ORIGINS = env.list("SPEED_ALLOWED_ORIGINS", default=[])
SPEED_WORK_DIR = AGON_HOME / "speed"

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("zh-hans", "简体中文")]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = env.str("TIME_ZONE", default="UTC")

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = Path(env.str("STATIC_ROOT", default=str(AGON_HOME / "staticfiles")))
STATIC_ROOT.mkdir(parents=True, exist_ok=True)
MEDIA_ROOT = Path(env.str("MEDIA_ROOT", default=str(AGON_HOME / "media")))
MEDIA_URL = "/media/"
WHITENOISE_USE_FINDERS = IS_EMBEDDED
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": (
            "django.contrib.staticfiles.storage.StaticFilesStorage"
            if IS_EMBEDDED
            else "whitenoise.storage.CompressedManifestStaticFilesStorage"
        )
    },
}

OIDC_SERVER_URL = env.str("OIDC_SERVER_URL", default="")
# browsers hold a form to these origins along all its redirects, and signing in with an
# organisation's account is a form that ends at its provider
OIDC_ORIGINS = env.list(
    "OIDC_ORIGINS", default=[urljoin(OIDC_SERVER_URL, "/")] if OIDC_SERVER_URL else []
)

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF],
        # bars carry their widths, and plotly its positions, in attributes; those reach one element
        "style-src-attr": ["'unsafe-inline'"],
        "img-src": [SELF, "data:", "blob:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "object-src": [NONE],
        "base-uri": [SELF],
        "form-action": [SELF, *OIDC_ORIGINS],
        "frame-ancestors": [SELF],
    }
}

AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
# accounts are optional: voting is anonymous by default
ACCOUNTS_OPEN = env.bool("ACCOUNTS_OPEN", default=True)
ACCOUNT_ADAPTER = "arena.accounts.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGOUT_REDIRECT_URL = "home"
if OIDC_SERVER_URL:
    INSTALLED_APPS += [
        "allauth.socialaccount",
        "allauth.socialaccount.providers.openid_connect",
    ]
    SOCIALACCOUNT_ADAPTER = "arena.organisation_accounts.OrganisationAccountAdapter"
    SOCIALACCOUNT_PROVIDERS = {
        "openid_connect": {
            "OAUTH_PKCE_ENABLED": True,
            "SCOPE": ["openid", "profile"],
            "APPS": [
                {
                    "provider_id": "oidc",
                    "name": env.str("OIDC_NAME", default="OpenID Connect"),
                    "client_id": env.str("OIDC_CLIENT_ID"),
                    "secret": env.str("OIDC_CLIENT_SECRET"),
                    "settings": {"server_url": OIDC_SERVER_URL},
                }
            ],
        }
    }
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "home"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
X_FRAME_OPTIONS = "SAMEORIGIN"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
if env.bool("HTTPS", default=False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="INFO")},
    "filters": {"without_socket_addresses": {"()": "config.logs.WithoutSocketAddresses"}},
    "loggers": {
        "aiohttp.access": {"level": "WARNING"},
        "uvicorn.error": {"filters": ["without_socket_addresses"]},
    },
}
