"""Promises every registered method keeps."""

import json

import numpy as np
import pytest

from leaderboard.ratings import METHODS, Comparisons, Ratings, Scores


def data_for(name: str, quartet: Comparisons) -> Comparisons | Scores:
    if METHODS.get(name).needs == "comparisons":
        return quartet
    rng = np.random.default_rng(2)
    return Scores.from_names(
        ["alpha", "beta"] * 40, rng.integers(1, 11, 80), question=np.repeat(np.arange(40), 2)
    )


def fit(name: str, quartet: Comparisons, seed: int = 1) -> Ratings:
    return METHODS.get(name).fit(data_for(name, quartet), seed=seed)


@pytest.mark.parametrize("name", METHODS)
def test_a_method_explains_itself_in_one_sentence(name: str) -> None:
    method = METHODS.get(name)
    assert method.name == name
    assert method.label
    assert method.description.endswith(".")
    fields = method.options.model_fields
    assert all(field.description for field in fields.values())


@pytest.mark.parametrize("name", METHODS)
def test_the_same_data_options_and_seed_give_the_same_numbers(
    name: str, quartet: Comparisons
) -> None:
    first, second = fit(name, quartet), fit(name, quartet)
    for column in ("rating", "lower", "upper", "covariance"):
        np.testing.assert_array_equal(getattr(first, column), getattr(second, column))


@pytest.mark.parametrize("name", METHODS)
def test_results_carry_all_a_snapshot_pins(name: str, quartet: Comparisons) -> None:
    result = fit(name, quartet, seed=11)
    assert result.method == name
    assert result.seed == 11
    pinned = json.loads(json.dumps(dict(result.options)))
    assert METHODS.get(name).options.model_validate(pinned)
    assert json.dumps([result.diagnostics, result.to_rows()], allow_nan=False)


@pytest.mark.parametrize("name", METHODS)
def test_an_interval_holds_its_rating(name: str, quartet: Comparisons) -> None:
    result = fit(name, quartet)
    with np.errstate(invalid="ignore"):
        assert not (result.lower > result.rating).any()
        assert not (result.upper < result.rating).any()
    assert (result.rank_lower <= result.rank_upper).all()
