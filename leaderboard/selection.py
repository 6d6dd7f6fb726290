"""From a board's query to columns: which votes and verdicts are compared, which are left out."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from django.db.models import BigIntegerField, Case, F, Max, Q, QuerySet, Value, When
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast, Coalesce, Least
from numpy.typing import NDArray

from arena.models import LanguageModel, Question
from judging.models import JudgmentMode
from leaderboard.packed import Integers, integer_rows, known_or_zero, packed, unpacked
from leaderboard.query import BoardQuery, judgments_of, votes_of
from leaderboard.ratings import Comparisons, Outcome, Scores
from leaderboard.reasons import CODES, REASONS, score_reason, verdict_reason, vote_reason
from leaderboard.spans import EVERYTHING, NO_EXTRAS, Extras, Span

PEOPLE, JUDGES = 0, 1
STRONG: Final = 3

# ids beyond these bounds would need a wider packing; they are 16 million models, 2 billion rows
_MODEL_BITS, _ID_BITS = 24, 31
_WHO = (_MODEL_BITS, _MODEL_BITS, 2, 1, 1, 8)  # model_a, model_b, outcome, b first, strong, reason
_WHERE = (_ID_BITS, _ID_BITS)  # question, and voter or judge, each plus one
_STYLE = (24, 12, 12, 12)  # length, headers, lists, bold; larger counts are capped
_UNIT: Final = 1 << 30  # a probability as a whole number
_DRAW_UNIT: Final = 1 << 50  # that of a pair among hundreds of models, to nine digits
_NOT_MEASURED = -1
_NAMES_AT_ONCE: Final = 5_000

MOST_LISTED: Final = 500
"""Rows that are listed per reason; all are counted."""
FEATURE_NAMES: Final = tuple(
    f"{name}_{side}" for side in "ab" for name in ("length", "headers", "lists", "bold")
)
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


def _no_ids() -> Integers:
    return np.empty(0, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Selection:
    """Rows to compare, and what was left out by reason.

    ``input_hash`` is over all columns in order; ``data_until`` the newest row's time;
    ``last_vote`` and ``last_judgment`` the highest ids that were looked at,
    ``waiting`` the ids of judgments not made yet, ``row_ids`` those of the compared votes and
    judgments, the columns' ``source`` tells which; int64. ``left_out`` names the newest rows
    by reason. ``columns`` are what was given to ``Comparisons`` or ``Scores``.
    """

    comparisons: Comparisons | None
    scores: Scores | None
    excluded: dict[str, int]
    input_hash: str
    rows: int
    data_until: dt.datetime | None
    last_vote: int = 0
    last_judgment: int = 0
    waiting: Integers = field(default_factory=_no_ids)
    row_ids: Integers = field(default_factory=_no_ids)
    left_out: dict[str, list[tuple[str, int]]] = field(default_factory=dict)
    columns: dict[str, NDArray[Any]] = field(default_factory=dict)  # dtypes differ


@dataclass(frozen=True, slots=True)
class _Rows:
    """One source's rows: counted columns by name, their ids, and everybody's reason."""

    columns: dict[str, NDArray[Any]]  # each column has its own dtype
    ids: Integers
    seen_ids: Integers
    reasons: NDArray[np.int64]

    @property
    def last_id(self) -> int:
        return int(self.seen_ids[-1]) if self.seen_ids.size else 0


def select_comparisons(
    query: BoardQuery, extras: Extras = NO_EXTRAS, span: Span = EVERYTHING
) -> Selection:
    """Votes and pairwise verdicts that ``query`` counts, in the order they were stored."""
    people = _votes(query, extras, span) if query.source != "judges" else None
    judges = _verdicts(query, extras, span) if query.source != "people" else None
    parts = [part for part in (people, judges) if part is not None]
    columns = {
        name: np.concatenate([part.columns[name] for part in parts]) for name in parts[0].columns
    }
    names, sides = _as_indices(query, columns["model_a"], columns["model_b"])
    columns["model_a"], columns["model_b"] = sides
    question_names = _question_names(columns["question"]) if extras.question_names else ()
    for cluster in ("question", "voter"):
        columns[cluster] = _dense(columns[cluster])
    if "weight" in columns:
        columns["weight"] = draw_weights(columns["weight"], models=len(names))
    _drop_incomplete_style(columns, extras)
    newest = [] if span.after else [_newest(rows) for rows in _sources(query)]
    return Selection(
        comparisons=Comparisons(
            models=names,
            **columns,
            feature_names=_feature_names(columns),
            question_names=question_names,
        ),
        scores=None,
        excluded=_by_reason(np.concatenate([part.reasons for part in parts])),
        input_hash=input_hash(names, columns),
        rows=columns["outcome"].size,
        data_until=max((time for time in newest if time), default=None),
        last_vote=people.last_id if people else 0,
        last_judgment=judges.last_id if judges else 0,
        waiting=judges.seen_ids[judges.reasons == CODES["not_judged_yet"]] if judges else _no_ids(),
        row_ids=np.concatenate([part.ids for part in parts]),
        left_out=_left_out(people, "vote") | _left_out(judges, "judgment"),
        columns=columns,
    )


def _left_out(part: _Rows | None, kind: str) -> dict[str, list[tuple[str, int]]]:
    """The newest rows of one source by reason; a reason of both sources is told apart by kind."""
    if part is None:
        return {}
    places = np.flatnonzero(part.reasons)
    return {
        f"{kind}:{REASONS[code]}": [
            (kind, int(i))
            for i in part.seen_ids[places[part.reasons[places] == code]][-MOST_LISTED:][::-1]
        ]
        for code in np.unique(part.reasons[places]).tolist()
    }


def _sources(query: BoardQuery) -> list[QuerySet[Any]]:
    sources: list[QuerySet[Any]] = []
    if query.source != "judges":
        sources.append(votes_of(query))
    if query.source != "people":
        sources.append(judgments_of(query, JudgmentMode.PAIRWISE))
    return sources


def _votes(query: BoardQuery, extras: Extras, span: Span) -> _Rows:
    votes = span.votes(votes_of(query))
    who = _who(Value(0), Q(shown_first="b"), vote_reason(query.include))
    where = packed(
        [(known_or_zero("battle__question_id"), _ID_BITS), (known_or_zero("voter_id"), _ID_BITS)]
    )
    unsure = [Value(_NOT_MEASURED, BigIntegerField())] if extras.preference else []
    drawn = [_draw_probability()] if query.draw_weights == "inverse" else []
    columns = [F("id"), who, where, *drawn, *unsure, *_style_columns(extras)]
    table = integer_rows(votes, columns, are_few=span.after is not None)
    return _weighted_rows(table, PEOPLE, extras, is_weighted=bool(drawn))


def _verdicts(query: BoardQuery, extras: Extras, span: Span) -> _Rows:
    judgments = span.judgments(judgments_of(query, JudgmentMode.PAIRWISE))
    is_strong = Case(When(strength=STRONG, then=Value(1)), default=Value(0))
    who = _who(is_strong, Q(game=2), verdict_reason(query.include))
    where = packed(
        [(known_or_zero("battle__question_id"), _ID_BITS), (known_or_zero("judge_id"), _ID_BITS)]
    )
    sure = [_preference()] if extras.preference else []
    drawn = [Value(_NOT_MEASURED, BigIntegerField())] if query.draw_weights == "inverse" else []
    columns = [F("id"), who, where, *drawn, *sure, *_style_columns(extras)]
    table = integer_rows(judgments, columns, are_few=span.after is not None)
    return _weighted_rows(table, JUDGES, extras, is_weighted=bool(drawn))


def _preference() -> Any:  # an expression
    """The probability that side a is better in units of 2**-30; a judge states 1 for a, 2 for b."""
    chance = Cast((Value(2.0) - F("preference")) * Value(float(_UNIT)), BigIntegerField())
    return Coalesce(chance, Value(_NOT_MEASURED), output_field=BigIntegerField())


def _draw_probability() -> Any:  # an expression
    """That of the vote's pair in units of 2**-50; unknown for what was imported or assigned."""
    chance = Cast(F("draw_probability") * Value(float(_DRAW_UNIT)), BigIntegerField())
    return Coalesce(chance, Value(_NOT_MEASURED), output_field=BigIntegerField())


