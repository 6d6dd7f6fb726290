"""All voters at once are tested as each of them alone."""

import numpy as np
import pytest

from arena.voting.outlier_screen import DecisiveVotes
from arena.voting.outliers import FEWEST_VOTES, MOST_VOTES, outlier_test


def some_votes(*, voters, models, votes, seed):
    """A crowd that prefers smaller ids, and contrarians; some vote far more than others."""
    random = np.random.default_rng(seed)
    voter = 10 + np.minimum(random.geometric(3 / voters, votes), voters)
    first = random.integers(1, models, votes)
    second = first + random.integers(1, models, votes)
    p = np.where(voter % 7 == 0, 0.15, 0.85)
    return DecisiveVotes(voter, first, second, random.random(votes) < p)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("voters", "models", "votes"), [(6, 3, 900), (40, 6, 2000), (60, 12, 400)])
def test_every_voter_gets_the_result_of_the_test_alone(voters, models, votes, seed):
    cast = some_votes(voters=voters, models=models, votes=votes, seed=seed)
    together, history = cast.tests(), cast.history()
    expected = {
        voter: outlier_test(cast.of(voter), history)
        for voter in set(cast.voter.tolist())
        if len(cast.of(voter)) >= FEWEST_VOTES
    }
    assert set(together) == set(expected)
    for voter, alone in expected.items():
        assert together[voter].votes == alone.votes
        assert together[voter].log_evidence == pytest.approx(alone.log_evidence, abs=1e-9)
        assert together[voter].stopped_at == alone.stopped_at


def test_the_cases_above_hold_outliers_others_and_long_records():
    tests = some_votes(voters=6, models=3, votes=900, seed=0).tests()
    assert any(test.votes == MOST_VOTES for test in tests.values())
    flagged = [
        test.is_outlier
        for test in some_votes(voters=40, models=6, votes=2000, seed=0).tests().values()
    ]
    assert any(flagged)
    assert not all(flagged)


def test_nobody_has_voted():
    empty = np.zeros(0, dtype=np.int64)
    nothing = DecisiveVotes(empty, empty, empty, empty.astype(bool))
    assert nothing.tests() == {}
    assert nothing.history() == {}


def test_no_vote_has_enough_history():
    ids = np.arange(1, 9)
    lonely = DecisiveVotes(np.ones(8, dtype=np.int64), ids, ids + 1, np.ones(8, dtype=bool))
    assert lonely.tests()[1].votes == 0
    assert not lonely.tests()[1].is_outlier
