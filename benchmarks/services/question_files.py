"""Keeping a user's file of questions, once every row of it can be used."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.utils.text import slugify

from arena.models import RunStatus
from benchmarks.models import BenchmarkRun, QuestionFile
from benchmarks.models.question_file import QuestionFileKind
from benchmarks.questions.problems import read_problems
from benchmarks.questions.reading import QuestionFileError, RowError, read_answers, read_choices
from benchmarks.questions.tasks import MAX_FILE_BYTES
from benchmarks.suites_base import TaskError


def delete_question_file(*, file: QuestionFile) -> None:
    """Forget a file; raises TaskError while a run still reads it to score its samples."""
    waiting = BenchmarkRun.objects.exclude(status__in=(RunStatus.COMPLETED, RunStatus.CANCELLED))
    for run in waiting.filter(options__dataset_args__has_key=file.task_name):
        raise TaskError(f"{file} is still read by {run}; finish or cancel that run first")
    file.file.delete(save=False)
    file.delete()


def _read_texts(text: str, name: str) -> list[str]:
    """Texts to compare questions with: rows of JSONL, or the lines of anything else."""
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines:
        raise QuestionFileError(name, [RowError(1, "the file holds no text")])
    return lines


READERS: dict[str, Callable[[str, str], Sequence[Any]]] = {
    QuestionFileKind.CHOICES: read_choices,
    QuestionFileKind.ANSWERS: read_answers,
    QuestionFileKind.CODE: read_problems,
    QuestionFileKind.SAFETY: read_answers,
    QuestionFileKind.CORPUS: _read_texts,
}


def save_question_file(
    *, name: str, kind: str, filename: str, content: bytes, uploaded_by: User | None = None
) -> QuestionFile:
    """Check every row and keep the file; raises QuestionFileError that lists what is wrong."""
    if len(content) > MAX_FILE_BYTES:
        raise TaskError(f"{filename} is larger than {MAX_FILE_BYTES >> 20} MiB; split it")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise QuestionFileError(
            filename, [RowError(1, f"not UTF-8 (byte {error.start}); save it as UTF-8")]
        ) from error
    if kind == QuestionFileKind.CODE and not filename.endswith(".jsonl"):
        raise QuestionFileError(filename, [RowError(1, "programming problems come as JSONL")])
    rows = READERS[kind](text, filename)
    slug = slugify(name, allow_unicode=True)
    suffixes = (".csv", ".txt", ".md") if kind == QuestionFileKind.CORPUS else (".csv",)
    suffix = next((s for s in suffixes if filename.lower().endswith(s)), ".jsonl")
    row = QuestionFile(slug=slug, name=name, kind=kind, rows=len(rows), uploaded_by=uploaded_by)
    row.file.save(f"{slug}{suffix}", ContentFile(text.encode()), save=True)
    return row