def draw_weights(probability: NDArray[np.float64], *, models: int) -> NDArray[np.float64]:
    """float64[n]: 1/(P·K) for a pair drawn with probability P among the K pairs of ``models``.

    Evenly drawn pairs thus weigh 1, as do rows without a probability (NaN): verdicts, imports,
    assigned battles. Chiang et al. 2024, section 5, weigh by 1/P; the factor 1/K changes no
    rating, it puts weighted and unweighted rows on one footing.
    """
    pairs = max(models * (models - 1) / 2, 1.0)
    return np.where(np.isnan(probability), 1.0, 1 / (probability * pairs))


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


def _style_columns(extras: Extras) -> list[Any]:  # expressions
    """Per side the packed style of the answer, or -1 where it was not measured."""
    if not extras.length:
        return []
    return [_style_of(f"battle__answer_{side}__style", extras.length) for side in "ab"]


def _style_of(path: str, length: str) -> Coalesce:
    keys = (length, "headers", "lists", "bold")
    parts = [(_capped(path, key, bits), bits) for key, bits in zip(keys, _STYLE, strict=True)]
    return Coalesce(packed(parts), Value(_NOT_MEASURED), output_field=BigIntegerField())


def _capped(path: str, key: str, bits: int) -> Any:  # an expression
    """One count of a style, at most what its bits hold; unknown where it was not measured."""
    count = Cast(KeyTextTransform(key, path), BigIntegerField())
    # PostgreSQL's LEAST passes over NULL; adding a multiple of the count keeps it NULL there too
    return Least(count, Value((1 << bits) - 1)) + count * Value(0)


