"""Choosing and filling function calls, checked by structure (the simple part of BFCL's rules).

Rows have ``question``, ``function`` (JSON schemas) and ``ground_truth``: a list of calls, each
naming a function with the values allowed for every argument. No ground truth means that no
function fits and none may be called. A reply that cannot be read counts as wrong.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.harness.task import reasons_of
from benchmarks.metrics.letters import INVALID
from benchmarks.questions.reading import QuestionFileError, RowError, rows_of
from benchmarks.questions.tasks import read_file
from benchmarks.suites import SUITES
from benchmarks.suites_base import (
    ChatFormatter,
    Json,
    OpenTask,
    PreparedSample,
    RequestKind,
    Response,
    SampleRequest,
    SampleScore,
    TaskCard,
    TaskError,
    TaskOptions,
    TaskTree,
    digest,
    limited,
)

NAME = "function_calling"
INSTRUCTION = (
    "You may call these functions:\n{functions}\n\nReply with a JSON list of calls, each of the "
    'form {{"name": "...", "arguments": {{...}}}}, and nothing else. If no function fits, reply '
    "with []."
)
LIST = re.compile(r"\[.*\]", re.DOTALL)
Call = tuple[str, dict[str, Json]]


class FunctionTask:
    primary_metric = "calls,structure"

    def __init__(self, name: str, rows: Sequence[Mapping[str, Any]], options: TaskOptions) -> None:
        self.name, self.rows, self.options = name, rows, options

    def build(self, chat: ChatFormatter | None = None) -> list[PreparedSample]:
        count = limited(len(self.rows), self.options.limit)
        return [self._sample(i, row, chat) for i, row in enumerate(self.rows[:count])]

    def _sample(
        self, index: int, row: Mapping[str, Any], chat: ChatFormatter | None
    ) -> PreparedSample:
        functions = json.dumps(row["function"], ensure_ascii=False, indent=1)
        messages = (
            {"role": "system", "content": INSTRUCTION.format(functions=functions)},
            {"role": "user", "content": _question(row["question"])},
        )
        context = "\n\n".join(message["content"] for message in messages) + "\n\n"
        decoding = {"max_tokens": 512, "temperature": 0.0, "stop": [], **self.options.generation}
        request = SampleRequest(
            RequestKind.GENERATION,
            chat(messages) if chat else context,
            decoding=decoding,
            messages=messages,
        )
        target = row.get("ground_truth") or []
        doc = {"question": messages[1]["content"], "function": row["function"]}
        category = str(row.get("category") or re.sub(r"_?\d.*$", "", str(row.get("id", ""))))
        return PreparedSample(index, (request,), target, doc, category=category[:100])

    def score(
        self, index: int, sample: Mapping[str, Json], responses: Sequence[Response]
    ) -> SampleScore:
        calls = read_calls(responses[0].text)
        extracted = INVALID if calls is None else json.dumps(calls, ensure_ascii=False)
        right = calls is not None and match_calls(calls, sample["target"])
        reasons = reasons_of(responses, extracted)
        return SampleScore({"calls,structure": float(right)}, extracted[:500], reasons)

    def aggregate(self, metric: str, values: Sequence[Json]) -> None:
        return None

    def identity(self) -> dict[str, Json]:
        return {"rows": digest([dict(row) for row in self.rows]), "rules": 1}


def _question(question: Json) -> str:
    """A text, or BFCL's list of turns of messages (the first turn's user)."""
    while isinstance(question, list):
        question = question[0]
    return str(question["content"] if isinstance(question, dict) else question)


def read_calls(answer: str) -> list[Call] | None:
    """The calls of a reply; None when it holds no list of calls."""
    found = LIST.search(answer)
    try:
        listed = json.loads(found[0]) if found else None
    except ValueError:
        return None
    if not isinstance(listed, list):
        return None
    calls: list[Call] = []
    for call in listed:
        if not isinstance(call, dict) or not isinstance(call.get("arguments", {}), dict):
            return None
        calls.append((str(call.get("name")), call.get("arguments", {})))
    return calls


def match_calls(calls: Sequence[Call], wanted: Sequence[Mapping[str, Mapping[str, Json]]]) -> bool:
    """Every wanted call is made once, in any order, and none beside."""
    left = list(calls)
    for expected in wanted:
        ((name, arguments),) = expected.items()
        place = next((i for i, c in enumerate(left) if _fits(c, name, arguments)), None)
        if place is None:
            return False
        del left[place]
    return not left


def _fits(call: Call, name: str, allowed: Mapping[str, Json]) -> bool:
    """Same name, no foreign argument, every value among the allowed; ``""`` allows leaving out."""
    if call[0] != name or set(call[1]) - set(allowed):
        return False
    for argument, values in allowed.items():
        options = values if isinstance(values, list) else [values]
        if argument not in call[1]:
            if "" not in options:
                return False
        elif not any(_same(call[1][argument], option) for option in options):
            return False
    return True


def _same(given: Json, wanted: Json) -> bool:
    if isinstance(given, str) and isinstance(wanted, str):
        return (
            re.sub(r"[\s,./\-_*^']", "", given).lower()
            == re.sub(r"[\s,./\-_*^']", "", wanted).lower()
        )
    # True == 1 in Python, and the two are different answers
    return bool(given == wanted) and isinstance(given, bool) == isinstance(wanted, bool)


class FunctionSuite:
    def cards(self, home: Path | None) -> list[TaskCard]:
        return [TaskCard(NAME, "functions", title="Function calling",
                         description="JSONL: question, function, ground_truth",
                         output_type="generate_until")]  # fmt: skip

    def resolve(self, name: str, home: Path | None) -> TaskTree | None:
        is_ours = name.partition(":")[0] == NAME and "::" not in name
        return TaskTree((name,)) if is_ours else None

    def open(self, name: str, options: TaskOptions) -> OpenTask:
        path = options.settings.get("local_path")
        if not path:
            raise TaskError(f"task {name!r} needs a JSONL file; give it as the setting local_path")
        rows, errors = [], []
        for line, row in rows_of(read_file(Path(str(path))), str(path)):
            if isinstance(row, str):
                errors.append(RowError(line, row))
            elif "question" not in row or "function" not in row:
                errors.append(RowError(line, "lacks 'question' or 'function'"))
            else:
                rows.append(row)
        if errors or not rows:
            raise QuestionFileError(str(path), errors or [RowError(1, "the file holds no rows")])
        return FunctionTask(name, rows, options)


SUITES.register("functions")(FunctionSuite())
