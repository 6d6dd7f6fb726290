"""AIPerf (genai-perf before it): first non-empty response, ITL per request, chunk gaps apart."""

import numpy as np

from speed.definitions import DEFINITIONS, Metric, Reading, Setting, ratio
from speed.metrics.percentiles import percentile_table
from speed.metrics.timeline import Floats, Timeline

PERCENTS = (50.0, 75.0, 90.0, 95.0, 99.0)


@DEFINITIONS.register("aiperf")
def read_as_aiperf(timeline: Timeline, setting: Setting) -> Reading:
    """The report of ``aiperf profile``."""
    ok = timeline.is_success
    text = timeline.chunk_times("text")
    start = timeline.sent[ok]
    tokens = timeline.output_tokens[ok]
    ttft = text.first[ok] - start
    latency = text.last[ok] - start
    itl = np.where(tokens > 1, (latency - ttft) / np.maximum(tokens - 1, 1), np.nan)
    icl, _ = timeline.gaps("text")
    samples: dict[str, Floats] = {
        "time_to_first_token_s": ttft,
        "time_to_second_token_s": (text.second - text.first)[ok],
        "time_to_first_output_token_s": timeline.chunk_times("answer").first[ok] - start,
        "inter_token_latency_s": itl,
        "inter_chunk_latency_s": icl,
        "request_latency_s": latency,
    }
    window_s = _window_s(timeline, text.last)
    succeeded = int(np.count_nonzero(ok))
    output = float(np.nansum(tokens))
    metrics = (
        Metric("request_count", succeeded, "requests", "|S|"),
        Metric("request_throughput", ratio(succeeded, window_s), "requests/s", "|S| / W"),
        Metric("output_token_throughput", ratio(output, window_s), "tokens/s", "sum n / W"),
        Metric("time_to_first_token_s", _mean(ttft), "s", "mean of (k1 - a)"),
        Metric("inter_token_latency_s", _mean(itl), "s", "mean of (kL - k1)/(n - 1)"),
        Metric("inter_chunk_latency_s", _mean(icl), "s", "mean of text-event gaps, pooled"),
        Metric("request_latency_s", _mean(latency), "s", "mean of (kL - a)"),
        Metric(
            "output_tokens_per_s_per_user",
            _mean(1 / np.where(itl > 0, itl, np.nan)),
            "tokens/s",
            "mean of (n-1)/(kL - k1)",
        ),
        Metric("e2e_output_tokens_per_s", _mean(tokens / latency), "tokens/s", "mean of n/(kL-a)"),
        Metric("configured_concurrency", setting.concurrency, "requests", "the setting"),
    )
    return Reading(metrics, samples, percentile_table(samples, PERCENTS))


def _window_s(timeline: Timeline, last: Floats) -> float:
    """Earliest request to latest response."""
    if not np.any(timeline.is_success):
        return 0.0
    return float(np.nanmax(last[timeline.is_success]) - timeline.sent.min())


def _mean(values: Floats) -> float:
    return float(np.nanmean(values)) if np.any(~np.isnan(values)) else float("nan")
