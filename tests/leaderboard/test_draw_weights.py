"""A board may undo the rule by which pairs were drawn: each vote weighs 1/P."""

import numpy as np
import pytest

from arena.models import Vote, Voter
from leaderboard.bundles import read_bundle, recompute
from leaderboard.bundling import bundle_bytes
from leaderboard.fitting import fit, select
from leaderboard.live import renew
from leaderboard.models import Board
from leaderboard.query import BoardQuery
from leaderboard.ratings import METHODS
from leaderboard.selection import draw_weights, select_comparisons
from leaderboard.services import take_snapshot
from leaderboard.slices import board_slice

pytestmark = pytest.mark.django_db
INVERSE = BoardQuery(source="people", draw_weights="inverse")


@pytest.fixture
def weighted_board(board):
    Board.objects.update(query={"source": "people", "draw_weights": "inverse"})
    board.refresh_from_db()
    return board


def set_probability(votes, probability):
    Vote.objects.filter(pk__in=[vote.pk for vote in votes]).update(draw_probability=probability)


def test_evenly_drawn_pairs_weigh_one(votes):
    set_probability(votes, 1 / 3)  # three models have three pairs
    weight = select_comparisons(INVERSE).comparisons.weight
    np.testing.assert_allclose(weight, 1, rtol=1e-9)


def test_a_pair_drawn_twice_as_often_weighs_half(votes):
    set_probability(votes[:6], 0.4)
    set_probability(votes[6:], 0.2)
    weight = select_comparisons(INVERSE).comparisons.weight
    np.testing.assert_allclose(weight, [1 / 1.2] * 6 + [1 / 0.6] * 3, rtol=1e-9)


def test_a_vote_that_was_not_drawn_weighs_one(votes):
    set_probability(votes[:1], 0.5)
    weight = select_comparisons(INVERSE).comparisons.weight
    np.testing.assert_allclose(weight, [2 / 3, *[1.0] * 8], rtol=1e-9)


def test_verdicts_of_judges_weigh_one_beside_weighted_votes(votes, battles, make_verdict):
    set_probability(votes, 0.1)
    make_verdict(battles[0], "model_a")
    query = BoardQuery(source="combined", draw_weights="inverse")
    weight = select_comparisons(query).comparisons.weight
    np.testing.assert_allclose(weight, [*[1 / 0.3] * 9, 1.0], rtol=1e-9)


def test_a_board_that_weighs_equally_reads_no_probability(votes):
    set_probability(votes, 0.1)
    selection = select_comparisons(BoardQuery(source="people"))
    assert "weight" not in selection.columns


def test_a_marked_vote_does_not_shift_the_others_weights(votes):
    set_probability(votes[1:], 0.4)
    set_probability(votes[:1], 0.1)
    Vote.objects.filter(pk=votes[0].pk).update(exclusion="too_fast")
    weight = select_comparisons(INVERSE).comparisons.weight
    np.testing.assert_allclose(weight, [1 / 1.2] * 8, rtol=1e-9)


def test_a_pair_among_many_models_keeps_nine_digits():
    weight = draw_weights(np.array([1e-6, np.nan]), models=2000)
    np.testing.assert_allclose(weight, [1e6 / 1_999_000, 1.0])


def test_ratings_are_those_of_evenly_drawn_pairs(weighted_board, votes, battles, make_battle):
    """A pair drawn four times as often as the others: weighing undoes the repetition exactly."""
    first = battles[0]
    cycle = make_battle(first.question, battles[6].model_b, first.model_a)
    Vote.objects.create(battle=cycle, outcome="model_a", draw_probability=1 / 6)
    set_probability(votes[6:], 1 / 6)
    set_probability(votes[:6], 2 / 3)
    plain = BoardQuery(source="people")
    even = fit_of(plain, weighted_board)
    for number in range(3):
        voter = Voter.objects.create(key=f"more-{number}")
        for vote in votes[:6]:
            Vote.objects.create(
                battle=vote.battle, voter=voter, outcome=vote.outcome, draw_probability=2 / 3
            )
    np.testing.assert_allclose(fit_of(INVERSE, weighted_board), even, atol=1e-4)
    assert np.abs(fit_of(plain, weighted_board) - even).max() > 1


def fit_of(query, board):
    question = board_slice(board)
    return fit(question, select(query, METHODS.get(question.method))).ratings.rating


def test_a_weighted_snapshot_is_recomputed_bit_for_bit(weighted_board, votes, tmp_path):
    set_probability(votes[:4], 0.7)
    path = tmp_path / "snapshot.zip"
    path.write_bytes(bundle_bytes(take_snapshot(board=weighted_board)))
    assert recompute(read_bundle(path)).differences == []


def test_a_weighted_board_carries_no_whole_counts_along(weighted_board, votes):
    set_probability(votes, 0.2)
    assert bytes(renew(weighted_board).totals) == b""
