"""What a judge run asks for, held against what is stored: done, missing, elsewhere, impossible."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
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
from judging.models import Judge, JudgeBatch, JudgeRunMode, Judgment, JudgmentMode
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


@dataclass(frozen=True, slots=True)
class Block:
    """All that is to be judged about one question, in a fixed order; counted without listing it.

    ``answers`` are those judged, by primary key; each is compared with ``baseline``, or with each
    other where ``games`` are two, or with nothing.
    """

    answers: tuple[int, ...]
    baseline: int
    games: tuple[int, ...]
    turns: tuple[int, ...]
    repeats: int

    def __len__(self) -> int:
        n = len(self.answers)
        subjects = n * (n - 1) // 2 if self._are_pairs else n
        return subjects * len(self.turns) * len(self.games) * self.repeats

    def __iter__(self) -> Iterator[Slot]:
        rest = list(product(self.turns, self.games, range(self.repeats)))
        for a, b in self._subjects():
            yield from (Slot(a, b, game, turn, repeat) for turn, game, repeat in rest)

    def __getitem__(self, place: int) -> Slot:
        """The slot at ``place``, counted from 0, without listing those before it."""
        rest = list(product(self.turns, self.games, range(self.repeats)))
        subject, own = divmod(place, len(rest))
        turn, game, repeat = rest[own]
        return Slot(*self._subject(subject), game, turn, repeat)

    def __contains__(self, slot: Slot) -> bool:
        sides = {slot.answer_a, slot.answer_b}
        others = {self.baseline} if self.baseline or not self._are_pairs else set()
        return (
            sides <= {*self.answers, *others}
            and others <= sides
            and slot.game in self.games
            and slot.turn in self.turns
            and slot.repeat < self.repeats
        )

    @property
    def _are_pairs(self) -> bool:
        return len(self.games) > 1 and not self.baseline

    def _subjects(self) -> Iterator[tuple[int, int]]:
        """Side a is the answer with the smaller key, and game 2 shows side b first; 0 is none."""
        if self._are_pairs:
            yield from ((min(pair), max(pair)) for pair in combinations(self.answers, 2))
        else:
            yield from map(self._beside_baseline, self.answers)

    def _subject(self, place: int) -> tuple[int, int]:
        """The same at ``place``."""
        if not self._are_pairs:
            return self._beside_baseline(self.answers[place])
        first, later = 0, len(self.answers) - 1
        while place >= later:
            first, place, later = first + 1, place - later, later - 1
        pair = self.answers[first], self.answers[first + 1 + place]
        return min(pair), max(pair)

    def _beside_baseline(self, answer: int) -> tuple[int, int]:
        pair = answer, self.baseline
        return (min(pair), max(pair)) if self.baseline else pair


@dataclass(frozen=True, slots=True)
class AnswerSheet:
    """A set's questions, and the finished answers to each, by model; primary keys."""

    questions: Sequence[Question]
    answers: Mapping[int, AnswersByModel]


def read_answers(
    question_set: QuestionSet, models: Sequence[LanguageModel], limit: int | None
) -> AnswerSheet:
    """Of these models, to the first questions of the set; two queries."""
    questions = list(question_set.questions.order_by("id")[:limit])
    found: dict[int, dict[int, int]] = {}
    rows = Answer.objects.done().in_answer_set().filter(model__in=models)
    rows = rows.filter(question__question_set=question_set)
    for pk, question_id, model_id in rows.values_list("id", "question_id", "model_id"):
        found.setdefault(question_id or 0, {})[model_id] = pk
    return AnswerSheet(questions, found)


