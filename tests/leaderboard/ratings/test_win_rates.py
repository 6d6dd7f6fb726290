"""Published win-rate conventions: Arena-Hard, MT-bench, AlpacaEval."""

import json
import math
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import minimize

from leaderboard.ratings import METHODS, Comparisons
from leaderboard.ratings.baseline import BaselineError
from leaderboard.ratings.length_control import fit_difficulty, l1_logistic, length_term
from leaderboard.ratings.methods.alpaca_eval import (
    AlpacaEvalOptions,
    DifficultyError,
    LengthError,
    alpaca_eval_table,
    published_difficulties,
)
from leaderboard.ratings.methods.mt_bench_adjusted import combine_games

V2 = METHODS.get("arena_hard_v2")
V01 = METHODS.get("arena_hard_v0_1")
MT = METHODS.get("mt_bench_adjusted")
ALPACA = METHODS.get("alpaca_eval")


def games(*verdicts: str) -> Comparisons:
    """Verdicts on questions 0, 0, 1, 1, …: the odd game has the sides swapped back."""
    code = {"A>B": 0, "A>>B": 0, "B>A": 1, "B>>A": 1, "A=B": 2}
    n = len(verdicts)
    return Comparisons.from_names(
        ["base" if i % 2 == 0 else "alpha" for i in range(n)],
        ["alpha" if i % 2 == 0 else "base" for i in range(n)],
        np.array([code[verdict] for verdict in verdicts]),
        strength=[3 if ">>" in verdict else 1 for verdict in verdicts],
        question=np.arange(n) // 2,
    )


def test_arena_hards_toy_of_a_strong_and_a_weak_win_is_one() -> None:
    assert V2.fit(games("B>>A", "A>B"), {"baseline": "base"}).of("alpha") == 100


def test_arena_hards_toy_of_two_ties_is_a_half() -> None:
    assert V2.fit(games("A=B", "A=B"), {"baseline": "base"}).of("alpha") == 50


def test_a_strong_verdict_weighs_three() -> None:
    fit = V2.fit(games("B>>A", "B>A"), {"baseline": "base"})
    assert fit.of("alpha") == pytest.approx(75)


def test_the_baseline_is_fifty_without_error() -> None:
    fit = V2.fit(games("B>>A", "B>A", "A=B", "A>B"), {"baseline": "base"})
    assert (fit.of("base"), fit.lower[1], fit.upper[1]) == (50, 50, 50)


def test_an_unknown_baseline_is_an_explained_error() -> None:
    with pytest.raises(BaselineError, match="'gpt' is not among the models"):
        V2.fit(games("A=B"), {"baseline": "gpt"})


def test_rows_without_the_baseline_are_counted_as_excluded(quartet: Comparisons) -> None:
    fit = V2.fit(quartet, {"baseline": "model-1"})
    is_row = (quartet.model_a == 1) | (quartet.model_b == 1)
    assert fit.diagnostics["excluded"] == {"without_baseline": int((~is_row).sum())}


def test_the_published_interval_is_too_narrow_when_games_agree() -> None:
    rng = np.random.default_rng(0)
    wins = np.repeat(rng.random(500) < 0.5, 2)
    verdicts = [
        ("A>>B" if i % 2 == 0 else "B>>A") if not win else ("B>>A" if i % 2 == 0 else "A>>B")
        for i, win in enumerate(wins)
    ]
    rows = games(*verdicts)
    width = {
        kind: np.ptp([fit.lower[0], fit.upper[0]])
        for kind in ("clustered", "published")
        for fit in [V2.fit(rows, {"baseline": "base", "interval": kind, "rounds": 400}, seed=1)]
    }
    # Fully agreeing games and threefold rows: √6 = 2.4 times too narrow.
    assert 2.0 < width["clustered"] / width["published"] < 2.9


def test_v0_1_of_two_models_is_the_weighted_share() -> None:
    rows, options = games("B>>A", "B>A", "A=B", "A>B"), {"baseline": "base"}
    assert V01.fit(rows, options).of("alpha") == pytest.approx(V2.fit(rows, options).of("alpha"))


def test_v2_with_style_holds_length_equal() -> None:
    rng = np.random.default_rng(1)
    n = 4000
    length_a, length_b = rng.integers(100, 900, n), rng.integers(100, 500, n)
    gap = (length_a - length_b) / (length_a + length_b)
    wins = rng.random(n) < 1 / (1 + np.exp(-4 * gap))
    rows = Comparisons.from_names(
        ["wordy"] * n,
        ["terse"] * n,
        np.where(wins, 0, 1),
        question=np.arange(n),
        features=np.column_stack([length_a, length_b]),
        feature_names=("length_a", "length_b"),
    )
    options = {"baseline": "terse"}
    assert V2.fit(rows, options).of("wordy") > 65
    # The published z-score subtracts the mean gap, so it answers "at the average gap".
    assert "length" in V2.fit(rows, options | {"style": True}).diagnostics["style"]


