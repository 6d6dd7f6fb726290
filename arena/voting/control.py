"""Which battles may be control questions: anybody is shown them, so never a visitor's prompt."""

from __future__ import annotations

from django.utils.translation import gettext as _

from arena.models import Battle, BattleOrigin, Exclusion, WorkStatus
from arena.models.battle import BattleQuerySet
from arena.models.question import LIVE_SET
from arena.voting.texts import read_facts

_COUNTED = ("", Exclusion.CONTROL)


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
    ids = {pk for pk in (battle.answer_a_id, battle.answer_b_id) if pk is not None}
    facts = read_facts(ids)
    return len(facts) == 2 and not any(answer.doubt for answer in facts.values())


def why_no_control(battle: Battle) -> str:
    """Why a battle cannot be a control question, with the remedy; empty where it can."""
    if battle.origin == BattleOrigin.LIVE or (battle.question and battle.question.is_live):
        return _(
            "Battle %(battle)s is about what a visitor asked, which nobody else is shown: choose "
            "one on stored answers."
        )
    if battle.origin != BattleOrigin.STORED:
        return _("Battle %(battle)s was imported as it is: choose one on stored answers.")
    if battle.exclusion not in _COUNTED:
        return _("Battle %(battle)s is left out (%(reason)s): choose one that counts.")
    if not control_battles().filter(pk=battle.pk).exists() or not is_readable(battle):
        return _(
            "An answer of battle %(battle)s failed, is empty or names its model: choose another."
        )
    return ""
