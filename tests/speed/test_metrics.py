"""Percentiles, objectives, comparison, search, overload, grade, findings, cost."""

import numpy as np
import pytest

from speed.metrics.comparison import Outcome, _weighted_percentile, compare, lengths_differ
from speed.metrics.cost import Price, cost_of
from speed.metrics.detection import Peculiarity, find_peculiarities
from speed.metrics.outcomes import in_flight_at, peak_in_flight
from speed.metrics.percentiles import (
    floor_index_percentiles,
    mean_estimate,
    percentile_estimate,
    percentile_estimates,
    smallest_sample_for,
)
from speed.metrics.quality import Grade, grade_run
from speed.metrics.reading_speed import Pace, reader_view
from speed.metrics.saturation import detect_overload
from speed.metrics.search import SloSearch
from speed.metrics.series import run_series
from speed.metrics.slo import PRESETS, Holds, Slo, goodput, requests_needed
from speed.metrics.summary import report_phase
from speed.metrics.timeline import Timeline
from speed.stamps import Category, ChunkKind
from tests.speed.conftest import healthy_header, stamps_of, text_at

T = ChunkKind.CONTENT


def answer(sent, ttft=100, gap=20, tokens=10, **more):
    chunks = [(sent + ttft + gap * i, T) for i in range(tokens)]
    return {"sent": sent, "end": chunks[-1][0], "tokens": tokens, "chunks": chunks, **more}


def timeline_of(*requests, **more):
    return Timeline(stamps_of(*requests, **more))


def test_a_percentile_interval_covers_the_truth_as_often_as_it_says():
    random = np.random.default_rng(0)
    truth = -np.log(0.1)  # p90 of the unit exponential
    hits = 0
    for _ in range(400):
        estimate = percentile_estimate(random.exponential(size=200), 90)
        hits += estimate.lower <= truth <= estimate.upper

    assert hits / 400 > 0.93  # 0.95 less two standard errors of 400 trials


def test_a_small_sample_cannot_bound_a_high_percentile():
    assert percentile_estimate(np.arange(20.0), 99).upper is None


def test_an_empty_sample_has_no_percentile():
    assert np.isnan(percentile_estimate(np.zeros(0), 50).value)


def test_percentiles_lie_linearly_between_their_neighbours():
    values = np.random.default_rng(2).exponential(size=37)

    for percent, estimate in percentile_estimates(values, (0.0, 50.0, 99.0, 100.0)).items():
        assert estimate.value == pytest.approx(np.percentile(values, percent))


def test_the_mean_carries_students_interval():
    estimate = mean_estimate(np.array([1.0, 2.0, 3.0]))

    assert estimate.value == 2.0
    assert estimate.upper - 2.0 == pytest.approx(4.302653 / 3**0.5)  # t(0.975, 2) s / sqrt(3)


def test_the_floor_index_rule_makes_p95_of_twenty_the_maximum():
    assert floor_index_percentiles(np.arange(20.0), (95,)) == {95: 19}
    assert smallest_sample_for(99) == 100


def test_cancelled_requests_are_no_attempts():
    timeline = timeline_of(answer(0), {"sent": 0, "end": 5, "category": Category.CANCELLED})

    assert len(timeline) == 1
    assert timeline.cancelled == 1


def test_in_flight_counts_requests_between_sending_and_end():
    timeline = timeline_of(answer(0), answer(100), answer(1000))

    assert in_flight_at(timeline, np.array([0.05, 0.15, 0.5])) == pytest.approx([1, 2, 0])
    assert peak_in_flight(timeline) == 2


def test_tokens_of_the_series_add_up():
    timeline = timeline_of(*(answer(50 * i) for i in range(40)))

    series = run_series(timeline)

    assert (series.output_tokens_per_s * series.step_s).sum() == pytest.approx(400)
    assert (series.requests_per_s * series.step_s).sum() == pytest.approx(40)


def test_goodput_counts_failures_against_the_issued_requests():
    requests = [answer(10 * i) for i in range(8)]
    requests += [{"sent": 5, "end": 9, "category": Category.TIMEOUT}] * 2

    result = goodput(timeline_of(*requests), Slo(ttft_s=0.2))

    assert (result.good_requests, result.issued_requests, result.share) == (8, 10, 0.8)


def test_an_objective_holds_only_with_enough_proof():
    few = timeline_of(*(answer(10 * i) for i in range(50)))
    many = timeline_of(*(answer(10 * i) for i in range(requests_needed(99))))
    slow = timeline_of(*(answer(10 * i, ttft=500) for i in range(50)))

    assert goodput(few, Slo(ttft_s=0.2)).holds is Holds.UNCLEAR
    assert goodput(many, Slo(ttft_s=0.2)).holds is Holds.YES
    assert goodput(slow, Slo(ttft_s=0.2)).holds is Holds.NO


