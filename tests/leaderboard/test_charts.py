import numpy as np
import pytest

from leaderboard.charts import (
    PairCount,
    RatedModel,
    average_win_rate_chart,
    battle_count_chart,
    rating_chart,
    win_fraction_chart,
    win_fraction_matrix,
)
from leaderboard.pairs import average_win_rates
from leaderboard.scale import shared_scale

PAIRS = [
    PairCount("a", "b", battles=10, wins_a=6, wins_b=2, ties=2, both_bad=0),
    PairCount("a", "c", battles=4, wins_a=4, wins_b=0, ties=0, both_bad=0),
    PairCount("b", "c", battles=2, wins_a=0, wins_b=0, ties=0, both_bad=2),
]


def test_a_tie_is_half_a_win_and_both_bad_is_none():
    matrix = win_fraction_matrix(["a", "b", "c"], PAIRS)
    assert matrix == [[None, 0.7, 1.0], [pytest.approx(0.3), None, None], [0.0, None, None]]


def test_the_average_win_rate_weighs_opponents_alike():
    pairs = np.array([[0, 1, 5, 5, 0, 7], [0, 2, 1, 0, 0, 0], [1, 3, 0, 0, 0, 2]], np.int32)
    rates = average_win_rates(pairs, 5)
    assert rates[:3].tolist() == [0.75, 0.5, 0.0]
    assert np.isnan(rates[3:]).all()


@pytest.mark.parametrize("chart", [win_fraction_chart, battle_count_chart])
def test_a_heat_map_says_the_same_in_its_table(chart):
    made = chart("Title", ["a", "b", "c"], PAIRS)
    assert made.columns == ["", "a", "b", "c"]
    assert [row[1:] for row in made.rows] == made.figure["data"][0]["text"]


def test_models_that_are_not_charted_are_left_out_of_the_matrix():
    assert win_fraction_matrix(["a", "b"], PAIRS) == [[None, 0.7], [pytest.approx(0.3), None]]


def test_the_best_model_stands_at_the_top_of_the_rating_chart():
    models = [RatedModel("a", 1100.0, 1080.0, 1120.0), RatedModel("b", 900.0, None, None)]
    trace = rating_chart("Title", "Rating", models).figure["data"][0]
    assert trace["y"] == ["b", "a"]
    assert trace["error_x"]["array"] == [0.0, 20.0]


def test_average_win_rates_are_sorted_from_best_to_worst():
    chart = average_win_rate_chart("Title", "Rate", {"c": 0.1, "a": 0.9, "b": 0.4})
    assert [row[0] for row in chart.rows] == ["a", "b", "c"]


def test_a_scale_holds_all_values_with_round_ticks():
    scale = shared_scale([729.6, 1304.2])
    assert scale.low < 729.6
    assert scale.high > 1304.2
    assert scale.ticks == (800.0, 1000.0, 1200.0)


@pytest.mark.parametrize("values", [[], [5.0], [5.0, 5.0]])
def test_a_scale_of_no_extent_still_has_room(values):
    scale = shared_scale(values)
    assert scale.percent(values[0] if values else 0.0) == 50.0
