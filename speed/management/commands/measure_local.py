"""Measure a transformers model in this process: no server, real tokens, device and versions."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any  # parsed options, and a model without usable types

from django.core.management import BaseCommand, CommandError

from speed.export import clean
from speed.inprocess import InProcessError, InProcessReport, InProcessSettings, measure_model
from speed.metrics.percentiles import Estimate

USAGE = 2
SHOWN = (
    ("ttft_s", "TTFT", 1000.0, "ms"),
    ("prefill_tokens_per_s", "prefill", 1.0, "tokens/s"),
    ("tpot_s", "time per output token", 1000.0, "ms"),
    ("step_p50_s", "step p50", 1000.0, "ms"),
    ("step_p99_s", "step p99", 1000.0, "ms"),
    ("latency_s", "latency", 1000.0, "ms"),
    ("output_tokens_per_s", "output", 1.0, "tokens/s"),
)


class Command(BaseCommand):
    help = "Measure a transformers model from a local folder, at one or several batch sizes."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", help="a folder with the model's files; nothing is downloaded")
        parser.add_argument("--batch-size", nargs="+", type=int, default=[1])
        parser.add_argument("--prompt-tokens", type=int, default=128)
        parser.add_argument("--output-tokens", type=int, default=128)
        parser.add_argument("--repeats", type=int, default=3)
        parser.add_argument("--threads", type=int)
        parser.add_argument("--device", default="", help="cuda, cpu, …; the best there is if empty")
        parser.add_argument("--dtype", default="auto")
        parser.add_argument("--json", action="store_true")

    def handle(self, *_: Any, **options: Any) -> None:
        names = ("prompt_tokens", "output_tokens", "repeats", "threads")
        try:
            model = load_model(options["folder"], options["device"], options["dtype"])
            reports = {
                size: measure_model(
                    model,
                    InProcessSettings(batch_size=size, **{name: options[name] for name in names}),
                )
                for size in options["batch_size"]
            }
        except (InProcessError, OSError, ValueError, ImportError) as error:
            raise CommandError(str(error), returncode=USAGE) from None
        if options["json"]:
            told = clean({f"batch {size}": asdict(report) for size, report in reports.items()})
            self.stdout.write(json.dumps(told, indent=2))
            return
        for size, report in reports.items():
            self.stdout.write(f"batch of {size}\n" + "\n".join(report_lines(report)))


def load_model(folder: str, device: str, dtype: str) -> Any:
    """The causal language model in a folder, on the chosen device."""
    import torch
    from transformers import AutoModelForCausalLM

    chosen = device or ("cuda" if torch.cuda.is_available() else "cpu")
    model: Any = AutoModelForCausalLM.from_pretrained(folder, local_files_only=True, dtype=dtype)
    return model.to(chosen)


def report_lines(report: InProcessReport) -> list[str]:
    """Figures with their intervals, then the circumstances."""
    lines = []
    for name, label, factor, unit in SHOWN:
        estimate: Estimate = getattr(report, name)
        bounds = [
            "?" if b is None else f"{b * factor:.2f}" for b in (estimate.lower, estimate.upper)
        ]
        lines.append(f"  {label}: {estimate.value * factor:.2f} [{', '.join(bounds)}] {unit}")
    memory = report.peak_memory_bytes / 2**20
    lines.append(f"  tokens: {report.output_tokens}, {report.rows_ended_early} rows ended early")
    lines.append(f"  peak memory: {memory:.0f} MiB ({report.peak_memory_kind})")
    lines.append("  " + ", ".join(f"{k} {v}" for k, v in report.circumstances.items()))
    return lines
