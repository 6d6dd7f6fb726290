"""Published difficulties of AlpacaEval on a board: by question set and the question's id in it."""

import json

import pytest
from django.core.management import CommandError, call_command
from django.forms.models import model_to_dict

from arena.models import Answer
from arena.style import style_features
from leaderboard.board_form import BoardForm
from leaderboard.bundles import read_bundle, recompute
from leaderboard.bundling import bundle_bytes
from leaderboard.ratings import RatingError
from leaderboard.services import BoardError, take_snapshot

pytestmark = pytest.mark.django_db


@pytest.fixture
def table(question_set):
    """A difficulty for every question, by its id in the set."""
    ids = question_set.questions.values_list("external_id", flat=True)
    return {question_set.slug: {external_id: n / 10 for n, external_id in enumerate(ids)}}


@pytest.fixture
def alpaca(board, battles, make_verdict):
    """A board of win rates against beta, with the length of every answer."""
    for n, battle in enumerate(battles):
        make_verdict(battle, "model_a", preference=1.1 + 0.04 * n)
    for answer in Answer.objects.all():
        answer.style = style_features(["word " * (10 + 3 * (answer.pk % 7))])
        answer.save()
    board.method, board.options = "alpaca_eval", {"baseline": "beta"}
    board.save()
    return board


def with_table(board, table):
    board.options = {"baseline": "beta", "difficulty": table}
    board.save()
    return board


def test_a_board_takes_difficulties_by_set_and_id(alpaca, table):
    own = take_snapshot(board=alpaca)
    given = take_snapshot(board=with_table(alpaca, table))
    assert own.diagnostics["difficulty"] == "fitted on these answers"
    assert given.diagnostics["difficulty"] == "published table"


def test_a_question_without_a_difficulty_is_named(alpaca, table, question_set):
    gone = next(iter(table[question_set.slug]))
    del table[question_set.slug][gone]
    with pytest.raises(RatingError, match=f"no value for {question_set.slug}/{gone}; add"):
        take_snapshot(board=with_table(alpaca, table))


def test_a_difficulty_of_no_stored_question_is_named(alpaca, table, question_set):
    table[question_set.slug]["q999"] = 1.0
    told = f"{question_set.slug}/q999: there is no such question; name each by the slug"
    with pytest.raises(BoardError, match=told):
        take_snapshot(board=with_table(alpaca, table))


def test_the_command_tells_what_is_wrong(alpaca):
    options = json.dumps({"baseline": "beta", "difficulty": {"nowhere": {"1": 0.5}}})
    with pytest.raises(CommandError, match="nowhere/1: there is no such question") as failed:
        call_command("rate", alpaca.slug, "--options", options)
    assert failed.value.returncode == 2


def test_a_stored_board_whose_table_goes_by_numbers_is_rated_as_before(alpaca):
    snapshot = take_snapshot(board=with_table(alpaca, {"0": 0.5, "1": -0.5}))
    assert snapshot.diagnostics["difficulty"] == "published table"


def test_a_bundle_recomputes_ratings_with_a_table(alpaca, table, tmp_path):
    path = tmp_path / "bundle.zip"
    path.write_bytes(bundle_bytes(take_snapshot(board=with_table(alpaca, table))))
    assert recompute(read_bundle(path)).differences == []


@pytest.mark.parametrize(
    ("difficulty", "told"),
    [
        ({"0": 0.5}, "Numbers name no question."),
        ({"nowhere": {"1": 0.5}}, "nowhere/1: there is no such question"),
    ],
)
def test_the_form_of_a_board_checks_what_it_is_given(alpaca, difficulty, told):
    form = BoardForm(instance=alpaca)
    shown = {**model_to_dict(alpaca, BoardForm.Meta.fields), **form.initial}
    options = json.dumps({"baseline": "beta", "difficulty": difficulty})
    form = BoardForm({**shown, "options": options}, instance=alpaca)
    assert told in str(form.errors["options"])
