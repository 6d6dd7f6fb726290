"""Judges who examine each other: the weights, and the strengths that follow."""

import numpy as np
import pytest

from leaderboard.ratings import METHODS, Comparisons
from leaderboard.ratings.peer_weights import opinions, self_consistent_weights

METHOD = METHODS.get("peer_examination")
FEW = {"rounds": 40}
STRENGTHS = np.linspace(1.0, -1.0, 6)


def examined(sharpness, *, questions=40, seed=0, strengths=STRENGTHS):
    """Every model judges all pairs of the others; ``sharpness`` 0 guesses, below 0 is contrary."""
    draw, rows = np.random.default_rng(seed), []
    for question in range(questions):
        for a in range(len(strengths)):
            for b in range(a + 1, len(strengths)):
                gap = strengths[a] - strengths[b] + draw.normal(0, 0.5)
                for judge, sharp in enumerate(sharpness):
                    if judge not in (a, b):
                        wins = draw.random() < 1 / (1 + np.exp(-sharp * gap))
                        rows.append((a, b, 0 if wins else 1, question, judge))
    a, b, outcome, question, judge = zip(*rows, strict=True)
    names = tuple("abcdef"[: len(strengths)])
    return Comparisons(
        models=names, model_a=a, model_b=b, outcome=outcome, question=question, judge=judge
    )


def weights_of(rows):
    return self_consistent_weights(opinions(rows))[0]


def test_a_sharper_judge_weighs_more_and_a_contrary_one_nothing():
    weights = weights_of(examined([4, 3, 2, 1, 0, -2]))
    assert weights[0] > weights[2] > weights[3] > weights[4]
    assert weights[5] == 0
    assert weights.mean() == pytest.approx(1)


def test_a_judge_that_guesses_agrees_with_nobody():
    fitted = METHOD.fit(examined([4, 3, 3, 3, 3, 0]), FEW, 1)
    guesser = fitted.diagnostics["examiners"]["5"]
    assert guesser["lower"] <= 0 <= guesser["upper"]


def test_the_weights_are_a_fixed_point():
    found = opinions(examined([4, 3, 2, 1, 0, -2]))
    weights, agreement = self_consistent_weights(found)
    positive = np.clip(agreement, 0, None)
    assert weights == pytest.approx(positive / positive.mean(), abs=1e-8)


def test_judges_of_one_mind_give_plain_bradley_terry():
    rows = examined([50] * 6, seed=3)
    draw = np.random.default_rng(5)
    rows = Comparisons(
        models=rows.models,
        model_a=rows.model_a,
        model_b=rows.model_b,
        # one verdict per pair and question, whoever judges
        outcome=_alike(rows, draw),
        question=rows.question,
        judge=rows.judge,
    )
    peers = METHOD.fit(rows, FEW, 1)
    plain = METHODS.get("bradley_terry").fit(rows, {}, 1)
    assert peers.rating == pytest.approx(plain.rating, abs=1e-6)


def _alike(rows, draw):
    said, outcome = {}, []
    for key in zip(rows.question, rows.model_a, rows.model_b, strict=True):
        gap = STRENGTHS[key[1]] - STRENGTHS[key[2]]
        outcome.append(said.setdefault(key, 0 if draw.random() < 1 / (1 + np.exp(-gap)) else 1))
    return outcome


def test_a_contrary_judge_is_outvoted():
    fitted = METHOD.fit(examined([4, 4, 4, 4, 4, -4]), FEW, 1)
    order = [name for _, name in sorted(zip(-fitted.rating, fitted.models, strict=True))]
    assert order == list("abcdef")


def test_the_intervals_hold_the_planted_strengths():
    # five sharp judges and one guesser; ties of scale: a judge's sharpness multiplies the gaps
    fitted = METHOD.fit(examined([3, 3, 3, 3, 3, 0], questions=60, seed=2), {}, 1)
    centred = fitted.rating - fitted.rating.mean()
    slope = centred @ STRENGTHS / (STRENGTHS @ STRENGTHS)
    inside = (fitted.lower - fitted.rating.mean() <= slope * STRENGTHS) & (
        slope * STRENGTHS <= fitted.upper - fitted.rating.mean()
    )
    assert inside.sum() >= 5


def test_judging_every_pair_twice_does_not_narrow_the_interval():
    rows = examined([3, 2, 2, 2, 1, 1])
    twice = rows.select(np.repeat(np.arange(len(rows)), 2))
    once, doubled = METHOD.fit(rows, FEW, 1), METHOD.fit(twice, FEW, 1)
    widths = [f.upper - f.lower for f in (once, doubled)]
    assert widths[1] == pytest.approx(widths[0], rel=0.02)


def test_the_same_seed_gives_the_same_numbers():
    rows = examined([3, 2, 2, 2, 1, 1], questions=10)
    first, second = METHOD.fit(rows, FEW, 7), METHOD.fit(rows, FEW, 7)
    assert np.array_equal(first.covariance, second.covariance)


def test_sides_may_be_exchanged():
    rows = examined([3, 2, 2, 2, 1, 1], questions=10)
    swapped = Comparisons(
        models=rows.models,
        model_a=rows.model_b,
        model_b=rows.model_a,
        outcome=np.array([1, 0, 2, 3])[rows.outcome],
        question=rows.question,
        judge=rows.judge,
    )
    assert METHOD.fit(swapped, FEW, 1).rating == pytest.approx(METHOD.fit(rows, FEW, 1).rating)


def test_judges_who_share_no_pair_weigh_alike():
    rows = Comparisons(
        models=("a", "b", "c"),
        model_a=[0, 0, 1],
        model_b=[1, 2, 2],
        outcome=[0, 0, 0],
        question=[0, 0, 0],
        judge=[2, 1, 0],
    )
    assert weights_of(rows) == pytest.approx([1, 1, 1])
