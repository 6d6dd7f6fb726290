"""Snapshots: immutable, numbered, recomputable."""

import pytest
from django.db import IntegrityError, transaction

from leaderboard.charts import PairCount
from leaderboard.models import Rating, Snapshot
from leaderboard.selectors import pair_counts
from leaderboard.services import (
    BoardError,
    NoDataError,
    refresh_board,
    slice_key,
    take_snapshot,
)

pytestmark = pytest.mark.django_db


def numbers(snapshot):
    return [
        (row.model.slug, row.rating, row.rating_lower, row.rating_upper, row.rank)
        for row in snapshot.ratings.select_related("model")
    ]


def test_a_snapshot_keeps_ratings_and_all_it_takes_to_recompute_them(board, votes):
    snapshot = take_snapshot(board=board)
    assert snapshot.number == 1
    assert snapshot.battles == 9
    assert next(row[0] for row in numbers(snapshot)) == "alpha"
    assert snapshot.options["scale"] == 400
    assert len(snapshot.input_hash) == 64


def test_the_same_rows_give_the_same_numbers_bit_for_bit(board, votes):
    assert numbers(take_snapshot(board=board)) == numbers(take_snapshot(board=board))


def test_a_refresh_without_new_rows_takes_no_snapshot(board, votes):
    assert refresh_board(board) is not None
    assert refresh_board(board) is None
    votes[0].delete()
    assert refresh_board(board).number == 2


def test_a_changed_method_refreshes_the_board(board, votes):
    refresh_board(board)
    board.method = "elo"
    board.save()
    assert refresh_board(board).method == "elo"


def test_a_slice_joins_the_snapshot_it_was_made_for(board, votes):
    main = take_snapshot(board=board)
    part = take_snapshot(board=board, overrides={"category": "math"}, number=main.number)
    assert (part.number, part.slice_key, part.battles) == (1, "category=math", 5)


def test_a_slice_is_named_in_one_way_whatever_the_order():
    assert slice_key({"language": "zh", "category": "math"}) == "category=math&language=zh"
    assert slice_key({"category": "math", "language": ""}) == "category=math"


def test_a_board_without_rows_says_so(board):
    with pytest.raises(NoDataError, match="nothing that this board counts"):
        take_snapshot(board=board)


def test_a_wrong_option_is_named_with_its_value(board, votes):
    with pytest.raises(BoardError, match=r"scale.*-3"):
        take_snapshot(board=board, method_name="bradley_terry", options={"scale": -3})


def test_pairs_are_counted_whichever_side_each_model_stood_on(board, votes):
    first, *_ = pair_counts(take_snapshot(board=board))
    assert first == PairCount("alpha", "beta", battles=6, wins_a=4, wins_b=1, ties=1, both_bad=0)


def test_two_snapshots_of_a_board_cannot_share_a_number(board):
    columns = {"board": board, "number": 1, "method": "elo", "input_hash": "0"}
    Snapshot.objects.create(**columns)
    with pytest.raises(IntegrityError), transaction.atomic():
        Snapshot.objects.create(**columns)


@pytest.mark.parametrize(
    "wrong",
    [
        {"rating_lower": 1001.0, "rating_upper": 1002.0},
        {"rating_lower": 990.0, "rating_upper": 999.0},
        {"rank_lower": 2},
        {"rank_upper": 0},
    ],
)
def test_a_rating_outside_its_interval_is_refused(board, alpha, wrong):
    snapshot = Snapshot.objects.create(board=board, number=1, method="elo", input_hash="0")
    columns = {"rating": 1000.0, "rank": 1, "rank_lower": 1, "rank_upper": 1, **wrong}
    with pytest.raises(IntegrityError), transaction.atomic():
        Rating.objects.create(snapshot=snapshot, model=alpha, **columns)
