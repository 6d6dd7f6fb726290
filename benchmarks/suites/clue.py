"""CLUE: Chinese understanding, from data in the original fields.

Classification and reading tasks are asked as choices, by likelihood of each label's words or in
writing. The label words are OpenCompass's; the prompts are our own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.harness.data import data_from
from benchmarks.questions.asking import ChoiceQuestion
from benchmarks.questions.reading import ChoiceRow
from benchmarks.questions.tasks import ChoiceTask
from benchmarks.suites import SUITES
from benchmarks.suites_base import OpenTask, TaskCard, TaskError, TaskOptions, TaskTree

Convert = Callable[[Mapping[str, Any]], list[ChoiceRow]]
INFERENCE = ("一定对", "一定错", "不一定")
INFERENCE_LABELS = {"entailment": 0, "contradiction": 1, "neutral": 2}


@dataclass(frozen=True, slots=True)
class ClueTask:
    title: str
    convert: Convert


def _row(text: str, choices: tuple[str, ...], gold: int, passage: str = "") -> ChoiceRow:
    return ChoiceRow(ChoiceQuestion(text, choices, (gold,), is_chinese=True), "", passage)


def _similar(row: Mapping[str, Any]) -> list[ChoiceRow]:
    text = f"第一句：{row['sentence1']}\n第二句：{row['sentence2']}\n这两句话说的是同一件事吗？"
    return [_row(text, ("不是", "是"), int(row["label"]))]


def _inference(row: Mapping[str, Any]) -> list[ChoiceRow]:
    label = row["label"]
    if str(label) not in INFERENCE_LABELS:
        return []  # OCNLI marks pairs on which its annotators did not agree with "-"
    text = f"前提：{row['sentence1']}\n假设：{row['sentence2']}\n根据前提，这个假设"
    return [_row(text, INFERENCE, INFERENCE_LABELS[str(label)])]


def _reading(row: Mapping[str, Any]) -> list[ChoiceRow]:
    """C3: one or several questions about a dialogue or an article."""
    article = "\n".join(row["content"] if "content" in row else row["article"])
    rows = []
    for asked in row.get("questions") or [row]:
        choices = tuple(asked.get("choice") or asked.get("choices"))
        gold = choices.index(asked["answer"])
        rows.append(_row(str(asked["question"]), choices, gold, article))
    return rows


def _reference(row: Mapping[str, Any]) -> list[ChoiceRow]:
    target = row["target"]
    text = (
        f"{row['text']}\n上面这段话里的“{target['span2_text']}”指的是“{target['span1_text']}”吗？"
    )
    return [_row(text, ("不是", "是"), int(str(row["label"]).lower() == "true"))]


TASKS = {
    "afqmc": ClueTask("AFQMC: same question or not", _similar),
    "cmnli": ClueTask("CMNLI: inference", _inference),
    "ocnli": ClueTask("OCNLI: inference", _inference),
    "c3": ClueTask("C3: reading with choices", _reading),
    "cluewsc2020": ClueTask("CLUEWSC: what a pronoun means", _reference),
}


class ClueSuite:
    """``clue`` is all of them; data set ``clue``, one folder per task, split validation."""

    def cards(self, home: Path | None) -> list[TaskCard]:
        names = tuple(f"clue_{name}" for name in TASKS)
        single = [
            TaskCard(f"clue_{name}", "clue", title=task.title, output_type="multiple_choice",
                     dataset=f"clue {name}")
            for name, task in TASKS.items()
        ]  # fmt: skip
        return [TaskCard("clue", "clue", "group", "CLUE", children=names), *single]

    def resolve(self, name: str, home: Path | None) -> TaskTree | None:
        names = tuple(f"clue_{task}" for task in TASKS)
        if name == "clue":
            return TaskTree(names, {"clue": names}, frozenset({"clue"}))
        return TaskTree((name,)) if name in names else None

    def open(self, name: str, options: TaskOptions) -> OpenTask:
        import datasets

        task = name.removeprefix("clue_")
        with data_from(options.data):
            loaded = datasets.load_dataset("clue", task)
        if "validation" not in loaded:
            raise TaskError(f"the data of {name!r} have no split 'validation'")
        convert = TASKS[task].convert
        rows = [row for given in loaded["validation"] for row in convert(given)]
        shots = loaded.get("train", [])
        examples = [row for given in shots for row in convert(given)][:64]
        return ChoiceTask(name, rows, examples, options)


SUITES.register("clue")(ClueSuite())
