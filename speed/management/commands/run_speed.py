"""Measure an endpoint from the command line, with the options that llmuses perf had."""

from __future__ import annotations

import json
import signal
import sys
from argparse import ArgumentParser, BooleanOptionalAction
from collections.abc import Callable
from typing import Any  # parsed options

from django.core.management import BaseCommand, CommandError
from tqdm import tqdm

from speed.export import run_as_json
from speed.generator.progress import Counters
from speed.metrics.slo import PRESETS
from speed.models import SpeedRun, SpeedStatus
from speed.report_text import run_as_text
from speed.services.driving import claim_and_drive
from speed.services.planning import REFUSALS
from speed.services.starting import start_speed_run, stop_speed_run
from speed.spec import DEFAULT_REPEATS, SpecError, SpeedSpec, spec_from_json
from speed.workloads import WORKLOADS

FAILED, USAGE, STOPPED = 1, 2, 130


class Command(BaseCommand):
    help = (
        "Measure how fast an endpoint answers. Without --requests and --duration each level sends "
        "100 requests. Exit codes: 0 measured, 1 failed, 2 refused, 130 stopped."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        _add_target(parser)
        _add_load(parser)
        _add_workload(parser)
        parser.add_argument(
            "--mode", choices=("load", "interleaved", "search", "calibration"), default="load"
        )
        parser.add_argument("--slo", default="", choices=("", *PRESETS), help="objective to search")
        parser.add_argument("--slo-ttft", type=float, metavar="S")
        parser.add_argument("--slo-tpot", type=float, metavar="S")
        parser.add_argument("--slo-latency", type=float, metavar="S")
        parser.add_argument("--slo-percent", type=float, default=99.0)
        parser.add_argument(
            "--slo-from-schedule", action="store_true", help="count waiting for a turn as well"
        )
        parser.add_argument("--highest", type=float, default=64.0, help="where a search ends")
        parser.add_argument("--rounds", type=int, default=10, help="turns of an interleaved run")
        parser.add_argument("--label", "--name", default="")
        parser.add_argument("--json", action="store_true", help="print the whole report as JSON")

    def handle(self, *_: Any, **options: Any) -> None:
        carry_out(self, lambda: spec_values(options), is_json=options["json"])


def carry_out(command: BaseCommand, values: Callable[[], dict[str, Any]], *, is_json: bool) -> None:
    """Store a run, measure it here and now, print its report; raises CommandError."""
    try:
        spec = spec_from_json(values())
        run = start_speed_run(spec=spec, send=lambda _: None)
    except REFUSALS as error:
        raise CommandError(str(error), returncode=USAGE) from None
    measured = measure(run, spec)
    if is_json:
        command.stdout.write(json.dumps(run_as_json(measured), ensure_ascii=False, indent=2))
    else:
        command.stdout.write(run_as_text(measured))
    if measured.status == SpeedStatus.FAILED:
        raise CommandError(measured.status_detail, returncode=FAILED)
    if measured.status == SpeedStatus.STOPPED:
        raise CommandError("stopped; what was measured is kept", returncode=STOPPED)


def measure(run: SpeedRun, spec: SpeedSpec) -> SpeedRun:
    """Drive the run in this process, with a line of progress; raises CommandError.

    Ctrl-C ends the run as the Stop button does; what was measured until then is kept.
    """
    interrupts: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _frame: interrupts.append(number))
    with tqdm(
        total=_expected(spec), desc="requests", file=sys.stderr, disable=None, unit="req"
    ) as bar:

        def show(counters: Counters) -> None:
            done = counters.first_byte_count
            ttft_ms = counters.first_byte_sum_ns / done / 1e6 if done else 0.0
            bar.set_postfix(
                in_flight=counters.in_flight,
                failed=counters.failed,
                ttft=f"{ttft_ms:.0f}ms",
                refresh=False,
            )
            bar.update(max(0, counters.completed - bar.n))
            if interrupts and not run.is_stop_wanted:
                stop_speed_run(run=run)

        try:
            measured = claim_and_drive(run.pk, show)
        finally:
            signal.signal(signal.SIGINT, before)
    if measured is None:
        stop_speed_run(run=run)
        raise CommandError(
            "another speed run is going on this machine, and two would measure each other; "
            "wait for it or stop it",
            returncode=USAGE,
        )
    return measured


def _add_target(parser: ArgumentParser) -> None:
    parser.add_argument("--url", default="", help="base URL or full URL of the endpoint")
    parser.add_argument("--model", default="", help="a stored model's slug, or with --url its name")
    parser.add_argument("--other-url", default="", help="side B of an interleaved run")
    parser.add_argument("--other-model", default="")
    parser.add_argument("--api", choices=("chat", "completions"), default="chat")
    parser.add_argument("--api-key-env", default="", help="environment variable with the key")
    parser.add_argument(
        "--timeout", "--read-timeout", type=float, default=120.0, metavar="S", dest="timeout"
    )
    parser.add_argument(
        "--tokenizer-path",
        default="",
        metavar="FOLDER",
        help="counts output tokens where the server states no usage",
    )


