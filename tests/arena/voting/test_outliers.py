"""The sequential test for voters who vote unlike everybody else."""

import math

import numpy as np
import pytest

from arena.voting.outliers import (
    ALPHA,
    FEWEST_HISTORY,
    PairVote,
    Tally,
    outlier_test,
    vote_p_values,
)

PAIR = (1, 2)
MOSTLY_FIRST = {PAIR: Tally(90, 10)}


def votes(*firsts):
    return [PairVote(PAIR, bool(first)) for first in firsts]


def test_a_vote_is_its_own_witness_so_no_p_value_is_zero():
    assert vote_p_values(PairVote(PAIR, False), Tally(9, 0)) == (pytest.approx(0.1), 1.0)
    assert vote_p_values(PairVote(PAIR, True), Tally(9, 0)) == (1.0, 1.0)


def test_the_p_value_is_the_share_of_results_at_least_as_extreme():
    up, down = vote_p_values(PairVote(PAIR, False), Tally(89, 10))
    assert (up, down) == (pytest.approx(0.11), 1.0)


def test_a_contrarian_is_found_within_a_few_votes():
    history = {PAIR: Tally(90, 10 + 20)}
    result = outlier_test(votes(*[0] * 20), history)
    assert result.is_outlier
    assert result.stopped_at == 5


def test_a_voter_who_follows_the_crowd_is_no_outlier():
    assert not outlier_test(votes(1, 1, 0, 1, 1, 1, 1, 1, 1, 1), MOSTLY_FIRST).is_outlier


def test_four_votes_are_too_few_to_say_anything():
    assert not outlier_test(votes(0, 0, 0, 0), {PAIR: Tally(900, 4)}).is_outlier


def test_a_pair_without_history_says_nothing():
    assert outlier_test(votes(*[0] * 30), {PAIR: Tally(2, 30)}).votes == 0


def test_flooding_a_pair_does_not_become_the_floods_own_history():
    result = outlier_test(votes(*[0] * 80), {PAIR: Tally(40, 80 + 4)})
    assert result.is_outlier


def test_the_threshold_is_crossed_where_the_product_says_so():
    history = {PAIR: Tally(30, 10 + 10)}
    result = outlier_test(votes(*[0] * 10), history, alpha=0.05)
    per_vote = -math.log(2 * 11 / 41)
    assert result.stopped_at == max(5, math.ceil(math.log(40) / per_vote))


def test_honest_voters_are_flagged_at_most_as_often_as_promised():
    random = np.random.default_rng(3)
    flagged = 0
    for _ in range(1000):
        share = random.uniform(0.1, 0.9, size=10)
        history, cast = {}, []
        for pair_id, p in enumerate(share):
            wins = int(random.binomial(60, p))
            own = [bool(x) for x in random.random(10) < p]
            history[(pair_id, 99)] = Tally(wins + sum(own), 60 - wins + 10 - sum(own))
            cast += [PairVote((pair_id, 99), first) for first in own]
        random.shuffle(cast)
        flagged += outlier_test(cast, history).is_outlier
    assert flagged / 1000 < 0.05


@pytest.mark.one_round
@pytest.mark.parametrize("share", [0.5, 0.6, 0.9])
def test_the_promise_holds_for_the_shortest_history_and_one_pair_alone(share):
    random = np.random.default_rng(int(100 * share))
    voters, flagged = 1500, 0
    for _ in range(voters):
        first = int(random.binomial(FEWEST_HISTORY, share))
        cast = votes(*(random.random(100) < share))
        own = sum((vote.tally for vote in cast), Tally())
        history = {PAIR: Tally(first, FEWEST_HISTORY - first) + own}
        flagged += outlier_test(cast, history).is_outlier
    # four standard errors of a share of 5 % among 1500
    assert flagged / voters <= ALPHA + 4 * math.sqrt(ALPHA * (1 - ALPHA) / voters)


def test_planted_random_voters_are_found_far_more_often_than_honest_ones():
    random = np.random.default_rng(4)
    history = {(pair, 99): Tally(95, 5) for pair in range(10)}
    found = 0
    for _ in range(200):
        cast = [PairVote((n % 10, 99), bool(random.random() < 0.5)) for n in range(60)]
        full = dict(history)
        for vote in cast:
            full[vote.pair] = full[vote.pair] + vote.tally
        found += outlier_test(cast, full).is_outlier
    assert found / 200 > 0.9


def test_the_strangest_votes_come_first():
    history = {PAIR: Tally(95, 6), (3, 4): Tally(50, 52)}
    mixed = [PairVote((3, 4), False), *votes(0), PairVote((3, 4), False)]
    assert outlier_test(mixed, history).strangest[0][0].pair == PAIR
