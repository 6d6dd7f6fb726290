"""The kind of run this room brings."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from arena.work.kinds import RunKind, register_run_kind
from benchmarks.models import BenchmarkRun
from benchmarks.routing import send_benchmark
from benchmarks.services.workload import BenchmarkWorkload


def benchmark_facts(run: BenchmarkRun) -> list[tuple[str, object]]:
    """What was asked for, how the model is loaded, and what was expected of it."""
    facts: list[tuple[str, object]] = [
        (_("Model"), run.language_model),
        (_("Engine"), run.get_engine_display()),
        (_("Tasks"), ", ".join(run.selection)),
        (_("Priority"), run.priority),
    ]
    facts += [(name, value) for name, value in run.model_args.items() if value not in ("", None)]
    facts += [(name, value) for name, value in run.options.items() if value not in ("", None, {})]
    expected = run.forecast
    if expected:
        facts.append((_("Expected input tokens"), expected.get("input_tokens")))
        if expected.get("usd_at_most") is not None:
            facts.append((_("Cost at most (USD)"), expected["usd_at_most"]))
    return facts


register_run_kind(
    RunKind(
        "benchmark",
        gettext_lazy("Benchmark run"),
        BenchmarkRun,
        BenchmarkWorkload.open,
        benchmark_facts,
        send=send_benchmark,
    )
)
