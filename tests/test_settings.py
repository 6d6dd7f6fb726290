"""Settings come from the environment; a secret is made once embedded and demanded in production."""

import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PRODUCTION = {"DATABASE_URL": "postgres://u:p@db.example/agon", "REDIS_URL": "redis://r.example/0"}


@pytest.fixture
def ask(tmp_path):
    """The value of an expression over settings, in a process with just this environment."""

    def evaluate(expression, **environment):
        kept = {key: os.environ[key] for key in ("PATH", "HOME") if key in os.environ}
        done = subprocess.run(
            [sys.executable, "-c", f"from config import settings; print({expression})"],
            cwd=ROOT,
            env={**kept, "AGON_HOME": str(tmp_path), **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stdout.strip() if done.returncode == 0 else done.stderr

    return evaluate


def test_the_embedded_secret_is_made_once_and_kept_private(ask, tmp_path):
    first = ask("settings.SECRET_KEY")
    assert len(first) >= 50
    assert ask("settings.SECRET_KEY") == first
    assert (tmp_path / "secret_key").stat().st_mode & 0o777 == 0o600


def test_production_demands_a_secret_and_says_how(ask):
    assert "SECRET_KEY is not set" in ask("settings.SECRET_KEY", **PRODUCTION)


def test_two_variables_choose_the_production_services(ask):
    environment = {**PRODUCTION, "SECRET_KEY": "x" * 50}
    assert "postgresql" in ask("settings.DATABASES['default']['ENGINE']", **environment)
    assert ask("settings.CELERY_BROKER_URL", **environment) == "redis://r.example/0"
    assert "RedisCache" in ask("settings.CACHES['default']['BACKEND']", **environment)


def test_nothing_is_prepared_or_asked_of_a_session_behind_a_pooler(ask):
    environment = {**PRODUCTION, "SECRET_KEY": "x" * 50}
    options = "settings.DATABASES['default']['OPTIONS']"
    assert "plan_cache_mode" in ask(options, **environment)
    behind = ask(options, **environment, DATABASE_PREPARES="false")
    assert "plan_cache_mode" not in behind
    assert "'prepare_threshold': None" in behind


def test_without_them_everything_lies_in_one_folder(ask, tmp_path):
    assert ask("settings.DATABASES['default']['NAME']") == str(tmp_path / "agon.sqlite3")
    assert ask("settings.CELERY_BROKER_URL").startswith("filesystem://")
    connection = "__import__('config.celery').celery.app.connection_for_write()"
    assert "config.file_queue" in ask(f"{connection}.transport")
    assert "redis" in ask(f"{connection}.transport", REDIS_URL="redis://r.example/0")


def test_no_inline_script_is_allowed(ask):
    assert ask("settings.CONTENT_SECURITY_POLICY['DIRECTIVES']['script-src']") == "[\"'self'\"]"


def test_the_sign_in_form_may_lead_to_the_organisations_provider_and_nowhere_else(ask):
    form_action = "settings.CONTENT_SECURITY_POLICY['DIRECTIVES']['form-action']"
    provider = {
        "OIDC_SERVER_URL": "https://login.example.org/realms/x",
        "OIDC_CLIENT_ID": "agon",
        "OIDC_CLIENT_SECRET": "s",
    }
    assert ask(form_action) == "[\"'self'\"]"
    assert ask(form_action, **provider) == "[\"'self'\", 'https://login.example.org/']"
    elsewhere = ask(form_action, **provider, OIDC_ORIGINS="https://sso.example.org")
    assert elsewhere == "[\"'self'\", 'https://sso.example.org']"


def test_the_web_process_starts_without_heavy_imports(ask):
    heavy = "{'torch', 'transformers', 'openai', 'lm_eval'}"
    told = ask(
        "(__import__('django').setup(), __import__('config.urls'), __import__('config.asgi'),"
        f" sorted({heavy} & set(__import__('sys').modules)))[-1]",
        DJANGO_SETTINGS_MODULE="config.settings",
    )
    assert told == "[]"


def test_small_matrices_are_not_spread_over_cores_unless_asked_for(ask):
    threads = "__import__('os').environ['OPENBLAS_NUM_THREADS']"
    assert ask(threads) == "1"
    assert ask(threads, OPENBLAS_NUM_THREADS="4") == "4"


def test_no_log_tells_the_address_of_a_socket(caplog, monkeypatch):
    """In uvicorn's own words, where the access log is off."""
    logger = logging.getLogger("uvicorn.error")
    # as far as this logger, whatever servers of other tests have set around it
    monkeypatch.setattr(logger, "propagate", False)
    monkeypatch.setattr(logger, "handlers", [caplog.handler])
    with caplog.at_level(logging.INFO, logger=logger.name):
        for told in ('%s - "WebSocket %s" [accepted]', '%s - "WebSocket %s" 403'):
            logger.info(told, "192.0.2.1:54930", "/ws/live/")
        logger.info("Uvicorn running on %s", "http://0.0.0.0:8000")
    assert caplog.messages == ["Uvicorn running on http://0.0.0.0:8000"]
