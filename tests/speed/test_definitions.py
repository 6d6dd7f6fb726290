"""Every tool's formulas on one recorded run small enough to work out by hand.

Three streamed answers and one failure. Times in ms; R role-only opener, T text, U usage:
  0: sent 0,    R 100, T 200, T 300, T 400, U 410, end 420, 3 tokens, 10 prompt tokens
  1: sent 50,   R 150, T 150, T 350, U 350, end 350, 4 tokens (two per event), 20 prompt tokens
  2: sent 420,  T 620, end 640, 1 token, 30 prompt tokens, scheduled at 400
  3: sent 350,  a 500 answered at 900
"""

import numpy as np
import pytest

from speed.definitions import DEFINITIONS, Setting
from speed.metrics.timeline import Timeline
from speed.stamps import Category, ChunkKind
from tests.speed.conftest import stamps_of

R, T, U = ChunkKind.ROLE_ONLY, ChunkKind.CONTENT, ChunkKind.USAGE
RUN = (
    {
        "sent": 0,
        "end": 420,
        "tokens": 3,
        "prompt": 10,
        "chunks": [(100, R), (200, T), (300, T), (400, T), (410, U)],
    },
    {
        "sent": 50,
        "end": 350,
        "tokens": 4,
        "prompt": 20,
        "chunks": [(150, R), (150, T), (350, T), (350, U)],
    },
    {"sent": 420, "scheduled": 400, "end": 640, "tokens": 1, "prompt": 30, "chunks": [(620, T)]},
    {"sent": 350, "end": 900, "category": Category.SERVER_ERROR, "status": 500},
)


def reading(tool, run=RUN):
    return DEFINITIONS.get(tool)(Timeline(stamps_of(*run)), Setting(2, 4))


@pytest.mark.parametrize(
    ("metric", "value"),
    [
        ("total_time_s", 0.850),  # 900 - 50: request 1 finished first
        ("expected_requests", 4),
        ("completed_requests", 4),
        ("succeeded_requests", 3),
        ("failed_requests", 1),
        ("concurrency", 2),
        ("average_qps", 3 / 0.850),
        ("average_latency_s", (0.420 + 0.300 + 0.220) / 3),
        ("ttft_s", (0.100 + 0.100 + 0.220) / 3),  # a single package counts as not streamed
        ("throughput_tokens_per_s", 8 / 0.850),
        ("tpot_run_s", 0.850 / 8),
        ("packages_per_request", (3 + 2 + 1) / 3 + 2),
        ("time_per_package_s", (0.300 + 0.200 + 0.220) / 6),
        ("input_tokens_per_request", 20),
        ("output_tokens_per_request", 8 / 3),
    ],
)
def test_llmuses_metrics_follow_its_formulas(metric, value):
    assert reading("llmuses").value(metric) == pytest.approx(value)


def test_llmuses_time_per_output_token_is_the_reciprocal_of_throughput():
    report = reading("llmuses")

    product = report.value("tpot_run_s") * report.value("throughput_tokens_per_s")
    assert product == pytest.approx(1.0)


def test_llmuses_prints_percentiles_only_for_more_than_eight_requests():
    assert not reading("llmuses").percentiles
    assert set(reading("llmuses", RUN[:1] * 9).percentiles) == {"ttft_s", "latency_s"}


@pytest.mark.parametrize(
    ("metric", "value"),
    [
        ("mean_ttft_s", (0.100 + 0.100 + 0.200) / 3),  # the role-only opener stops the clock
        ("mean_e2el_s", (0.400 + 0.300 + 0.200) / 3),  # the usage event does not
        ("mean_tpot_s", (0.300 / 2 + 0.200 / 3) / 2),  # one token has no TPOT
        ("mean_itl_s", (0.1 + 0.1 + 0.1 + 0.0 + 0.2) / 5),
        ("duration_s", 0.900),
        ("request_throughput", 3 / 0.900),
        ("output_throughput", 8 / 0.900),
    ],
)
def test_vllm_metrics_follow_its_formulas(metric, value):
    assert reading("vllm").value(metric) == pytest.approx(value)


def test_vllm_counts_a_cold_connection_into_ttft():
    from speed.stamps import RequestFlag

    flags = RequestFlag.STREAMED | RequestFlag.COLD
    cold = ({**RUN[0], "flags": flags, "connect": 30},)

    assert reading("vllm", cold).value("mean_ttft_s") == pytest.approx(0.130)
    assert reading("agon", cold).value("mean_ttft_event_s") == pytest.approx(0.100)


