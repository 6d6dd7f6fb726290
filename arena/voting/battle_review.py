"""Looking over battles: staff leave one out, count one again, or take that back.

A leak is about an answer: who says that its words name nobody speaks of every battle it is in.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Count, Q
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from arena.models import (
    LIFTABLE,
    Battle,
    BattleOrigin,
    ClearedAnswer,
    Exclusion,
    IntegrityAction,
    LanguageModel,
    RenderedAnswer,
    Vote,
)
from arena.voting.texts import AnswerFacts, Leak, read_facts, read_leaks

COUNTED: Final = ""
WHY_NOT: Final[dict[str, Promise]] = {
    Exclusion.NAMED: gettext_lazy("Who voted knew the names; that cannot be undone."),
    Exclusion.ERROR: gettext_lazy("There is nothing to compare with an answer that failed."),
    Exclusion.EMPTY_ANSWER: gettext_lazy("There is nothing to compare with an empty answer."),
    Exclusion.DUPLICATE: gettext_lazy("It is stored a second time, and counts once."),
}
WHY_NOT_OTHERWISE: Final = gettext_lazy("It was imported with this reason, which states a fact.")


class FactError(ValueError):
    """The reason is a fact about the battle and cannot be lifted; the text says why."""


@dataclass(frozen=True, slots=True)
class FoundLeak:
    """In the answer of ``model``."""

    model: LanguageModel
    leak: Leak


@dataclass(frozen=True, slots=True)
class BattleReview:
    """What staff must know before they leave a battle out or count it again."""

    battle: Battle
    votes: int
    leaks: list[FoundLeak]
    is_liftable: bool
    why_not: str | Promise

    @property
    def is_cleared(self) -> bool:
        return any(found.leak.clearance for found in self.leaks)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A battle left out by a judgement; ``words`` were found when it was looked through."""

    battle: Battle
    words: list[str]
    votes: int


def battle_review(battle: Battle) -> BattleReview:
    """Looks through both answers as they are now; ``battle`` comes with its models."""
    leaks = read_leaks(_answers_of([battle]))
    sides = ((battle.answer_a_id, battle.model_a), (battle.answer_b_id, battle.model_b))
    return BattleReview(
        battle=battle,
        votes=sum(_votes_on([battle.pk]).values()),
        leaks=[FoundLeak(model, leaks[pk]) for pk, model in sides if pk in leaks],
        is_liftable=battle.exclusion in LIFTABLE,
        why_not=WHY_NOT.get(battle.exclusion, WHY_NOT_OTHERWISE),
    )


def battles_left_out(shown: int) -> list[LeftOut]:
    """The newest of those that staff may count again. No text is read, let alone looked through."""
    rows = Battle.objects.filter(exclusion__in=[reason.value for reason in LIFTABLE])
    newest = rows.select_related("model_a", "model_b").order_by("-id")
    battles = list(newest.defer("metadata")[:shown])  # which holds replaced turns
    kept = RenderedAnswer.objects.filter(answer__in=_answers_of(battles)).exclude(leak="")
    words = dict(kept.values_list("answer", "leak"))
    votes = _votes_on([battle.pk for battle in battles])
    return [
        LeftOut(
            battle,
            [words[pk] for pk in _answers_of([battle]) if pk in words],
            votes.get(battle.pk, 0),
        )
        for battle in battles
    ]


@transaction.atomic
def leave_out(battle: Battle, *, by: User) -> IntegrityAction | None:
    """Count the battle no more; None where it is left out already."""
    if not Battle.objects.filter(pk=battle.pk, exclusion=COUNTED).update(exclusion=Exclusion.STAFF):
        return None
    return _act(battle, Exclusion.STAFF, [battle.pk], by=by)


