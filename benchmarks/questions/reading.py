"""Reading a user's file of questions, and saying row by row what is wrong with it."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from string import ascii_uppercase
from typing import Any

from benchmarks.metrics.text import CHINESE
from benchmarks.questions.asking import ChoiceQuestion
from benchmarks.suites_base import TaskError

MAX_CHOICES = 10  # A to J
MAX_ERRORS = 50
CSV_FIELD_BYTES = 1 << 20
QUESTION_NAMES = ("question", "query", "prompt")
ANSWER_NAMES = ("answer", "response", "target", "reference")


@dataclass(frozen=True, slots=True)
class RowError:
    """What is wrong in one line of a file; ``line`` counts from 1."""

    line: int
    message: str


class QuestionFileError(TaskError):
    """A file with rows that cannot be used; ``errors`` lists them."""

    def __init__(self, name: str, errors: list[RowError]) -> None:
        self.errors = errors
        told = "; ".join(f"line {error.line}: {error.message}" for error in errors[:5])
        more = f" (and {len(errors) - 5} more)" if len(errors) > 5 else ""
        super().__init__(f"{name} has rows that cannot be used: {told}{more}")


@dataclass(frozen=True, slots=True)
class ChoiceRow:
    question: ChoiceQuestion
    category: str = ""
    passage: str = ""


@dataclass(frozen=True, slots=True)
class AnswerRow:
    """A question with reference answers; without one only its text is kept.

    ``passage`` is what the question is about and holds already; questions about one are clustered.
    """

    question: str
    references: tuple[str, ...] = ()
    system: str = ""
    category: str = ""
    passage: str = ""


class _RowRejectedError(ValueError):
    pass


def rows_of(text: str, name: str) -> Iterator[tuple[int, Mapping[str, Any] | str]]:
    """Line number and row; a line that cannot be read comes as the sentence that says why."""
    if name.lower().endswith((".csv", ".tsv")):
        yield from _csv_rows(text, "\t" if name.lower().endswith(".tsv") else ",")
        return
    # splitlines would also cut at separators that JSON allows inside a text
    for line, row in enumerate(text.split("\n"), 1):
        if not row.strip():
            continue
        try:
            parsed = json.loads(row)
        except ValueError as error:
            yield line, f"not valid JSON ({error})"
            continue
        yield line, parsed if isinstance(parsed, dict) else "not a JSON object"


def _csv_rows(text: str, delimiter: str) -> Iterator[tuple[int, Mapping[str, Any] | str]]:
    csv.field_size_limit(CSV_FIELD_BYTES)
    reader = csv.DictReader(
        io.StringIO(text.removeprefix("\ufeff"), newline=""), delimiter=delimiter
    )
    try:
        for row in reader:
            if None in row:
                yield reader.line_num, "has more fields than the header names"
            else:
                yield reader.line_num, {str(k).strip(): v for k, v in row.items()}
    except csv.Error as error:
        yield reader.line_num, f"not valid CSV ({error})"


def read_choices(text: str, name: str) -> list[ChoiceRow]:
    """Multiple-choice rows: question, A, B, C…, answer, and category where there is one."""
    return _read(text, name, _choice_row)


def read_answers(text: str, name: str) -> list[AnswerRow]:
    """Question-answer rows: question, answer (a text or a list), system, category."""
    return _read(text, name, _answer_row)


def _read(text: str, name: str, convert: Any) -> list[Any]:  # either kind of row
    made, errors = [], []
    for line, row in rows_of(text, name):
        if isinstance(row, str):
            errors.append(RowError(line, row))
            continue
        try:
            made.append(convert(row))
        except _RowRejectedError as error:
            errors.append(RowError(line, str(error)))
        if len(errors) >= MAX_ERRORS:
            break
    if errors:
        raise QuestionFileError(name, errors)
    if not made:
        raise QuestionFileError(name, [RowError(1, "the file holds no questions")])
    return made


def _first(row: Mapping[str, Any], names: Iterable[str]) -> Any:
    lowered = {str(key).lower(): value for key, value in row.items()}
    return next((lowered[name] for name in names if lowered.get(name) not in (None, "")), None)


def _choice_row(row: Mapping[str, Any]) -> ChoiceRow:
    text = _question_text(row)
    choices = _choices(row)
    gold = tuple(_gold_index(part, choices) for part in _gold_parts(row))
    if not gold:
        raise _RowRejectedError("the answer is missing; give the letter of the right option")
    question = ChoiceQuestion(text, choices, gold, is_chinese=bool(CHINESE.search(text)))
    category = str(_first(row, ("category", "subject")) or "")
    return ChoiceRow(question, category[:100], str(_first(row, ("passage", "context")) or ""))


def _question_text(row: Mapping[str, Any]) -> str:
    text = _first(row, QUESTION_NAMES)
    if not isinstance(text, str) or not text.strip():
        raise _RowRejectedError("the question is missing; name its column 'question'")
    return text.strip()


def _choices(row: Mapping[str, Any]) -> tuple[str, ...]:
    listed = row.get("choices") or row.get("options")
    if isinstance(listed, list):
        found = [str(choice).strip() for choice in listed]
    else:
        found = []
        for letter in ascii_uppercase[:MAX_CHOICES]:
            value = row.get(letter, row.get(letter.lower()))
            if value is None or not str(value).strip():
                break
            found.append(str(value).strip())
    if not 2 <= len(found) <= MAX_CHOICES:
        raise _RowRejectedError(
            f"has {len(found)} options; give 2 to {MAX_CHOICES} in columns A, B, C…"
        )
    return tuple(found)


def _gold_parts(row: Mapping[str, Any]) -> list[Any]:
    answer = _first(row, ANSWER_NAMES)
    if answer is None:
        return []
    if isinstance(answer, list):
        return answer
    if isinstance(answer, str) and "," in answer:
        parts = [part.strip() for part in answer.split(",")]
        if all(len(part) == 1 for part in parts):
            return parts
    return [answer]


def _gold_index(answer: Any, choices: tuple[str, ...]) -> int:
    """From a letter, a number from 0 (JSON), or the option's own text."""
    if isinstance(answer, int) and not isinstance(answer, bool) and 0 <= answer < len(choices):
        return answer
    text = str(answer).strip()
    letters = ascii_uppercase[: len(choices)]
    if len(text) == 1 and text.upper() in letters:
        return letters.index(text.upper())
    if text in choices:
        return choices.index(text)
    raise _RowRejectedError(
        f"the answer {text[:40]!r} is none of its options; give one of {', '.join(letters)}"
    )


def _answer_row(row: Mapping[str, Any]) -> AnswerRow:
    messages = row.get("messages")
    system = str(row.get("system") or "")
    if isinstance(messages, list):
        spoken = [m for m in messages if isinstance(m, dict) and "content" in m]
        users = [str(m["content"]) for m in spoken if m.get("role") == "user"]
        systems = [str(m["content"]) for m in spoken if m.get("role") == "system"]
        if not users:
            raise _RowRejectedError("'messages' holds no message of the role 'user'")
        text, system = users[-1], systems[0] if systems else system
    else:
        text = _question_text(row)
    answer = _first(row, ANSWER_NAMES)
    references = answer if isinstance(answer, list) else [] if answer is None else [answer]
    category = str(_first(row, ("category", "subject")) or "")
    return AnswerRow(text, tuple(str(part) for part in references), system, category[:100])
