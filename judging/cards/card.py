"""A judge's card: all figures with their intervals, kept until new rows arrive."""

from __future__ import annotations

from dataclasses import dataclass, replace

from django.core.cache import cache
from django.db.models import Count, Max, Q
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from arena.models import Vote
from judging.agreement import CalibrationBin, Estimate, agreement, bin_number, cohen_kappa
from judging.cards.bases import SEED, Basis, model_cost_per_1000, stated_confidence
from judging.cards.data import CardData, read_card_data
from judging.cards.figures import FIGURES, Figure
from judging.models import Judge, Judgment

KEPT_S = 24 * 3600
FORM = 3  # of a kept card; one more whenever its fields or their meaning change


@dataclass(frozen=True, slots=True)
class CardFigure:
    """One number with its interval; ``key`` leads to its rows, ``n_rows`` of them.

    ``split`` battles are left out because opinions on them are split.
    """

    key: str
    estimate: Estimate
    n_rows: int
    split: int = 0

    @property
    def figure(self) -> Figure:
        """What it means."""
        return FIGURES[self.key]


@dataclass(frozen=True, slots=True)
class SliceFigure:
    """Agreement with people within a category or language; ``by`` says which of the two."""

    by: str
    name: str
    estimate: Estimate


@dataclass(frozen=True, slots=True)
class PeerFigure:
    """Agreement with another judge."""

    judge_id: int
    agreement: Estimate
    kappa: Estimate


@dataclass(frozen=True, slots=True)
class ModelFigure:
    """What one of a jury's models costs per 1,000 verdicts, in US dollars."""

    model: str
    estimate: Estimate
    n_rows: int


@dataclass(frozen=True, slots=True)
class PlottedBin:
    """A bin's place on a square of 100 by 100 with its origin at the top left."""

    x: float
    y: float
    top: float
    bottom: float

    @classmethod
    def of(cls, found: CalibrationBin) -> PlottedBin:
        """Where it stands; without an interval its top and bottom are its own height."""
        value = found.agreement.value or 0.0
        lower, upper = found.agreement.lower, found.agreement.upper
        heights = (value, value if upper is None else upper, value if lower is None else lower)
        y, top, bottom = (100 - 100 * height for height in heights)
        return cls(100 * (found.mean_confidence or 0.0), y, top, bottom)


@dataclass(frozen=True, slots=True)
class Reliability:
    """Stated confidence against agreement with most people, bin by bin; empty bins left out."""

    bins: tuple[CalibrationBin, ...]
    expected_error: Estimate
    brier: Estimate
    split: int

    @property
    def points(self) -> list[PlottedBin]:
        """Where the bins stand on the plot."""
        return [PlottedBin.of(each) for each in self.bins]


@dataclass(frozen=True, slots=True)
class Card:
    """What is known of a judge; figures without any row behind them are left out."""

    figures: tuple[CardFigure, ...]
    categories: tuple[SliceFigure, ...]
    languages: tuple[SliceFigure, ...]
    peers: tuple[PeerFigure, ...]
    models: tuple[ModelFigure, ...] = ()
    reliability: Reliability | None = None

    @property
    def slices(self) -> tuple[tuple[str | Promise, tuple[SliceFigure, ...]], ...]:
        """Agreement with people by what the questions are about and by their language."""
        return ((_("By category"), self.categories), (_("By language"), self.languages))

    def get(self, key: str) -> CardFigure | None:
        """The figure called ``key``, if there is one."""
        return next((figure for figure in self.figures if figure.key == key), None)


def judge_card(judge: Judge) -> Card:
    """The card of one version of a judge; computed anew only when judgments or votes changed."""
    key = f"judge-card-{FORM}:{judge.pk}:{_state()}"
    found: Card | None = cache.get(key)
    if found is None:
        found = compute_card(read_card_data(judge))
        cache.set(key, found, KEPT_S)
    return found


def _state() -> str:
    """Changes whenever a judgment or vote is added, finished or marked."""
    is_marked = ~Q(exclusion="")
    rows = Judgment.objects.filter(is_dry_run=False).aggregate(
        n=Count("id"), last=Max("finished_at"), marked=Count("id", filter=is_marked)
    )
    votes = Vote.objects.aggregate(
        n=Count("id"), last=Max("id"), marked=Count("id", filter=is_marked)
    )
    return "-".join(str(value) for value in (*rows.values(), *votes.values())).replace(" ", "_")


def compute_card(data: CardData) -> Card:
    """Every figure that has rows."""
    figures = []
    for key, figure in FIGURES.items():
        basis = figure.basis(data)
        estimate = basis.estimate()
        if estimate.value is not None:
            figures.append(CardFigure(key, estimate, len(basis.ids), basis.split))
    return Card(
        figures=tuple(figures),
        categories=_slices(data, "category"),
        languages=_slices(data, "language"),
        peers=_peers(data),
        models=_models(data),
        reliability=_reliability(data),
    )


def _models(data: CardData) -> tuple[ModelFigure, ...]:
    found = []
    for slug in sorted({slug for spent in data.spent.values() for slug in spent}):
        basis = model_cost_per_1000(data, slug)
        found.append(ModelFigure(slug, basis.estimate(), len(basis.ids)))
    return tuple(sorted(found, key=lambda figure: -(figure.estimate.value or 0.0)))


def _reliability(data: CardData) -> Reliability | None:
    stated = stated_confidence(data)
    if not stated.rows:
        return None
    found = stated.calibration()
    bins = tuple(each for each in found.bins if each.agreement.n)
    return Reliability(bins, found.expected_error, found.brier, stated.split)


def bin_ids(data: CardData, number: int) -> list[int]:
    """The judge's rows whose confidence lies in bin ``number``, counted from 0."""
    stated = stated_confidence(data)
    told = zip(stated.rows, stated.confidence, strict=True)
    return [row.pk for row, confidence in told if bin_number(confidence) == number]


def _slices(data: CardData, by: str) -> tuple[SliceFigure, ...]:
    names = {_name_of(data, battle, by) for battle in data.combined if battle in data.votes}
    return tuple(
        SliceFigure(by, name, slice_basis(data, by, name).estimate())
        for name in sorted(names - {""})
    )


def _name_of(data: CardData, battle: int, by: str) -> str:
    facts = data.battles[battle]
    return facts.category if by == "category" else facts.language


def slice_basis(data: CardData, by: str, name: str) -> Basis:
    """What agreement with people within a ``category`` or ``language`` rests on."""
    chosen = {
        battle: outcome
        for battle, outcome in data.combined.items()
        if _name_of(data, battle, by) == name
    }
    return FIGURES["people"].basis(replace(data, combined=chosen))


def peer_ids(data: CardData, judge_id: int) -> list[int]:
    """The judge's rows on battles that the other judge has decided as well."""
    shared = data.others.get(judge_id, {}).keys() & data.combined.keys()
    return [row.pk for row in data.pairs if row.subject in shared]


def _peers(data: CardData) -> tuple[PeerFigure, ...]:
    figures = []
    for judge_id, outcomes in sorted(data.others.items()):
        shared = [battle for battle in data.combined if battle in outcomes]
        mine = [data.combined[battle] for battle in shared]
        theirs = [outcomes[battle] for battle in shared]
        clusters = [data.battles[battle].question for battle in shared]
        if shared:
            figures.append(
                PeerFigure(
                    judge_id,
                    agreement(mine, theirs, clusters, seed=SEED),
                    cohen_kappa(mine, theirs, clusters, seed=SEED),
                )
            )
    return tuple(figures)
