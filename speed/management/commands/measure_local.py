"""Measure a transformers model inside a process: no server, real tokens, device and versions."""

from __future__ import annotations

from argparse import ArgumentParser, BooleanOptionalAction
from pathlib import Path
from typing import Any  # parsed options

from django.core.management import BaseCommand

from speed.management.commands.run_speed import carry_out
from speed.spec import DEFAULT_REPEATS


class Command(BaseCommand):
    help = (
        "Measure a transformers model from a local folder, at one or several batch sizes. The run "
        "is stored and stands beside the served ones. Exit codes: 0 measured, 1 failed, 2 refused, "
        "130 stopped."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", help="a folder with the model's files; nothing is downloaded")
        parser.add_argument("--model", default="", help="slug of the stored model this is")
        parser.add_argument("--batch-size", nargs="+", type=int, default=[1])
        parser.add_argument("--prompt-tokens", type=int, default=128)
        parser.add_argument("--output-tokens", type=int, default=128)
        parser.add_argument("--repeats", type=int, default=DEFAULT_REPEATS)
        parser.add_argument(
            "--force-length",
            action=BooleanOptionalAction,
            default=True,
            help="forbid the end token until all output tokens are there",
        )
        parser.add_argument("--threads", type=int)
        parser.add_argument("--device", default="", help="cuda, cpu, …; the best there is if empty")
        parser.add_argument("--dtype", default="auto", help="auto, float32, bfloat16 or float16")
        parser.add_argument("--seed", type=int, default=0)
        parser.add_argument("--label", default="")
        parser.add_argument("--json", action="store_true", help="print the whole report as JSON")

    def handle(self, *_: Any, **options: Any) -> None:
        carry_out(self, lambda: local_spec(options), is_json=options["json"])


def local_spec(options: dict[str, Any]) -> dict[str, Any]:
    """The spec that parsed options describe."""
    folder = Path(options["folder"]).resolve()
    slug = options["model"]
    return {
        "mode": "in_process",
        "targets": [{"slug": slug} if slug else {"model": folder.name}],
        "load": {"levels": options["batch_size"], "requests": options["repeats"]},
        "workload": {
            "options": {"input_tokens": options["prompt_tokens"]},
            "output_tokens": options["output_tokens"],
            "ignore_eos": options["force_length"],
            "is_salted": False,
        },
        "local": {
            "folder": str(folder),
            "device": options["device"],
            "dtype": options["dtype"],
            "threads": options["threads"],
        },
        "seed": options["seed"],
        "label": options["label"],
    }
