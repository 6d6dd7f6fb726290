"""People and judges on the same battles: the figures of that page, and the battles in dispute.

Annotations are not postponed: ``paginate`` wraps the function, and ninja then looks for the names
of its parameters' types in the wrong module.
"""

from collections.abc import Sequence
from typing import Annotated, Any, overload

from django.http import HttpRequest
from ninja import Router
from ninja.pagination import paginate
from ninja.params import functions as param

from arena.keeping import Dated
from judging.models import Judge
from judging.people import (
    AgreementRow,
    Dispute,
    agreement_of_judges,
    disputes_at,
    judges_of,
)
from judging.people_figures import PeopleFigures
from judging.people_kept import dated_figures, is_demo_shown
from leaderboard.api.pages import LARGEST_NUMBER, Pages
from leaderboard.api.schemas import DisputeOut, PeopleOut, Problem, Refusal

router = Router()


class NotYetError(Exception):
    """The figures are being worked out for the first time."""

    retry_after_s = 3


class DisputeList(Sequence[Dispute]):
    """Disputed battles of which only the page asked for is read."""

    def __init__(self, places: list[int], figures: PeopleFigures, judges: dict[int, Judge]) -> None:
        self._places, self._figures, self._judges = places, figures, judges

    def __len__(self) -> int:
        return len(self._places)

    @overload
    def __getitem__(self, wanted: int) -> Dispute: ...
    @overload
    def __getitem__(self, wanted: slice) -> list[Dispute]: ...
    def __getitem__(self, wanted: int | slice) -> Dispute | list[Dispute]:
        if isinstance(wanted, slice):
            return disputes_at(self._places[wanted], self._figures, self._judges)
        (only,) = disputes_at([self._places[wanted]], self._figures, self._judges)
        return only


@router.get(
    "",
    response={200: PeopleOut, 503: Problem},
    summary="Agreement between people and judges, and among people",
)
def get_people(request: HttpRequest) -> dict[str, Any]:
    is_demo = is_demo_shown()
    dated = _figures(is_demo)
    figures = dated.figures
    return {
        "worked_out_at": dated.worked_out_at,
        "is_old": dated.is_old,
        "is_demo": is_demo,
        "votes": figures.votes,
        "wavering_verdicts": figures.wavering,
        "split_battles": figures.split,
        "judges": [
            {
                "judge": each.overall.judge.slug,
                "version": each.overall.judge.version,
                "name": each.overall.judge.name,
                "overall": _as_agreement(each.overall),
                "categories": [_as_agreement(row) for row in each.categories],
            }
            for each in agreement_of_judges(figures, judges_of(figures))
        ],
        "people": figures.alphas,
    }


WantedJudge = Annotated[
    str, param.Query(max_length=160, description="A judge's slug; without it all judges.")
]
WantedVersion = Annotated[
    int | None,
    param.Query(ge=1, le=LARGEST_NUMBER, description="A version of the judge; otherwise any."),
]
WantedCategory = Annotated[
    str, param.Query(max_length=80, description="A question's category; without it all.")
]


@router.get(
    "/disputes",
    response={200: list[DisputeOut], 422: Refusal, 503: Problem},
    summary="Battles on which people and a judge disagree, those with the most votes first",
)
@paginate(Pages)
def list_disputes(
    request: HttpRequest,
    judge: WantedJudge = "",
    version: WantedVersion = None,
    category: WantedCategory = "",
) -> Sequence[Dispute]:
    figures = _figures(is_demo_shown()).figures
    judges = judges_of(figures)
    chosen = {
        pk
        for pk, row in judges.items()
        if judge in ("", row.slug) and version in (None, row.version)
    }
    places = figures.disputes.places(judges=chosen, category=category)
    return DisputeList(places, figures, judges)


def _figures(is_demo: bool) -> Dated[PeopleFigures]:
    dated = dated_figures(include_demo=is_demo)
    if dated is None:
        raise NotYetError("the figures are being worked out; ask again in a few seconds")
    return dated


def _as_agreement(row: AgreementRow) -> dict[str, Any]:
    return {
        "category": row.category,
        "agreement": row.figures.with_ties,
        "agreement_without_ties": row.figures.without_ties,
        "kappa": row.figures.kappa,
        "battles": row.battles,
        "disputes": row.disputes,
    }
