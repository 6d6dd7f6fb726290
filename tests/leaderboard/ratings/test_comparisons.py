"""What the columns accept, and how they explain what they refuse."""

import numpy as np
import pytest

from leaderboard.ratings import Comparisons, ComparisonsError

NAMES = ("alpha", "beta", "gamma")


def columns(**changes: object) -> Comparisons:
    given = {
        "models": NAMES,
        "model_a": np.array([0, 1]),
        "model_b": np.array([1, 2]),
        "outcome": np.array([0, 2]),
    }
    return Comparisons(**(given | changes))  # type: ignore[arg-type]


def test_missing_columns_are_filled_with_their_documented_defaults() -> None:
    rows = columns()
    assert rows.weight.tolist() == [1.0, 1.0]
    assert rows.question.tolist() == rows.voter.tolist() == rows.judge.tolist() == [-1, -1]
    assert rows.features.shape == (2, 0)


def test_columns_cannot_be_changed_after_they_were_checked() -> None:
    with pytest.raises(ValueError, match="read-only"):
        columns().outcome[0] = 3


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"model_b": [1, 1]}, "cannot battle itself"),
        ({"outcome": [0, 4]}, "'outcome' holds 4 in row 1"),
        ({"outcome": [0, -1]}, "count them as excluded"),
        ({"outcome": [0, 1.5]}, "whole numbers"),
        ({"outcome": [0, 300]}, "outside what it can store"),
        ({"weight": [1.0, float("nan")]}, "'weight' holds nan in row 1"),
        ({"weight": [-1.0, 1.0]}, "at least 0"),
        ({"weight": [np.inf, 1.0]}, "finite"),
        ({"strength": [1, 2]}, "strength 1"),
        ({"model_a": [0, 7]}, "points into the 3 models"),
        ({"model_a": [0]}, "gives?|shape"),
        ({"preference": [0.2, 1.4]}, "probability from 0 to 1"),
        ({"models": ("alpha", "alpha", "beta")}, "listed twice"),
        ({"models": ("alpha", " ", "beta")}, "empty"),
        ({"features": np.ones((2, 1))}, "0 feature names"),
        (
            {"features": np.array([[1.0], [np.nan]]), "feature_names": ("length",)},
            "'length' holds nan in row 1",
        ),
    ],
)
def test_bad_input_is_refused_with_the_place_and_the_remedy(
    changes: dict[str, object], sentence: str
) -> None:
    with pytest.raises(ComparisonsError, match=sentence):
        columns(**changes)


def test_an_unknown_outcome_name_is_refused_rather_than_read_as_a_tie() -> None:
    with pytest.raises(ComparisonsError, match="'unknown' in row 1"):
        Comparisons.from_names(["alpha"] * 2, ["beta"] * 2, ["tie", "unknown"])


def test_names_build_the_same_rows_as_indices() -> None:
    rows = Comparisons.from_names(
        ["alpha", "beta"], ["beta", "gamma"], ["model_a", "tie"], models=NAMES
    )
    assert rows.model_a.tolist() == columns().model_a.tolist()
    assert rows.outcome.tolist() == columns().outcome.tolist()


def test_a_name_outside_the_given_models_is_refused() -> None:
    with pytest.raises(ComparisonsError, match="'delta'"):
        Comparisons.from_names(["delta"], ["beta"], ["tie"], models=NAMES)


def test_selecting_rows_keeps_every_column_aligned() -> None:
    rows = columns(question=[4, 9], weight=[1.0, 2.0]).select(np.array([1, 1, 0]))
    assert rows.question.tolist() == [9, 9, 4]
    assert rows.weight.tolist() == [2.0, 2.0, 1.0]


def test_the_callers_array_is_not_frozen_along_with_the_column() -> None:
    outcome = np.array([0, 2], dtype=np.int8)
    columns(outcome=outcome)
    outcome[0] = 1
