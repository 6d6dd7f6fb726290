"""The width of intervals, foretold."""

from math import sqrt

import numpy as np
import pytest

from judging.agreement import mean
from judging.precision import (
    PRIOR_SCORES,
    PRIOR_SHARES,
    Scatter,
    expected_precision,
    scatter_of_scores,
    scatter_of_shares,
)
from tests.judging.adaptive.stored import invented_verdicts


def shares_of(rows):
    """(question, model, opponent, share) over both orders."""
    games = {}
    for question, a, b, _, share in rows:
        games.setdefault((question, a, b), []).append(share)
    found = []
    for (question, a, b), values in games.items():
        share = float(np.mean(values))
        found += [(question, a, b, share), (question, b, a, 1 - share)]
    return found


def test_four_times_the_questions_halve_the_interval():
    few, many = (expected_precision(PRIOR_SHARES, questions=n, opponents=1) for n in (50, 200))
    assert few.half_width == pytest.approx(2 * many.half_width)


def test_a_baseline_run_has_the_closed_form():
    precision = expected_precision(Scatter(0.25), questions=100, opponents=1, models=2)
    assert precision.half_width == pytest.approx(1.959964 * 0.05)
    # one logit moves an even win rate by a quarter
    assert precision.points == pytest.approx(4 * precision.half_width * 173.7178, rel=1e-6)


def test_opponents_help_the_less_the_more_their_verdicts_are_alike():
    def half_width(correlation):
        scatter = Scatter(0.2, correlation)
        return expected_precision(scatter, questions=80, opponents=5, models=6).half_width

    assert half_width(1.0) == pytest.approx(sqrt(5) * half_width(0.0))


def test_without_a_question_nothing_is_foretold():
    assert expected_precision(PRIOR_SHARES, questions=0, opponents=1) is None


def test_few_stored_verdicts_leave_the_stated_prior():
    assert scatter_of_shares([]) is PRIOR_SHARES
    assert scatter_of_scores([(1, 1, 5.0), (2, 1, 6.0)]) is PRIOR_SCORES
    assert (PRIOR_SHARES.basis, Scatter(0.1, 0.1, 30).basis) == ("assumed", "stored")


@pytest.mark.parametrize("n_models", [2, 6])
def test_the_foretold_interval_is_the_one_that_a_full_run_then_has(n_models):
    """Learnt on one set of questions, held against the bootstrap on another, larger one."""
    rows, _ = invented_verdicts(n_models, 150, spread=0.3, seed=1)
    foretold = expected_precision(
        scatter_of_shares(shares_of(rows)), questions=300, opponents=n_models - 1, models=n_models
    )
    later, _ = invented_verdicts(n_models, 300, spread=0.3, seed=2)
    widths = []
    for model in range(n_models):
        own = [(share, question) for question, m, _, share in shares_of(later) if m == model]
        estimate = mean([share for share, _ in own], [question for _, question in own])
        widths.append((estimate.upper - estimate.lower) / 2)
    # the spread of a variance over 150 questions, and the bootstrap's own noise
    assert foretold.half_width == pytest.approx(np.mean(widths), rel=0.15)


def test_scores_scatter_around_each_models_own_mean():
    draw = np.random.default_rng(3)
    rows = [(q, m, 5 + m + draw.normal(0, 1.5)) for q in range(400) for m in (0, 3)]
    scatter = scatter_of_scores(rows)
    assert scatter.variance == pytest.approx(1.5**2, rel=0.1)
    assert scatter.n_questions == 400
