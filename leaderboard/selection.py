"""From a board's query to columns: which votes and verdicts are compared, which are left out.

The query is pydantic, so that a board's JSON is checked when it is saved and a wrong key is an
error that names it.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

import numpy as np
from django.db.models import Case, Count, IntegerField, Max, Q, QuerySet, Value, When
from django.db.models.functions import Coalesce
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from arena.models import LanguageModel, Vote, WorkStatus
from judging.models import Judgment, JudgmentMode, JudgmentQuerySet
from leaderboard.ratings import Comparisons, Outcome, Scores

Source = Literal["people", "judges", "combined"]
Row = TypeVar("Row", Vote, Judgment)
PEOPLE, JUDGES = 0, 1
_OUTCOME_CODES = {outcome.name.lower(): int(outcome) for outcome in Outcome}
_CHUNK = 50_000
_UNKNOWN = -1


class BoardQuery(BaseModel):
    """What a board counts. Empty lists mean "all".

    ``include`` names exclusion reasons that are to be counted after all. The bundled demo's
    models are left out unless ``include_demo`` says otherwise.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: Source = "combined"
    question_sets: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    dimensions: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    judges: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    since: dt.datetime | None = None
    until: dt.datetime | None = None
    include: tuple[str, ...] = ()
    include_demo: bool = False


@dataclass(frozen=True, slots=True)
class Selection:
    """Rows to compare, and what was left out by reason.

    ``input_hash`` is over all columns in order; ``data_until`` the newest row's time.
    """

    comparisons: Comparisons | None
    scores: Scores | None
    excluded: dict[str, int]
    input_hash: str
    rows: int
    data_until: dt.datetime | None


@dataclass(slots=True)
class _Columns:
    """Integer columns filled chunk by chunk; memory stays near the size of the arrays."""

    names: tuple[str, ...]
    chunks: list[NDArray[np.int64]] = field(default_factory=list)

    def extend(self, rows: QuerySet[Any, tuple[Any, ...]]) -> None:
        chunk: list[tuple[Any, ...]] = []
        for row in rows.iterator(chunk_size=_CHUNK):
            chunk.append(row)
            if len(chunk) == _CHUNK:
                self._flush(chunk)
                chunk = []
        if chunk:
            self._flush(chunk)

    def _flush(self, chunk: Sequence[tuple[Any, ...]]) -> None:
        self.chunks.append(np.array(chunk, dtype=np.int64))

    def arrays(self) -> dict[str, NDArray[np.int64]]:
        table = (
            np.concatenate(self.chunks) if self.chunks else np.empty((0, len(self.names)), np.int64)
        )
        return {name: np.ascontiguousarray(table[:, i]) for i, name in enumerate(self.names)}


def _outcome_code() -> Case:
    return Case(
        *(When(outcome=name, then=Value(code)) for name, code in _OUTCOME_CODES.items()),
        output_field=IntegerField(),
    )


def _question_filter(query: BoardQuery, path: str) -> Q:
    """Conditions on the question, reached from the row by ``path``."""
    wanted = {
        "question_set__slug__in": query.question_sets,
        "category__in": query.categories,
        "dimension__in": query.dimensions,
        "language__in": query.languages,
    }
    condition = Q()
    for lookup, values in wanted.items():
        if values:
            condition &= Q(**{f"{path}__{lookup}": list(values)})
    return condition


def _time_filter(query: BoardQuery) -> Q:
    condition = Q()
    if query.since:
        condition &= Q(created_at__gte=query.since)
    if query.until:
        condition &= Q(created_at__lt=query.until)
    return condition


def _model_filter(query: BoardQuery, paths: Iterable[str]) -> Q:
    condition = Q()
    demo = LanguageModel.objects.filter(is_demo=True).values_list("id", flat=True)
    hidden = [] if query.include_demo else list(demo)
    for path in paths:
        if query.models:
            condition &= Q(**{f"{path}__slug__in": list(query.models)})
        if hidden:
            condition &= ~Q(**{f"{path}_id__in": hidden})
    return condition


