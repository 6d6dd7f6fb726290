"""The demo loads once, is labelled, and can be removed without a trace."""

import io
import json

import pytest
from django.core.management import call_command
from django.db import transaction
from django.test import override_settings

from arena.models import Answer, Battle, LanguageModel, Question, QuestionSet, Vote
from judging.models import Judgment
from leaderboard.demo import load_demo, remove_demo, was_removed
from leaderboard.models import Board

pytestmark = pytest.mark.django_db
KINDS = (LanguageModel, QuestionSet, Question, Answer, Battle, Vote, Judgment, Board)


@pytest.fixture(autouse=True)
def own_home(settings, tmp_path):
    settings.AGON_HOME = tmp_path


@pytest.fixture(scope="module", autouse=True)
def loaded(django_db_setup, django_db_blocker, tmp_path_factory):
    """The demo, loaded once; each test undoes what it changes, and the last one leaves nothing."""
    with (
        django_db_blocker.unblock(),
        transaction.atomic(),
        override_settings(AGON_HOME=tmp_path_factory.mktemp("home")),
    ):
        load_demo()
        yield
        transaction.set_rollback(True)


def counts():
    return {kind.__name__: kind.objects.count() for kind in KINDS}


def test_the_demo_fills_every_room_and_its_boards():
    assert counts() == {
        "LanguageModel": 5, "QuestionSet": 1, "Question": 64, "Answer": 320, "Battle": 640,
        "Vote": 400, "Judgment": 1680, "Board": 5,
    }  # fmt: skip
    for board in Board.objects.filter(is_demo=True):
        assert board.snapshots.get().ratings.count() == 5


def test_loading_twice_changes_nothing():
    before = counts()
    assert not load_demo().is_new
    assert counts() == before


def test_the_strongest_demo_model_is_first_for_people_and_judge_alike():
    for slug in ("demo-people", "demo-judge", "demo-score"):
        best = Board.objects.get(slug=slug).snapshots.get().ratings.get(rank=1)
        assert best.model.slug == "demo-athena"


def test_unreadable_demo_verdicts_are_no_ties():
    unreadable = Judgment.objects.unreadable()
    assert unreadable.count() == 12
    assert set(unreadable.values_list("outcome", "score")) == {("", None)}


def test_removing_deletes_the_demo_and_nothing_else(alpha, question_set):
    remove_demo()
    kept = {"LanguageModel": 1, "QuestionSet": 1, "Question": 6, "Board": 1}  # the overall board
    assert counts() == {kind.__name__: kept.get(kind.__name__, 0) for kind in KINDS}


def test_a_removed_demo_stays_away_until_asked_for():
    remove_demo()
    assert was_removed()
    call_command("load_demo", "--if-wanted")
    assert not QuestionSet.objects.exists()
    call_command("load_demo")
    assert not was_removed()


def test_the_commands_report_as_json():
    out = io.StringIO()
    call_command("remove_demo", "--json", stdout=out)
    assert json.loads(out.getvalue())["models"] == 5
    out = io.StringIO()
    call_command("load_demo", "--json", stdout=out)
    assert json.loads(out.getvalue())["answers"] == 320