@pytest.mark.parametrize(
    ("metric", "value"),
    [
        ("average_ttft_s", (0.100 + 0.100 + 0.200) / 3),
        ("average_latency_s", (0.410 + 0.300 + 0.200) / 3),  # up to the usage event
        ("average_tpot_s", (0.310 / 2 + 0.200 / 3 + 0.0) / 3),  # one token enters as zero
        ("time_taken_s", 0.640),  # the failure at the end shortens the window
        ("request_throughput", 3 / 0.640),
    ],
)
def test_evalscope_metrics_follow_its_formulas(metric, value):
    assert reading("evalscope").value(metric) == pytest.approx(value)


@pytest.mark.parametrize(
    ("metric", "value"),
    [
        ("ttft_s", 0.200),  # median of 200, 100, 200: the empty opener does not count
        ("tpot_s", np.median([0.400 / 3, 0.300 / 4, 0.200])),  # includes the first token
        ("itl_s", np.median([0.200 / 2, 0.200 / 3])),
        ("request_latency_s", 0.300),
    ],
)
def test_guidellm_metrics_follow_its_formulas(metric, value):
    assert reading("guidellm").value(metric) == pytest.approx(value)


@pytest.mark.parametrize(
    ("metric", "value"),
    [
        ("time_to_first_token_s", (0.200 + 0.100 + 0.200) / 3),
        ("inter_token_latency_s", (0.200 / 2 + 0.200 / 3) / 2),
        ("inter_chunk_latency_s", (0.1 + 0.1 + 0.2) / 3),
        ("request_latency_s", (0.400 + 0.300 + 0.200) / 3),
        ("request_throughput", 3 / 0.620),
    ],
)
def test_aiperf_metrics_follow_its_formulas(metric, value):
    assert reading("aiperf").value(metric) == pytest.approx(value)


def test_aiperf_keeps_the_time_to_the_second_token():
    samples = reading("aiperf").samples["time_to_second_token_s"]

    assert samples[:2] == pytest.approx([0.100, 0.200])
    assert np.isnan(samples[2])


@pytest.mark.parametrize(
    ("metric", "value"),
    [
        ("mean_ttft_s", (0.200 + 0.100 + 0.200) / 3),
        ("mean_ttft_event_s", (0.100 + 0.100 + 0.200) / 3),
        ("mean_ttft_scheduled_s", (0.200 + 0.100 + 0.220) / 3),
        ("mean_tpot_s", (0.100 + 0.200 / 3) / 2),
        ("mean_queue_wait_s", 0.020 / 3),
        ("tokens_per_package", 8 / 6),
        ("concurrency_reached", (0.420 + 0.300 + 0.220 + 0.550) / 0.900),
        ("attempts_per_s", 4 / 0.900),
        ("tpot_run_s", 0.900 / 8),
    ],
)
def test_headline_figures_follow_their_formulas(metric, value):
    assert reading("agon").value(metric) == pytest.approx(value)


def test_four_tools_give_four_times_per_output_token_for_one_server():
    run = [
        {
            "sent": 0,
            "end": 2980,
            "tokens": 100,
            "chunks": [(1000 + 20 * i, T) for i in range(100)],
        }
        for _ in range(50)
    ]

    assert reading("vllm", run).value("mean_tpot_s") == pytest.approx(0.020)
    assert reading("guidellm", run).value("tpot_s") == pytest.approx(0.0298)
    assert reading("llmuses", run).value("tpot_run_s") == pytest.approx(0.000596)
    assert reading("agon", run).value("mean_tpot_s") == pytest.approx(0.020)


def test_reasoning_stops_the_first_token_clock_but_not_the_answers():
    run = [
        {
            "sent": 0,
            "end": 300,
            "tokens": 3,
            "chunks": [(100, ChunkKind.REASONING), (200, ChunkKind.REASONING), (300, T)],
        }
    ]

    assert reading("agon", run).value("mean_ttft_s") == pytest.approx(0.1)
    assert reading("agon", run).value("mean_ttft_answer_s") == pytest.approx(0.3)


@pytest.mark.parametrize("tool", DEFINITIONS)
def test_every_definition_survives_a_run_without_any_success(tool):
    report = reading(tool, [RUN[3]])

    assert report.metrics


@pytest.mark.parametrize("tool", DEFINITIONS)
def test_every_definition_survives_a_phase_without_requests(tool):
    assert reading(tool, []).metrics


@pytest.mark.parametrize("tool", DEFINITIONS)
def test_every_metric_says_its_unit_and_formula(tool):
    assert all(metric.unit and metric.formula for metric in reading(tool).metrics)