def test_a_win_in_one_order_only_is_a_tie() -> None:
    combined, n_inconsistent = combine_games(games("A>B", "A>B", "B>A", "A>B"))
    assert n_inconsistent == 1
    assert sorted(combined.outcome.tolist()) == [0, 2]


def test_the_adjusted_win_rate_counts_inconsistent_questions_as_half() -> None:
    fit = MT.fit(games("A>B", "A>B", "B>A", "A>B"))
    assert fit.of("alpha") == 75
    assert fit.diagnostics["inconsistent"] == 1


def test_games_of_unknown_questions_stand_alone() -> None:
    rows = games("A>B", "A>B").replace(question=np.array([-1, -1]))
    assert len(combine_games(rows)[0]) == 2


def preferences(n: int = 400, seed: int = 3) -> Comparisons:
    """Two challengers of equal quality; the judge likes length, and beta writes more."""
    rng = np.random.default_rng(seed)
    question = np.tile(np.arange(n), 2)
    model = np.repeat(["alpha", "beta"], n)
    base_length = np.tile(rng.normal(1500, 300, n), 2)
    length = base_length + np.where(model == "beta", 600, -600) + rng.normal(0, 500, 2 * n)
    difficulty = np.tile(rng.normal(0, 1, n), 2)
    logit = (length - base_length) / 500 + difficulty
    wins = rng.random(2 * n) < 1 / (1 + np.exp(-logit))
    return Comparisons.from_names(
        ["base"] * (2 * n),
        model.tolist(),
        np.where(wins, 1, 0),
        preference=np.where(wins, 0.1, 0.9),
        question=question,
        features=np.column_stack([base_length, length]),
        feature_names=("length_a", "length_b"),
    )


def test_length_control_takes_out_most_of_the_advantage_of_length() -> None:
    table = alpaca_eval_table(preferences(), AlpacaEvalOptions(baseline="base"))
    raw = table["beta"]["win_rate"] - table["alpha"]["win_rate"]
    controlled = (
        table["beta"]["length_controlled_winrate"] - table["alpha"]["length_controlled_winrate"]
    )
    assert raw > 25
    assert abs(controlled) < raw / 3


def test_length_control_without_lengths_is_an_explained_error(quartet: Comparisons) -> None:
    with pytest.raises(LengthError, match="length_a"):
        ALPACA.fit(quartet, {"headline": "length_controlled"})


def test_unparsed_preferences_are_excluded_and_counted() -> None:
    rows = preferences(20)
    holes = rows.preference.copy()
    holes[:3] = np.nan
    fit = ALPACA.fit(rows.replace(preference=holes), {"baseline": "base"})
    assert fit.diagnostics["excluded"]["no_preference"] == 3
    assert fit.diagnostics["alpaca_eval"]["alpha"]["n_total"] == 17


def named(rows: Comparisons) -> Comparisons:
    """The same rows, about questions q0, q1, … of the set alpaca."""
    names = tuple(f"alpaca/q{i}" for i in range(int(rows.question.max()) + 1))
    return replace(rows, question_names=names)


def table(n: int) -> dict[str, dict[str, float]]:
    """A difficulty for each of ``n`` such questions."""
    return {"alpaca": {f"q{i}": i / n for i in range(n)}}


def test_difficulties_go_by_the_names_of_questions_in_whatever_order_they_are_numbered() -> None:
    rows = named(preferences(40))
    turned = replace(
        rows, question=39 - rows.question, question_names=tuple(reversed(rows.question_names))
    )
    options = AlpacaEvalOptions(baseline="base", difficulty=table(40))
    numbered = AlpacaEvalOptions(baseline="base", difficulty={i: i / 40 for i in range(40)})
    flat = AlpacaEvalOptions(
        baseline="base", difficulty={"alpaca": {f"q{i}": 0.0 for i in range(40)}}
    )
    first, second = (difficulties_used(each, options) for each in (rows, turned))
    assert first.tolist() == second.tolist() == (rows.question / 40).tolist()
    by_name, by_number = (alpaca_eval_table(rows, each) for each in (options, numbered))
    assert by_name == by_number
    assert by_name != alpaca_eval_table(rows, flat)


def difficulties_used(rows: Comparisons, options: AlpacaEvalOptions) -> np.ndarray:
    return published_difficulties(rows, np.arange(len(rows)), options)


@pytest.mark.parametrize(
    ("absent", "told"),
    [
        (["q3"], "no value for alpaca/q3; add"),
        ([f"q{i}" for i in range(10, 20)], "alpaca/q10, alpaca/q11, alpaca/q12 and 7 more; add"),
    ],
)
def test_questions_without_a_difficulty_are_refused_by_name(absent: list[str], told: str) -> None:
    known = {name: value for name, value in table(30)["alpaca"].items() if name not in absent}
    with pytest.raises(DifficultyError, match=told):
        ALPACA.fit(named(preferences(30)), {"baseline": "base", "difficulty": {"alpaca": known}})


def test_difficulties_by_name_need_rows_that_name_their_questions() -> None:
    with pytest.raises(DifficultyError, match="do not say which questions"):
        ALPACA.fit(preferences(30), {"baseline": "base", "difficulty": table(30)})


