"""Judge cards: one judge's, all judges' side by side, and the rows behind a number."""

from __future__ import annotations

from collections.abc import Sequence

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from judging.cards import (
    FIGURES,
    basis_of,
    bin_ids,
    judge_card,
    model_cost_per_1000,
    peer_ids,
    read_card_data,
    slice_basis,
)
from judging.disclosure import shown_to_strangers
from judging.models import Judge
from judging.probe_results import standings
from judging.selectors import judgments_by_id, listed_judges

ROWS_PER_PAGE = 50
COMPARED = ("people", "kappa", "consistency", "first_position", "longer", "own_family",
            "unreadable", "cost", "seconds")  # fmt: skip


@require_safe
def judge_card_part(request: HttpRequest, slug: str, version: int) -> HttpResponse:
    """The card alone: a judge's page fetches it, because it takes a moment to compute."""
    judge = get_object_or_404(Judge, slug=slug, version=version)
    card = judge_card(judge)
    names = Judge.objects.in_bulk([peer.judge_id for peer in card.peers])
    peers = [(names[peer.judge_id], peer) for peer in card.peers if peer.judge_id in names]
    context = {"judge": judge, "card": card, "peers": peers}
    is_part = request.headers.get("HX-Request")
    return render(request, f"judging/{'_card' if is_part else 'judge_card'}.html", context)


@require_safe
def judge_comparison(request: HttpRequest) -> HttpResponse:
    """The same figures of every judge side by side."""
    judges = list(listed_judges())
    standing = {found.judge.pk: found for found in standings(judges)}
    rows = []
    for judge in judges:
        card = judge_card(judge)
        rows.append(
            (judge, [(FIGURES[key], card.get(key)) for key in COMPARED], standing.get(judge.pk))
        )
    context = {"rows": rows, "figures": [FIGURES[key] for key in COMPARED]}
    return render(request, "judging/judge_comparison.html", context)


@require_safe
def judge_figure_rows(request: HttpRequest, slug: str, version: int, key: str) -> HttpResponse:
    """The judgments that a figure of a card rests on.

    Agreement with people can be narrowed to a ``category`` or ``language``; with ``other`` it is
    the rows on battles that another judge, by its number, has decided as well; with ``bin`` those
    of a bin of confidence, with ``model`` those for which this model of a jury was paid.
    """
    judge = get_object_or_404(
        Judge.objects.select_related("language_model"), slug=slug, version=version
    )
    if key not in FIGURES:
        raise Http404(f"There is no figure {key!r}; there are: {', '.join(FIGURES)}.")
    pages = Paginator(_ids(judge, key, request), ROWS_PER_PAGE)
    page = pages.get_page(request.GET.get("page"))
    judgments = judgments_by_id(list(page.object_list))
    context = {
        "judge": judge,
        "figure": FIGURES[key],
        "judgments": judgments if request.user.is_staff else shown_to_strangers(judgments),
        "page": page,
    }
    return render(request, "judging/judge_figure_rows.html", context)


def _ids(judge: Judge, key: str, request: HttpRequest) -> Sequence[int]:
    data = read_card_data(judge)
    for by in ("category", "language"):
        if name := request.GET.get(by):
            return slice_basis(data, by, name).ids
    other, number = request.GET.get("other", ""), request.GET.get("bin", "")
    if other.isdecimal():
        return peer_ids(data, int(other))
    if number.isdecimal():
        return bin_ids(data, int(number))
    if model := request.GET.get("model"):
        return model_cost_per_1000(data, model).ids
    return basis_of(data, key).ids
