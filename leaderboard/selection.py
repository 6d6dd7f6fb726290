"""From a board's query to columns: which votes and verdicts are compared, which are left out."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from django.db.models import BigIntegerField, Case, F, Max, Q, QuerySet, Value, When
from django.db.models.fields.json import KT
from django.db.models.functions import Cast, Coalesce, Least
from numpy.typing import NDArray

from arena.models import Exclusion, LanguageModel, WorkStatus
from judging.models import JudgmentMode
from leaderboard.packed import Integers, integer_rows, known_or_zero, packed, unpacked
from leaderboard.query import BoardQuery, judgments_of, votes_of
from leaderboard.ratings import Comparisons, Outcome, Scores

PEOPLE, JUDGES = 0, 1
STRONG: Final = 3

COUNTED = ""
REASONS: Final = (
    COUNTED,
    "dry_run",
    "judge_failed",
    "not_judged_yet",
    "unreadable_verdict",
    "no_outcome",
    "style_unknown",
    "marked_otherwise",
    *Exclusion.values,
)
"""Why a stored row is not counted; a row carries the position of its reason."""
_CODE = {reason: code for code, reason in enumerate(REASONS)}

# ids beyond these bounds would need a wider packing; they are 16 million models, 2 billion rows
_MODEL_BITS, _ID_BITS = 24, 31
_WHO = (_MODEL_BITS, _MODEL_BITS, 2, 1, 1, 8)  # model_a, model_b, outcome, b first, strong, reason
_WHERE = (_ID_BITS, _ID_BITS)  # question, and voter or judge, each plus one
STYLE_COLUMNS: Final = {"length": "words", "headers": "headers", "lists": "lists", "bold": "bold"}
_STYLE = (24, 12, 12, 12)  # one entry per style column; larger counts are capped
_NOT_MEASURED = -1

_COLUMN_TYPES: Final = {
    "model_a": np.int32,
    "model_b": np.int32,
    "outcome": np.int8,
    "question": np.int32,
    "voter": np.int32,
    "judge": np.int32,
    "strength": np.int8,
    "source": np.int8,
    "first_shown_a": np.bool_,
}


@dataclass(frozen=True, slots=True)
class Selection:
    """Rows to compare, and what was left out by reason.

    ``input_hash`` is over all columns in order; ``data_until`` the newest row's time;
    ``last_vote`` and ``last_judgment`` the highest ids that were looked at. ``row_ids`` are the
    ids of the compared votes and judgments, ``source`` tells which; int64[n].
    """

    comparisons: Comparisons | None
    scores: Scores | None
    excluded: dict[str, int]
    input_hash: str
    rows: int
    data_until: dt.datetime | None
    last_vote: int = 0
    last_judgment: int = 0
    row_ids: Integers | None = None


@dataclass(frozen=True, slots=True)
class _Rows:
    """One source's rows: counted columns by name, their ids, and everybody's reason code."""

    ids: Integers
    columns: dict[str, NDArray[Any]]  # each column has its own dtype
    reasons: NDArray[np.int64]
    last_id: int


def select_comparisons(query: BoardQuery, *, with_style: bool = False) -> Selection:
    """Votes and pairwise verdicts that ``query`` counts, in the order they were stored."""
    parts: list[_Rows] = []
    newest: list[dt.datetime | None] = []
    last_ids = {PEOPLE: 0, JUDGES: 0}
    for source, names in ((PEOPLE, ("people", "combined")), (JUDGES, ("judges", "combined"))):
        if query.source not in names:
            continue
        part, time = (_votes if source == PEOPLE else _verdicts)(query, with_style)
        last_ids[source] = part.last_id
        parts.append(part)
        newest.append(time)
    columns = {
        name: np.concatenate([part.columns[name] for part in parts]) for name in parts[0].columns
    }
    counts = sum((part.reasons for part in parts), np.zeros(len(REASONS), np.int64))
    names, columns["model_a"], columns["model_b"] = _as_indices(
        query, columns["model_a"], columns["model_b"]
    )
    return Selection(
        comparisons=Comparisons(models=names, **columns, **_feature_names(with_style)),
        scores=None,
        excluded=_by_reason(counts),
        input_hash=input_hash([*names, *(columns[name] for name in sorted(columns))]),
        rows=columns["outcome"].size,
        data_until=max((time for time in newest if time), default=None),
        last_vote=last_ids[PEOPLE],
        last_judgment=last_ids[JUDGES],
        row_ids=np.concatenate([part.ids for part in parts]),
    )


def _votes(query: BoardQuery, with_style: bool) -> tuple[_Rows, dt.datetime | None]:
    votes = votes_of(query)
    who = _who(Value(0), Q(shown_first="b"), vote_reason(query.include))
    where = packed(
        [(known_or_zero("battle__question_id"), _ID_BITS), (known_or_zero("voter_id"), _ID_BITS)]
    )
    table = integer_rows(votes, [F("id"), who, where, *_style_columns(with_style)])
    return _rows(table, PEOPLE), _newest(votes)


def _verdicts(query: BoardQuery, with_style: bool) -> tuple[_Rows, dt.datetime | None]:
    judgments = judgments_of(query, JudgmentMode.PAIRWISE)
    is_strong = Case(When(strength=STRONG, then=Value(1)), default=Value(0))
    who = _who(is_strong, Q(game=2), verdict_reason(query.include))
    where = packed(
        [(known_or_zero("battle__question_id"), _ID_BITS), (known_or_zero("judge_id"), _ID_BITS)]
    )
    table = integer_rows(judgments, [F("id"), who, where, *_style_columns(with_style)])
    return _rows(table, JUDGES), _newest(judgments)


def _newest(rows: QuerySet[Any]) -> dt.datetime | None:
    newest: dt.datetime | None = rows.order_by().aggregate(newest=Max("created_at"))["newest"]
    return newest


def _who(is_strong: Case | Value, is_b_first: Q, reason: Case) -> Any:  # an expression of any kind
    outcome = Case(
        *(When(outcome=outcome.name.lower(), then=Value(int(outcome))) for outcome in Outcome),
        default=Value(0),  # a row without an outcome has a reason and is never counted
    )
    b_first = Case(When(is_b_first, then=Value(1)), default=Value(0))
    parts = ("battle__model_a_id", "battle__model_b_id", outcome, b_first, is_strong, reason)
    return packed(list(zip(parts, _WHO, strict=True)))


def vote_reason(include: Sequence[str]) -> Case:
    """The code in ``REASONS`` of why a vote is left out; 0 when it counts."""
    kept = ["", *include]
    return Case(
        When(exclusion__in=kept, battle__exclusion__in=kept, then=Value(0)),
        *_marks(include, "exclusion", "battle__exclusion"),
        default=Value(_CODE["marked_otherwise"]),
    )


def verdict_reason(include: Sequence[str]) -> Case:
    """The code in ``REASONS`` of why a pairwise judgment is left out; 0 when it counts."""
    kept = ["", *include]
    is_counted = Q(status=WorkStatus.DONE, is_readable=True, is_dry_run=False) & ~Q(outcome="")
    return Case(
        When(is_counted, exclusion__in=kept, battle__exclusion__in=kept, then=Value(0)),
        *_unfinished(),
        When(outcome="", then=Value(_CODE["no_outcome"])),
        *_marks(include, "exclusion", "battle__exclusion"),
        default=Value(_CODE["marked_otherwise"]),
    )


def score_reason(include: Sequence[str]) -> Case:
    """The code in ``REASONS`` of why a single score is left out; 0 when it counts."""
    is_counted = Q(status=WorkStatus.DONE, is_readable=True, is_dry_run=False)
    return Case(
        When(is_counted, exclusion__in=["", *include], then=Value(0)),
        *_unfinished(),
        *_marks(include, "exclusion"),
        default=Value(_CODE["marked_otherwise"]),
    )


def _unfinished() -> list[When]:
    unfinished = (WorkStatus.PENDING, WorkStatus.CLAIMED)
    return [
        When(is_dry_run=True, then=Value(_CODE["dry_run"])),
        When(status=WorkStatus.FAILED, then=Value(_CODE["judge_failed"])),
        When(status__in=unfinished, then=Value(_CODE["not_judged_yet"])),
        When(is_readable=False, then=Value(_CODE["unreadable_verdict"])),
    ]


def _marks(include: Sequence[str], *paths: str) -> list[When]:
    return [
        When(**{path: reason}, then=Value(_CODE[reason]))
        for path in paths
        for reason in Exclusion.values
        if reason not in include
    ]


def _style_columns(with_style: bool) -> list[Any]:  # expressions of any kind
    """Per side the packed style of the answer, or -1 where it was not measured."""
    return [_style_of(f"battle__answer_{side}__style") for side in "ab" if with_style]


def _style_of(path: str) -> Coalesce:
    parts = [
        (Least(Cast(KT(f"{path}__{key}"), BigIntegerField()), Value((1 << bits) - 1)), bits)
        for key, bits in zip(STYLE_COLUMNS.values(), _STYLE, strict=True)
    ]
    return Coalesce(packed(parts), Value(_NOT_MEASURED), output_field=BigIntegerField())


def _feature_names(with_style: bool) -> dict[str, Any]:  # a keyword of Comparisons
    names = tuple(f"{name}_{side}" for side in "ab" for name in STYLE_COLUMNS)
    return {"feature_names": names} if with_style else {}


def _rows(table: Integers, source: int) -> _Rows:
    styles = table[:, 3:]
    *_, reason = unpacked(table[:, 1], _WHO)
    if styles.size:
        is_unmeasured = (styles == _NOT_MEASURED).any(axis=1)
        reason = np.where((reason == 0) & is_unmeasured, _CODE["style_unknown"], reason)
    counted = table[reason == 0]
    model_a, model_b, outcome, is_b_first, is_strong, _ = unpacked(counted[:, 1], _WHO)
    question, decider = unpacked(counted[:, 2], _WHERE)
    nobody = np.zeros_like(decider)
    columns = {
        "model_a": model_a,
        "model_b": model_b,
        "outcome": outcome,
        "question": question - 1,
        "voter": (decider if source == PEOPLE else nobody) - 1,
        "judge": (decider if source == JUDGES else nobody) - 1,
        "strength": np.where(is_strong == 1, STRONG, 1),
        "source": np.full(decider.size, source),
        "first_shown_a": is_b_first == 0,
    }
    typed: dict[str, NDArray[Any]] = {
        name: column.astype(_COLUMN_TYPES[name]) for name, column in columns.items()
    }
    if styles.size:
        typed["features"] = _features(counted[:, 3:])
    return _Rows(
        ids=counted[:, 0].copy(),
        columns=typed,
        reasons=np.bincount(reason, minlength=len(REASONS)),
        last_id=int(table[-1, 0]) if len(table) else 0,
    )


def _features(styles: Integers) -> NDArray[np.float64]:
    parts = [part for side in (0, 1) for part in unpacked(styles[:, side], _STYLE)]
    return np.stack(parts, axis=1).astype(np.float64)


def _by_reason(counts: NDArray[np.int64]) -> dict[str, int]:
    return {
        reason: int(count)
        for reason, count in zip(REASONS, counts, strict=True)
        if reason and count
    }


def _as_indices(
    query: BoardQuery, *sides: NDArray[Any]
) -> tuple[tuple[str, ...], *tuple[NDArray[np.int32], ...]]:
    """Slugs in alphabetical order and each id's index among them; all asked-for models appear."""
    top = max((int(side.max(initial=0)) for side in sides), default=0)
    present = np.flatnonzero(sum(np.bincount(side, minlength=top + 1) for side in sides))
    slugs = dict(LanguageModel.objects.filter(id__in=present.tolist()).values_list("id", "slug"))
    names = tuple(sorted({*slugs.values(), *query.models}))
    index = {name: position for position, name in enumerate(names)}
    place = np.zeros(top + 1, dtype=np.int32)
    place[present] = [index[slugs[int(i)]] for i in present]
    return names, *(place[side] for side in sides)


