"""Named selections of tasks, and the names other programs give to tasks."""

from __future__ import annotations

from pathlib import Path

from benchmarks.suites import SUITES
from benchmarks.suites_base import OpenTask, TaskCard, TaskError, TaskOptions, TaskTree

# (task or group, shots or None for its own)
Selection = tuple[tuple[str, int | None], ...]

PRESETS: dict[str, tuple[str, str, Selection]] = {
    "open-llm-leaderboard-v1": (
        "Open LLM Leaderboard v1",
        "ARC 25-shot, HellaSwag 10, MMLU 5, TruthfulQA 0, WinoGrande 5, GSM8K 5",
        # the board's commit drew shots from the training split without its later redraw, as
        # lm-eval's own openllm group does
        (
            ("openllm::arc_challenge", 25),
            ("openllm::hellaswag", 10),
            ("mmlu", 5),
            ("truthfulqa_mc2", 0),
            ("openllm::winogrande", 5),
            ("openllm::gsm8k", 5),
        ),
    ),
    "llmuses-core": (
        "llmuses core",
        "MMLU, C-Eval, CMMLU, GSM8K, ARC, HellaSwag, TruthfulQA, MATH, HumanEval, BBH, RACE, "
        "TriviaQA, GeneralQA",
        (
            ("mmlu", 5),
            ("ceval-valid", 5),
            ("cmmlu", 5),
            ("gsm8k", 4),
            ("arc_easy", None),
            ("arc_challenge", None),
            ("hellaswag", None),
            ("truthfulqa_mc2", None),
            ("hendrycks_math", 4),
            ("humaneval", None),
            ("bbh", 3),
            ("race", None),
            ("triviaqa", 5),
            ("general_qa", None),
        ),
    ),
    "superglue": (
        "SuperGLUE",
        "BoolQ, CB, COPA, MultiRC, ReCoRD, RTE, WiC, WSC",
        tuple(
            (name, None)
            for name in ("boolq", "cb", "copa", "multirc", "record", "sglue_rte", "wic", "wsc")
        ),
    ),
    "superglue-diagnostics": (
        "SuperGLUE diagnostics",
        "AX-b and AX-g, which are no part of SuperGLUE's mean",
        (("axb", None), ("axg", None)),
    ),
}
# llmuses' and evalscope's names for tasks
ALIASES: dict[str, Selection] = {
    "arc": (("arc_easy", None), ("arc_challenge", None)),
    "ceval": (("ceval-valid", None),),
    "truthful_qa": (("truthfulqa_mc1", None),),
    "competition_math": (("hendrycks_math", None),),
    "trivia_qa": (("triviaqa", None),),
    "hellaswag_10_shot": (("hellaswag", 10),),
    "math_500": (("hendrycks_math500", None),),
}


class PresetSuite:
    """Selections are resolved into the tasks of the other suites."""

    def cards(self, home: Path | None) -> list[TaskCard]:
        return [
            TaskCard(name, "preset", "group", title, description,
                     children=tuple(task for task, _ in tasks))
            for name, (title, description, tasks) in PRESETS.items()
        ]  # fmt: skip

    def resolve(self, name: str, home: Path | None) -> TaskTree | None:
        selection = PRESETS[name][2] if name in PRESETS else ALIASES.get(name)
        if selection is None:
            return None
        tasks: list[str] = []
        groups: dict[str, tuple[str, ...]] = {}
        shots: dict[str, int] = {}
        plain: set[str] = {name}
        for part, count in selection:
            below = find(part, home)[1]
            tasks += below.tasks
            groups |= below.groups
            plain |= below.plain_groups
            if count is not None:
                shots |= dict.fromkeys(below.tasks, count)
        if len(selection) > 1:
            groups[name] = tuple(part for part, _ in selection)
        return TaskTree(tuple(dict.fromkeys(tasks)), groups, frozenset(plain), shots)

    def open(self, name: str, options: TaskOptions) -> OpenTask:
        raise TaskError(f"{name!r} is a selection of tasks, not a task")


def find(name: str, home: Path | None) -> tuple[str, TaskTree]:
    """The suite that knows ``name`` and what it stands for; our own suites come before lm-eval."""
    names = [suite for suite in SUITES.names() if suite != "lm-eval"] + [
        "lm-eval"
    ]  # its names are many and ours are few
    for suite in names:
        if suite in SUITES:
            found = SUITES.get(suite).resolve(name, home)
            if found is not None:
                return suite, found
    raise TaskError(f"no suite knows a task named {name!r}; search with --list-tasks {name}")


SUITES.register("preset")(PresetSuite())