def _votes(query: BoardQuery) -> QuerySet[Vote]:
    return Vote.objects.filter(
        _question_filter(query, "battle__question"),
        _time_filter(query),
        _model_filter(query, ("battle__model_a", "battle__model_b")),
    ).order_by("id")


def _judgments(query: BoardQuery, mode: JudgmentMode) -> JudgmentQuerySet:
    is_pairwise = mode == JudgmentMode.PAIRWISE
    subject = "battle" if is_pairwise else "answer"
    sides = ("battle__model_a", "battle__model_b") if is_pairwise else ("answer__model",)
    judgments = Judgment.objects.filter(
        _question_filter(query, f"{subject}__question"),
        _time_filter(query),
        _model_filter(query, sides),
        mode=mode,
    ).order_by("id")
    return judgments.filter(judge__slug__in=query.judges) if query.judges else judgments


def _is_left_out(include: Sequence[str], *paths: str) -> Q:
    """Rows marked with a reason that the board does not count."""
    return Q(*(~Q(**{f"{path}__in": ["", *include]}) for path in paths), _connector=Q.OR)


def _tally(rows: QuerySet[Any], path: str, include: Sequence[str]) -> Counter[str]:
    reasons = (
        rows.exclude(**{f"{path}__in": ["", *include]})
        .order_by()
        .values_list(path)
        .annotate(n=Count("id"))
    )
    return Counter(dict(reasons))


def _judgments_left_out(judgments: JudgmentQuerySet, include: Sequence[str]) -> Counter[str]:
    """Why judgments do not count: not finished, failed, unreadable, dry run, marked."""
    states = judgments.aggregate(
        dry_run=Count("id", filter=Q(is_dry_run=True)),
        judge_failed=Count("id", filter=Q(is_dry_run=False, status=WorkStatus.FAILED)),
        not_judged_yet=Count(
            "id",
            filter=Q(is_dry_run=False, status__in=(WorkStatus.PENDING, WorkStatus.CLAIMED)),
        ),
        unreadable_verdict=Count(
            "id", filter=Q(is_dry_run=False, status=WorkStatus.DONE, is_readable=False)
        ),
    )
    readable = judgments.readable().filter(is_dry_run=False)
    return Counter({name: n for name, n in states.items() if n}) + _tally(
        readable, "exclusion", include
    )


def select_comparisons(query: BoardQuery) -> Selection:
    """Votes and pairwise verdicts that ``query`` counts, in the order they were stored."""
    columns = _Columns(
        ("model_a", "model_b", "outcome", "question", "voter", "judge", "strength", "source",
         "first_shown_a")
    )  # fmt: skip
    excluded: Counter[str] = Counter()
    newest: list[dt.datetime | None] = []
    if query.source in ("people", "combined"):
        votes = _votes(query)
        newest.append(_add_votes(columns, votes, query.include))
        excluded += _tally(votes, "exclusion", query.include)
        kept = votes.filter(exclusion__in=["", *query.include])
        excluded += _tally(kept, "battle__exclusion", query.include)
    if query.source in ("judges", "combined"):
        judgments = _judgments(query, JudgmentMode.PAIRWISE)
        newest.append(_add_verdicts(columns, judgments, query.include))
        excluded += _judgments_left_out(judgments, query.include)
    arrays = columns.arrays()
    names, sides = _as_indices(
        query, np.concatenate([arrays.pop("model_a"), arrays.pop("model_b")])
    )
    half = sides.size // 2
    # Any: the columns differ in dtype
    columns_as_typed: dict[str, Any] = {name: _narrow(name, a) for name, a in arrays.items()}
    comparisons = Comparisons(
        models=names,
        model_a=sides[:half].astype(np.int32),
        model_b=sides[half:].astype(np.int32),
        **columns_as_typed,
    )
    return Selection(
        comparisons=comparisons,
        scores=None,
        excluded=dict(excluded),
        input_hash=_hash([*names, sides, *arrays.values()]),
        rows=half,
        data_until=max((time for time in newest if time), default=None),
    )


def _narrow(name: str, array: NDArray[np.int64]) -> NDArray[Any]:
    if name == "first_shown_a":
        return array.astype(bool)
    return array.astype(np.int8 if name in ("outcome", "strength", "source") else np.int32)