def select_scores(query: BoardQuery) -> Selection:
    """Single scores that ``query`` counts, in the order they were stored."""
    judgments = judgments_of(query, JudgmentMode.SINGLE)
    rows = list(
        judgments.order_by("id").annotate(reason=score_reason(query.include))
        .values_list("reason", "id", "answer__model_id", "answer__question_id", "turn",
                     "answer__question__category", "score", "judge_id")
        .iterator(chunk_size=20_000)
    )  # fmt: skip
    counted = [row for row in rows if row[0] == 0 and row[6] is not None]
    names, model = _as_indices(query, np.array([row[2] for row in counted], dtype=np.int64))
    categories = tuple(sorted({row[5] for row in counted if row[5]}))
    place = {name: position for position, name in enumerate(categories)}
    table: dict[str, NDArray[Any]] = {
        "model": model,
        "question": np.array([row[3] for row in counted], dtype=np.int32),
        # turn 0 is the whole conversation, which stands as one turn
        "turn": np.array([max(row[4], 1) for row in counted], dtype=np.int8),
        "category": np.array([place.get(row[5], -1) for row in counted], dtype=np.int32),
        "score": np.array([row[6] for row in counted], dtype=np.float64),
        "judge": np.array([row[7] for row in counted], dtype=np.int32),
    }
    codes = np.array([row[0] for row in rows], dtype=np.int64)
    reasons = np.bincount(codes, minlength=len(REASONS))
    reasons[_CODE["no_outcome"]] += int(reasons[0]) - len(counted)
    return Selection(
        comparisons=None,
        scores=Scores(models=names, categories=categories, **table),
        excluded=_by_reason(reasons),
        input_hash=input_hash([*names, *categories, *table.values()]),
        rows=len(counted),
        data_until=_newest(judgments),
        last_judgment=rows[-1][1] if rows else 0,
        row_ids=np.array([row[1] for row in counted], dtype=np.int64),
    )


def input_hash(parts: Iterable[str | NDArray[Any]]) -> str:
    """SHA-256 over names and the bytes of columns, in hexadecimal."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.encode() if isinstance(part, str) else np.ascontiguousarray(part).data)
        digest.update(b"\x00")
    return digest.hexdigest()


