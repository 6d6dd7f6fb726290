"""Which battles may be control questions: anybody is shown them, so never a visitor's prompt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from arena.models import Battle, BattleOrigin, Exclusion, GoldBattle, WorkStatus
from arena.models.battle import BattleQuerySet
from arena.models.question import LIVE_SET
from arena.voting.texts import AnswerFacts, read_facts

_COUNTED = ("", Exclusion.CONTROL)


class Obstacle(Enum):
    """Why a battle is asked of nobody as a control question."""

    LIVE = auto()
    IMPORTED = auto()
    LEFT_OUT = auto()
    UNFIT_ANSWER = auto()


@dataclass(frozen=True, slots=True)
class ControlQuestion:
    """One as staff see it; ``unasked`` says why nobody is asked it, and is empty where it is."""

    gold: GoldBattle
    unasked: str


def control_battles() -> BattleQuerySet:
    """As the columns tell; ``is_readable`` looks at the texts."""
    stored = Battle.objects.filter(
        origin=BattleOrigin.STORED,
        exclusion__in=_COUNTED,
        answer_a__status=WorkStatus.DONE,
        answer_b__status=WorkStatus.DONE,
    )
    return stored.exclude(question__question_set__slug=LIVE_SET)


def is_readable(battle: Battle) -> bool:
    """Neither answer is empty or names its model; two alike may serve as a control question."""
    return _is_fit(battle, read_facts(_answers_of(battle)))


def why_no_control(battle: Battle) -> str:
    """Why a battle cannot be a control question, with the remedy; empty where it can."""
    is_drawable = control_battles().filter(pk=battle.pk).exists()
    match _obstacle(battle, read_facts(_answers_of(battle)), is_drawable=is_drawable):
        case None:
            return ""
        case Obstacle.LIVE:
            return _(
                "Battle %(battle)s is about what a visitor asked, which nobody else is shown: "
                "choose one on stored answers."
            )
        case Obstacle.IMPORTED:
            return _("Battle %(battle)s was imported as it is: choose one on stored answers.")
        case Obstacle.LEFT_OUT:
            return _("Battle %(battle)s is left out (%(reason)s): choose one that counts.")
        case Obstacle.UNFIT_ANSWER:
            return _(
                "An answer of battle %(battle)s failed, is empty or names its model: choose "
                "another."
            )


def control_questions() -> list[ControlQuestion]:
    """All that are stored, also those that became unfit since; as many queries for any number."""
    rows = GoldBattle.objects.select_related(
        "battle__model_a", "battle__model_b", "battle__question"
    ).order_by("pk")
    stored = list(rows)
    drawable = set(control_battles().filter(gold__isnull=False).values_list("pk", flat=True))
    facts = read_facts({pk for gold in stored for pk in _answers_of(gold.battle)})
    found = []
    for gold in stored:
        obstacle = _obstacle(gold.battle, facts, is_drawable=gold.battle_id in drawable)
        found.append(ControlQuestion(gold, _told(gold.battle, obstacle)))
    return found


def remove_unasked() -> int:
    """Give up those control questions that nobody is asked; says how many."""
    unasked = [each.gold.pk for each in control_questions() if each.unasked]
    return GoldBattle.objects.filter(pk__in=unasked).delete()[0]


def _obstacle(
    battle: Battle, facts: Mapping[int, AnswerFacts], *, is_drawable: bool
) -> Obstacle | None:
    if battle.origin == BattleOrigin.LIVE or (battle.question and battle.question.is_live):
        return Obstacle.LIVE
    if battle.origin != BattleOrigin.STORED:
        return Obstacle.IMPORTED
    if battle.exclusion not in _COUNTED:
        return Obstacle.LEFT_OUT
    return None if is_drawable and _is_fit(battle, facts) else Obstacle.UNFIT_ANSWER


def _told(battle: Battle, obstacle: Obstacle | None) -> str:
    """In a few words, for the list."""
    match obstacle:
        case None:
            return ""
        case Obstacle.LIVE:
            return pgettext("a control question", "it is about what a visitor asked")
        case Obstacle.IMPORTED:
            return pgettext("a control question", "the battle was imported as it is")
        case Obstacle.LEFT_OUT:
            return pgettext("a control question", "the battle is left out: {reason}").format(
                reason=battle.get_exclusion_display()
            )
        case Obstacle.UNFIT_ANSWER:
            return pgettext("a control question", "an answer failed, is empty or names its model")


def _answers_of(battle: Battle) -> set[int]:
    return {pk for pk in (battle.answer_a_id, battle.answer_b_id) if pk is not None}


def _is_fit(battle: Battle, facts: Mapping[int, AnswerFacts]) -> bool:
    found = [facts[pk] for pk in _answers_of(battle) if pk in facts]
    return len(found) == 2 and not any(answer.doubt for answer in found)