def _add_votes(
    columns: _Columns, votes: QuerySet[Vote], include: Sequence[str]
) -> dt.datetime | None:
    counted = votes.exclude(_is_left_out(include, "exclusion", "battle__exclusion"))
    columns.extend(
        counted.values_list(
            "battle__model_a_id",
            "battle__model_b_id",
            _outcome_code(),
            Coalesce("battle__question_id", Value(_UNKNOWN)),
            Coalesce("voter_id", Value(_UNKNOWN)),
            Value(_UNKNOWN),
            Value(1),
            Value(PEOPLE),
            Case(When(shown_first="b", then=Value(0)), default=Value(1)),
        )
    )
    newest: dt.datetime | None = counted.order_by().aggregate(newest=Max("created_at"))["newest"]
    return newest


def _add_verdicts(
    columns: _Columns, judgments: JudgmentQuerySet, include: Sequence[str]
) -> dt.datetime | None:
    counted = judgments.readable().filter(is_dry_run=False).exclude(outcome="")
    counted = counted.exclude(_is_left_out(include, "exclusion", "battle__exclusion"))
    columns.extend(
        counted.values_list(
            "battle__model_a_id",
            "battle__model_b_id",
            _outcome_code(),
            Coalesce("battle__question_id", Value(_UNKNOWN)),
            Value(_UNKNOWN),
            "judge_id",
            Coalesce("strength", Value(1)),
            Value(JUDGES),
            Case(When(game=2, then=Value(0)), default=Value(1)),
        )
    )
    newest: dt.datetime | None = counted.order_by().aggregate(newest=Max("created_at"))["newest"]
    return newest


def _as_indices(
    query: BoardQuery, model_ids: NDArray[np.int64]
) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """Slugs in alphabetical order and each id's index among them; all asked-for models appear."""
    present = np.unique(model_ids)
    slugs = dict(LanguageModel.objects.filter(id__in=present.tolist()).values_list("id", "slug"))
    names = tuple(sorted({*slugs.values(), *query.models}))
    index = {name: position for position, name in enumerate(names)}
    positions = np.fromiter((index[slugs[int(i)]] for i in present), np.int64, len(present))
    return names, positions[np.searchsorted(present, model_ids)]


def select_scores(query: BoardQuery) -> Selection:
    """Single scores that ``query`` counts, in the order they were stored."""
    judgments = _judgments(query, JudgmentMode.SINGLE)
    counted = judgments.readable().filter(is_dry_run=False)
    counted = counted.exclude(_is_left_out(query.include, "exclusion"))
    rows = list(
        counted.values_list(
            "answer__model_id",
            "answer__question_id",
            "turn",
            "answer__question__category",
            "score",
            "judge_id",
        ).iterator(chunk_size=_CHUNK)
    )
    model_ids = np.array([row[0] for row in rows], dtype=np.int64)
    names, model = _as_indices(query, model_ids)
    categories = tuple(sorted({row[3] for row in rows if row[3]}))
    place = {name: position for position, name in enumerate(categories)}
    table: dict[str, NDArray[Any]] = {
        "model": model.astype(np.int32),
        "question": np.array([row[1] for row in rows], dtype=np.int32),
        # turn 0 is the whole conversation, which stands as one turn
        "turn": np.array([max(row[2], 1) for row in rows], dtype=np.int8),
        "category": np.array([place.get(row[3], -1) for row in rows], dtype=np.int32),
        "score": np.array([row[4] for row in rows], dtype=np.float64),
        "judge": np.array([row[5] for row in rows], dtype=np.int32),
    }
    columns: list[NDArray[Any]] = list(table.values())
    return Selection(
        comparisons=None,
        scores=Scores(models=names, categories=categories, **table),
        excluded=dict(_judgments_left_out(judgments, query.include)),
        input_hash=_hash([*names, *categories, *columns]),
        rows=len(rows),
        data_until=counted.order_by().aggregate(newest=Max("created_at"))["newest"],
    )


def _hash(parts: Iterable[str | NDArray[Any]]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.encode() if isinstance(part, str) else part.tobytes())
        digest.update(b"\x00")
    return digest.hexdigest()
