"""vLLM's serving benchmark: TTFT at the first event with a choice, end at the last one.

The clock starts before the connection is opened, so a cold connection is inside TTFT. A request
with one output token has no TPOT. Inter-token latency is the gap between events, pooled over all
requests, one token per event assumed.
"""

import numpy as np

from speed.definitions import DEFINITIONS, Metric, Reading, Setting, ratio
from speed.metrics.percentiles import percentile_table
from speed.metrics.timeline import Floats, Timeline

PERCENTS = (50.0, 90.0, 95.0, 99.0)


@DEFINITIONS.register("vllm")
def read_as_vllm(timeline: Timeline, setting: Setting) -> Reading:
    """The report of ``vllm bench serve``."""
    ok = timeline.is_success
    chunks = timeline.chunk_times("choice")
    start = (timeline.sent - timeline.connect)[ok]
    ttft = chunks.first[ok] - start
    latency = chunks.last[ok] - start
    tokens = timeline.output_tokens[ok]
    tpot = _tpot(latency, ttft, tokens)
    itl, _ = timeline.gaps("choice")
    window_s = timeline.window_s
    succeeded = int(np.count_nonzero(ok))
    samples = {"ttft_s": ttft, "tpot_s": tpot[tokens > 1], "itl_s": itl, "e2el_s": latency}
    metrics = (
        Metric("completed", succeeded, "requests", "|S|"),
        Metric("failed", len(timeline) - succeeded, "requests", "attempts - |S|"),
        Metric("duration_s", window_s, "s", "max e - min a"),
        Metric("request_throughput", ratio(succeeded, window_s), "requests/s", "|S| / W"),
        Metric(
            "output_throughput", ratio(float(np.nansum(tokens)), window_s), "tokens/s", "sum n / W"
        ),
        Metric("mean_ttft_s", _mean(ttft), "s", "mean of (first choice - start)"),
        Metric("mean_tpot_s", _mean(tpot[tokens > 1]), "s", "mean of (E2E - TTFT)/(n-1), n > 1"),
        Metric("mean_itl_s", _mean(itl), "s", "mean of all event gaps, pooled"),
        Metric("mean_e2el_s", _mean(latency), "s", "mean of (last choice - start)"),
        Metric(
            "peak_chunks_per_s", peak_per_second(timeline), "events/s", "most events in a second"
        ),
        Metric("max_concurrency", setting.concurrency, "requests", "the setting"),
    )
    return Reading(metrics, samples, percentile_table(samples, PERCENTS))


def peak_per_second(timeline: Timeline) -> float:
    """Most events in one wall second; the tool calls it tokens, which bundles undercount."""
    owner, at = timeline.chunk_arrivals("choice")
    at = at[timeline.is_success[owner]]
    if not len(at):
        return float("nan")
    return float(np.bincount(np.floor(at - at.min()).astype(np.int64)).max())


def _tpot(latency: Floats, ttft: Floats, tokens: Floats) -> Floats:
    values: Floats = np.where(tokens > 1, (latency - ttft) / np.maximum(tokens - 1, 1), np.nan)
    return values


def _mean(values: Floats) -> float:
    return float(np.nanmean(values)) if len(values) else float("nan")
