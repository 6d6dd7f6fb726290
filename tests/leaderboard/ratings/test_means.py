"""Win rates and mean scores."""

import math

import numpy as np
import pytest

from leaderboard.ratings import METHODS, Comparisons, Scores, ScoresError
from leaderboard.ratings.methods.mean_score import CategoryError

WIN_RATE = METHODS.get("win_rate")
MEAN = METHODS.get("mean_score")


def test_a_win_rate_counts_a_tie_as_half() -> None:
    rows = Comparisons.from_names(["alpha"] * 10, ["beta"] * 10, [0] * 6 + [1] * 2 + [2] * 2)
    fit = WIN_RATE.fit(rows)
    assert (fit.of("alpha"), fit.of("beta")) == (70, 30)


def test_the_variance_of_a_win_rate_is_the_samples_over_n() -> None:
    outcome = [0] * 6 + [1] * 2 + [2] * 2
    rows = Comparisons.from_names(["alpha"] * 10, ["beta"] * 10, outcome)
    values = 100 * np.array([1.0, 0.0, 0.5])[outcome]
    expected = values.std(ddof=1) / math.sqrt(10)
    assert WIN_RATE.fit(rows).standard_error[0] == pytest.approx(expected, rel=1e-12)


def test_ten_wins_of_ten_are_not_certainty() -> None:
    rows = Comparisons.from_names(["alpha"] * 10, ["beta"] * 10, [0] * 10)
    fit = WIN_RATE.fit(rows)
    assert fit.rating.tolist() == [100, 0]
    assert 60 < fit.lower[0] < 80
    assert fit.upper[0] == pytest.approx(100)


def test_one_battle_leaves_the_win_rate_open() -> None:
    fit = WIN_RATE.fit(Comparisons.from_names(["alpha"], ["beta"], [0]))
    assert fit.upper[0] - fit.lower[0] == 100


def graded() -> Scores:
    return Scores.from_names(
        ["alpha"] * 8 + ["beta"] * 8,
        [9, 7, 8, 6, 10, 8, 9, 7, 5, 3, 6, 4, 7, 5, -1, 6],
        category=(["math"] * 4 + ["writing"] * 4) * 2,
        question=np.tile(np.repeat(np.arange(4), 2), 2),
        turn=np.tile([1, 2], 8),
    )


def test_the_headline_averages_over_both_turns_and_skips_missing_grades() -> None:
    fit = MEAN.fit(graded())
    assert fit.of("alpha") == 8
    assert fit.of("beta") == pytest.approx(36 / 7)
    assert fit.diagnostics["excluded"] == {"no_grade": 1}
    assert fit.diagnostics["no_grade_by_model"] == {"beta": 1}


def test_each_turn_and_category_has_its_own_mean() -> None:
    diagnostics = MEAN.fit(graded()).diagnostics
    assert diagnostics["by_turn"]["1"]["alpha"]["score"] == 9
    assert diagnostics["by_category"]["math"]["beta"]["score"] == 4.5
    assert MEAN.fit(graded(), {"turn": 2}).of("alpha") == 7
    assert MEAN.fit(graded(), {"category": "writing"}).of("alpha") == 8.5


def test_an_unknown_category_names_the_known_ones() -> None:
    with pytest.raises(CategoryError, match="math, writing"):
        MEAN.fit(graded(), {"category": "poetry"})


def test_mean_scores_are_clustered_by_question() -> None:
    scores = graded()
    doubled = scores.select(np.repeat(np.arange(len(scores)), 5))
    np.testing.assert_allclose(MEAN.fit(scores).covariance, MEAN.fit(doubled).covariance)


def test_models_graded_on_the_same_questions_are_compared_in_pairs() -> None:
    question = np.tile(np.arange(50), 2)
    difficulty = np.random.default_rng(3).normal(0, 3, 50)
    noise = np.random.default_rng(4).normal(0, 0.1, 100)
    grade = np.concatenate([difficulty + 1, difficulty]) + noise
    fit = MEAN.fit(Scores.from_names(["alpha"] * 50 + ["beta"] * 50, grade, question=question))
    gap_error = math.sqrt(fit.covariance[0, 0] + fit.covariance[1, 1] - 2 * fit.covariance[0, 1])
    assert gap_error < 0.1 * fit.standard_error[0]


@pytest.mark.parametrize(
    ("column", "values", "sentence"),
    [
        ("turn", [0, 1], "turns count from 1"),
        ("weight", [1.0, float("nan")], "finite"),
        ("score", [1.0, float("inf")], "NaN where the judge gave none"),
        ("model", [0, 5], "points into the 1 models"),
    ],
)
def test_bad_scores_are_refused(column: str, values: list[float], sentence: str) -> None:
    given = {"models": ("alpha",), "model": [0, 0], "score": [1.0, 2.0], column: values}
    with pytest.raises(ScoresError, match=sentence):
        Scores(**given)  # type: ignore[arg-type]
