"""EvalScope since July 2025: like vLLM, but the usage event ends a request.

Requests with one token or none enter the mean of TPOT as zero, only streamed successes count for
TTFT and TPOT, and a run's window ends with the last *successful* completion, so that time-outs at
the end shorten it. Percentiles are taken at floor(n p / 100).
"""

import numpy as np

from speed.definitions import DEFINITIONS, Metric, Reading, Setting, ratio
from speed.definitions.llmuses import floor_percentile_table
from speed.metrics.timeline import Floats, Timeline


@DEFINITIONS.register("evalscope")
def read_as_evalscope(timeline: Timeline, setting: Setting) -> Reading:
    """The report of ``evalscope perf``."""
    ok = timeline.is_success
    streamed = ok & timeline.is_streamed
    last = timeline.chunk_times("any").last
    ttft = (timeline.chunk_times("choice").first - timeline.sent)[streamed]
    latency = np.where(timeline.is_streamed, last - timeline.sent, timeline.latency)
    tokens = timeline.output_tokens
    per_token = (latency[streamed] - ttft) / np.maximum(tokens[streamed] - 1, 1)
    tpot = np.where(tokens[streamed] > 1, per_token, 0.0)
    itl, _ = timeline.gaps("choice")
    window_s = _window_s(timeline)
    succeeded = int(np.count_nonzero(ok))
    output = float(np.nansum(tokens[ok]))
    speed = tokens[ok] / latency[ok]
    samples: dict[str, Floats] = {
        "ttft_s": ttft,
        "itl_s": itl,
        "tpot_s": tpot,
        "latency_s": latency[ok],
        "output_tokens_per_s": speed,
    }
    metrics = (
        Metric("time_taken_s", window_s, "s", "max e over S - min a"),
        Metric("concurrency", setting.concurrency, "requests", "the setting"),
        Metric("total_requests", len(timeline), "requests", "succeeded + failed"),
        Metric("succeeded_requests", succeeded, "requests", "|S|"),
        Metric("failed_requests", len(timeline) - succeeded, "requests", "total - |S|"),
        Metric("request_throughput", ratio(succeeded, window_s), "requests/s", "|S| / W"),
        Metric("output_throughput", ratio(output, window_s), "tokens/s", "sum n / W"),
        Metric("average_latency_s", _mean(latency[ok]), "s", "mean of (last event - a)"),
        Metric("average_ttft_s", _mean(ttft), "s", "mean of (first choice - a)"),
        Metric("average_tpot_s", _mean(tpot), "s", "mean of (E2E - TTFT)/(n-1), 0 for n <= 1"),
        Metric("average_itl_s", _mean(itl), "s", "mean of all event gaps, pooled"),
        Metric("average_output_tokens", ratio(output, succeeded), "tokens", "sum n / |S|"),
    )
    return Reading(metrics, samples, floor_percentile_table(samples))


def _window_s(timeline: Timeline) -> float:
    if not np.any(timeline.is_success):
        return 0.0
    return float(timeline.end[timeline.is_success].max() - timeline.sent.min())


def _mean(values: Floats) -> float:
    return float(np.nanmean(values)) if len(values) else float("nan")