def test_an_objective_may_count_from_the_schedule():
    waited = timeline_of(*(answer(1000, scheduled=0) for _ in range(30)))

    assert goodput(waited, Slo(ttft_s=0.2)).share == 1
    assert goodput(waited, Slo(ttft_s=0.2, from_schedule=True)).share == 0


def test_every_preset_demands_something():
    assert all(not slo.is_empty for slo in PRESETS.values())


def test_equal_runs_show_no_clear_difference_as_often_as_promised():
    random = np.random.default_rng(5)
    alarms = 0
    for seed in range(40):
        a, b = random.gamma(4, size=(2, 400))
        alarms += compare(a, b, seed=seed).outcome is not Outcome.NO_CLEAR_DIFFERENCE

    assert alarms <= 6  # 2 expected; more than 6 has a probability below 0.4 %


def test_a_real_difference_is_found_with_its_direction():
    random = np.random.default_rng(1)
    a = random.gamma(4, size=400)

    result = compare(a, a[::-1] * 1.5)

    assert result.outcome is Outcome.HIGHER
    assert result.relative_lower <= 0.5 <= result.relative_upper


def test_a_weighted_percentile_is_that_of_the_repeated_values():
    random = np.random.default_rng(4)
    values = np.sort(random.normal(size=30))
    weights = random.integers(0, 4, size=(5, 30))

    expected = [np.percentile(np.repeat(values, row), 83) for row in weights]

    assert _weighted_percentile(values, weights.astype(float), 83) == pytest.approx(expected)


def test_few_requests_are_not_enough_data():
    result = compare(np.ones(20), np.ones(20) * 9)

    assert result.outcome is Outcome.NOT_ENOUGH_DATA
    assert result.lower is None


def test_a_p99_of_two_hundred_requests_is_not_enough_data():
    random = np.random.default_rng(1)
    a, b = random.gamma(4, size=(2, 200))

    assert compare(a, b, percent=99).outcome is Outcome.NOT_ENOUGH_DATA


