"""CLUE: Chinese understanding, from data in the original fields (L. Xu et al., COLING 2020).

Classification and reading tasks are asked as choices, by likelihood of each option's letter or in
writing; so is every blank of ChID, with its row's ten idioms. IFLYTEK's 119 classes are called by
their names. CMRC 2018 and DRCD want a passage's own words and are answered in writing, scored by F1
over characters. The prompts are our own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

from benchmarks.harness.data import data_from
from benchmarks.questions.asking import ChoiceQuestion
from benchmarks.questions.clue_labels import APPLICATIONS, SECTIONS
from benchmarks.questions.reading import AnswerRow, ChoiceRow
from benchmarks.questions.tasks import AnswerTask, ChoiceTask
from benchmarks.suites import SUITES
from benchmarks.suites_base import OpenTask, TaskCard, TaskError, TaskOptions, TaskTree

Convert = Callable[[Mapping[str, Any]], list[ChoiceRow]]
BLANK = re.compile(r"#idiom\d+#")
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


def _section(row: Mapping[str, Any]) -> list[ChoiceRow]:
    names = list(SECTIONS)
    if str(row["label"]) not in names:
        return []  # the test split has no labels
    text = f"新闻：{row['sentence']}\n这条新闻属于哪个栏目？"
    return [_row(text, tuple(SECTIONS.values()), names.index(str(row["label"])))]


def _keywords(row: Mapping[str, Any]) -> list[ChoiceRow]:
    text = f"摘要：{row['abst']}\n关键词：{'、'.join(row['keyword'])}\n这些都是摘要的关键词吗？"
    return [_row(text, ("不是", "是"), int(row["label"]))]


def _application(row: Mapping[str, Any]) -> list[ChoiceRow]:
    label = str(row["label"])
    if not label.isdigit() or int(label) >= len(APPLICATIONS):
        return []  # the test split has no labels
    text = f"应用描述：{row['sentence']}\n这个应用属于哪一类？"
    return [_row(text, APPLICATIONS, int(label))]


def _idioms(row: Mapping[str, Any]) -> list[ChoiceRow]:
    """ChID: several passages share ten idioms; every blank is one question about its passage."""
    gold = _right_idioms(row["answers"])
    rows = []
    for passage in row["content"]:
        marks = BLANK.findall(passage)
        numbers = {mark: place for place, mark in enumerate(marks, 1)}
        shown = passage
        for mark, number in numbers.items():
            shown = shown.replace(mark, f"__{number}__")
        for mark, number in numbers.items():
            text = f"短文中第 {number} 个空（__{number}__）应填入哪个成语？"
            if gold.get(mark, -1) >= 0:  # the test split has no answers
                rows.append(_row(text, tuple(row["candidates"]), gold[mark], shown))
    return rows


def _right_idioms(answers: Any) -> dict[str, int]:
    """Blanks and the places of their idioms; the hub's copies keep two lists, others pairs."""
    if isinstance(answers, Mapping):
        return dict(zip(answers["text"], answers["candidate_id"], strict=True))
    return {answer["text"]: answer["candidate_id"] for answer in answers}


def _extraction(row: Mapping[str, Any]) -> AnswerRow:
    question = f"文章：{row['context']}\n根据文章，用原文的词语简短地回答：{row['question']}"
    return AnswerRow(question, tuple(row["answers"]["text"]), passage=str(row["context"]))


READING = {"cmrc2018": "CMRC 2018: answers in a passage", "drcd": "DRCD: the same, traditional"}
TASKS = {
    "afqmc": ClueTask("AFQMC: same question or not", _similar),
    "cmnli": ClueTask("CMNLI: inference", _inference),
    "ocnli": ClueTask("OCNLI: inference", _inference),
    "c3": ClueTask("C3: reading with choices", _reading),
    "cluewsc2020": ClueTask("CLUEWSC: what a pronoun means", _reference),
    "tnews": ClueTask("TNEWS: sections of a news site", _section),
    "csl": ClueTask("CSL: keywords of an abstract or not", _keywords),
    "iflytek": ClueTask("IFLYTEK: 119 classes of applications", _application),
    "chid": ClueTask("ChID: idioms in blanks", _idioms),
}
NAMES = tuple(f"clue_{name}" for name in (*TASKS, *READING))
TITLES = {name: task.title for name, task in TASKS.items()} | READING
# what the group is made of, in CLUE's own names
MADE_OF = ", ".join(title.partition(":")[0] for title in TITLES.values())
EXAMPLES_READ = 64


def _rows(split: Any) -> Iterator[dict[str, Any]]:  # a split of datasets, which carries no types
    """Rows with their labels by name: the hub's copies number them, CLUE's own files do not."""
    label = split.features.get("label")
    for row in split:
        if hasattr(label, "int2str") and row["label"] is not None and row["label"] >= 0:
            yield {**row, "label": label.int2str(row["label"])}
        else:
            yield row


class ClueSuite:
    """``clue`` is all of them; data set ``clue/clue``, one folder per task, split validation."""

    def cards(self, home: Path | None) -> list[TaskCard]:
        single = [
            TaskCard(f"clue_{name}", "clue", title=title, dataset=f"clue/clue {name}",
                     output_type="generate_until" if name in READING else "multiple_choice")
            for name, title in TITLES.items()
        ]  # fmt: skip
        return [TaskCard("clue", "clue", "group", "CLUE", MADE_OF, children=NAMES), *single]

    def resolve(self, name: str, home: Path | None) -> TaskTree | None:
        if name == "clue":
            return TaskTree(NAMES, {"clue": NAMES}, frozenset({"clue"}))
        return TaskTree((name,)) if name in NAMES else None

    def open(self, name: str, options: TaskOptions) -> OpenTask:
        import datasets

        task = name.removeprefix("clue_")
        with data_from(options.data):
            loaded = datasets.load_dataset("clue/clue", task)
        if "validation" not in loaded and "dev" in loaded:
            loaded["validation"] = loaded["dev"]  # as CLUE's own files are called
        if "validation" not in loaded:
            raise TaskError(f"the data of {name!r} have no split 'validation'")
        if task in READING:
            answers = [_extraction(row) for row in loaded["validation"]]
            settings = {"metric": "f1", **options.settings}
            return AnswerTask(name, answers, replace(options, settings=settings))
        convert = TASKS[task].convert
        rows = [row for given in _rows(loaded["validation"]) for row in convert(given)]
        shots = _rows(loaded["train"]) if "train" in loaded else ()
        examples = islice((row for given in shots for row in convert(given)), EXAMPLES_READ)
        return ChoiceTask(name, rows, list(examples), options)


SUITES.register("clue")(ClueSuite())