def _add_load(parser: ArgumentParser) -> None:
    parser.add_argument("--parallel", nargs="+", type=int, default=[1], help="requests at once")
    parser.add_argument("-n", "--number", type=int, dest="requests", help="requests per level")
    parser.add_argument("--rate", nargs="+", type=float, help="open loop: requests per second")
    parser.add_argument("--duration", type=float, metavar="S", help="seconds per level")
    parser.add_argument(
        "--distribution", choices=("constant", "poisson", "gamma"), default="poisson"
    )
    parser.add_argument("--burstiness", type=float, default=1.0)
    parser.add_argument("--warmup", type=int, default=0, metavar="REQUESTS")
    parser.add_argument("--warmup-seconds", type=float, default=0.0, metavar="S")
    parser.add_argument(
        "--ramp",
        type=float,
        default=0.0,
        metavar="S",
        help="closed: spread the start of the slots; open: let the rate climb",
    )
    parser.add_argument("--ramp-from", type=float, default=0.0, metavar="RATE")
    parser.add_argument(
        "--max-in-flight", type=int, default=4096, help="open loop: no more at once"
    )
    parser.add_argument(
        "--cooldown",
        action="store_true",
        help="closed: keep the load up until the last measured request is done",
    )
    parser.add_argument("--max-errors", type=int)
    parser.add_argument("--seed", type=int, default=0)


def _add_workload(parser: ArgumentParser) -> None:
    parser.add_argument("--prompt", action="append", default=[], help="a text to send; repeatable")
    parser.add_argument(
        *("--dataset", "--dataset-path"),
        default="",
        metavar="FILE",
        dest="dataset",
        help="TXT or JSONL of prompts",
    )
    parser.add_argument("--trace", default="", metavar="FILE", help="arrivals to replay")
    parser.add_argument("--question-set", default="", help="slug of a stored question set")
    parser.add_argument("--workload", choices=WORKLOADS.names(), default="random")
    parser.add_argument("--input-tokens", type=int, default=256)
    parser.add_argument(
        "--option",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="of the workload: distribution, spread, turns, think_s, prefix_tokens, groups",
    )
    parser.add_argument("--temperature", type=float, default=0.0)
    parser.add_argument(
        "--extra-body", default="{}", metavar="JSON", help="more fields of every request"
    )
    parser.add_argument("--max-tokens", type=int, default=128, dest="output_tokens")
    parser.add_argument("--ignore-eos", action="store_true", help="answers of exactly that length")
    parser.add_argument("--stream", action=BooleanOptionalAction, default=True)
    parser.add_argument("--salt", action=BooleanOptionalAction, default=True)


def spec_values(options: dict[str, Any]) -> dict[str, Any]:
    """The spec that parsed options describe."""
    load = "trace" if options["trace"] else "open" if options["rate"] else "closed"
    names = ("requests", "burstiness", "distribution", "max_errors", "ramp_from", "max_in_flight")
    return {
        "mode": options["mode"],
        "targets": _targets(options),
        "load": {
            **{name: options[name] for name in names},
            "kind": load,
            "levels": options["rate"] or options["parallel"],
            "duration_s": options["duration"],
            "warmup_requests": options["warmup"],
            "warmup_s": options["warmup_seconds"],
            "ramp_s": options["ramp"],
            "cooldown": options["cooldown"],
        },
        "workload": {
            **_workload(options),
            "output_tokens": options["output_tokens"],
            "ignore_eos": options["ignore_eos"],
            "is_streamed": options["stream"],
            "is_salted": options["salt"],
            "temperature": options["temperature"],
            "extra_body": _json_object(options["extra_body"]),
        },
        "slo": {
            "preset": options["slo"],
            "ttft_s": options["slo_ttft"],
            "tpot_s": options["slo_tpot"],
            "latency_s": options["slo_latency"],
            "percent": options["slo_percent"],
            "from_schedule": options["slo_from_schedule"],
        },
        "highest": options["highest"],
        "rounds": options["rounds"],
        "seed": options["seed"],
        "timeout_s": options["timeout"],
        "tokenizer_path": options["tokenizer_path"],
        "label": options["label"],
    }


def _targets(options: dict[str, Any]) -> list[dict[str, str]]:
    if options["mode"] == "calibration":
        return []
    shared = {"api": options["api"], "api_key_env": options["api_key_env"]}
    sides = [(options["url"], options["model"])]
    if options["mode"] == "interleaved":
        sides.append((options["other_url"], options["other_model"] or options["model"]))
    return [
        {**shared, "url": url, "model": model} if url else {"api": options["api"], "slug": model}
        for url, model in sides
    ]


def _workload(options: dict[str, Any]) -> dict[str, Any]:
    if options["trace"]:
        return {"name": "trace", "options": {"path": options["trace"]}}
    if options["prompt"]:
        return {"name": "prompts", "prompts": options["prompt"]}
    if options["dataset"]:
        return {"name": "prompts", "options": {"path": options["dataset"]}}
    if options["question_set"]:
        return {"name": "questions", "question_set": options["question_set"]}
    own = {"input_tokens": options["input_tokens"]} | dict(map(_option, options["option"]))
    return {"name": options["workload"], "options": own}


def _option(text: str) -> tuple[str, Any]:
    """``NAME=VALUE``, the value as JSON where it is JSON."""
    name, mark, value = text.partition("=")
    if not mark:
        raise SpecError(f"--option {text}: write NAME=VALUE")
    try:
        return name, json.loads(value)
    except json.JSONDecodeError:
        return name, value


def _json_object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise SpecError(f"--extra-body is no JSON: {error}") from None
    if not isinstance(value, dict):
        raise SpecError("--extra-body is no JSON object; write one in braces")
    return value


def _expected(spec: SpeedSpec) -> int | None:
    if spec.mode == "search" or spec.load.kind == "trace":
        return None
    if spec.mode == "in_process":
        repeats = spec.load.requests or DEFAULT_REPEATS
        return int(sum(spec.load.levels)) * repeats
    counts = [phase.requests for phase in spec.phases()]
    total = sum(count for count in counts if count is not None)
    return total * (2 * spec.rounds if spec.mode == "interleaved" else 1) or None
