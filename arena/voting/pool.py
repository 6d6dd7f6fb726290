"""All stored answers that can be voted on, as arrays in memory: who answered what.

Drawing from it needs no query; it is read again when the stored answers have changed, which a
cheap look at what is newest tells.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

import numpy as np
from django.db.models import Count, Max
from numpy.typing import NDArray

from arena.background import Work, start_thread
from arena.models import Answer, BattleOrigin, LanguageModel, Outcome, Question, Vote, VoteSource
from arena.models.answer import AnswerQuerySet
from arena.models.question import LIVE_SET
from arena.voting.sampling import PairRecord

Ids = NDArray[np.int64]
LOOK_EVERY_S = 5.0
RECENT_BATTLES = 50  # of each pair of models
VOTES_LOOKED_BACK = 10_000
LONGEST_WAIT_S = 0.05  # a pool that took longer to read is renewed while nobody waits
KEPT_TIMES = 20  # while answers are being generated, reading takes a twentieth of the time
MOST_POOLS = 64


@dataclass(frozen=True, slots=True)
class PoolFilter:
    """What a voter wants to judge; empty means everything."""

    category: str = ""
    language: str = ""

    def suits(self, kinds: Iterable[tuple[str, str]]) -> bool:
        """Whether any question is of this kind; everything always suits."""
        return self == PoolFilter() or any(
            self.category in ("", category) and self.language in ("", language)
            for category, language in kinds
        )


EVERYTHING = PoolFilter()


@dataclass(frozen=True, slots=True)
class AnswerPool:
    """``models`` are ids in ascending order; for each, its questions (ascending) and answers."""

    models: tuple[int, ...]
    questions: tuple[Ids, ...]
    answers: tuple[Ids, ...]
    shared: NDArray[np.float64]
    _common: dict[tuple[int, int], tuple[Ids, Ids, Ids]] = field(default_factory=dict)

    @classmethod
    def build(cls, model_ids: Ids, question_ids: Ids, answer_ids: Ids) -> AnswerPool:
        """From parallel arrays of shape (answers,)."""
        order = np.lexsort((question_ids, model_ids))
        model_ids, question_ids, answer_ids = (
            array[order] for array in (model_ids, question_ids, answer_ids)
        )
        models, starts = np.unique(model_ids, return_index=True)
        columns, places = np.unique(question_ids, return_inverse=True)
        answered = np.zeros((models.size, columns.size), dtype=np.float32)
        answered[np.searchsorted(models, model_ids), places] = 1
        return cls(
            tuple(int(model) for model in models),
            tuple(np.split(question_ids, starts[1:])),
            tuple(np.split(answer_ids, starts[1:])),
            (answered @ answered.T).astype(np.float64),
        )

    @property
    def is_available(self) -> NDArray[np.bool_]:
        return self.shared > 0

    def common(self, first: int, second: int) -> tuple[Ids, Ids, Ids]:
        """Questions both answered, and the answers of either, aligned."""
        pair = (first, second)
        if pair not in self._common:
            questions, at_first, at_second = np.intersect1d(
                self.questions[first], self.questions[second], True, True
            )
            self._common[pair] = (
                questions,
                self.answers[first][at_first],
                self.answers[second][at_second],
            )
        return self._common[pair]

    def holds(self, first: int, second: int, question: int) -> bool:
        """Whether both answered this question."""
        questions = self.common(first, second)[0]
        place = int(np.searchsorted(questions, question))
        return place < questions.size and int(questions[place]) == question


NOTHING = AnswerPool.build(*(np.empty(0, dtype=np.int64) for _ in range(3)))


def stored_answers(wanted: PoolFilter) -> AnswerQuerySet:
    """Those that can be voted on; not those to visitors' own prompts in live battles."""
    answers = (
        Answer.objects.done()
        .in_answer_set()
        .filter(model__is_active=True)
        .exclude(question__question_set__slug=LIVE_SET)
    )
    if wanted.category:
        answers = answers.filter(question__category=wanted.category)
    if wanted.language:
        answers = answers.filter(question__language=wanted.language)
    return answers.order_by()


