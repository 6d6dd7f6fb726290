"""GuideLLM: TTFT at the first token of any kind; its TPOT includes the first token.

What other tools call TPOT it calls ITL, one value per request.
"""

import numpy as np

from speed.definitions import DEFINITIONS, Metric, Reading, Setting, ratio
from speed.metrics.percentiles import percentile_table
from speed.metrics.timeline import Floats, Timeline

PERCENTS = (50.0, 90.0, 95.0, 99.0)


@DEFINITIONS.register("guidellm")
def read_as_guidellm(timeline: Timeline, setting: Setting) -> Reading:
    """The report of ``guidellm benchmark``."""
    ok = timeline.is_success
    text = timeline.chunk_times("text")
    start = timeline.sent[ok]
    tokens = timeline.output_tokens[ok]
    first, last = text.first[ok], text.last[ok]
    itl = np.where(tokens > 1, (last - first) / np.maximum(tokens - 1, 1), np.nan)
    samples: dict[str, Floats] = {
        "ttft_s": first - start,
        "time_to_first_output_token_s": timeline.chunk_times("answer").first[ok] - start,
        "tpot_s": (last - start) / np.where(tokens > 0, tokens, np.nan),
        "itl_s": itl[~np.isnan(itl)],
        "request_latency_s": timeline.latency[ok],
    }
    window_s = timeline.window_s
    succeeded = int(np.count_nonzero(ok))
    metrics = (
        Metric("successful_requests", succeeded, "requests", "|S|"),
        Metric("errored_requests", len(timeline) - succeeded, "requests", "attempts - |S|"),
        Metric("requests_per_second", ratio(succeeded, window_s), "requests/s", "|S| / W"),
        Metric(
            "request_concurrency",
            ratio(float(timeline.latency.sum()), window_s),
            "requests",
            "sum(e - a) / W",
        ),
        Metric(
            "output_tokens_per_second",
            ratio(float(np.nansum(tokens)), window_s),
            "tokens/s",
            "sum n / W",
        ),
        Metric("ttft_s", _median(samples["ttft_s"]), "s", "median of (k1 - a)"),
        Metric("tpot_s", _median(samples["tpot_s"]), "s", "median of (kL - a) / n"),
        Metric("itl_s", _median(samples["itl_s"]), "s", "median of (kL - k1) / (n - 1)"),
        Metric(
            "request_latency_s", _median(samples["request_latency_s"]), "s", "median of (e - a)"
        ),
        Metric("configured_concurrency", setting.concurrency, "requests", "the setting"),
    )
    return Reading(metrics, samples, percentile_table(samples, PERCENTS))


def _median(values: Floats) -> float:
    return float(np.nanmedian(values)) if np.any(~np.isnan(values)) else float("nan")