@dataclass(slots=True)
class Ledger:
    """What is asked for, by question, and what is stored of it.

    ``adoptable`` slots have a row that nobody works on, ``done`` and ``busy`` count the rows that
    are finished, and those of runs that are going on. ``missing_answers`` counts by model.
    ``owners`` tells the question and the model of each answer, by primary keys.
    """

    blocks: dict[int, Block] = field(default_factory=dict)
    stored: set[Slot] = field(default_factory=set)
    adoptable: dict[Slot, int] = field(default_factory=dict)
    questions: int = 0
    done: int = 0
    busy: int = 0
    missing_answers: Counter[str] = field(default_factory=Counter)
    owners: dict[int, tuple[int, int]] = field(default_factory=dict)

    @property
    def missing(self) -> list[Slot]:
        """The slots that have no row."""
        slots = (slot for block in self.blocks.values() for slot in block)
        return [slot for slot in slots if slot not in self.stored]

    @property
    def to_make(self) -> list[Slot]:
        """The slots that a run would judge."""
        return [*self.adoptable, *self.missing]

    @property
    def n_to_make(self) -> int:
        """How many they are."""
        return sum(map(len, self.blocks.values())) - self.done - self.busy

    def sample(self, n: int) -> list[Slot]:
        """About ``n`` of the slots to make, evenly spread; listed only as far as needed."""
        if self.stored:
            slots = self.to_make
            return slots[:: max(len(slots) // n, 1)]
        step, skip, chosen = max(self.n_to_make // n, 1), 0, []
        for block in self.blocks.values():
            places = range(skip, len(block), step)
            chosen += [block[place] for place in places]
            skip += len(places) * step - len(block)
        return chosen


def open_ledger(spec: JudgeRunSpec, sheet: AnswerSheet | None = None) -> Ledger:
    """Compare what ``spec`` asks for with what is stored; changes nothing.

    ``sheet`` may hold the answers of more models; it is read when it is not given.
    """
    if sheet is None:
        sheet = read_answers(spec.question_set, spec.answering_models, spec.limit)
    ledger = Ledger(questions=len(sheet.questions))
    models = {model.pk: model.slug for model in spec.answering_models}
    judged = [model.pk for model in spec.judged_models]
    for question in sheet.questions:
        answers = sheet.answers.get(question.pk, {})
        there = {model: answers[model] for model in models if model in answers}
        ledger.owners |= {answer: (question.pk, model) for model, answer in there.items()}
        for model, slug in models.items():
            ledger.missing_answers[slug] += model not in there
        ledger.blocks[question.pk] = _block(spec, question, there, judged)
    ledger.missing_answers = +ledger.missing_answers
    for slot, row in sorted(_stored(spec).items()):
        _enter(ledger, slot, row)
    return ledger


def _block(
    spec: JudgeRunSpec, question: Question, answers: AnswersByModel, judged: Sequence[int]
) -> Block:
    is_single = spec.mode == JudgeRunMode.SINGLE
    present = tuple(answers[model] for model in judged if model in answers)
    against = answers.get(spec.baseline.pk, 0) if spec.baseline else 0
    return Block(
        answers=() if spec.baseline and not against else present,
        baseline=against,
        games=(1,) if is_single else (1, 2),
        turns=judged_turns(spec.judge.settings, len(question.turns), is_single=is_single),
        repeats=spec.repeats,
    )


_Row = tuple[int, str]  # id, and what may be done with it
_HALTED = frozenset({RunStatus.STOPPED, RunStatus.CANCELLED})
_DONE, _FREE, _BUSY = "done", "free", "busy"


def _stored(spec: JudgeRunSpec) -> dict[Slot, _Row]:
    """The judge's rows on this question set, in this mode.

    The rows of a paused or cancelled run are busy while a batch of it is out: what comes is paid.
    """
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
    listed = list(
        rows.values_list(
            *("id", *sides, "game", "turn", "repeat"),
            *("status", "run", "run__status", "lease_expires_at"),
        )
    )
    now = timezone.now()
    in_batches = _runs_in_batches({run for *_, run, state, _ in listed if state in _HALTED})
    found: dict[Slot, _Row] = {}
    for pk, first, second, game, turn, repeat, status, run, run_status, lease in listed:
        slot = Slot(first or 0, 0 if is_single else second or 0, game, turn, repeat)
        is_held = status == WorkStatus.CLAIMED and lease is not None and lease >= now
        is_coming = status != WorkStatus.FAILED and run in in_batches
        is_abandoned = run_status != RunStatus.ACTIVE and not is_held and not is_coming
        free = _FREE if is_abandoned else _BUSY
        found[slot] = (pk, _DONE if status == WorkStatus.DONE else free)
    return found


def _runs_in_batches(runs: Collection[int | None]) -> frozenset[int]:
    """Those of ``runs`` that have a batch out."""
    if not runs:
        return frozenset()
    return frozenset(JudgeBatch.objects.out().filter(run__in=runs).values_list("run", flat=True))


def _enter(ledger: Ledger, slot: Slot, row: _Row) -> None:
    """Take note of a stored row, if it is among what is asked for."""
    question, _ = ledger.owners.get(slot.answer_a, (0, 0))
    if question not in ledger.blocks or slot not in ledger.blocks[question]:
        return
    ledger.stored.add(slot)
    if row[1] == _FREE:
        ledger.adoptable[slot] = row[0]
    elif row[1] == _BUSY:
        ledger.busy += 1
    else:
        ledger.done += 1
