"""Benchmarks from a terminal, with the options that llmuses and evalscope have."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import Any

from django.core.management import BaseCommand, CommandError
from django.core.management.base import OutputWrapper
from django.db import connections

from arena.calling import NotCallableError
from arena.models import RunStatus
from arena.run_progress import run_progress
from arena.services.runs import RunStateError, release_dead_leases, retry_failed, stop_run
from benchmarks.engine.spec import ModelArgsError, parse_pairs
from benchmarks.models import BenchmarkRun
from benchmarks.services.preparing import launch, prepare_run
from benchmarks.services.running import results, run_from_config, run_to_end
from benchmarks.services.task_names import card_and_tree, search_cards
from benchmarks.suites.probes import PROBES
from benchmarks.suites_base import Json, TaskError

MATCHES_SHOWN = 200
# 1 is an order that cannot be carried out, 2 a wrong option (argparse)
EXIT_INCOMPLETE = 3
EXIT_INTERRUPTED = 130


class Command(BaseCommand):
    help = "Run benchmark tasks on a checkpoint or on a model's endpoint and print the scores."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--model", help="a model's slug, a checkpoint folder or a hub id")
        parser.add_argument("--datasets", nargs="+", default=[], metavar="TASK")
        parser.add_argument("--model-args", default="", help="revision=…,precision=…,device_map=…")
        parser.add_argument("--dataset-args", default="{}", help='{"ceval": {"few_shot_num": 0}}')
        parser.add_argument("--generation-config", default="", help="max_tokens=…,temperature=…")
        parser.add_argument("--dataset-hub", default="HuggingFace",
                            help="HuggingFace, ModelScope or Local")  # fmt: skip
        parser.add_argument("--dataset-dir", default="")
        parser.add_argument("--limit", type=float, help="samples per task, or a share below 1")
        parser.add_argument("--num-fewshot", type=int)
        parser.add_argument("--protocol", default="native", help="native, generation or letters")
        parser.add_argument("--extractor", default="")
        parser.add_argument("--apply-chat-template", action="store_true")
        parser.add_argument("--system-prompt", default="")
        parser.add_argument("--seed", type=int, default=1234)
        parser.add_argument("--priority", type=int, default=0)
        parser.add_argument("--precision-goal", type=float, help="stop a task at this half-width")
        parser.add_argument("--probes", nargs="+", default=[], choices=PROBES,
                            help="contamination probes beside each task")  # fmt: skip
        parser.add_argument("--corpus", default="",
                            help="texts that questions are compared with")  # fmt: skip
        parser.add_argument("--judge", default="", help="slug of a model that grades free answers")
        parser.add_argument("--use-cache", nargs="?", const="true", default="false",
                            help="take over samples already asked of the same model")  # fmt: skip
        parser.add_argument("--dry-run", action="store_true", help="show what would be run")
        parser.add_argument("--queue", action="store_true", help="leave the work to the workers")
        parser.add_argument("--task-cfg", help="a YAML or JSON file with these options")
        parser.add_argument("--resume", type=int, metavar="RUN",
                            help="go on with a run that was stopped or killed")  # fmt: skip
        parser.add_argument("--output", help="write the scores to this JSON file")
        parser.add_argument("--json", action="store_true", help="print JSON and nothing else")
        parser.add_argument("--quiet", action="store_true", help="show no progress")
        parser.add_argument("--list-tasks", nargs="?", const="", metavar="TEXT")
        parser.add_argument("--describe", metavar="TASK")

    def handle(self, *_: Any, **options: Any) -> None:
        try:
            if options["list_tasks"] is not None:
                self._list(options["list_tasks"])
            elif options["describe"]:
                self._describe(options["describe"])
            else:
                self._run(options)
        except (TaskError, ModelArgsError, NotCallableError, RunStateError) as error:
            raise CommandError(str(error)) from error

    def _run(self, options: dict[str, Any]) -> None:
        if options["resume"]:
            run = self._known(options["resume"])
        else:
            run = run_from_config(options["task_cfg"] or configuration(options))
        self._prepare(run, is_new=not options["resume"])
        if options["dry_run"]:
            self._show_plan(run, as_json=options["json"])
            run.delete()
        elif options["queue"]:
            launch(run)
            count = run.samples.count()
            told = f"Run {run.pk} is queued with {count} samples."
            found = {"run": run.pk, "samples": count}
            self.stdout.write(json.dumps(found) if options["json"] else told)
        else:
            self._drive(run, options)

    def _prepare(self, run: BenchmarkRun, *, is_new: bool) -> None:
        """Build the prompts; a run that cannot have any leaves nothing behind."""
        try:
            prepare_run(run)
        except Exception:
            if is_new:
                run.delete()
            raise

    def _drive(self, run: BenchmarkRun, options: dict[str, Any]) -> None:
        if not options["json"]:
            self.stdout.write(f"Run {run.pk}: {run.samples.count()} samples.")
        try:
            with shown_progress(run, self.stderr, is_wanted=not options["quiet"]):
                run = run_to_end(run)
        except KeyboardInterrupt:
            stop_run(run, reason="interrupted on the command line")
            told = f"Stopped; what was finished is kept. Go on with --resume {run.pk}"
            raise CommandError(told, returncode=EXIT_INTERRUPTED) from None
        self._show_results(run, options["output"], as_json=options["json"])

    def _known(self, run_id: int) -> BenchmarkRun:
        run = BenchmarkRun.objects.filter(pk=run_id).first()
        if run is None:
            raise CommandError(f"there is no benchmark run {run_id}")
        release_dead_leases(run)
        if run.status != RunStatus.COMPLETED or not run.items().status_counts()["failed"]:
            return run
        retry_failed(run)
        return run

    def _show_plan(self, run: BenchmarkRun, *, as_json: bool) -> None:
        expected = run.forecast
        if as_json:
            tasks = {task.name: task.sample_count for task in run.tasks.all()}
            self.stdout.write(json.dumps({"tasks": tasks, "forecast": expected}))
            return
        for task in run.tasks.all():
            self.stdout.write(f"{task.name}: {task.sample_count} samples, {task.primary_metric}")
            first = task.samples.order_by("index").first()
            if first is not None:
                self.stdout.write(first.requests["contexts"][0])
                self.stdout.write("…")
        self.stdout.write(
            f"In all {expected['samples']} samples, {expected['requests']} requests, about "
            f"{expected['input_tokens']} input tokens and at most "
            f"{expected['output_tokens_at_most']} output tokens"
            f"{_basis(expected)}. Nothing was run."
        )

    def _show_results(self, run: BenchmarkRun, output: str | None, *, as_json: bool) -> None:
        found = results(run)
        if output:
            Path(output).write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n")
        if as_json:
            self.stdout.write(json.dumps(found, ensure_ascii=False))
        else:
            self._show_scores(found)
        counts = run.items().status_counts()
        missing = counts["failed"] + counts["pending"] + counts["claimed"]
        if missing:
            raise CommandError(
                f"{missing} samples have no score ({run.get_status_display()}); see run {run.pk}, "
                f"mend the cause and go on with --resume {run.pk}",
                returncode=EXIT_INCOMPLETE,
            )

    def _show_scores(self, found: dict[str, Json]) -> None:
        for name, task in found["tasks"].items():
            for metric, estimate in task["metrics"].items():
                self.stdout.write(f"{name:<44} {metric:<28} {_shown(estimate)}")
        for name, group in found["groups"].items():
            for average in ("weighted", "plain"):
                if average in group:
                    self.stdout.write(f"{name:<44} {average:<28} {_shown(group[average])}")

    def _list(self, text: str) -> None:
        found = search_cards(text, waits=True)
        for card in found[:MATCHES_SHOWN]:
            told = card.title or card.dataset or card.description
            self.stdout.write(f"{card.name:<48} {card.kind:<6} {card.suite:<9} {told}")
        self.stdout.write(f"{len(found)} tasks and groups; name more of it to see fewer.")

    def _describe(self, name: str) -> None:
        card, found = card_and_tree(name)
        self.stdout.write(f"{name} ({card.suite})")
        for label in ("title", "description", "output_type", "dataset"):
            if getattr(card, label):
                self.stdout.write(f"  {label}: {getattr(card, label)}")
        for task in found.tasks:
            self.stdout.write(f"  task: {task}")


def configuration(options: dict[str, Any]) -> dict[str, Json]:
    """The command's options as a task configuration."""
    return {
        "model": options["model"],
        "datasets": options["datasets"],
        "model_args": parse_pairs(options["model_args"]),
        "dataset_args": _json(options["dataset_args"], "--dataset-args"),
        "generation_config": _generation(options["generation_config"]),
        "dataset_hub": options["dataset_hub"],
        "dataset_dir": options["dataset_dir"],
        "limit": options["limit"],
        "num_fewshot": options["num_fewshot"],
        "protocol": options["protocol"],
        "extractor": options["extractor"],
        "apply_chat_template": options["apply_chat_template"],
        "system_prompt": options["system_prompt"],
        "seed": options["seed"],
        "use_cache": options["use_cache"].lower() != "false",
        "priority": options["priority"],
        "precision_goal": options["precision_goal"],
        "probes": options["probes"],
        "corpus": options["corpus"],
        "judge": options["judge"],
    }


