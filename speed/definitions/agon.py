"""Our own headline figures: each moment under a name that says which one it is.

TTFT counts from the sending to the first text of any kind; beside it stand the first event, the
first text of the answer proper (after reasoning), and TTFT from the *scheduled* time, which is
what a user waits when the load is offered and not taken. TPOT is per request, between the first
and the last text; the run-level figure of the source documents is tpot_run.
"""

import numpy as np

from speed.definitions import DEFINITIONS, Metric, Reading, Setting, ratio
from speed.metrics.percentiles import mean_estimate, percentile_table
from speed.metrics.timeline import Floats, Timeline

PERCENTS = (50.0, 90.0, 95.0, 99.0)


@DEFINITIONS.register("agon")
def read_as_agon(timeline: Timeline, setting: Setting) -> Reading:
    """The figures of the report's first table."""
    samples = samples_of(timeline)
    ok = timeline.is_success
    window_s = timeline.window_s
    tokens = timeline.output_tokens[ok]
    attempts, succeeded = len(timeline), int(np.count_nonzero(ok))
    output = float(np.nansum(tokens))
    events = timeline.chunk_times("text").count[ok]
    metrics = (
        Metric("window_s", window_s, "s", "W = max e - min a"),
        Metric("attempts_per_s", ratio(attempts, window_s), "requests/s", "attempts / W"),
        Metric("requests_per_s", ratio(succeeded, window_s), "requests/s", "|S| / W"),
        Metric("output_tokens_per_s", ratio(output, window_s), "tokens/s", "sum n / W"),
        Metric(
            "input_tokens_per_s",
            ratio(float(np.nansum(timeline.prompt_tokens[ok])), window_s),
            "tokens/s",
            "sum p / W",
        ),
        Metric(
            "concurrency_reached",
            ratio(float(timeline.latency.sum()), window_s),
            "requests",
            "sum(e - a) / W (Little)",
        ),
        Metric("concurrency_set", setting.concurrency, "requests", "the setting"),
        Metric("tpot_run_s", ratio(window_s, output), "s", "W / sum n"),
        Metric("tokens_per_package", ratio(output, float(events.sum())), "tokens", "sum n / sum m"),
        *(
            Metric(f"mean_{name}", mean_estimate(values).value, _unit(name), FORMULAS[name])
            for name, values in samples.items()
        ),
    )
    return Reading(metrics, samples, percentile_table(samples, PERCENTS))


FORMULAS = {
    "ttft_s": "k1 - a",
    "ttft_scheduled_s": "k1 - s",
    "ttft_event_s": "c1 - a",
    "ttft_answer_s": "first text that is not reasoning - a",
    "tpot_s": "(kL - k1) / (n - 1)",
    "itl_s": "gaps between neighbouring text events, merged reads left out",
    "latency_s": "e - a",
    "latency_scheduled_s": "e - s",
    "queue_wait_s": "a - s",
    "output_tokens_per_s_per_user": "(n - 1) / (kL - k1)",
}


def _unit(name: str) -> str:
    return "tokens/s" if name.startswith("output_tokens") else "s"


def samples_of(timeline: Timeline) -> dict[str, Floats]:
    """One value per successful request for every headline figure (per gap for itl_s)."""
    ok = timeline.is_success
    text = timeline.chunk_times("text")
    tokens = timeline.output_tokens[ok]
    first, last = text.first[ok], text.last[ok]
    sent, scheduled = timeline.sent[ok], timeline.scheduled[ok]
    is_decoded = (tokens > 1) & (last > first)
    tpot = np.full(len(tokens), np.nan)
    tpot[is_decoded] = (last - first)[is_decoded] / (tokens[is_decoded] - 1)
    return {
        "ttft_s": first - sent,
        "ttft_scheduled_s": first - scheduled,
        "ttft_event_s": timeline.chunk_times("any").first[ok] - sent,
        "ttft_answer_s": timeline.chunk_times("answer").first[ok] - sent,
        "tpot_s": tpot,
        "itl_s": timeline.gaps("text", only_resolved=True)[0],
        "latency_s": timeline.latency[ok],
        "latency_scheduled_s": (timeline.end - timeline.scheduled)[ok],
        "queue_wait_s": timeline.queue_wait[ok],
        "output_tokens_per_s_per_user": 1 / tpot,
    }
