"""What every test may use. The cast: alice votes, mallory abuses; models alpha, beta, gamma."""

import math
import os
import shutil
from pathlib import Path

import hypothesis
import pytest
from django.conf import settings
from django.core.cache import cache
from django.db import connections
from django.test import TransactionTestCase, override_settings
from django.utils import translation

from tests.caching import own_caches
from tests.flushing import empty
from tests.skipping import skip_or_fail

# no test is timed: a machine with other work on it is slow, not wrong
hypothesis.settings.register_profile(
    "unhurried",
    parent=hypothesis.settings(),
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("unhurried")

PATIENCE_MS = 60_000  # for a page; seldom more than a moment of it is needed
DATABASE_FIXTURES = {"db", "transactional_db", "live_server", "django_db_serialized_rollback"}


def pytest_addoption(parser):
    parser.addoption(
        "--only-database",
        action="store_true",
        help="run only tests that use the database (the second round, on PostgreSQL and Redis)",
    )
    parser.addoption(
        "--one-round",
        choices=("here", "elsewhere"),
        help="where the tests marked one_round run; without this, not under --only-database",
    )


def pytest_collection_modifyitems(config, items):
    left_out = {id(item) for item in items if not belongs_here(config, item)}
    config.hook.pytest_deselected(items=[item for item in items if id(item) in left_out])
    items[:] = [item for item in items if id(item) not in left_out]


def belongs_here(config, item):
    """Whether the round that was started with these options runs the test."""
    only_database = config.getoption("--only-database")
    if item.get_closest_marker("one_round"):
        where = config.getoption("--one-round") or ("elsewhere" if only_database else "here")
        return where == "here"
    return not only_database or _depends_on_database(item)


def _depends_on_database(item):
    return item.get_closest_marker("django_db") is not None or bool(
        DATABASE_FIXTURES & set(getattr(item, "fixturenames", ()))
    )


@pytest.fixture(scope="session", autouse=True)
def quick_flush():
    """Tests that commit leave an empty database behind, as Django has it, but sooner."""

    def empty_all(self):
        for alias in self._databases_names(include_mirrors=False):
            empty(alias)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", empty_all)
        yield


@pytest.fixture(scope="session")
def no_static_files(tmp_path_factory):
    return tmp_path_factory.mktemp("static")


@pytest.fixture(autouse=True)
def uncollected_static_files(no_static_files):
    """Pages are tested without collectstatic, in production settings too."""
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    storages = {**settings.STORAGES, "staticfiles": plain}
    with override_settings(STATIC_ROOT=no_static_files, STORAGES=storages):
        yield


@pytest.fixture(scope="session", autouse=True)
def quick_passwords():
    """A third of a second less for every user that a test makes or signs in."""
    with override_settings(PASSWORD_HASHERS=["tests.hashing.QuickHasher"]):
        yield


@pytest.fixture(scope="session", autouse=True)
def own_cache():
    """What one round counts and clears is no business of the other's."""
    with override_settings(CACHES=own_caches(settings.CACHES)):
        yield
        cache.clear()


@pytest.fixture(autouse=True)
def source_language():
    """A request in another language must not colour the next test."""
    yield
    translation.deactivate()


@pytest.fixture(autouse=True)
def figures_of_the_moment(monkeypatch):
    """However slow the machine, nothing is shown as it was a while ago."""
    from arena import keeping
    from arena.voting import pool

    monkeypatch.setattr(pool, "LONGEST_WAIT_S", math.inf)
    monkeypatch.setattr(keeping, "KEPT_FROM_S", math.inf)
    monkeypatch.setattr(keeping, "MANY_VOTES", math.inf)


@pytest.fixture(scope="session")
def shared_data():
    """The folder of real public data that is never copied into the project."""
    folder = Path(os.environ.get("AGON_SHARED_DATA", settings.BASE_DIR.parent / "shared" / "data"))
    if not folder.is_dir():
        skip_or_fail(f"the shared data folder {folder} is missing; set AGON_SHARED_DATA")
    return folder


@pytest.fixture(scope="module")
def chromium():
    """Debian's Chromium, started once per module.

    Playwright keeps an event loop running in this thread, so Django has to be told that its
    queries here do not run inside that loop.
    """
    path = shutil.which("chromium")
    if path is None:
        skip_or_fail("chromium is not installed; run `make test` or install the package 'chromium'")
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=PATIENCE_MS)
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()
        # opened while the loop ran, they cannot be reached once it has ended
        connections.close_all()


@pytest.fixture
def question_set(db):
    from arena.models import Question, QuestionSet

    chosen = QuestionSet.objects.create(slug="set", name="A set")
    Question.objects.bulk_create(
        Question(
            question_set=chosen,
            external_id=f"q{number}",
            turns=[[{"type": "text", "text": f"Question {number}?"}]],
            category=("math", "writing")[number % 2],
            language=("en", "zh")[number % 2],
        )
        for number in range(6)
    )
    return chosen


@pytest.fixture
def make_model(db):
    from arena.models import LanguageModel

    def make(slug, **columns):
        return LanguageModel.objects.create(
            slug=slug, display_name=columns.pop("display_name", slug.title()), **columns
        )

    return make


@pytest.fixture
def alpha(make_model):
    return make_model("alpha")


@pytest.fixture
def beta(make_model):
    return make_model("beta")


@pytest.fixture
def gamma(make_model):
    return make_model("gamma")


@pytest.fixture
def make_answer(db):
    from arena.models import Answer, AnswerOrigin, WorkStatus

    def make(model, question, *turns, **columns):
        return Answer.objects.create(
            model=model,
            question=question,
            turns=list(turns) or [f"{model.slug} on {question.external_id}"],
            status=WorkStatus.DONE,
            **{"origin": AnswerOrigin.IMPORTED, **columns},
        )

    return make


@pytest.fixture
def make_battle(make_answer):
    """The battle of two models' stored answers to a question."""
    from arena.services.battles import stored_battle

    def make(question, first, second):
        answers = [
            model.answers.filter(question=question).first() or make_answer(model, question)
            for model in (first, second)
        ]
        return stored_battle(*answers)

    return make