@contextmanager
def shown_progress(run: BenchmarkRun, out: OutputWrapper, *, is_wanted: bool) -> Iterator[None]:
    """Tell on ``out`` how far the run is, every few seconds and at the end."""
    is_over = Event()
    every_s = 1.0 if out.isatty() else 10.0

    def tell() -> None:
        while not is_over.wait(every_s):
            _tell_progress(run, out)
        connections.close_all()

    thread = Thread(target=tell, daemon=True)
    if is_wanted:
        thread.start()
    try:
        yield
    finally:
        is_over.set()
        if is_wanted:
            thread.join()
            _tell_progress(run, out, ending="\n")


def _tell_progress(run: BenchmarkRun, out: OutputWrapper, ending: str | None = None) -> None:
    known = BenchmarkRun.objects.get(pk=run.pk)
    found = run_progress(known)
    left = "" if found.left_s is None else f", about {found.left_s:.0f} s left"
    failed = f", {found.failed} failed" if found.failed else ""
    told = f"{found.finished} of {found.total} samples, {found.rate_per_s:.1f}/s{left}{failed}"
    if out.isatty():
        out.write(f"\r\x1b[K{told}", ending=ending or "")
    else:
        out.write(told)
    out.flush()


def _basis(expected: dict[str, Json]) -> str:
    money, seconds = expected.get("usd_at_most"), expected.get("seconds")
    told = "" if money is None else f", at most {money:g} USD"
    return told if seconds is None else f"{told}, about {seconds:.0f} s"


def _json(text: str, option: str) -> dict[str, Json]:
    try:
        found = json.loads(text)
    except ValueError as error:
        raise CommandError(f"{option} is not valid JSON: {error}") from error
    if not isinstance(found, dict):
        raise CommandError(f'{option} must be a JSON object such as {{"mmlu": {{"limit": 10}}}}')
    return found


def _generation(text: str) -> dict[str, Json]:
    """``max_tokens=64,temperature=0`` or a JSON object."""
    if text.lstrip().startswith("{"):
        return _json(text, "--generation-config")
    made: dict[str, Json] = {}
    for name, value in parse_pairs(text).items():
        try:
            made[name] = json.loads(value.lower() if value in ("True", "False") else value)
        except ValueError:
            made[name] = value
    return made


def _shown(estimate: dict[str, Json]) -> str:
    error = estimate.get("stderr")
    told = "" if error is None else f" ± {error:.4f}"
    return f"{estimate['value']:.4f}{told}  (n = {estimate.get('n')})"