def test_blocks_widen_the_interval_of_correlated_requests():
    random = np.random.default_rng(2)
    drift = np.repeat(random.normal(size=(2, 20)), 20, axis=1)
    a, b = 10 + drift + random.normal(0, 0.05, size=(2, 400))

    by_block = compare(a, b, blocks_a=np.arange(400) // 20, blocks_b=np.arange(400) // 20)
    by_request = compare(a, b, blocks_a=np.arange(400), blocks_b=np.arange(400))

    width = by_block.upper - by_block.lower
    assert width > 2 * (by_request.upper - by_request.lower)


def test_runs_of_different_lengths_are_told_apart():
    assert lengths_differ(np.full(10, 100.0), np.full(10, 110.0))
    assert not lengths_differ(np.full(10, 100.0), np.full(10, 104.0))


@pytest.mark.parametrize("limit", [1, 7, 33, 128])
def test_the_search_finds_the_highest_concurrency_that_holds(limit):
    search = SloSearch(1, 128, tolerance=0.0)

    while (level := search.next_level()) is not None:
        search.record(Holds.YES if level <= limit else Holds.NO)

    assert search.best == limit


def test_the_search_says_when_nothing_holds():
    search = SloSearch(1, 64)
    while search.next_level() is not None:
        search.record(Holds.NO)

    assert search.best is None


def test_the_search_narrows_a_rate_to_its_tolerance():
    search = SloSearch(1, 1000, is_whole=False, tolerance=0.02)
    while (level := search.next_level()) is not None:
        search.record(Holds.YES if level <= 77.7 else Holds.NO)

    assert 77.7 * 0.97 <= search.best <= 77.7


def test_an_unclear_level_is_asked_again_and_then_fails():
    search = SloSearch(4, 8)
    asked = []
    while (level := search.next_level()) is not None:
        asked.append(level)
        search.record(Holds.UNCLEAR)

    assert asked == [4, 4, 4]
    assert search.best is None


def test_overload_shows_in_climbing_load_and_waiting():
    overloaded = [answer(10 * i, ttft=100 + 8 * i) for i in range(600)]

    assert detect_overload(timeline_of(*overloaded)).is_overloaded


def test_a_steady_run_is_not_overloaded():
    random = np.random.default_rng(3)
    steady = [answer(10 * i, ttft=int(random.integers(80, 120))) for i in range(600)]

    assert not detect_overload(timeline_of(*steady)).is_overloaded


def healthy_run(count=300, **more):
    return [answer(20 * i, **more) for i in range(count)]


def test_a_healthy_run_is_green():
    assert grade_run(timeline_of(*healthy_run()), 2).grade is Grade.GREEN


def test_a_run_with_a_busy_client_is_red_and_stays_off_the_boards():
    header = healthy_header()
    header["health"]["cpu_share_peak"] = 0.97

    verdict = grade_run(timeline_of(*healthy_run(), header=header), 2)

    assert verdict.grade is Grade.RED
    assert not verdict.may_be_published


def test_a_run_with_few_requests_is_amber():
    assert grade_run(timeline_of(*healthy_run(60)), 2).grade is Grade.AMBER


def test_a_run_with_a_handful_of_requests_is_red():
    assert grade_run(timeline_of(*healthy_run(5)), 2).grade is Grade.RED


def test_a_turn_of_an_interleaved_run_is_graded_with_its_whole_side():
    phase = {"name": "A1", "load": "closed", "concurrency": 2, "requests": 15}
    requests = [
        {"sent": 10 * n, "end": 10 * n + 9, "tokens": 2, "phase": n % 4}
        | {"chunks": text_at(10 * n + 3, 10 * n + 6)}
        for n in range(60)
    ]
    header = healthy_header([{**phase, "target": number % 2} for number in range(4)])

    alone = report_phase(stamps_of(*requests, header=header), 0)
    header["plan"]["targets"] = [{}, {}]
    together = report_phase(stamps_of(*requests, header=header), 0)

    assert alone.verdict.grade is Grade.RED
    assert together.verdict.grade is Grade.AMBER
    assert together.outcomes.attempts == 15


def test_a_stepped_clock_makes_a_run_red():
    header = healthy_header() | {"clock_step_ns": 5_000_000}

    assert grade_run(timeline_of(*healthy_run(), header=header), 2).grade is Grade.RED


def found(*requests):
    return {finding.name for finding in find_peculiarities(timeline_of(*requests))}


def test_a_plain_stream_has_no_peculiarities():
    assert found(*healthy_run(30)) == set()


def test_a_buffered_stream_is_detected():
    chunks = [(3000, T)] * 2 + [(3001, T | ChunkKind.SHARED_READ)] * 28
    request = {"sent": 0, "end": 3001, "tokens": 30, "chunks": chunks}

    assert Peculiarity.BUFFERED in found(request)


def test_an_empty_first_event_is_detected():
    request = answer(0)
    request["chunks"] = [(50, ChunkKind.ROLE_ONLY), *request["chunks"]]

    assert Peculiarity.EMPTY_FIRST_EVENT in found(request)


def test_several_tokens_per_event_are_detected():
    assert Peculiarity.BUNDLED in found(answer(0) | {"tokens": 40})


def test_reasoning_is_detected():
    request = answer(0)
    request["chunks"][0] = (100, ChunkKind.REASONING)

    assert Peculiarity.REASONING in found(request)


def test_cached_prompts_are_detected():
    assert Peculiarity.CACHED_PROMPTS in found(answer(0, prompt=100, cached=64))


def test_answers_of_another_length_than_asked_for_are_detected():
    assert Peculiarity.LENGTH_MISMATCH in found(answer(0, expected=20))


def test_rented_hardware_costs_by_the_hour():
    cost = cost_of(
        Price(per_hour=3.6), input_tokens=400, output_tokens=900, answers=10, window_s=1000
    )

    assert cost.per_million_output == pytest.approx(1000)  # 1.00 over 900 + 400 / 4 tokens
    assert cost.per_answer == pytest.approx(0.1)
    assert cost.per_win(0.5) == pytest.approx(0.2)


def test_a_price_list_costs_by_the_token():
    cost = cost_of(
        Price(per_million_input=1, per_million_output=2),
        **{"input_tokens": 500_000, "output_tokens": 250_000, "answers": 100, "window_s": 9},
    )

    assert cost.per_answer == pytest.approx(0.01)


def test_a_model_that_never_wins_has_no_cost_per_win():
    cost = cost_of(Price(per_hour=1), input_tokens=1, output_tokens=1, answers=1, window_s=1)

    assert cost.per_win(0) is None


def test_a_reader_of_english_keeps_up_with_five_words_a_second():
    view = reader_view(1.0, 0.18, "en")

    assert view.pace is Pace.KEEPS_UP
    assert view.is_first_token_timely
    assert not view.is_fluent
