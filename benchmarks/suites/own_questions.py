"""The user's own questions: multiple choice and free answers, from a file."""

from __future__ import annotations

from pathlib import Path

from benchmarks.questions.tasks import open_answers, open_choices
from benchmarks.suites import SUITES
from benchmarks.suites_base import OpenTask, TaskCard, TaskError, TaskOptions, TaskTree

CHOICES, ANSWERS = "general_mcq", "general_qa"
# what general_qa asks when no file is named, as in llmuses, so that presets can hold it
EXAMPLES = Path(__file__).parents[1] / "questions" / "examples.jsonl"


class OwnQuestionsSuite:
    """``general_mcq`` and ``general_qa``; the setting ``local_path`` names the file or folder.

    ``general_mcq:name`` keeps the scores of several files apart. ``general_qa`` alone asks a few
    example questions.
    """

    def cards(self, home: Path | None) -> list[TaskCard]:
        return [
            TaskCard(CHOICES, "own", title="Own multiple-choice questions",
                     description="CSV or JSONL: question, A, B, C…, answer, category",
                     output_type="multiple_choice"),
            TaskCard(ANSWERS, "own", title="Own questions with reference answers",
                     description="JSONL or CSV: question, answer", output_type="generate_until"),
        ]  # fmt: skip

    def resolve(self, name: str, home: Path | None) -> TaskTree | None:
        kind = name.partition(":")[0]
        return TaskTree((name,)) if kind in (CHOICES, ANSWERS) and "::" not in name else None

    def open(self, name: str, options: TaskOptions) -> OpenTask:
        path = options.settings.get("local_path")
        if name == ANSWERS and not path:
            path = EXAMPLES
        if not path:
            raise TaskError(
                f"task {name!r} needs a file; give it with --dataset-args "
                f'\'{{"{name}": {{"local_path": "questions.csv"}}}}\' or upload one'
            )
        if name.partition(":")[0] == CHOICES:
            return open_choices(name, Path(str(path)), options)
        return open_answers(name, Path(str(path)), options)


SUITES.register("own")(OwnQuestionsSuite())