def _weighted_rows(table: Integers, source: int, extras: Extras, *, is_weighted: bool) -> _Rows:
    """As ``_rows``; the fourth integer is the probability of the draw where it was asked for."""
    if not is_weighted:
        return _rows(table, source, extras)
    rows = _rows(np.delete(table, 3, axis=1), source, extras)
    # a probability too small for its unit is taken for the smallest there is
    drawn = np.where(table[:, 3] == _NOT_MEASURED, np.nan, np.maximum(table[:, 3], 1) / _DRAW_UNIT)
    rows.columns["weight"] = drawn[np.isin(table[:, 0], rows.ids)]
    return rows


def _rows(table: Integers, source: int, extras: Extras) -> _Rows:
    styles = table[:, 4:] if extras.preference else table[:, 3:]
    reason = table[:, 1] & ((1 << _WHO[-1]) - 1)  # the lowest bits
    if extras.is_style_required:
        is_unmeasured = (styles == _NOT_MEASURED).any(axis=1)
        reason = np.where((reason == 0) & is_unmeasured, CODES["style_unknown"], reason)
    is_counted = reason == 0
    columns = _columns(table[is_counted], source)
    if extras.preference:
        chance = table[is_counted, 3]
        columns["preference"] = np.where(chance == _NOT_MEASURED, np.nan, chance / _UNIT)
    if extras.length:
        columns["features"] = _features(styles[is_counted])
    # a copy, or the view would keep the whole table
    return _Rows(columns, table[is_counted, 0], table[:, 0].copy(), reason)


def _columns(counted: Integers, source: int) -> dict[str, NDArray[Any]]:
    # one part at a time is 64 bits wide: a million rows of all of them would be felt
    model_a, model_b, outcome, is_b_first, is_strong, _ = _narrow(counted[:, 1], _WHO)
    question, decider = _narrow(counted[:, 2], _WHERE)
    nobody = np.zeros_like(decider)
    columns = {
        "model_a": model_a,
        "model_b": model_b,
        "outcome": outcome,
        "question": question - 1,
        "voter": (decider if source == PEOPLE else nobody) - 1,
        "judge": (decider if source == JUDGES else nobody) - 1,
        "strength": np.where(is_strong == 1, np.int8(STRONG), np.int8(1)),
        "source": np.full(decider.size, source, dtype=np.int8),
        "first_shown_a": is_b_first == 0,
    }
    return {name: column.astype(_COLUMN_TYPES[name]) for name, column in columns.items()}


def _narrow(column: Integers, bits: Sequence[int]) -> list[NDArray[np.int32]]:
    """The parts of a packed column; none has more than 31 bits."""
    return [part.astype(np.int32) for part in unpacked(column, bits)]


def _features(styles: Integers) -> NDArray[np.float64]:
    """float64[n, 8], both sides' style; NaN where it was not measured."""
    parts = [part for side in (0, 1) for part in unpacked(styles[:, side], _STYLE)]
    features = np.stack(parts, axis=1).astype(np.float64)
    features[(styles == _NOT_MEASURED).any(axis=1)] = np.nan
    return features


def _drop_incomplete_style(columns: dict[str, NDArray[Any]], extras: Extras) -> None:
    if extras.length and np.isnan(columns["features"]).any():
        del columns["features"]


def _feature_names(columns: dict[str, NDArray[Any]]) -> tuple[str, ...]:
    return FEATURE_NAMES if "features" in columns else ()


