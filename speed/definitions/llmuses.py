"""llmuses perf (2024): run-level averages; its time per output token is 1 / throughput.

The tool's clock stopped when its consumer handled a result, up to a second late when the queue
was empty; from stamps the same figures come out without that delay. Non-streamed requests count
one package that took the whole latency, as its consumer did.
"""

import numpy as np

from speed.definitions import DEFINITIONS, Metric, Reading, Setting, ratio
from speed.metrics.percentiles import floor_index_percentiles
from speed.metrics.timeline import Floats, Timeline

PERCENTS = (50.0, 66.0, 75.0, 80.0, 90.0, 95.0, 98.0, 99.0)
ROWS_NEEDED = 8  # more than eight rows, else the tool printed no percentiles


@DEFINITIONS.register("llmuses")
def read_as_llmuses(timeline: Timeline, setting: Setting) -> Reading:
    """Every metric of the llmuses performance report."""
    ok = timeline.is_success
    succeeded = int(np.count_nonzero(ok))
    total_s = total_time_s(timeline)
    latency = timeline.latency[ok]
    ttft, packages, package_time = _packages(timeline)
    output = float(np.nansum(timeline.output_tokens[ok]))
    prompt = float(np.nansum(timeline.prompt_tokens[ok]))
    metrics = (
        Metric("total_time_s", total_s, "s", "max e - a of the first request to finish"),
        Metric("expected_requests", setting.expected_requests, "requests", "asked for"),
        Metric("completed_requests", len(timeline), "requests", "succeeded + failed"),
        Metric("succeeded_requests", succeeded, "requests", "|S|"),
        Metric("failed_requests", len(timeline) - succeeded, "requests", "completed - |S|"),
        Metric("concurrency", setting.concurrency, "requests", "the setting, not measured"),
        Metric("average_qps", ratio(succeeded, total_s), "requests/s", "|S| / total time"),
        Metric("average_latency_s", _mean(latency), "s", "mean over S of (e - a)"),
        Metric("ttft_s", _mean(ttft), "s", "mean over S of (c1 - a); e - a if not streamed"),
        Metric("throughput_tokens_per_s", ratio(output, total_s), "tokens/s", "sum n / total time"),
        Metric("tpot_run_s", ratio(total_s, output), "s", "total time / sum n"),
        Metric(
            "packages_per_request", ratio(packages, succeeded) + 2, "packages", "sum(m-2)/|S| + 2"
        ),
        Metric(
            "time_per_package_s",
            ratio(package_time, packages),
            "s",
            "sum(c[m-1] - c1) / sum(m - 2)",
        ),
        Metric("input_tokens_per_request", ratio(prompt, succeeded), "tokens", "sum p / |S|"),
        Metric("output_tokens_per_request", ratio(output, succeeded), "tokens", "sum n / |S|"),
    )
    samples = {"ttft_s": ttft, "latency_s": latency}
    return Reading(metrics, samples, floor_percentile_table(samples))


def total_time_s(timeline: Timeline) -> float:
    """From the sending of the request that finished first to the end of the last one."""
    if not len(timeline):
        return 0.0
    first_finished = int(np.argmin(timeline.end))
    return float(timeline.end.max() - timeline.sent[first_finished])


def floor_percentile_table(samples: dict[str, Floats]) -> dict[str, dict[float, float]]:
    """The tool's percentile rows; empty with eight requests or fewer."""
    return {
        name: floor_index_percentiles(values, PERCENTS)
        for name, values in samples.items()
        if len(values) > ROWS_NEEDED
    }


def _packages(timeline: Timeline) -> tuple[Floats, float, float]:
    """TTFT per success, middle packages in all, and the time they took in all."""
    ok = timeline.is_success
    chunks = timeline.chunk_times("any")
    count = chunks.count[ok]
    latency = timeline.latency[ok]
    is_single = count <= 1
    ttft = np.where(is_single, latency, chunks.first[ok] - timeline.sent[ok])
    middle = np.where(is_single, 1, count - 2)
    span = np.where(is_single, latency, chunks.before_last[ok] - chunks.first[ok])
    return ttft, float(middle.sum()), float(np.nansum(span))


def _mean(values: Floats) -> float:
    return float(values.mean()) if len(values) else float("nan")
