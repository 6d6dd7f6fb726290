"""Reading boards: what pages, commands and the API show."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from arena.models import Battle, LanguageModel, Question
from arena.vocabulary import category_label, dimension_label, language_label
from judging.models import Judgment
from leaderboard.charts import (
    Chart,
    PairCount,
    RatedModel,
    average_win_rate_chart,
    battle_count_chart,
    rating_chart,
    win_fraction_chart,
)
from leaderboard.models import Board, Evidence, Rating, Snapshot
from leaderboard.pairs import pair_counts as named_pairs
from leaderboard.pairs import pairs_from_bytes
from leaderboard.query import BoardQuery
from leaderboard.slices import board_query

CHARTED_MODELS = 40


class UnknownBoardError(LookupError):
    """There is no board of that name."""


def get_board(slug: str) -> Board:
    """The board called ``slug``; raises UnknownBoardError that lists the boards there are."""
    board = Board.objects.filter(slug=slug).first()
    if board is None:
        known = ", ".join(Board.objects.values_list("slug", flat=True)) or "none yet"
        raise UnknownBoardError(f"there is no board {slug!r}; boards are: {known}")
    return board


def rating_rows(snapshot: Snapshot) -> list[Rating]:
    """The snapshot's lines, best first, with model and licence at hand: one query."""
    return list(snapshot.ratings.select_related("model__license").order_by("rank", "-rating"))


def snapshot_as_json(snapshot: Snapshot, rows: Sequence[Rating]) -> dict[str, Any]:
    """A snapshot in the field's words; the keys are documented in docs/api.md and stable."""
    return {
        "board": snapshot.board.slug,
        "title": snapshot.board.title,
        "snapshot": snapshot.number,
        "slice": snapshot.slice_key,
        "method": snapshot.method,
        "options": snapshot.options,
        "query": snapshot.query,
        "seed": snapshot.seed,
        "battles": snapshot.battles,
        "excluded": snapshot.excluded,
        "input_hash": snapshot.input_hash,
        "data_until": _iso(snapshot.data_until),
        "created_at": _iso(snapshot.created_at),
        "software_version": snapshot.software_version,
        "diagnostics": snapshot.diagnostics,
        "ratings": [rating_as_json(row) for row in rows],
    }


def rating_as_json(row: Rating) -> dict[str, Any]:
    model = row.model
    return {
        "rank": row.rank,
        "model": model.slug,
        "display_name": model.display_name,
        "organisation": model.organisation,
        "license": model.license.spdx_id if model.license else None,
        "rating": row.rating,
        "rating_lower": row.rating_lower,
        "rating_upper": row.rating_upper,
        "rank_lower": row.rank_lower,
        "rank_upper": row.rank_upper,
        "battles": row.battles,
        "wins": row.wins,
        "losses": row.losses,
        "ties": row.ties,
        "both_bad": row.both_bad,
        **row.details,
    }


def _iso(time: dt.datetime | None) -> str | None:
    return time.isoformat() if time else None


# -- charts -----------------------------------------------------------------------------------


def pair_counts(snapshot: Snapshot) -> list[PairCount]:
    evidence = Evidence.objects.only("pairs", "model_slugs").filter(snapshot=snapshot).first()
    if evidence is None:
        return []
    return named_pairs(pairs_from_bytes(bytes(evidence.pairs)), evidence.model_slugs)


def board_charts(snapshot: Snapshot, rows: Sequence[Rating]) -> list[Chart]:
    """The charts under a board; large boards chart their best models only."""
    shown = rows[:CHARTED_MODELS]
    names = [row.model.slug for row in shown]
    rated = [
        RatedModel(row.model.slug, row.rating, row.rating_lower, row.rating_upper) for row in shown
    ]
    charts = [rating_chart(_("Ratings with 95 % intervals"), _("Rating"), rated)]
    pairs = pair_counts(snapshot)
    if pairs:
        charts += [
            win_fraction_chart(_("Share of battles won, row against column"), names, pairs),
            battle_count_chart(_("Battles per pair"), names, pairs),
            average_win_rate_chart(
                _("Average win rate over all opponents"), _("Average win rate"), names, pairs
            ),
        ]
    return charts


# -- filters ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Choice:
    value: str
    label: str
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class Filter:
    """One menu of a board: the query parameter, its label, what can be chosen."""

    key: str
    label: str
    choices: list[Choice]


def board_filters(board: Board, chosen: Mapping[str, str]) -> list[Filter]:
    """Menus over what the board's own query still leaves open."""
    query = board_query(board)
    questions = _questions_of(query)
    filters = []
    if query.source == "combined":
        sources = {"people": _("People"), "judges": _("Judges")}
        filters.append(_menu("source", _("Decided by"), sources, chosen))
    columns = (
        ("category", _("Category"), category_label, query.categories),
        ("language", _("Language"), language_label, query.languages),
        ("dimension", _("Capability"), dimension_label, query.dimensions),
    )
    for key, label, name_of, fixed in columns:
        values = [] if fixed else questions.values_list(key, flat=True).distinct().order_by(key)
        labels = {value: str(name_of(value)) for value in values if value}
        if len(labels) > 1:
            filters.append(_menu(key, label, labels, chosen))
    return filters


def _questions_of(query: BoardQuery) -> QuerySet[Question]:
    questions = Question.objects.all()
    if query.question_sets:
        questions = questions.filter(question_set__slug__in=query.question_sets)
    elif not query.include_demo:
        questions = questions.filter(question_set__is_demo=False)
    return questions


def _menu(key: str, label: str, labels: Mapping[str, str], chosen: Mapping[str, str]) -> Filter:
    current = chosen.get(key, "")
    everything = [Choice("", _("All"), not current)]
    return Filter(
        key,
        label,
        everything + [Choice(value, text, value == current) for value, text in labels.items()],
    )


# -- head to head -----------------------------------------------------------------------------


def battles_between(
    query: BoardQuery, first: LanguageModel, second: LanguageModel
) -> QuerySet[Battle]:
    """The battles behind one cell of the win matrix, newest first."""
    battles = Battle.objects.between(first, second)
    if query.question_sets:
        battles = battles.filter(question__question_set__slug__in=query.question_sets)
    for lookup, values in (
        ("question__category__in", query.categories),
        ("question__language__in", query.languages),
        ("question__dimension__in", query.dimensions),
    ):
        if values:
            battles = battles.filter(**{lookup: list(values)})
    decided = Q(votes__isnull=False) | Q(judgments__outcome__gt="")
    battles = battles.filter(decided).distinct()
    return battles.select_related("question", "model_a", "model_b").order_by("-id")


def verdicts_by_battle(battles: Sequence[Battle]) -> dict[int, list[Judgment]]:
    """The real judges' verdicts on the given battles, in the order they were made."""
    judgments = (
        Judgment.objects.filter(battle__in=battles, is_dry_run=False)
        .select_related("judge")
        .order_by("battle_id", "judge_id", "game")
    )
    by_battle: dict[int, list[Judgment]] = {}
    for judgment in judgments:
        by_battle.setdefault(judgment.battle_id or 0, []).append(judgment)
    return by_battle
