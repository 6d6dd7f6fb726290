"""The words that pages use for figures, checks, findings and failures."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

METRIC_LABELS = {
    "ttft_s": _("Time to first token"),
    "ttft_scheduled_s": _("… from the scheduled time"),
    "ttft_event_s": _("… to the first event"),
    "ttft_answer_s": _("… to the answer proper, after reasoning"),
    "tpot_s": _("Time per output token"),
    "itl_s": _("Gap between packages"),
    "latency_s": _("Latency"),
    "latency_scheduled_s": _("… from the scheduled time"),
    "queue_wait_s": _("Wait before sending"),
    "output_tokens_per_s_per_user": _("Tokens per second that one user sees"),
}
COMPARED_LABELS = {
    "ttft_p50": _("TTFT, median"),
    "ttft_p95": _("TTFT, p95"),
    "tpot_p50": _("Time per output token, median"),
    "tpot_p95": _("Time per output token, p95"),
    "latency_p50": _("Latency, median"),
    "latency_p95": _("Latency, p95"),
    "latency_mean": _("Latency, mean"),
}
OUTCOME_LABELS = {
    "lower": _("B is faster"),
    "higher": _("B is slower"),
    "no clear difference": _("no clear difference"),
    "not enough data": _("not enough data"),
}
HOLDS_LABELS = {
    "yes": _("holds"),
    "no": _("does not hold"),
    "unclear": _("not enough data"),
}
CATEGORY_LABELS = {
    "succeeded": _("succeeded"),
    "rate_limited": _("rate limited (429)"),
    "client_error": _("refused by the server (4xx)"),
    "server_error": _("server error (5xx)"),
    "timeout": _("timed out"),
    "refused": _("connection refused"),
    "unreachable": _("host unreachable"),
    "tls": _("TLS failure"),
    "reset": _("lost before the first byte"),
    "cut": _("cut off in the middle"),
    "protocol": _("not HTTP"),
    "stream_error": _("error inside the stream"),
    "empty": _("empty answer"),
}
CHECK_LABELS = {
    "client_cpu_share": _("CPU of the generator, busiest second"),
    "loop_lag_p99_s": _("Lag of the generator's loop, p99"),
    "schedule_delay_p99_s": _("Delay against the schedule, p99"),
    "merged_read_share": _("Gaps hidden in merged reads"),
    "clock_step_s": _("Steps of the wall clock"),
    "missing_samples": _("Successes missing to a sound sample"),
    "failed_share": _("Failed requests"),
    "buffered_share": _("Answers that came all at once at the end"),
    "length_deviation": _("Distance from the asked-for length"),
    "missing_repeats": _("Repeats missing to a sound sample"),
    "repeat_spread": _("Spread of the repeats around their mean"),
    "others_busy_share": _("CPU time that other processes took"),
}
IN_PROCESS_LABELS = {
    "ttft_s": _("TTFT, ms"),
    "prefill_tokens_per_s": _("Prefill tokens/s"),
    "tpot_s": _("Per token, ms"),
    "step_p50_s": _("Step p50, ms"),
    "step_p99_s": _("Step p99, ms"),
    "latency_s": _("Latency, ms"),
    "output_tokens_per_s": _("Output tokens/s"),
}
DEVICE_LABELS = {
    "device": _("Device"),
    "dtype": _("Precision"),
    "attention": _("Attention"),
    "threads": _("Threads"),
    "parameters": _("Parameters"),
    "torch": "torch",
    "transformers": "transformers",
}
MEMORY_LABELS = {
    "device, allocated": _("allocated on the device"),
    "process, resident": _("resident in the process"),
}
CHECK_MEANINGS = {
    "client_cpu_share": _("A busy generator measures itself instead of the server."),
    "loop_lag_p99_s": _("The generator was late to look at what had arrived."),
    "schedule_delay_p99_s": _(
        "Requests left later than planned, so the load was not the asked one."
    ),
    "merged_read_share": _("Several packages arrived in one read; their own times are unknown."),
    "clock_step_s": _("Somebody moved the clock during the run; kernel stamps jumped with it."),
    "missing_samples": _("Too few answers for the upper percentiles to mean anything."),
    "failed_share": _("Failures are fast and make the rest look better than it is."),
    "buffered_share": _("A proxy or the server holds the stream back: TTFT is no first token."),
    "length_deviation": _("Answers were longer or shorter than asked: unequal work."),
    "missing_repeats": _("Too few repeats to tell an accident from a habit."),
    "repeat_spread": _("Repeats of the same work took unlike times."),
    "others_busy_share": _("The machine was busy with something else at the same time."),
}
FINDING_LABELS = {
    "buffered_stream": _("The stream is buffered: text arrives all at once at the end."),
    "empty_first_event": _("Streams open with an event without text; some tools count it as TTFT."),
    "several_tokens_per_event": _("Several tokens come per package."),
    "reasoning": _("Answers hold reasoning before the answer proper."),
    "cached_prompts": _("The server answered part of the prompts from its cache."),
    "merged_reads": _("Some packages arrived together in one read."),
    "length_mismatch": _("Answers differ from the asked-for length."),
    "no_usage": _("Some answers state no token counts; tokens were estimated from packages."),
    "cold_connections": _("Some requests had to open a new connection first."),
}
PACE_LABELS = {
    "slower than reading": _("slower than people read"),
    "as fast as reading": _("as fast as people read"),
    "faster than reading": _("faster than people read"),
}
DEFINITION_LABELS = {
    "agon": "Agon",
    "llmuses": "llmuses",
    "vllm": "vLLM",
    "evalscope": "EvalScope",
    "guidellm": "GuideLLM",
    "aiperf": "AIPerf",
}
GRADE_BADGES = {"green": "good", "amber": "warn", "red": "bad", "": ""}
GRADE_LABELS = {"green": _("green"), "amber": _("amber"), "red": _("red"), "": "–"}
