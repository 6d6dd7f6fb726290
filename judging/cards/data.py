"""The rows that a judge's card rests on, read once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from django.db.models import Q

from arena.models import Answer, Battle, Vote, WorkStatus
from judging.agreement import (
    CODES,
    NO_VERDICT,
    OUTCOMES,
    count_list_items,
    verdicts_of_battles,
)
from judging.model_costs import SPENT
from judging.models import Judge, Judgment, JudgmentMode
from judging.verdicts.base import Outcome


class Row(NamedTuple):
    """One finished judgment; ``cluster`` is its question. Pairwise fields are empty when single."""

    pk: int
    subject: int  # battle or answer
    game: int
    turn: int
    repeat: int
    is_readable: bool
    outcome: Outcome | None
    score: float | None
    confidence: float | None
    cluster: int
    cost_usd: float | None
    latency_s: float | None


@dataclass(frozen=True, slots=True)
class BattleFacts:
    """What is compared: how long both answers are, how many list items, of which families."""

    question: int
    category: str
    language: str
    lengths: tuple[int, int]
    list_items: tuple[int, int]
    families: tuple[str, str]


@dataclass(slots=True)
class CardData:
    """A judge's own rows, and what people and other judges said about the same battles.

    ``combined`` is the judge's one outcome per battle (see ``combine_rows``), ``votes`` every
    counted vote, ``others`` the combined outcomes of each other judge, ``spent`` the US dollars
    that each model of a judge with several has cost, by row and slug, where their prices are known.
    """

    judge: Judge
    pairs: list[Row] = field(default_factory=list)
    singles: list[Row] = field(default_factory=list)
    battles: dict[int, BattleFacts] = field(default_factory=dict)
    combined: dict[int, Outcome] = field(default_factory=dict)
    votes: dict[int, list[Outcome]] = field(default_factory=dict)
    others: dict[int, dict[int, Outcome]] = field(default_factory=dict)
    spent: dict[int, Mapping[str, float]] = field(default_factory=dict)

    @property
    def rows(self) -> list[Row]:
        """All rows of both modes."""
        return [*self.pairs, *self.singles]

    @property
    def rows_by_battle(self) -> Mapping[int, list[Row]]:
        """Readable pairwise rows."""
        found: defaultdict[int, list[Row]] = defaultdict(list)
        for row in self.pairs:
            if row.is_readable:
                found[row.subject].append(row)
        return found


def read_card_data(judge: Judge) -> CardData:
    """Everything the card of one version of a judge is computed from; dry runs do not count."""
    data = CardData(judge)
    data.pairs = _rows(judge, JudgmentMode.PAIRWISE)
    data.singles = _rows(judge, JudgmentMode.SINGLE)
    data.combined = combine_rows(data.pairs, _unanswered(judge))
    data.battles = _battles(judge)
    data.votes = _votes(judge)
    data.others = _others(judge)
    data.spent = {} if judge.language_model_id else _spent(judge)
    return data


def combine_rows(
    rows: Iterable[Row], unanswered: Iterable[tuple[int, int]] = ()
) -> dict[int, Outcome]:
    """One outcome per battle, see ``verdicts_of_battles``; repeats after the first are left out.

    ``unanswered`` are battles and turns of games that were asked for and do not count.
    """
    games = [
        (row.subject, row.turn, NO_VERDICT if row.outcome is None else CODES[row.outcome])
        for row in rows
        if row.repeat == 0
    ]
    games += [(battle, turn, NO_VERDICT) for battle, turn in unanswered]
    battles, turns, codes = np.array(games, dtype=np.int64).reshape(-1, 3).T
    found = verdicts_of_battles(battles, np.zeros_like(battles), turns, codes)
    outcomes = (OUTCOMES[code] for code in found.outcomes.tolist())
    return dict(zip(found.battles.tolist(), outcomes, strict=True))


def _rows(judge: Judge, mode: JudgmentMode) -> list[Row]:
    is_pair = mode == JudgmentMode.PAIRWISE
    subject = "battle" if is_pair else "answer"
    found = Judgment.objects.filter(
        judge=judge, mode=mode, status=WorkStatus.DONE, is_dry_run=False, exclusion=""
    ).order_by("id")
    columns = found.values_list(
        "id",
        f"{subject}_id",
        "game",
        "turn",
        "repeat",
        "is_readable",
        "outcome",
        "score",
        "metadata__confidence",
        f"{subject}__question_id",
        "cost_usd",
        "latency_s",
    )
    return [
        Row(
            pk=row[0],
            subject=row[1],
            game=row[2],
            turn=row[3],
            repeat=row[4],
            is_readable=bool(row[5]),
            outcome=Outcome(row[6]) if row[6] else None,
            score=row[7],
            confidence=float(row[8]) if isinstance(row[8], int | float) else None,
            # a battle that was imported without its question is a cluster of its own
            cluster=row[9] if row[9] is not None else -row[1],
            cost_usd=row[10],
            latency_s=row[11],
        )
        for row in columns.iterator(chunk_size=5_000)
    ]


def _unanswered(judge: Judge) -> list[tuple[int, int]]:
    """Battle and turn of the games that ``_rows`` does not read."""
    asked = Judgment.objects.filter(
        judge=judge, mode=JudgmentMode.PAIRWISE, repeat=0, is_dry_run=False
    )
    rows = asked.exclude(status=WorkStatus.DONE, exclusion="").order_by()
    return [(battle or 0, turn) for battle, turn in rows.values_list("battle_id", "turn")]


def _spent(judge: Judge) -> dict[int, Mapping[str, float]]:
    rows = Judgment.objects.filter(
        judge=judge, is_dry_run=False, exclusion="", metadata__has_key="spent_by_model"
    ).values_list("id", SPENT)
    return {
        pk: {slug: share["usd"] for slug, share in told.items() if share["usd"] is not None}
        for pk, told in rows.iterator(chunk_size=5_000)
    }


def _judged_battles(judge: Judge) -> Q:
    return Q(judgments__judge=judge, judgments__is_dry_run=False)


def _battles(judge: Judge) -> dict[int, BattleFacts]:
    rows = (
        Battle.objects.filter(_judged_battles(judge))
        .order_by("id")
        .distinct()
        .values_list(
            "id",
            "question_id",
            "question__category",
            "question__language",
            "answer_a_id",
            "answer_b_id",
            "model_a__organisation",
            "model_b__organisation",
        )
    )
    found = list(rows)
    shapes = _answer_shapes({pk for row in found for pk in row[4:6] if pk})
    nothing = (0, 0)
    battles = {}
    for pk, question, category, language, answer_a, answer_b, family_a, family_b in found:
        a, b = shapes.get(answer_a, nothing), shapes.get(answer_b, nothing)
        battles[pk] = BattleFacts(
            question=question or -pk,
            category=category or "",
            language=language or "",
            lengths=(a[0], b[0]),
            list_items=(a[1], b[1]),
            families=(family_a, family_b),
        )
    return battles


def _answer_shapes(ids: Iterable[int]) -> dict[int, tuple[int, int]]:
    """Characters and list items of each answer over all its turns."""
    wanted = sorted(ids)
    shapes: dict[int, tuple[int, int]] = {}
    for start in range(0, len(wanted), 1_000):
        rows = Answer.objects.filter(pk__in=wanted[start : start + 1_000])
        for pk, turns in rows.values_list("id", "turns"):
            text = "\n\n".join(turns)
            shapes[pk] = (len(text), count_list_items(text))
    return shapes


def _votes(judge: Judge) -> dict[int, list[Outcome]]:
    votes: defaultdict[int, list[Outcome]] = defaultdict(list)
    judged = Judgment.objects.filter(judge=judge, is_dry_run=False, battle__isnull=False)
    rows = Vote.objects.counted().filter(battle__in=judged.values("battle_id")).order_by("id")
    for battle, outcome in rows.values_list("battle_id", "outcome"):
        votes[battle].append(Outcome(outcome))
    return dict(votes)


def _others(judge: Judge) -> dict[int, dict[int, Outcome]]:
    judged = Judgment.objects.filter(judge=judge, is_dry_run=False, battle__isnull=False)
    rows = (
        Judgment.objects.filter(
            battle__in=judged.values("battle_id"), mode=JudgmentMode.PAIRWISE, is_dry_run=False
        )
        .exclude(judge__slug=judge.slug)
        .order_by("id")
    )
    columns = rows.values_list(
        *("judge_id", "id", "battle_id", "game", "turn", "repeat"),
        *("status", "exclusion", "outcome"),
    )
    by_judge: defaultdict[int, list[Row]] = defaultdict(list)
    for judge_id, pk, battle, game, turn, repeat, *said in columns.iterator(chunk_size=5_000):
        status, exclusion, outcome = said
        is_counted = status == WorkStatus.DONE and not exclusion and outcome
        parsed = Outcome(outcome) if is_counted else None
        by_judge[judge_id].append(
            Row(pk, battle, game, turn, repeat, True, parsed, None, None, 0, None, None)
        )
    return {judge_id: combine_rows(found) for judge_id, found in by_judge.items()}
