"""The figures on a judge's card, in the words of the page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from judging.cards.bases import (
    Basis,
    confidence_error,
    consistency,
    cost_per_1000,
    first_position,
    longer,
    more_lists,
    own_family,
    people_agreement,
    people_agreement_without_ties,
    people_kappa,
    people_longer,
    repeat_deviation,
    repeat_flips,
    seconds_each,
    unreadable,
)
from judging.cards.data import CardData


@dataclass(frozen=True, slots=True)
class Figure:
    """``is_share`` is shown in percent; ``neutral`` is the value of an unbiased judge, if any."""

    label: str | Promise
    note: str | Promise
    basis: Callable[[CardData], Basis]
    is_share: bool = True
    neutral: float | None = None


def basis_of(data: CardData, key: str) -> Basis:
    """What the figure ``key`` rests on; raises KeyError for an unknown one."""
    return FIGURES[key].basis(data)


FIGURES: dict[str, Figure] = {
    "people": Figure(
        _("Agreement with people"),
        _("Share of votes on which the judge names the same outcome, ties kept."),
        people_agreement,
    ),
    "people_without_ties": Figure(
        _("Agreement with people, ties left out"),
        _("Only where both decided; chance is one half."),
        people_agreement_without_ties,
        neutral=0.5,
    ),
    "kappa": Figure(
        _("Cohen's κ with people"),
        _("Agreement beyond chance: 0 is chance, 1 is perfect."),
        people_kappa,
        is_share=False,
        neutral=0.0,
    ),
    "consistency": Figure(
        _("Position consistency"),
        _("Share of pairs with the same outcome in both orders."),
        consistency,
    ),
    "first_position": Figure(
        _("Preference for the first position"),
        _("Share of decided games won by the answer shown first; one half is none."),
        first_position,
        neutral=0.5,
    ),
    "longer": Figure(
        _("Preference for the longer answer"),
        _("Share of decided battles won by the longer answer. Compare it with people's."),
        longer,
        neutral=0.5,
    ),
    "people_longer": Figure(
        _("People's preference for the longer answer"),
        _("On the same battles."),
        people_longer,
        neutral=0.5,
    ),
    "lists": Figure(
        _("Preference for lists"),
        _("Share of decided battles won by the answer with more list items."),
        more_lists,
        neutral=0.5,
    ),
    "own_family": Figure(
        _("Preference for its own family"),
        _("Win rate of its own organisation's models above what people, or else judges, give."),
        own_family,
        neutral=0.0,
    ),
    "repeat_flips": Figure(
        _("Repeats that differ"),
        _("Chance that two repeats of one comparison name different outcomes."),
        repeat_flips,
    ),
    "repeat_deviation": Figure(
        _("Spread of repeated scores"),
        _("Standard deviation between repeats of one score, in points."),
        repeat_deviation,
        is_share=False,
    ),
    "unreadable": Figure(
        _("Unreadable replies"), _("Share of replies without a verdict."), unreadable
    ),
    "cost": Figure(_("Cost of 1,000 verdicts"), _("US dollars."), cost_per_1000, is_share=False),
    "seconds": Figure(
        _("Seconds per verdict"), _("As the endpoint took them."), seconds_each, is_share=False
    ),
    "confidence_error": Figure(
        _("Calibration error"),
        _("Mean gap between stated confidence and agreement with people."),
        confidence_error,
    ),
}
