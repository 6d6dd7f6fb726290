"""What a run will likely take, held against what runs then took."""

from itertools import combinations

import numpy as np
import pytest

from judging.adaptive import (
    ASSUMED_NOISE,
    Candidates,
    Goal,
    Noise,
    Verdicts,
    forecast,
    noise_of,
)
from judging.adaptive.noise import Correlation
from tests.judging.adaptive.stored import demo_verdicts, invented_verdicts, simulate

NOTHING = Verdicts.of([])


def forecast_after(rows, n_models, goal, asked=(), noise=ASSUMED_NOISE):
    there = {row[:4] for row in asked}
    left = [row[:4] for row in rows if row[:4] not in there]
    return forecast(
        Verdicts.of(list(asked)),
        Candidates.of(left),
        goal,
        noise,
        n_models=n_models,
        waiting=len(left),
        made=len(asked),
    )


# models, questions, spread of the strengths, goal; none of them is told to the forecast
SETS = [
    (6, 60, 1.0, Goal(100)),
    (6, 60, 0.5, Goal(90, stop_at_order=False)),
    (8, 40, 0.4, Goal(110)),
    (4, 100, 0.2, Goal(60)),
]


@pytest.fixture(scope="module")
def runs():
    """Runs on invented verdicts, as (rows, models, goal, what was asked, the first look's end)."""
    made = []
    for seed, (n_models, n_questions, spread, goal) in enumerate(SETS * 2):
        rows, _ = invented_verdicts(n_models, n_questions, spread=spread, seed=seed)
        asked, looks = simulate(rows, n_models, goal)
        first = looks[1].judged if len(looks) > 1 else len(asked)
        made.append((rows, n_models, goal, asked, first))
    return made


@pytest.fixture(scope="module")
def foretold(runs):
    """What is forecast of each before anything is judged."""
    return [forecast_after(rows, n, goal) for rows, n, goal, _, _ in runs]


def n_within(found, needed):
    return sum(each.low <= need <= each.high for each, need in zip(found, needed, strict=True))


def test_before_anything_is_judged_most_runs_take_what_was_forecast(runs, foretold):
    # of 8 ranges that hold 8 of 10 runs, fewer than 5 hold in 6 of 100 such tests
    assert n_within(foretold, [len(asked) for *_, asked, _ in runs]) >= 5


def test_after_the_first_wave_most_runs_take_what_was_forecast(runs):
    going = [run for run in runs if len(run[3]) > run[4]]
    found, needed = [], []
    for rows, n_models, goal, asked, first in going:
        wave = asked[:first]
        noise = noise_of(Verdicts.of(wave))
        found.append(forecast_after(rows, n_models, goal, wave, noise))
        needed.append(len(asked) - first)
    assert len(going) >= 4
    assert n_within(found, needed) >= 0.6 * len(going)


def test_a_range_tells_more_than_that_everything_may_be_judged(runs, foretold):
    shares = [each.high / len(rows) for each, (rows, *_) in zip(foretold, runs, strict=True)]
    assert np.mean(shares) < 0.9


def test_on_the_demos_verdicts_the_run_takes_what_was_forecast():
    rows, n_models = demo_verdicts()
    goal = Goal(130, stop_at_order=False)
    asked, _ = simulate(rows, n_models, goal)
    found = forecast_after(rows, n_models, goal)
    assert found.low <= len(asked) <= found.high


def test_a_closer_goal_takes_more():
    rows, n_models = invented_verdicts(4, 60)
    likely = [forecast_after(rows, n_models, Goal(within, stop_at_order=False)).likely
              for within in (200, 120, 80)]  # fmt: skip
    assert likely == sorted(likely)
    assert likely[0] < likely[-1]


def test_a_goal_out_of_reach_is_told_and_takes_everything():
    rows, n_models = invented_verdicts(4, 30)
    found = forecast_after(rows, n_models, Goal(1, stop_at_order=False))
    assert (found.likely, found.low, found.high, found.reached) == (len(rows),) * 3 + (0.0,)


def test_it_says_what_it_rests_on():
    rows, n_models = invented_verdicts(3, 60)
    bare = forecast_after(rows, n_models, Goal(100))
    assert (bare.n_verdicts, bare.n_questions) == (0, 0)
    wave = rows[:200]
    told = forecast_after(rows, n_models, Goal(100), wave, noise_of(Verdicts.of(rows)))
    assert (told.n_verdicts, told.n_questions) == (200, 60)


def test_the_same_rows_and_seed_give_the_same_forecast():
    rows, n_models = invented_verdicts(4, 30)
    assert forecast_after(rows, n_models, Goal(80)) == forecast_after(rows, n_models, Goal(80))


def drawn(noise, logits, n_questions=400, seed=0):
    pairs = np.array(list(combinations(range(len(logits)), 2))).T
    shares = noise.draw(logits, (pairs[0], pairs[1]), n_questions, np.random.default_rng(seed))
    cells = [
        (question, int(a), int(b), game + 1, shares[place, question, game])
        for place, (a, b) in enumerate(pairs.T)
        for question in range(n_questions)
        for game in (0, 1)
    ]
    return Verdicts.of(cells), shares


def test_models_win_as_often_as_their_strengths_say():
    exact = Noise(0.0, Correlation(0.8, 0.0), Correlation(0.3, 0.0))
    logits = np.array([1.0, 0.0, -1.0])
    _, shares = drawn(exact, logits, n_questions=4000)
    wins = shares.mean(axis=(1, 2))
    expected = 1 / (1 + np.exp(-np.array([1.0, 2.0, 1.0])))
    # 4,000 questions with a correlation of 0.8 between the orders: a deviation of about 0.007
    assert wins == pytest.approx(expected, abs=0.02)


@pytest.mark.parametrize(("games", "pairs"), [(0.9, 0.4), (0.5, 0.1), (0.7, 0.0)])
def test_planted_correlations_are_found_again(games, pairs):
    planted = Noise(0.0, Correlation(games, 0.0), Correlation(pairs, 0.0))
    verdicts, _ = drawn(planted, np.linspace(-0.8, 0.8, 5))
    found = noise_of(verdicts)
    assert found.between_games.value == pytest.approx(games, abs=0.06)
    assert found.between_pairs.value == pytest.approx(pairs, abs=0.06)
    assert found.n_questions == 400


def test_planted_ties_are_found_again():
    planted = Noise(0.3, Correlation(0.8, 0.0), Correlation(0.3, 0.0))
    verdicts, _ = drawn(planted, np.zeros(4))
    found = noise_of(verdicts)
    assert found.ties == pytest.approx(0.3, abs=0.03)
    assert found.between_games.value == pytest.approx(0.8, abs=0.08)


def test_few_verdicts_leave_the_assumption():
    rows, _ = invented_verdicts(3, 5)
    assert noise_of(Verdicts.of(rows)) == noise_of(NOTHING) == ASSUMED_NOISE


def test_pairs_that_were_never_shown_twice_leave_that_correlation_assumed():
    rows = [row for row in invented_verdicts(2, 60)[0] if row[3] == 1]
    found = noise_of(Verdicts.of(rows))
    assert found.between_games == ASSUMED_NOISE.between_games
    assert found.n_questions == 60
