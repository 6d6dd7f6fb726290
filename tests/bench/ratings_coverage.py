"""Simulated coverage of the 95 % intervals, one table row per method and kind of data.

    python tests/bench/ratings_coverage.py [--runs 1000] [--only bradley_terry] [--write]

Battles are drawn from a known truth; a row reports how often the interval of a rating held it.
Clustered data give each question a common shift of the outcome and each voter a lenience, so that
battles of one question agree more than independent ones. ``--write`` puts the table into
docs/methods/coverage.md. With 1,000 runs of 5 models the simulation error is about ±0.5 points.
"""

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from leaderboard.ratings import METHODS, Comparisons, Scores  # noqa: E402
from leaderboard.ratings.outcome_kernels import davidson_kernel, rao_kupper_kernel  # noqa: E402
from leaderboard.ratings.outcomes import Extras, KernelOf  # noqa: E402
from leaderboard.ratings.scale import points_per_nat  # noqa: E402

STRENGTH = np.array([0.8, 0.3, 0.0, -0.4, -0.7])
CENTRED = 1000 + points_per_nat() * (STRENGTH - STRENGTH.mean())
NAMES = tuple(f"model-{i}" for i in range(STRENGTH.size))
Generator = np.random.Generator
Draw = Callable[[Generator], Comparisons | Scores]


@dataclass(frozen=True)
class Case:
    method: str
    data: str
    draw: Draw
    truth: NDArray[np.float64]
    options: dict[str, object]
    most_runs: int = 1_000_000


