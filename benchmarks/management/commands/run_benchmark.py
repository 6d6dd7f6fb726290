"""Benchmarks from a terminal, with the options that llmuses and evalscope have."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management import BaseCommand, CommandError

from arena.calling import NotCallableError
from benchmarks.engine.spec import ModelArgsError, parse_pairs
from benchmarks.models import BenchmarkRun
from benchmarks.services.options import data_home
from benchmarks.services.preparing import launch, prepare_run
from benchmarks.services.running import results, run_from_config, run_to_end
from benchmarks.suites import SUITES
from benchmarks.suites.presets import find
from benchmarks.suites.probes import PROBES
from benchmarks.suites_base import Json, TaskError

MATCHES_SHOWN = 200


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
        parser.add_argument("--output", help="write the scores to this JSON file")
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
        except (TaskError, ModelArgsError, NotCallableError) as error:
            raise CommandError(str(error)) from error

    def _run(self, options: dict[str, Any]) -> None:
        run = run_from_config(options["task_cfg"] or configuration(options))
        if options["dry_run"]:
            self._show_plan(prepare_run(run))
            run.delete()
        elif options["queue"]:
            launch(run)
            self.stdout.write(f"Run {run.pk} is queued with {run.samples.count()} samples.")
        else:
            prepare_run(run)
            self.stdout.write(f"Run {run.pk}: {run.samples.count()} samples.")
            self._show_results(run_to_end(run), options["output"])

    def _show_plan(self, run: BenchmarkRun) -> None:
        expected = run.forecast
        for task in run.tasks.all():
            self.stdout.write(f"{task.name}: {task.sample_count} samples, {task.primary_metric}")
            first = task.samples.order_by("index").first()
            if first is not None:
                self.stdout.write(first.requests["contexts"][0])
                self.stdout.write("…")
        self.stdout.write(
            f"In all {expected['samples']} samples, {expected['requests']} requests, about "
            f"{expected['input_tokens']} input tokens and at most "
            f"{expected['output_tokens_at_most']} output tokens. Nothing was run."
        )

    def _show_results(self, run: BenchmarkRun, output: str | None) -> None:
        found = results(run)
        for name, task in found["tasks"].items():
            for metric, estimate in task["metrics"].items():
                self.stdout.write(f"{name:<44} {metric:<28} {_shown(estimate)}")
        for name, group in found["groups"].items():
            for average in ("weighted", "plain"):
                if average in group:
                    self.stdout.write(f"{name:<44} {average:<28} {_shown(group[average])}")
        if output:
            Path(output).write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n")
        failed = run.items().status_counts()["failed"]
        if failed:
            raise CommandError(
                f"{failed} samples have no score; see run {run.pk}, mend the cause and retry them"
            )

    def _list(self, text: str) -> None:
        cards = [card for _, suite in SUITES.items() for card in suite.cards(data_home())]
        found = [card for card in cards if text.lower() in f"{card.name} {card.title}".lower()]
        for card in sorted(found, key=lambda card: card.name)[:MATCHES_SHOWN]:
            told = card.title or card.dataset or card.description
            self.stdout.write(f"{card.name:<48} {card.kind:<6} {card.suite:<9} {told}")
        self.stdout.write(f"{len(found)} tasks and groups; name more of it to see fewer.")

    def _describe(self, name: str) -> None:
        suite, found = find(name, data_home())
        cards = {card.name: card for card in SUITES.get(suite).cards(data_home())}
        card = cards.get(name)
        self.stdout.write(f"{name} ({suite})")
        if card is not None:
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