def _dense(ids: NDArray[np.int32]) -> NDArray[np.int32]:
    """Clusters numbered 0, 1, … by their ids' order; -1 stays. Nobody's key leaves the database."""
    present = np.flatnonzero(np.bincount(ids + 1)[1:])
    place = np.full(int(ids.max(initial=-1)) + 2, -1, dtype=np.int32)
    place[present + 1] = np.arange(present.size)
    return place[ids + 1]


def _question_names(ids: NDArray[np.int32]) -> tuple[str, ...]:
    """The questions as ``_dense`` numbers them, each ``set/external id``."""
    wanted = np.unique(ids[ids >= 0]).tolist()
    names: dict[int, str] = {}
    for start in range(0, len(wanted), _NAMES_AT_ONCE):
        rows = Question.objects.filter(pk__in=wanted[start : start + _NAMES_AT_ONCE])
        for pk, set_slug, external_id in rows.values_list(
            "pk", "question_set__slug", "external_id"
        ):
            names[pk] = f"{set_slug}/{external_id}"
    return tuple(names[pk] for pk in wanted)


def _by_reason(reasons: NDArray[np.int64]) -> dict[str, int]:
    counts = np.bincount(reasons, minlength=len(REASONS))
    return {
        reason: int(count)
        for reason, count in zip(REASONS, counts, strict=True)
        if reason and count
    }


def _as_indices(
    query: BoardQuery, *sides: NDArray[Any]
) -> tuple[tuple[str, ...], list[NDArray[np.int32]]]:
    """Slugs in alphabetical order and each id's index among them; all asked-for models appear."""
    top = max((int(side.max(initial=0)) for side in sides), default=0)
    present = np.flatnonzero(sum(np.bincount(side, minlength=top + 1) for side in sides))
    slugs = dict(LanguageModel.objects.filter(id__in=present.tolist()).values_list("id", "slug"))
    names = tuple(sorted({*slugs.values(), *query.models}))
    index = {name: position for position, name in enumerate(names)}
    place = np.zeros(top + 1, dtype=np.int32)
    place[present] = [index[slugs[int(i)]] for i in present]
    return names, [place[side] for side in sides]


def select_scores(query: BoardQuery, span: Span = EVERYTHING) -> Selection:
    """Single scores that ``query`` counts, in the order they were stored."""
    judgments = span.judgments(judgments_of(query, JudgmentMode.SINGLE))
    rows = list(
        judgments.order_by("id").annotate(reason=score_reason(query.include))
        .values_list("reason", "id", "answer__model_id", "answer__question_id", "turn",
                     "answer__question__category", "score", "judge_id")
        .iterator(chunk_size=20_000)
    )  # fmt: skip
    counted = [row for row in rows if row[0] == 0 and row[6] is not None]
    names, (model,) = _as_indices(query, np.array([row[2] for row in counted], dtype=np.int64))
    categories = tuple(sorted({row[5] for row in counted if row[5]}))
    place = {name: position for position, name in enumerate(categories)}
    table: dict[str, NDArray[Any]] = {
        "model": model,
        "question": _dense(np.array([row[3] for row in counted], dtype=np.int32)),
        # turn 0 is the whole conversation, which stands as one turn
        "turn": np.array([max(row[4], 1) for row in counted], dtype=np.int8),
        "category": np.array([place.get(row[5], -1) for row in counted], dtype=np.int32),
        "score": np.array([row[6] for row in counted], dtype=np.float64),
        "judge": np.array([row[7] for row in counted], dtype=np.int32),
    }
    reasons = [row[0] or (CODES["no_outcome"] if row[6] is None else 0) for row in rows]
    return Selection(
        comparisons=None,
        scores=Scores(models=names, categories=categories, **table),
        excluded=_by_reason(np.array(reasons, dtype=np.int64)),
        input_hash=input_hash((*names, *categories), table),
        rows=len(counted),
        data_until=_newest(judgments),
        last_judgment=rows[-1][1] if rows else 0,
        waiting=np.array([row[1] for row in rows if row[0] == CODES["not_judged_yet"]], np.int64),
        row_ids=np.array([row[1] for row in counted], dtype=np.int64),
        columns=table,
    )


def input_hash(names: Iterable[str], columns: Mapping[str, NDArray[Any]]) -> str:
    """SHA-256 over names and the bytes of the columns in alphabetical order, in hexadecimal."""
    digest = hashlib.sha256()
    for name in names:
        digest.update(name.encode() + b"\x00")
    for name in sorted(columns):
        digest.update(np.ascontiguousarray(columns[name]).data)
        digest.update(b"\x00")
    return digest.hexdigest()
