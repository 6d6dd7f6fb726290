"""What is chosen next."""

from collections import Counter

import numpy as np
import pytest

from judging.adaptive import Candidates, Verdicts, choose_judgments, fit_strengths
from tests.judging.adaptive.stored import invented_verdicts

NOTHING = Verdicts.of([])


def everything(n_models, n_questions):
    return [row[:4] for row in invented_verdicts(n_models, n_questions)[0]]


def choose(rows, size, *, judged=NOTHING, gaps=(), n_models=3, seed=0):
    chosen = choose_judgments(
        fit_strengths(judged, n_models),
        judged,
        Candidates.of(rows),
        open_gaps=list(gaps),
        size=size,
        seed=seed,
    )
    return [rows[place] for place in chosen]


def test_without_knowledge_all_pairs_get_their_share():
    chosen = choose(everything(3, 40), 60)
    counts = Counter((first, second) for _, first, second, _ in chosen)
    assert set(counts.values()) == {20}


def test_an_open_gap_gets_the_judgments():
    chosen = choose(everything(3, 40), 30, gaps=[(0, 1)])
    counts = Counter((first, second) for _, first, second, _ in chosen)
    assert counts[0, 1] > 20


def test_questions_are_spread_before_any_is_asked_twice():
    chosen = choose(everything(2, 40), 40, n_models=2)
    assert len({question for question, *_ in chosen}) == 40


def test_both_orders_are_shown_alike_often():
    chosen = choose(everything(2, 40), 40, n_models=2)
    assert Counter(game for *_, game in chosen) == {1: 20, 2: 20}


def test_the_other_order_comes_when_every_question_is_used():
    rows = everything(2, 10)
    assert sorted(choose(rows, 20, n_models=2)) == sorted(rows)


def test_the_same_rows_and_seed_give_the_same_batch():
    rows = everything(3, 20)
    assert choose(rows, 30, seed=1) == choose(rows, 30, seed=1)
    assert choose(rows, 30, seed=1) != choose(rows, 30, seed=2)


def test_the_order_of_the_candidates_does_not_matter_for_the_pairs():
    rows = everything(4, 20)
    forwards, backwards = choose(rows, 40, n_models=4), choose(rows[::-1], 40, n_models=4)
    assert Counter(row[1:3] for row in forwards) == Counter(row[1:3] for row in backwards)


def test_a_batch_is_never_larger_than_what_is_left():
    rows = everything(2, 3)
    assert len(choose(rows, 100, n_models=2)) == 6
    assert choose([], 5) == []


def test_strengths_are_those_of_bradley_terry():
    # 75 of 100 verdicts: log(3) logits; the prior takes less than 1 % of it
    rows = [(number, 0, 1, 1, float(number % 4 != 0)) for number in range(400)]
    logits = fit_strengths(Verdicts.of(rows), 2).logits
    assert logits[0] - logits[1] == pytest.approx(np.log(3), rel=0.01)


def test_a_model_that_has_only_won_stays_at_a_finite_distance():
    rows = [(number, 0, 1, 1, 1.0) for number in range(1000)]
    strengths = fit_strengths(Verdicts.of(rows), 2)
    assert 2 < strengths.logits[0] - strengths.logits[1] < 20


def test_repeating_every_verdict_of_a_question_does_not_narrow_the_interval():
    rows, n_models = invented_verdicts(3, 400, seed=9)
    once = fit_strengths(Verdicts.of(rows), n_models).gap_deviations()
    twice = fit_strengths(Verdicts.of(rows * 2), n_models).gap_deviations()
    # what is left is the prior of ten questions, which believes in independent verdicts
    assert np.allclose(twice, once, rtol=0.02)
