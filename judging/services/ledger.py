"""What a judge run asks for, held against what is stored: done, missing, elsewhere, impossible."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations, product
from typing import Any

from django.db.models import Q
from django.utils import timezone

from arena.models import (
    Answer,
    BattleOrigin,
    LanguageModel,
    Question,
    QuestionSet,
    RunStatus,
    WorkStatus,
)
from judging.judges import JUDGES
from judging.models import Judge, JudgeRunMode, Judgment, JudgmentMode
from judging.task_reading import Slot
from judging.turns import judged_turns
from judging.verdicts.base import Mode

AnswersByModel = Mapping[int, int]  # model to answer, by primary key


class JudgeRunError(ValueError):
    """What was asked for makes no run; the sentence says why and what to change."""


@dataclass(frozen=True, slots=True)
class JudgeRunSpec:
    """What a judge run is to do. ``limit`` takes the first questions of the set only.

    ``repeats`` asks the same that often, which shows how noisy the judge is.

    In baseline mode the baseline may stand among the models; it is not judged against itself.
    """

    judge: Judge
    mode: JudgeRunMode
    question_set: QuestionSet
    language_models: tuple[LanguageModel, ...]
    baseline: LanguageModel | None = None
    is_dry_run: bool = False
    limit: int | None = None
    repeats: int = 1
    seed: int = 0
    settings: Mapping[str, Any] = field(default_factory=dict)  # JSON, kept with the run

    def __post_init__(self) -> None:
        self._check_baseline()
        wanted = 2 if self.mode == JudgeRunMode.PAIRS else 1
        if len(self.judged_models) < wanted:
            raise JudgeRunError(
                f"mode {self.mode.value} takes at least {wanted} model(s)"
                f"{' besides the baseline' if self.baseline else ''}; "
                f"{len(self.judged_models)} given"
            )
        modes = JUDGES.get(self.judge.kind).modes
        if Mode(self.judgment_mode) not in modes:
            raise JudgeRunError(
                f"judge {self.judge.slug!r} of kind {self.judge.kind!r} does not judge in mode "
                f"{self.judgment_mode.value}; choose another judge or mode"
            )

    def _check_baseline(self) -> None:
        if self.mode == JudgeRunMode.BASELINE and self.baseline is None:
            raise JudgeRunError("mode baseline needs a baseline: the model all are compared with")
        if self.mode != JudgeRunMode.BASELINE and self.baseline is not None:
            raise JudgeRunError(
                f"mode {self.mode.value} has no baseline; leave {self.baseline.slug!r} out or "
                "choose mode baseline"
            )

    @property
    def judgment_mode(self) -> JudgmentMode:
        is_single = self.mode == JudgeRunMode.SINGLE
        return JudgmentMode.SINGLE if is_single else JudgmentMode.PAIRWISE

    @property
    def judged_models(self) -> tuple[LanguageModel, ...]:
        """The models that are judged, each once, the baseline left out."""
        unique = {model.pk: model for model in self.language_models if model != self.baseline}
        return tuple(unique.values())

    @property
    def answering_models(self) -> tuple[LanguageModel, ...]:
        """The models whose answers are needed."""
        return (*self.judged_models, *((self.baseline,) if self.baseline else ()))


@dataclass(slots=True)
class Ledger:
    """``missing`` slots have no row; ``adoptable`` ones have a row that nobody works on.

    ``busy`` counts rows of runs that are going on. ``missing_answers`` counts by model.
    ``owners`` tells the question and the model of each answer, by primary keys.
    """

    questions: int = 0
    missing: list[Slot] = field(default_factory=list)
    adoptable: dict[Slot, int] = field(default_factory=dict)
    done: int = 0
    busy: int = 0
    missing_answers: Counter[str] = field(default_factory=Counter)
    owners: dict[int, tuple[int, int]] = field(default_factory=dict)

    @property
    def to_make(self) -> list[Slot]:
        """The slots that a run would judge."""
        return [*self.adoptable, *self.missing]


def open_ledger(spec: JudgeRunSpec) -> Ledger:
    """Compare what ``spec`` asks for with what is stored; changes nothing."""
    questions = list(spec.question_set.questions.order_by("id")[: spec.limit])
    answers = _answers(questions, spec.answering_models)
    ledger = Ledger(questions=len(questions))
    for question in questions:
        there = answers.get(question.pk, {})
        ledger.owners |= {answer: (question.pk, model) for model, answer in there.items()}
        for model in spec.answering_models:
            ledger.missing_answers[model.slug] += model.pk not in there
    ledger.missing_answers = +ledger.missing_answers
    stored = _stored(spec)
    for question in questions:
        for slot in _slots(spec, question, answers.get(question.pk, {})):
            _enter(ledger, slot, stored.get(slot))
    return ledger


def _answers(
    questions: Sequence[Question], models: Sequence[LanguageModel]
) -> dict[int, dict[int, int]]:
    """Finished answers: by question, then by model."""
    found: dict[int, dict[int, int]] = {}
    rows = Answer.objects.done().in_answer_set().filter(model__in=models)
    if questions:
        rows = rows.filter(question__question_set=questions[0].question_set_id)
    for pk, question_id, model_id in rows.values_list("id", "question_id", "model_id"):
        found.setdefault(question_id, {})[model_id] = pk
    return found


def _slots(spec: JudgeRunSpec, question: Question, answers: AnswersByModel) -> Iterator[Slot]:
    """All that is to be judged about one question, in a fixed order."""
    is_single = spec.mode == JudgeRunMode.SINGLE
    turns = judged_turns(spec.judge.settings, len(question.turns), is_single=is_single)
    present = [answers[model.pk] for model in spec.judged_models if model.pk in answers]
    repeats = range(spec.repeats)
    if is_single:
        for answer, turn, repeat in product(present, turns, repeats):
            yield Slot(answer, 0, 1, turn, repeat)
        return
    if spec.baseline is not None:
        against = answers.get(spec.baseline.pk)
        pairs = [(answer, against) for answer in present] if against else []
    else:
        pairs = list(combinations(present, 2))
    for first, second in pairs:
        # the battle's side a is the answer with the smaller key; game 2 shows side b first
        a, b = min(first, second), max(first, second)
        yield from (
            Slot(a, b, game, t, repeat) for t, game, repeat in product(turns, (1, 2), repeats)
        )


_Row = tuple[int, str]  # id, and what may be done with it
_DONE, _FREE, _BUSY = "done", "free", "busy"


def _stored(spec: JudgeRunSpec) -> dict[Slot, _Row]:
    """The judge's rows on this question set, in this mode."""
    is_single = spec.mode == JudgeRunMode.SINGLE
    subject = "answer" if is_single else "battle"
    sides = ("answer_id", "answer_id") if is_single else ("battle__answer_a", "battle__answer_b")
    rows = Judgment.objects.filter(
        Q(**{f"{subject}__question__question_set": spec.question_set}),
        judge=spec.judge,
        mode=spec.judgment_mode,
        is_dry_run=spec.is_dry_run,
        repeat__lt=spec.repeats,
    ).order_by()
    if not is_single:
        rows = rows.filter(battle__origin=BattleOrigin.STORED)
    now = timezone.now()
    found: dict[Slot, _Row] = {}
    state = ("status", "run__status", "lease_expires_at")
    for pk, first, second, game, turn, repeat, status, run_status, lease in rows.values_list(
        "id", *sides, "game", "turn", "repeat", *state
    ):
        slot = Slot(first or 0, 0 if is_single else second or 0, game, turn, repeat)
        is_abandoned = run_status != RunStatus.ACTIVE and (
            status != WorkStatus.CLAIMED or lease is None or lease < now
        )
        free = _FREE if is_abandoned else _BUSY
        found[slot] = (pk, _DONE if status == WorkStatus.DONE else free)
    return found


def _enter(ledger: Ledger, slot: Slot, row: _Row | None) -> None:
    if row is None:
        ledger.missing.append(slot)
    elif row[1] == _FREE:
        ledger.adoptable[slot] = row[0]
    elif row[1] == _BUSY:
        ledger.busy += 1
    else:
        ledger.done += 1
