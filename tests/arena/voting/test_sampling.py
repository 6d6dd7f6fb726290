"""Which pair is drawn, and with what probability."""

import numpy as np
import pytest

from arena.voting.sampling import (
    EXPLORATION,
    NothingToDrawError,
    PairRecord,
    active,
    boosted,
    draw_pair,
    uniform,
    weighted,
)

ALL_FOUR = np.ones((4, 4), dtype=bool)


def record(models, pairs):
    made = PairRecord.empty(models)
    for (first, second), outcomes in pairs.items():
        made.votes[first, second] = len(outcomes)
        made.sum_y[first, second] = sum(outcomes)
        made.sum_y2[first, second] = sum(y * y for y in outcomes)
    return made


@pytest.mark.parametrize(
    "probabilities",
    [
        uniform(ALL_FOUR),
        weighted(ALL_FOUR, np.array([1.0, 2.0, 3.0, 4.0])),
        boosted(ALL_FOUR, np.ones(4), np.array([0.0, 9, 99, 999]), factor=5, until_votes=100),
        active(ALL_FOUR, record(4, {(0, 1): [1, 0, 1, 0.5]})),
    ],
)
def test_every_rule_gives_probabilities_of_distinct_pairs_that_sum_to_one(probabilities):
    assert probabilities.sum() == pytest.approx(1)
    assert np.all(np.tril(probabilities) == 0)
    assert np.all(probabilities[np.triu_indices(4, 1)] > 0)


def test_uniform_gives_each_available_pair_the_same_share():
    assert uniform(ALL_FOUR)[0, 1] == pytest.approx(1 / 6)


def test_a_pair_without_a_common_question_is_never_drawn():
    available = ALL_FOUR.copy()
    available[0, 1] = False
    assert uniform(available)[0, 1] == 0
    assert active(available, PairRecord.empty(4))[0, 1] == 0


def test_weighted_pairs_are_in_proportion_to_the_product_of_weights():
    chances = weighted(ALL_FOUR, np.array([1.0, 2.0, 3.0, 4.0]))
    assert chances[2, 3] / chances[0, 1] == pytest.approx(12 / 2)


def test_a_weight_of_zero_is_refused_because_such_a_pair_could_not_be_weighted_back():
    with pytest.raises(ValueError, match="above 0"):
        weighted(ALL_FOUR, np.array([0.0, 1, 1, 1]))


def test_a_new_model_is_drawn_factor_times_as_often_and_the_boost_fades_with_its_votes():
    fresh = boosted(ALL_FOUR, np.ones(4), np.array([0.0, 500, 500, 500]), factor=5, until_votes=100)
    half = boosted(ALL_FOUR, np.ones(4), np.array([50.0, 500, 500, 500]), factor=5, until_votes=100)
    assert fresh[0, 1] / fresh[2, 3] == pytest.approx(5)
    assert half[0, 1] / half[2, 3] == pytest.approx(3)


def test_two_new_models_are_not_boosted_twice_against_each_other():
    chances = boosted(ALL_FOUR, np.ones(4), np.array([0.0, 0, 9e9, 9e9]), factor=5, until_votes=9)
    assert chances[0, 1] == pytest.approx(chances[0, 2])


def test_active_draws_by_the_shrinkage_of_the_interval():
    seen = record(3, {(0, 1): [1, 0] * 49, (0, 2): [1, 0] * 7, (1, 2): [1, 0] * 7})
    chances = active(np.ones((3, 3), dtype=bool), seen)

    def gain(n):
        return 0.5 * (1 / np.sqrt(n + 2) - 1 / np.sqrt(n + 3))

    share = gain(98) / (gain(98) + 2 * gain(14))
    assert chances[0, 1] == pytest.approx((1 - EXPLORATION) * share + EXPLORATION / 3)


def test_active_prefers_the_undecided_pair_over_the_decided_one_of_equal_votes():
    seen = record(3, {(0, 1): [1] * 40, (0, 2): [1, 0] * 20, (1, 2): [1, 0] * 20})
    chances = active(np.ones((3, 3), dtype=bool), seen)
    assert chances[0, 1] < chances[0, 2]


def test_drawn_frequencies_match_the_stored_probabilities():
    chances = weighted(ALL_FOUR, np.array([1.0, 2.0, 3.0, 4.0]))
    random = np.random.default_rng(1)
    counts = np.zeros((4, 4))
    for _ in range(20_000):
        draw = draw_pair(chances, random)
        counts[draw.first, draw.second] += 1
        assert draw.probability == chances[draw.first, draw.second]
    # four standard errors of the commonest cell
    assert np.abs(counts / 20_000 - chances).max() < 4 * np.sqrt(0.35 * 0.65 / 20_000)


def test_active_draws_narrow_the_widest_interval_faster_than_uniform_ones():
    strength = np.array([0.0, 0.0, 3.0, 6.0])
    widths = {}
    for name in ("uniform", "active"):
        random, seen = np.random.default_rng(7), PairRecord.empty(4)
        for _ in range(1200):
            chances = uniform(ALL_FOUR) if name == "uniform" else active(ALL_FOUR, seen)
            cell = draw_pair(chances, random)
            gap = strength[cell.first] - strength[cell.second]
            y = float(random.random() < 1 / (1 + np.exp(-gap)))
            seen.votes[cell.first, cell.second] += 1
            seen.sum_y[cell.first, cell.second] += y
            seen.sum_y2[cell.first, cell.second] += y
        pairs = np.triu_indices(4, 1)
        mean = seen.sum_y[pairs] / seen.votes[pairs]
        widths[name] = np.sqrt(mean * (1 - mean) / seen.votes[pairs]).max()
    assert widths["active"] < widths["uniform"]


def test_no_common_question_anywhere_is_said_so():
    with pytest.raises(NothingToDrawError):
        uniform(np.eye(3, dtype=bool))
