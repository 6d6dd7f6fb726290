import numpy as np
import pytest

from judging.agreement import CODES, NO_VERDICT, OUTCOMES, verdicts_of_battles
from judging.verdicts import Outcome

A, B, TIE, BAD = Outcome.MODEL_A, Outcome.MODEL_B, Outcome.TIE, Outcome.BOTH_BAD


def decided(*games):
    """``games`` are (battle, judge, turn, outcome or None); what comes out by battle and judge."""
    rows = [(b, j, t, NO_VERDICT if said is None else CODES[said]) for b, j, t, said in games]
    found = verdicts_of_battles(*np.array(rows, dtype=np.int64).reshape(-1, 4).T)
    columns = (found.battles, found.judges, found.outcomes, found.wavers)
    return {
        (battle, judge): (OUTCOMES[code], wavers)
        for battle, judge, code, wavers in zip(*(c.tolist() for c in columns), strict=True)
    }


@pytest.mark.parametrize(
    ("games", "outcome"),
    [
        ((A, A), A),
        ((B, B), B),
        ((A, B), TIE),
        ((A, TIE), TIE),
        ((TIE, TIE), TIE),
        ((BAD, TIE), TIE),
    ],
)
def test_a_win_takes_both_games_as_in_mt_bench(games, outcome):
    found = decided(*((1, 1, 0, said) for said in games))
    assert found == {(1, 1): (outcome, CODES[games[0]] != CODES[games[1]])}


def test_a_turn_of_which_a_game_has_no_verdict_is_left_out():
    assert decided((1, 1, 0, A), (1, 1, 0, None)) == {}
    assert decided((1, 1, 1, A), (1, 1, 1, None), (1, 1, 2, B), (1, 1, 2, B)) == {
        (1, 1): (B, False)
    }


def test_one_order_alone_is_taken_at_its_word():
    assert decided((1, 1, 0, B)) == {(1, 1): (B, False)}


def test_the_side_that_is_ahead_over_the_turns_wins():
    both = [(1, 1, turn, said) for turn, said in ((1, A), (2, TIE)) for _ in "12"]
    assert decided(*both) == {(1, 1): (A, False)}
    assert decided(*both, (1, 1, 3, B), (1, 1, 3, B)) == {(1, 1): (TIE, False)}


def test_judges_and_battles_are_kept_apart_in_whatever_order_they_come():
    rows = [(2, 1, 0, B), (1, 2, 0, A), (1, 1, 0, A), (2, 1, 0, A), (1, 2, 0, A), (1, 1, 0, A)]
    assert decided(*rows) == {(1, 1): (A, False), (1, 2): (A, False), (2, 1): (TIE, True)}


def test_nothing_comes_of_nothing():
    assert decided() == {}
