import pytest

from judging.agreement import (
    bin_number,
    calibration,
    count_list_items,
    family_self_preference,
    first_position_preference,
    majority,
    parse_failure_rate,
    position_consistency,
    position_effects,
    preference_for_more,
    repeat_flip_rate,
    repeat_score_deviation,
)
from judging.verdicts import Outcome

A, B, TIE = Outcome.MODEL_A, Outcome.MODEL_B, Outcome.TIE


def test_a_pair_is_consistent_when_both_orders_name_the_same_outcome():
    assert position_consistency([A, A, TIE, B], [A, B, TIE, TIE], "abcd").value == 0.5


def test_position_effects_split_the_pairs_completely():
    effects = position_effects([A, A, B, TIE], [A, B, A, B], "abcd")
    shares = (effects.consistent, effects.first, effects.second, effects.other)
    assert [share.value for share in shares] == [0.25, 0.25, 0.25, 0.25]


def test_a_judge_that_always_takes_the_first_has_a_preference_of_one():
    assert first_position_preference([A, B], [1, 2], "aa").value == 1.0


def test_ties_and_consistent_pairs_show_no_position_preference():
    outcomes, games = [A, A, TIE, TIE], [1, 2, 1, 2]
    estimate = first_position_preference(outcomes, games, "aabb")
    assert (estimate.value, estimate.n) == (0.5, 2)


def test_preference_for_more_leaves_out_ties_and_equal_amounts():
    estimate = preference_for_more([A, B, TIE, A], [10, 10, 10, 5], [5, 5, 5, 5], "abcd")
    assert (estimate.value, estimate.n) == (0.5, 2)


def test_self_preference_is_the_gap_to_what_others_say():
    judged, by_others = [A, B, A, TIE], [A, A, TIE, TIE]
    estimate = family_self_preference(judged, by_others, [True, False, True, True], "abcd")
    # The judge gives its own side 1, 1, 1, 0.5; the others 1, 0, 0.5, 0.5.
    assert estimate.value == pytest.approx((0 + 1 + 0.5 + 0) / 4)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("- one\n- two\n\n1. three\n2) four", 4),
        ("a - b\n-5 degrees\n*bold*", 0),
        ("```\n- in code\n```\n  * nested", 1),
    ],
)
def test_list_items_are_counted_outside_code(text, count):
    assert count_list_items(text) == count


def test_the_failure_rate_counts_replies_without_a_verdict():
    assert parse_failure_rate([True, False, True, True], "abcd").value == 0.25


def test_the_flip_rate_counts_pairs_of_repeats_of_one_task():
    estimate = repeat_flip_rate([A, A, B, TIE, TIE, A], ["t1", "t1", "t1", "t2", "t2", "alone"])
    assert (estimate.value, estimate.n, estimate.n_clusters) == (0.5, 4, 2)


def test_repeat_deviation_is_pooled_over_tasks():
    estimate = repeat_score_deviation([6, 8, 5, 5, 5, 9], ["t1", "t1", "t2", "t2", "t2", "alone"])
    assert estimate.value == pytest.approx((2 / 3) ** 0.5)
    assert estimate.n == 5


def test_a_judge_that_never_repeats_has_no_noise_figure():
    assert repeat_flip_rate([A], ["t1"]).value is None
    assert repeat_score_deviation([5.0], ["t1"]).value is None


def test_a_calibrated_judge_has_no_expected_error():
    confidence = [0.75] * 4 + [0.5] * 2
    result = calibration(confidence, [True, True, True, False, True, False], range(6))
    assert result.expected_error.value == pytest.approx(0)
    assert result.brier.value == pytest.approx((3 * 0.0625 + 0.5625 + 2 * 0.25) / 6)


def test_an_overconfident_judge_is_off_by_its_overconfidence():
    result = calibration([1.0] * 10, [True] * 7 + [False] * 3, range(10))
    assert result.expected_error.value == pytest.approx(0.3)
    assert result.bins[-1].agreement.n == 10
    assert result.bins[-1].agreement.value == pytest.approx(0.7)
    assert result.bins[-1].agreement.lower < 0.7 < result.bins[-1].agreement.upper
    assert result.bins[0].mean_confidence is None


def test_a_confidence_of_seven_tenths_is_in_the_bin_that_begins_there():
    assert [bin_number(tenth / 10) for tenth in range(11)] == [*range(10), 9]


def test_most_is_more_than_half():
    assert majority([A, A, B]) is A
    assert majority([Outcome.TIE, Outcome.TIE, B]) is Outcome.TIE


@pytest.mark.parametrize("said", [[A, B], [B, A], [A, A, B, Outcome.TIE], []])
def test_a_split_is_no_majority_whoever_comes_first(said):
    assert majority(said) is None


def test_a_confidence_in_percent_is_refused():
    with pytest.raises(ValueError, match="give shares from 0 to 1"):
        calibration([80.0], [True], "a")


def test_without_any_stated_confidence_there_is_no_calibration():
    assert calibration([], [], []).expected_error.value is None
