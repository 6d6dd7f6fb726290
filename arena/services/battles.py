"""Battles of stored answers: one per pair, with the sides in a fixed order."""

from __future__ import annotations

from collections.abc import Iterable

from arena.models import Answer, Battle, BattleOrigin, Side

BATCH = 1000
Pair = tuple[int, int]


def in_battle_order(first: Answer, second: Answer) -> tuple[Answer, Answer]:
    """The answer of side a, then that of side b: by primary key, whoever asks."""
    return (first, second) if first.pk < second.pk else (second, first)


def side_of(battle: Battle, answer: Answer) -> Side:
    """Which side of the battle an answer stands on."""
    return Side.A if battle.answer_a_id == answer.pk else Side.B


def stored_battle(first: Answer, second: Answer) -> Battle:
    """The battle between two stored answers, made when it is missing."""
    answer_a, answer_b = in_battle_order(first, second)
    return Battle.objects.get_or_create(
        answer_a=answer_a,
        answer_b=answer_b,
        origin=BattleOrigin.STORED,
        defaults=_columns(answer_a, answer_b),
    )[0]


def stored_battles(pairs: Iterable[tuple[Answer, Answer]]) -> dict[Pair, Battle]:
    """Battles for many pairs, by the primary keys of their answers in battle order.

    The answers come with their questions selected.
    """
    wanted = {(a.pk, b.pk): (a, b) for a, b in (in_battle_order(*pair) for pair in pairs)}
    Battle.objects.bulk_create(
        (
            Battle(answer_a=a, answer_b=b, origin=BattleOrigin.STORED, **_columns(a, b))
            for a, b in wanted.values()
        ),
        batch_size=BATCH,
        ignore_conflicts=True,
    )
    keys = sorted(wanted)
    there: dict[Pair, Battle] = {}
    for start in range(0, len(keys), BATCH):
        firsts = {pair[0] for pair in keys[start : start + BATCH]}
        rows = Battle.objects.filter(answer_a__in=firsts, origin=BattleOrigin.STORED)
        there |= {(row.answer_a_id or 0, row.answer_b_id or 0): row for row in rows}
    return {pair: there[pair] for pair in keys}


def _columns(answer_a: Answer, answer_b: Answer) -> dict[str, object]:
    question = answer_a.question
    return {
        "model_a_id": answer_a.model_id,
        "model_b_id": answer_b.model_id,
        "question": question,
        "language": question.language,
        "turn_count": len(question.turns),
    }
