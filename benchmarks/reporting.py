"""A run's report: one file that still says everything when the arena is gone."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from benchmarks.models import BenchmarkRun, BenchmarkTask
from benchmarks.probe_lines import probe_lines
from benchmarks.sample_reading import gold_text
from benchmarks.selectors import target_lines, task_lines, told_settings
from benchmarks.services.group_scores import group_scores
from benchmarks.suites_base import unpack_requests

WRONG_SHOWN = 3
PROMPT_CHARACTERS = 1500


def report_context(run: BenchmarkRun) -> dict[str, Any]:
    """Scores, groups, categories, examples of wrong answers, failures, and how it was measured."""
    lines = task_lines(run)
    return {
        "run": run,
        "lines": lines,
        "groups": group_scores(run),
        "probes": probe_lines(run),
        "targets": target_lines(run),
        "settings": told_settings(run),
        "examples": [(line.task, wrong_examples(line.task)) for line in lines],
        "isolation": sandbox_levels(run),
        "made_at": timezone.now(),
    }


def wrong_examples(task: BenchmarkTask) -> list[dict[str, str]]:
    """The first wrong samples of a task: the end of the prompt, what was read, what was right."""
    found = []
    for sample in task.samples.wrong().order_by("index")[:WRONG_SHOWN]:
        requests = unpack_requests(sample.requests)
        prompt = str(requests[0]["context"]) if requests else ""
        is_cut = len(prompt) > PROMPT_CHARACTERS
        answers = [str(reply.get("text", "")) for reply in sample.responses if reply.get("text")]
        found.append({
            "index": str(sample.index),
            "prompt": ("…" if is_cut else "") + prompt[-PROMPT_CHARACTERS:],
            "answer": answers[0][:PROMPT_CHARACTERS] if answers else "",
            "extracted": sample.extracted,
            "gold": gold_text(sample),
        })  # fmt: skip
    return found


def sandbox_levels(run: BenchmarkRun) -> list[str]:
    """At which isolation levels the run's programs were run; empty for a run without programs."""
    programs = run.samples.scored().filter(task__suite="programs").order_by()
    return sorted({str(level) for level in programs.values_list("detail__isolation", flat=True)})
