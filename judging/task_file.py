"""Task files: a whole arena described in YAML, from questions to a rated board and a report."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

Mode = Literal["single", "pairwise_baseline", "arena"]


class TaskFileError(ValueError):
    """A task file that cannot be used; the sentence names the file, the place and the remedy."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Generation(_Part):
    """How answers are generated; what is left out follows the category."""

    temperature: float | None = Field(default=None, ge=0, le=2)
    max_tokens: int | None = Field(default=None, ge=1)


class ModelPart(_Part):
    """A model by its slug here; with ``base_url`` it and its endpoint are made when missing.

    ``provider_model`` is the endpoint's name for it. The key is only ever named by the environment
    variable that holds it. Prices are US dollars per million tokens.
    """

    model: str = ""
    base_url: str = ""
    api_key_env: str = ""
    provider_model: str = ""
    price_in_per_mtok: float | None = Field(default=None, ge=0)
    price_out_per_mtok: float | None = Field(default=None, ge=0)


class AnswersPart(ModelPart):
    """One model's answers: from a file, or from its endpoint.

    The model is called like the part itself unless ``model`` says otherwise.
    """

    enable: bool = True
    answers_file: Path | None = None
    generation: Generation = Generation()


class Reviewer(ModelPart):
    """A judge to set up, or to use in the version that equals this."""

    name: str
    kind: str = "chat"
    settings: dict[str, Any] = {}  # JSON; each kind of judge checks its own


class Adaptive(_Part):
    """Judge only what narrows the board most, until each gap is known ``within`` rating points."""

    within: float = Field(gt=0)
    stop_at: Literal["order", "interval"] = "order"
    orders: Literal["one", "both"] = "one"


class ReviewsPart(_Part):
    """Who judges: a judge's name, or one to set up. ``budget`` limits usd, calls, minutes.

    ``batch`` sends the calls through the endpoint's Batch API.
    """

    enable: bool = True
    reviewer: str | Reviewer
    baseline: str = ""
    limit: int | None = Field(default=None, ge=1)
    repeats: int = Field(default=1, ge=1)
    seed: int = 0
    budget: dict[str, float] = {}
    adaptive: Adaptive | None = None
    batch: bool = False


class RatingPart(_Part):
    """The board that is fitted at the end, made when it is missing."""

    enable: bool = True
    board: str = ""
    title: str = ""
    method: str = "bradley_terry"
    options: dict[str, Any] = {}  # JSON; each method checks its own


class ArenaTask(_Part):
    """A task file. Paths are relative to the file itself."""

    name: str = ""
    mode: Mode
    question_set: str
    questions_file: Path | None = None
    answers_gen: dict[str, AnswersPart]
    reviews_gen: ReviewsPart
    elo_rating: RatingPart | None = None
    rating_gen: RatingPart | None = None
    report_file: Path | None = None

    @model_validator(mode="after")
    def _parts_fit_together(self) -> ArenaTask:
        if self.elo_rating and self.rating_gen:
            raise ValueError("elo_rating and rating_gen are two names of one part; keep one")
        if self.mode == "pairwise_baseline" and not self.reviews_gen.baseline:
            raise ValueError("mode pairwise_baseline needs reviews_gen.baseline, a model")
        if self.mode != "pairwise_baseline" and self.reviews_gen.baseline:
            raise ValueError(f"mode {self.mode} has no baseline; remove reviews_gen.baseline")
        if self.mode == "single" and self.reviews_gen.adaptive:
            raise ValueError("mode single compares no models; remove reviews_gen.adaptive")
        if not any(part.enable for part in self.answers_gen.values()):
            raise ValueError("no part of answers_gen is enabled; enable at least one")
        return self

    @property
    def rating(self) -> RatingPart | None:
        """The rating part under either name, if it is enabled; ``elo_rating`` means online Elo."""
        if self.elo_rating and self.elo_rating.enable:
            given = self.elo_rating.model_fields_set
            method = self.elo_rating.method if "method" in given else "elo"
            return self.elo_rating.model_copy(update={"method": method})
        return self.rating_gen if self.rating_gen and self.rating_gen.enable else None

    def enabled_answers(self) -> dict[str, AnswersPart]:
        """The enabled parts by model slug."""
        parts = self.answers_gen.items()
        return {part.model or name: part for name, part in parts if part.enable}


def read_task_file(path: Path) -> ArenaTask:
    """Read and check a task file; its paths become absolute. Raises TaskFileError."""
    try:
        loaded = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise TaskFileError(f"{path} cannot be read: {error.strerror}") from None
    except yaml.YAMLError as error:
        raise TaskFileError(f"{path} is not YAML: {error}") from None
    return task_from(loaded, where=str(path), folder=path.resolve().parent)


def task_from(loaded: object, *, where: str, folder: Path) -> ArenaTask:
    """Check a task given as plain data; ``where`` is named in errors."""
    try:
        task = ArenaTask.model_validate(loaded)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the file"
        raise TaskFileError(
            f"{where}: {place}: {first['msg']} (got {first['input']!r:.80})"
        ) from None
    return _with_absolute_paths(task, folder)


def _with_absolute_paths(task: ArenaTask, folder: Path) -> ArenaTask:
    def absolute(path: Path | None) -> Path | None:
        return None if path is None else folder / path

    answers = {
        name: part.model_copy(update={"answers_file": absolute(part.answers_file)})
        for name, part in task.answers_gen.items()
    }
    return task.model_copy(
        update={
            "questions_file": absolute(task.questions_file),
            "report_file": absolute(task.report_file),
            "answers_gen": answers,
        }
    )