def load_pool(wanted: PoolFilter) -> AnswerPool:
    answers = stored_answers(wanted)
    # the bundled demo steps back as soon as there is something of the arena's own
    own = answers.filter(model__is_demo=False)
    rows = list(own.values_list("model_id", "question_id", "id").iterator(chunk_size=20_000))
    if len({row[0] for row in rows}) < 2:
        rows = list(answers.values_list("model_id", "question_id", "id"))
    table = np.array(rows, dtype=np.int64).reshape(-1, 3)
    return AnswerPool.build(table[:, 0], table[:, 1], table[:, 2])


def kinds_of_questions() -> frozenset[tuple[str, str]]:
    """Category and language, where they occur together."""
    questions = Question.objects.exclude(question_set__slug=LIVE_SET).order_by()
    return frozenset(questions.values_list("category", "language").distinct())


def fingerprint() -> tuple[object, ...]:
    """Changes when answers are added or finished, or models switched; all of it from indexes.

    Deleted answers are noticed when they are drawn.
    """
    answers = Answer.objects.order_by()
    models = LanguageModel.objects.filter(is_active=True)
    return (
        answers.aggregate(newest=Max("id"))["newest"],
        answers.aggregate(latest=Max("finished_at"))["latest"],
        *models.aggregate(n=Count("id"), newest=Max("id")).values(),
        Question.objects.aggregate(newest=Max("id"))["newest"],
    )


@dataclass(frozen=True, slots=True)
class _LoadedPool:
    pool: AnswerPool
    fingerprint: tuple[object, ...]
    took_s: float
    due_at: float  # one that took long is not read again sooner, however often answers change


@dataclass(slots=True)
class PoolCache:
    """One per process; ``now`` is monotonic seconds.

    A pool that takes long to read is renewed in a thread, while the one before it serves.
    """

    now: Callable[[], float] = time.monotonic
    start: Callable[[Work, str], None] = start_thread
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _looked_at: float = -1e9
    _fingerprint: tuple[object, ...] = ()
    _loaded: dict[PoolFilter, _LoadedPool] = field(default_factory=dict)
    _renewing: set[PoolFilter] = field(default_factory=set)
    _kinds: frozenset[tuple[str, str]] = frozenset()
    _kinds_read_at: float = -1e9

    def get(self, wanted: PoolFilter) -> AnswerPool:
        with self._lock:
            if self.now() - self._looked_at > LOOK_EVERY_S:
                self._fingerprint = fingerprint()
                self._looked_at = self.now()
            # addresses can ask for anything: what no question is like is neither read nor kept
            if not (wanted.suits(self._kinds) or wanted.suits(self._read_kinds())):
                return NOTHING
            kept = self._loaded.get(wanted)
            if kept is None:
                return self._load(wanted).pool
            if kept.fingerprint != self._fingerprint:
                return self._renew(wanted, kept).pool
            return kept.pool

    def _renew(self, wanted: PoolFilter, kept: _LoadedPool) -> _LoadedPool:
        if kept.took_s <= LONGEST_WAIT_S:
            return self._load(wanted)
        if self.now() >= kept.due_at and wanted not in self._renewing:
            self._renewing.add(wanted)
            self.start(lambda: self._renew_beside(wanted), "answer-pool")
        return kept

    def _renew_beside(self, wanted: PoolFilter) -> None:
        try:
            self._load(wanted)
        finally:
            self._renewing.discard(wanted)

    def _load(self, wanted: PoolFilter) -> _LoadedPool:
        read_for, began = self._fingerprint, self.now()
        pool = load_pool(wanted)
        took_s = self.now() - began
        loaded = _LoadedPool(pool, read_for, took_s, self.now() + KEPT_TIMES * took_s)
        with self._lock:
            self._loaded.pop(wanted, None)
            while len(self._loaded) >= MOST_POOLS:
                del self._loaded[next(iter(self._loaded))]
            self._loaded[wanted] = loaded
        return loaded

    def doubt(self) -> None:
        """Something drawn was not there any more: look again, read again when that is due."""
        with self._lock:
            self._looked_at = -1e9
            self._loaded = {
                wanted: replace(kept, fingerprint=()) for wanted, kept in self._loaded.items()
            }

    def languages(self) -> list[str]:
        """Of the questions that voters may choose among; not of those without one."""
        with self._lock:
            return sorted({language for _, language in self._read_kinds() if language})

    def _read_kinds(self) -> frozenset[tuple[str, str]]:
        if self.now() - self._kinds_read_at > LOOK_EVERY_S:
            self._kinds, self._kinds_read_at = kinds_of_questions(), self.now()
        return self._kinds

    def forget(self) -> None:
        """Read everything again at the next draw."""
        with self._lock:
            self._looked_at = self._kinds_read_at = -1e9
            self._loaded.clear()