def test_tables_by_number_are_read_as_they_were_when_their_snapshots_were_made() -> None:
    options = ALPACA.options.model_validate({"baseline": "base", "difficulty": {"0": 0.5}})
    assert options.is_numbered
    assert difficulties_used(preferences(3), options).tolist()[:3] == [0.5, 0.0, 0.0]


def test_the_source_of_the_difficulties_is_stated() -> None:
    rows = named(preferences(30))
    own = ALPACA.fit(rows, {"baseline": "base"})
    given = ALPACA.fit(rows, {"baseline": "base", "difficulty": table(30)})
    assert own.diagnostics["difficulty"] == "fitted on these answers"
    assert given.diagnostics["difficulty"] == "published table"


def test_with_a_given_table_adding_a_challenger_moves_no_other() -> None:
    rows = named(preferences(60))
    options = AlpacaEvalOptions(baseline="base", difficulty=table(60))
    alone = rows.select(rows.model_b == rows.models.index("alpha"))
    both, one = alpaca_eval_table(rows, options), alpaca_eval_table(alone, options)
    assert both["alpha"] == one["alpha"]


def test_the_l1_fit_meets_its_optimality_conditions() -> None:
    rng = np.random.default_rng(4)
    design = np.column_stack([rng.normal(size=(80, 2)), np.ones(80)])
    label = rng.random(80)
    beta = l1_logistic(design, label, 0.05)
    slope = 0.05 * design.T @ (1 / (1 + np.exp(-design @ beta)) - label)
    for coefficient, derivative in zip(beta, slope, strict=True):
        if coefficient == 0:
            assert abs(derivative) <= 1 + 1e-7
        else:
            assert derivative == pytest.approx(-math.copysign(1, coefficient), abs=1e-6)


def test_a_nearly_unpenalised_fit_is_logistic_regression() -> None:
    rng = np.random.default_rng(5)
    design, label = np.column_stack([rng.normal(size=200), np.ones(200)]), rng.random(200)

    def loss(beta: np.ndarray) -> float:
        logit = design @ beta
        return float(np.sum(np.logaddexp(0, logit) - label * logit))

    expected = minimize(loss, np.zeros(2), method="BFGS").x
    np.testing.assert_allclose(l1_logistic(design, label, 1e6), expected, atol=1e-4)


def test_the_length_term_is_bounded_and_zero_for_equal_lengths() -> None:
    same = np.full(5, 100.0)
    assert length_term(same, same).tolist() == [0] * 5
    term = length_term(np.array([1.0, 500.0]), np.array([500.0, 1.0]))
    assert term[0] > 0 > term[1]


def test_one_challenger_alone_tells_nothing_of_difficulty() -> None:
    n = np.arange(10)
    assert not fit_difficulty(n / 10, 0.0 * n, 0 * n, n).any()


def alpaca_data(shared: Path) -> tuple[Comparisons, dict[str, dict[str, float]]]:
    lines = {
        name: [json.loads(line) for line in (shared / f"{name}.jsonl").read_text().splitlines()]
        for name in ("annotations", "outputs", "leaderboard")
    }
    length = {
        (row["instruction_id"], row["generator"]): len(row["output"]) for row in lines["outputs"]
    }
    rows = lines["annotations"]
    battles = Comparisons.from_names(
        [row["generator_1"] for row in rows],
        [row["generator_2"] for row in rows],
        np.array([0 if r["preference"] < 1.5 else 1 if r["preference"] > 1.5 else 2 for r in rows]),
        preference=[2 - row["preference"] for row in rows],
        question=[row["instruction_id"] for row in rows],
        features=[
            [length[row["instruction_id"], row[side]] for side in ("generator_1", "generator_2")]
            for row in rows
        ],
        feature_names=("length_a", "length_b"),
    )
    return battles, {row["model"]: row for row in lines["leaderboard"]}


@pytest.fixture
def alpaca_folder() -> Path:
    given = os.environ.get("AGON_SHARED_DATA")
    root = Path(given) if given else Path(__file__).parents[4] / "shared" / "data"
    folder = root / "alpaca_eval"
    if not folder.is_dir():
        assert os.environ.get("CI") != "true", f"{folder} is missing under CI"
        pytest.skip(f"{folder} is missing: AlpacaEval's annotations are not shipped")
    return folder


def test_published_annotations_give_the_published_win_rates(alpaca_folder: Path) -> None:
    battles, published = alpaca_data(alpaca_folder)
    table = alpaca_eval_table(battles)
    for model, expected in published.items():
        assert table[model]["n_total"] == expected["n"]
        assert table[model]["win_rate"] == pytest.approx(expected["subset_win_rate"], abs=0.01)
        error = expected["subset_standard_error"]
        assert table[model]["standard_error"] == pytest.approx(error, abs=0.01)


def test_length_control_helps_short_answers_on_published_annotations(alpaca_folder: Path) -> None:
    battles, _ = alpaca_data(alpaca_folder)
    row = alpaca_eval_table(battles)["claude-2"]
    assert row["length_controlled_winrate"] > row["win_rate"]
