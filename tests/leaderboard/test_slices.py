"""What a reader may change on a board, and how a slice is fitted."""

import pytest

from arena.models import Answer
from arena.style import style_features
from leaderboard.models import Board
from leaderboard.services import take_snapshot
from leaderboard.slices import BoardError, board_slice

pytestmark = pytest.mark.django_db


@pytest.fixture
def styled(votes):
    for answer in Answer.objects.all():
        answer.style = style_features(["word " * (10 + answer.pk % 7)])
        answer.save()


def test_style_control_names_the_features_it_holds_equal(board):
    asked = board_slice(board, {"style": "length_markdown"})
    assert asked.method == "style_control"
    assert asked.options["features"] == ["length", "headers", "lists", "bold"]


def test_calibrated_ratings_read_people_and_judges(board):
    asked = board_slice(board, {"source": "calibrated"})
    assert (asked.method, asked.query.source) == ("judge_calibrated", "combined")


def test_the_boards_scale_is_carried_over(board):
    board.options = {"scale": 200, "rounds": 50}
    asked = board_slice(board, {"source": "calibrated"})
    assert asked.options == {"scale": 200}


@pytest.mark.parametrize(
    ("overrides", "told"),
    [
        ({"source": "calibrated", "style": "length"}, "drop style or source"),
        ({"style": "colour"}, "there is no style 'colour'"),
        ({"source": "oracle"}, "source"),
        ({"trait": "funny"}, "traits"),
    ],
)
def test_what_a_board_does_not_offer_is_refused_by_name(board, overrides, told):
    with pytest.raises(BoardError, match=told):
        board_slice(board, overrides)


def test_style_control_is_fitted_from_the_stored_style(board, styled):
    main = take_snapshot(board=board)
    part = take_snapshot(board=board, overrides={"style": "length"}, number=main.number)
    assert list(part.diagnostics["style"]) == ["length"]
    assert part.battles == 9


def test_answers_without_measured_style_are_left_out_with_a_reason(board, styled):
    Answer.objects.filter(question__category="math").update(style=None)
    part = take_snapshot(board=board, overrides={"style": "length"})
    assert part.excluded == {"style_unknown": 5}


def test_a_judges_probability_is_read_by_the_methods_that_use_it(board, battles, make_verdict):
    for battle in battles:
        make_verdict(battle, "model_a", preference=1.25, score=None)
    Board.objects.update(method="alpaca_eval", options={"baseline": "beta"})
    board.refresh_from_db()
    snapshot = take_snapshot(board=board)
    assert snapshot.ratings.get(model__slug="alpha").rating == pytest.approx(75.0)