def sigmoid(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return 1 / (1 + np.exp(-x))


def pairs(rng: Generator, n: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    a = rng.integers(0, STRENGTH.size, n)
    return a, (a + rng.integers(1, STRENGTH.size, n)) % STRENGTH.size


def independent(rng: Generator, n: int = 1500) -> Comparisons:
    a, b = pairs(rng, n)
    wins = rng.random(n) < sigmoid(STRENGTH[a] - STRENGTH[b])
    return Comparisons(models=NAMES, model_a=a, model_b=b, outcome=np.where(wins, 0, 1))


def shared_draws(rng: Generator, label: NDArray[np.intp], agreement: float) -> NDArray[np.float64]:
    """Uniform numbers that rows of one label share with probability ``agreement``.

    Each row's marginal stays uniform, so the truth is exact whatever the agreement.
    """
    common = rng.random(int(label.max()) + 1)[label]
    return np.where(rng.random(label.size) < agreement, common, rng.random(label.size))


def by_question(rng: Generator, n_questions: int = 200, games: int = 8) -> Comparisons:
    """One question pits the same two models against each other several times."""
    a, b = pairs(rng, n_questions)
    question = np.repeat(np.arange(n_questions), games)
    a, b = a[question], b[question]
    wins = shared_draws(rng, question, 0.6) < sigmoid(STRENGTH[a] - STRENGTH[b])
    return Comparisons(
        models=NAMES, model_a=a, model_b=b, outcome=np.where(wins, 0, 1), question=question
    )


def crossed(
    rng: Generator, n_questions: int = 120, n_voters: int = 120, n: int = 2400
) -> Comparisons:
    """Questions and voters crossed at random; each shares part of the chance."""
    low, high = pairs(rng, n_questions)
    question, voter = rng.integers(0, n_questions, n), rng.integers(0, n_voters, n)
    a, b = low[question], high[question]
    by_voter = rng.random(n) < 0.5
    shared = np.where(by_voter, shared_draws(rng, voter, 0.7), shared_draws(rng, question, 0.7))
    wins = shared < sigmoid(STRENGTH[a] - STRENGTH[b])
    return Comparisons(
        models=NAMES,
        model_a=a,
        model_b=b,
        outcome=np.where(wins, 0, 1),
        question=question,
        voter=voter,
    )


def four_outcomes(kernel: KernelOf) -> Draw:
    def draw(rng: Generator) -> Comparisons:
        n_questions, games = 250, 6
        a, b = pairs(rng, n_questions)
        question = np.repeat(np.arange(n_questions), games)
        a, b = a[question], b[question]
        local = np.column_stack(
            [STRENGTH[a], STRENGTH[b], np.full(a.size, -0.5), np.full(a.size, -1.2)]
        )
        chance = np.exp(kernel(local, Extras(True, True)).value).cumsum(axis=1)
        outcome = (shared_draws(rng, question, 0.5)[:, None] > chance[:, :3]).sum(axis=1)
        return Comparisons(models=NAMES, model_a=a, model_b=b, outcome=outcome, question=question)

    return draw


def styled(rng: Generator) -> Comparisons:
    n_questions, games = 250, 6
    a, b = pairs(rng, n_questions)
    question = np.repeat(np.arange(n_questions), games)
    a, b = a[question], b[question]
    # Lengths are drawn alike on both sides, so that the z-score's mean is zero in truth and a
    # rating at the mean difference is the rating at equal length.
    gap = rng.normal(0, 1, a.size)
    wins = shared_draws(rng, question, 0.5) < sigmoid(STRENGTH[a] - STRENGTH[b] + 0.5 * gap)
    return Comparisons(
        models=NAMES,
        model_a=a,
        model_b=b,
        outcome=np.where(wins, 0, 1),
        question=question,
        features=gap[:, None],
        feature_names=("length",),
    )


def against_baseline(rng: Generator, n_questions: int = 300) -> Comparisons:
    """Every model against the last one, two games per question, some verdicts strong."""
    rivals = STRENGTH.size - 1
    question = np.repeat(np.arange(n_questions), 2 * rivals)
    model = np.tile(np.repeat(np.arange(rivals), 2), n_questions)
    battle = question * rivals + model
    wins = shared_draws(rng, battle, 0.6) < sigmoid(STRENGTH[model] - STRENGTH[-1])
    strength = np.where(rng.random(model.size) < 0.3, 3, 1)
    return Comparisons(
        models=NAMES,
        model_a=model,
        model_b=np.full(model.size, rivals),
        outcome=np.where(wins, 0, 1),
        question=question,
        strength=strength,
    )


def graded(rng: Generator, n_questions: int = 80) -> Scores:
    difficulty = rng.normal(0, 1.5, n_questions)
    model = np.repeat(np.arange(STRENGTH.size), 2 * n_questions)
    question = np.tile(np.repeat(np.arange(n_questions), 2), STRENGTH.size)
    own = rng.normal(0, 1, (STRENGTH.size, n_questions))[model, question]
    score = 6 + STRENGTH[model] + difficulty[question] + own + rng.normal(0, 1, model.size)
    return Scores(models=NAMES, model=model, question=question, score=score)


def people_and_judge(rng: Generator, judged: int = 4000, human: int = 600) -> Comparisons:
    a, b = pairs(rng, judged)
    truth = rng.random(judged) < sigmoid(STRENGTH[a] - STRENGTH[b])
    verdict = truth ^ (rng.random(judged) < 0.2)
    likes = rng.random(judged) < 0.3
    last = STRENGTH.size - 1
    verdict = np.where(likes & (a == last), True, np.where(likes & (b == last), False, verdict))
    voted = rng.permutation(judged)[:human]
    return Comparisons(
        models=NAMES,
        model_a=np.concatenate([a, a[voted]]),
        model_b=np.concatenate([b, b[voted]]),
        outcome=np.concatenate([np.where(verdict, 0, 1), np.where(truth[voted], 0, 1)]),
        question=np.concatenate([np.arange(judged), voted]),
        judge=np.concatenate([np.zeros(judged, int), np.full(human, -1)]),
    )


def three_judges(rng: Generator, n: int = 3000) -> Comparisons:
    a, b = pairs(rng, n)
    judge = rng.integers(0, 3, n)
    first = rng.random(n) < 0.5
    logit = np.array([1.0, 1.6, 0.5])[judge] * (STRENGTH[a] - STRENGTH[b])
    logit += np.array([0.0, 0.6, -0.3])[judge] * np.where(first, 1, -1)
    wins = rng.random(n) < sigmoid(logit)
    return Comparisons(
        models=NAMES,
        model_a=a,
        model_b=b,
        outcome=np.where(wins, 0, 1),
        question=np.arange(n),
        judge=judge - 1,
        first_shown_a=first,
    )


def cases() -> list[Case]:
    versus_last = 100 * sigmoid(STRENGTH - STRENGTH[-1])
    chance = sigmoid(STRENGTH[:, None] - STRENGTH[None, :])
    rivals = (chance.sum(axis=1) - 0.5) / (STRENGTH.size - 1)
    base = {"baseline": NAMES[-1]}
    return [
        Case("bradley_terry", "independent", independent, CENTRED, {}),
        Case("bradley_terry", "clustered by question", by_question, CENTRED, {}),
        Case("bradley_terry", "crossed questions and voters", crossed, CENTRED, {}),
        Case(
            "bradley_terry",
            "clustered by question, cluster bootstrap",
            by_question,
            CENTRED,
            {"interval": "bootstrap", "rounds": 200},
        ),
        Case(
            "bradley_terry",
            "clustered by question, clusters ignored (the common practice)",
            by_question,
            CENTRED,
            {"cluster": "none"},
        ),
        Case("davidson", "clustered, four outcomes", four_outcomes(davidson_kernel), CENTRED, {}),
        Case(
            "rao_kupper", "clustered, four outcomes", four_outcomes(rao_kupper_kernel), CENTRED, {}
        ),
        Case(
            "style_control",
            "clustered, length matters",
            styled,
            CENTRED,
            {"convention": "arena_hard_v2"},
        ),
        Case("style_control", "clustered, length matters, FastChat's penalty", styled, CENTRED, {}),
        Case("win_rate", "clustered by question", by_question, 100 * rivals, {}),
        Case(
            "arena_hard_v2",
            "two games a question",
            against_baseline,
            versus_last,
            {**base, "level": 0.95},
        ),
        Case("arena_hard_v0_1", "two games a question", against_baseline, versus_last, base),
        Case("alpaca_eval", "two games a question", against_baseline, versus_last, base),
        Case(
            "mt_bench_adjusted",
            "two games a question",
            against_baseline,
            np.append(versus_last[:-1], 100 - versus_last[:-1].mean()),
            {},
        ),
        Case(
            "elo_bootstrap",
            "independent, 6,000 battles",
            lambda rng: independent(rng, 6000),
            CENTRED,
            {"rounds": 50},
            most_runs=100,
        ),
        Case("mean_score", "two turns a question", graded, 6 + STRENGTH, {}),
        Case("judge_calibrated", "600 votes, 4,000 biased verdicts", people_and_judge, CENTRED, {}),
        Case(
            "judge_aware_bradley_terry", "people and two biased judges", three_judges, CENTRED, {}
        ),
    ]


def coverage(case: Case, runs: int) -> tuple[float, float, float]:
    """Share of intervals that hold the truth, its simulation error, and the mean width."""
    held, width = [], []
    runs = min(runs, case.most_runs)
    for seed in range(runs):
        data = case.draw(np.random.default_rng([seed, 2024]))
        fit = METHODS.get(case.method).fit(data, case.options, seed=seed)
        is_open = fit.upper > fit.lower
        inside = (fit.lower <= case.truth) & (case.truth <= fit.upper)
        held.append(inside[is_open].mean())
        width.append((fit.upper - fit.lower)[is_open].mean())
    return (
        100 * float(np.mean(held)),
        100 * float(np.std(held, ddof=1) / np.sqrt(runs)),
        float(np.mean(width)),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--only", default="")
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    lines = ["| Method | Data | Coverage | ± | Mean width |", "| --- | --- | ---: | ---: | ---: |"]
    print("\n".join(lines))
    for case in cases():
        if given.only in case.method:
            share, error, width = coverage(case, given.runs)
            row = f"| {case.method} | {case.data} | {share:.1f} % | {error:.1f} | {width:.1f} |"
            lines.append(row)
            print(row, flush=True)
    if given.write:
        page = ROOT / "docs" / "methods" / "coverage.md"
        text = page.read_text(encoding="utf-8")
        before = text.split("<!-- table -->")[0]
        table = "\n".join(lines)
        note = f"Up to {given.runs:,} simulated data sets per row."
        page.write_text(f"{before}<!-- table -->\n\n{table}\n\n{note}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