@transaction.atomic
def count_again(battle: Battle, *, reason: Exclusion, by: User) -> IntegrityAction | None:
    """Lift the reason. What else speaks against the battle takes its place. A leak is lifted from
    the answers, and so from all their battles.

    None where the battle does not carry the reason (any more): of two who press the same button
    the second does not lift what came to light by the first. Raises FactError.
    """
    if reason not in LIFTABLE:
        raise FactError(str(WHY_NOT.get(reason, WHY_NOT_OTHERWISE)))
    held = Battle.objects.select_for_update().filter(pk=battle.pk, exclusion=reason).first()
    if held is None:
        return None
    if reason == Exclusion.IDENTITY_LEAK:
        return _clear(held, by=by)
    # what was imported was looked through by whoever collected it, or by nobody
    is_checked = held.origin != BattleOrigin.IMPORTED
    left = _doubt(held, read_facts(_answers_of([held]))) if is_checked else COUNTED
    Battle.objects.filter(pk=held.pk).update(exclusion=left)
    return _act(held, left, [] if left else [held.pk], by=by)


@transaction.atomic
def withdraw_clearance(battle: Battle, *, by: User) -> IntegrityAction | None:
    """The battle's answers do name their models: leave their battles out again; None where nobody
    said otherwise.
    """
    Battle.objects.select_for_update().filter(pk=battle.pk).first()
    found = read_leaks(_answers_of([battle]))
    leaks = {pk: leak for pk, leak in found.items() if leak.clearance is not None}
    if not ClearedAnswer.objects.filter(answer__in=leaks).delete()[0]:
        return None
    checked = _with(leaks) & ~Q(origin=BattleOrigin.IMPORTED)
    counted = Battle.objects.filter(checked | Q(pk=battle.pk), exclusion=COUNTED)
    ids = list(counted.values_list("pk", flat=True))
    Battle.objects.filter(pk__in=ids).update(exclusion=Exclusion.IDENTITY_LEAK)
    return _act(battle, Exclusion.IDENTITY_LEAK, ids, by=by, words=leaks.values())


def _clear(battle: Battle, *, by: User) -> IntegrityAction:
    found = read_leaks(_answers_of([battle]))
    leaks = {pk: leak for pk, leak in found.items() if leak.clearance is None}
    for pk, leak in leaks.items():
        ClearedAnswer.objects.update_or_create(
            answer_id=pk,
            defaults={"source": leak.source, "done_by": by, "created_at": timezone.now()},
        )
    marked = Battle.objects.filter(
        _with(leaks) | Q(pk=battle.pk), exclusion=Exclusion.IDENTITY_LEAK
    )
    battles = list(marked)
    facts = read_facts(_answers_of(battles))
    by_doubt: dict[str, list[int]] = {}
    for each in battles:
        by_doubt.setdefault(_doubt(each, facts), []).append(each.pk)
    for doubt, ids in by_doubt.items():
        Battle.objects.filter(pk__in=ids).update(exclusion=doubt)
    doubt = _doubt(battle, facts)
    return _act(battle, doubt, by_doubt.get(COUNTED, []), by=by, words=leaks.values())


def _with(answer_ids: Iterable[int]) -> Q:
    ids = list(answer_ids)
    return Q(answer_a__in=ids) | Q(answer_b__in=ids)


def _answers_of(battles: Iterable[Battle]) -> list[int]:
    sides = (pk for battle in battles for pk in (battle.answer_a_id, battle.answer_b_id))
    return list(dict.fromkeys(pk for pk in sides if pk is not None))


def _doubt(battle: Battle, facts: dict[int, AnswerFacts]) -> str:
    """What speaks against one of the answers, or nothing."""
    doubts = (facts[pk].doubt for pk in _answers_of([battle]) if pk in facts)
    return next(filter(None, doubts), COUNTED)


def _votes_on(battle_ids: Sequence[int]) -> dict[int, int]:
    """Per battle, those with no reason of their own: they count when it does."""
    votes = Vote.objects.filter(battle__in=battle_ids, exclusion="").order_by()
    return dict(votes.values_list("battle").annotate(n=Count("id")))


def _act(
    battle: Battle,
    exclusion: str,
    changed: Sequence[int],
    *,
    by: User,
    words: Collection[Leak] = (),
) -> IntegrityAction:
    """The row that tells of it; ``changed`` are battles that count again, or no longer."""
    details = [_("words found: “{words}”").format(words=leak.words) for leak in words]
    if len(changed) > 1:
        details.append(_("{n} battles of the answer").format(n=len(changed)))
    return IntegrityAction.objects.create(
        battle=battle,
        exclusion=exclusion,
        detail="; ".join(details),
        votes_changed=sum(_votes_on(changed).values()),
        done_by=by,
    )