_Y = {
    Outcome.MODEL_A: 1.0,
    Outcome.MODEL_B: 0.0,
    Outcome.TIE: 0.5,
    Outcome.BOTH_BAD: 0.5,
}


@dataclass(slots=True)
class VoteRecord:
    """Counted votes by pair, and the battles of a pair that were voted on last, kept up to date by
    reading only the votes cast since the last look.
    """

    now: Callable[[], float] = time.monotonic
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _looked_at: float = -1e9
    _last_id: int = 0
    _sums: dict[tuple[int, int], list[float]] = field(default_factory=dict)
    _recent: dict[tuple[int, int], deque[int]] = field(default_factory=dict)
    _matrices: dict[tuple[int, ...], PairRecord] = field(default_factory=dict)

    def matrix(self, models: tuple[int, ...]) -> PairRecord:
        """For ``models`` (ascending ids); not to be written to."""
        with self._lock:
            self._look()
            if models not in self._matrices:
                self._matrices[models] = self._matrix(models)
            return self._matrices[models]

    def recent_battles(self, first: int, second: int) -> list[int]:
        """Ids of stored battles of two models that were voted on, at most ``RECENT_BATTLES``."""
        with self._lock:
            self._look()
            return list(self._recent.get(_pair(first, second), ()))

    def _look(self) -> None:
        if self.now() - self._looked_at > LOOK_EVERY_S:
            self._read_new()
            self._matrices.clear()
            self._looked_at = self.now()

    def _matrix(self, models: tuple[int, ...]) -> PairRecord:
        place = {model: row for row, model in enumerate(models)}
        record = PairRecord.empty(len(models))
        for (first, second), (votes, sum_y, sum_y2) in self._sums.items():
            if first in place and second in place:
                cell = place[first], place[second]
                record.votes[cell] = votes
                record.sum_y[cell] = sum_y
                record.sum_y2[cell] = sum_y2
        return record

    def _read_new(self) -> None:
        newest = Vote.objects.order_by("-id").values_list("id", flat=True).first() or 0
        if newest < self._last_id:
            self._clear()
        since = {"id__gt": self._last_id, "id__lte": newest}
        rows = (
            Vote.objects.counted()
            .filter(**since)
            .exclude(source=VoteSource.DEMO)
            .order_by()
            .values_list("battle__model_a_id", "battle__model_b_id", "outcome")
            .annotate(n=Count("id"))
        )
        for model_a, model_b, outcome, n in rows:
            y = _Y[Outcome(outcome)]
            pair = _pair(model_a, model_b)
            y = y if pair[0] == model_a else 1 - y
            sums = self._sums.setdefault(pair, [0.0, 0.0, 0.0])
            sums[0] += n
            sums[1] += n * y
            sums[2] += n * y * y
        battles = (
            Vote.objects.filter(**since, battle__origin=BattleOrigin.STORED)
            .order_by("-id")
            .values_list("battle_id", "battle__model_a_id", "battle__model_b_id")
        )
        for battle, model_a, model_b in reversed(battles[:VOTES_LOOKED_BACK]):
            self._remember(battle, _pair(model_a, model_b))
        self._last_id = newest

    def _remember(self, battle: int, pair: tuple[int, int]) -> None:
        recent = self._recent.setdefault(pair, deque(maxlen=RECENT_BATTLES))
        if battle not in recent:
            recent.append(battle)

    def _clear(self) -> None:
        self._last_id = 0
        self._sums.clear()
        self._recent.clear()
        self._matrices.clear()

    def forget(self) -> None:
        with self._lock:
            self._looked_at = -1e9
            self._clear()


def _pair(first: int, second: int) -> tuple[int, int]:
    return (first, second) if first < second else (second, first)


POOLS = PoolCache()
RECORD = VoteRecord()
