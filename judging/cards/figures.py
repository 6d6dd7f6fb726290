"""The figures on a judge's card: which rows each rests on, and how it is estimated."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from judging.agreement import (
    Calibration,
    Estimate,
    agreement,
    calibration,
    cohen_kappa,
    family_self_preference,
    first_position_preference,
    majority,
    mean,
    parse_failure_rate,
    position_consistency,
    preference_for_more,
    repeat_flip_rate,
    repeat_score_deviation,
)
from judging.cards.data import CardData, Row
from judging.verdicts.base import Outcome

SEED = 20_240_501  # the figures of a card are the same at every look


@dataclass(frozen=True, slots=True)
class Basis:
    """The judgments a figure rests on, by primary key, and how it is computed from them.

    ``split`` battles are left out because people (or else the other judges) are split on them.
    """

    ids: Sequence[int]
    estimate: Callable[[], Estimate]
    split: int = 0


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


def _with_people(data: CardData) -> tuple[list[int], list[Outcome], list[Outcome], list[int]]:
    """Battles, the judge's outcome, a voter's, and the question: one entry per vote."""
    battles, judged, voted, clusters = [], [], [], []
    for battle, outcome in data.combined.items():
        for vote in data.votes.get(battle, ()):
            battles.append(battle)
            judged.append(outcome)
            voted.append(vote)
            clusters.append(data.battles[battle].question)
    return battles, judged, voted, clusters


def _rows_of(data: CardData, battles: Sequence[int]) -> list[int]:
    wanted = set(battles)
    return [row.pk for row in data.pairs if row.subject in wanted]


def people_agreement(data: CardData) -> Basis:
    battles, judged, voted, clusters = _with_people(data)
    return Basis(_rows_of(data, battles), lambda: agreement(judged, voted, clusters, seed=SEED))


def people_agreement_without_ties(data: CardData) -> Basis:
    battles, judged, voted, clusters = _with_people(data)
    return Basis(
        _rows_of(data, battles),
        lambda: agreement(judged, voted, clusters, ties="drop", seed=SEED),
    )


def people_kappa(data: CardData) -> Basis:
    battles, judged, voted, clusters = _with_people(data)
    return Basis(_rows_of(data, battles), lambda: cohen_kappa(judged, voted, clusters, seed=SEED))


def _both_games(data: CardData) -> list[tuple[Row, Row]]:
    """Readable pairs of games of the same battle, turn and repeat."""
    games: defaultdict[tuple[int, int, int], dict[int, Row]] = defaultdict(dict)
    for row in data.pairs:
        if row.outcome is not None:
            games[row.subject, row.turn, row.repeat][row.game] = row
    return [(found[1], found[2]) for found in games.values() if len(found) == 2]


def consistency(data: CardData) -> Basis:
    pairs = _both_games(data)
    first = [row.outcome for row, _ in pairs if row.outcome]
    second = [row.outcome for _, row in pairs if row.outcome]
    clusters = [row.cluster for row, _ in pairs]
    return Basis(
        [row.pk for pair in pairs for row in pair],
        lambda: position_consistency(first, second, clusters, seed=SEED),
    )


def first_position(data: CardData) -> Basis:
    rows = [row for pair in _both_games(data) for row in pair]
    outcomes = [row.outcome for row in rows if row.outcome]
    return Basis(
        [row.pk for row in rows],
        lambda: first_position_preference(
            outcomes, [row.game for row in rows], [row.cluster for row in rows], seed=SEED
        ),
    )


def _more(data: CardData, amounts: Callable[[int], tuple[int, int]]) -> Basis:
    battles = [battle for battle in data.combined if amounts(battle)[0] != amounts(battle)[1]]
    outcomes = [data.combined[battle] for battle in battles]
    return Basis(
        _rows_of(data, battles),
        lambda: preference_for_more(
            outcomes,
            [amounts(battle)[0] for battle in battles],
            [amounts(battle)[1] for battle in battles],
            [data.battles[battle].question for battle in battles],
            seed=SEED,
        ),
    )


def longer(data: CardData) -> Basis:
    return _more(data, lambda battle: data.battles[battle].lengths)


def more_lists(data: CardData) -> Basis:
    return _more(data, lambda battle: data.battles[battle].list_items)


def people_longer(data: CardData) -> Basis:
    """People's preference for length on the same battles: what the judge's is compared with."""
    battles, _, voted, clusters = _with_people(data)
    lengths = [data.battles[battle].lengths for battle in battles]
    return Basis(
        _rows_of(data, battles),
        lambda: preference_for_more(
            voted, [a for a, _ in lengths], [b for _, b in lengths], clusters, seed=SEED
        ),
    )


def own_family(data: CardData) -> Basis:
    """Against people, or against all other judges together where nobody has voted."""
    family = _family(data)
    battles, judged, others, is_own_a = [], [], [], []
    split = 0
    for battle, outcome in data.combined.items():
        families = data.battles[battle].families
        said = _said_by_others(data, battle)
        if not family or not said or (families[0] == family) == (families[1] == family):
            continue
        reference = majority(said)
        if reference is None:
            split += 1
            continue
        battles.append(battle)
        judged.append(outcome)
        others.append(reference)
        is_own_a.append(families[0] == family)
    clusters = [data.battles[battle].question for battle in battles]
    return Basis(
        _rows_of(data, battles),
        lambda: family_self_preference(judged, others, is_own_a, clusters, seed=SEED),
        split,
    )


def _family(data: CardData) -> str:
    """The organisation of the judge's model; offline judges name theirs in their settings."""
    model = data.judge.language_model
    return model.organisation if model else str(data.judge.settings.get("family", ""))


def _said_by_others(data: CardData, battle: int) -> Sequence[Outcome]:
    return data.votes.get(battle) or [
        outcomes[battle] for outcomes in data.others.values() if battle in outcomes
    ]


def _task(row: Row) -> tuple[int, int, int]:
    return (row.subject, row.game, row.turn)


def repeat_flips(data: CardData) -> Basis:
    rows = [row for row in data.pairs if row.outcome is not None]
    outcomes = [row.outcome for row in rows if row.outcome]
    return Basis(
        _repeated(rows),
        lambda: repeat_flip_rate(outcomes, [_task(row) for row in rows], seed=SEED),
    )


def repeat_deviation(data: CardData) -> Basis:
    rows = [row for row in data.singles if row.score is not None]
    scores = [row.score for row in rows if row.score is not None]
    return Basis(
        _repeated(rows),
        lambda: repeat_score_deviation(scores, [_task(row) for row in rows], seed=SEED),
    )


def _repeated(rows: Sequence[Row]) -> list[int]:
    groups: defaultdict[tuple[int, int, int], list[int]] = defaultdict(list)
    for row in rows:
        groups[_task(row)].append(row.pk)
    return [pk for group in groups.values() if len(group) > 1 for pk in group]


def unreadable(data: CardData) -> Basis:
    """The estimate is over all rows; the rows to look at are those that could not be read."""
    rows = data.rows
    return Basis(
        [row.pk for row in rows if not row.is_readable],
        lambda: parse_failure_rate(
            [row.is_readable for row in rows], [row.cluster for row in rows], seed=SEED
        ),
    )


def cost_per_1000(data: CardData) -> Basis:
    rows = [row for row in data.rows if row.cost_usd is not None]
    costs = [1_000 * row.cost_usd for row in rows if row.cost_usd is not None]
    return Basis(
        [row.pk for row in rows],
        lambda: mean(costs, [row.cluster for row in rows], seed=SEED),
    )


def model_cost_per_1000(data: CardData, slug: str) -> Basis:
    """One model's part in the cost of a judge that asks several, over the rows that are split."""
    rows = [row for row in data.rows if row.pk in data.spent]
    costs = [1_000 * data.spent[row.pk].get(slug, 0.0) for row in rows]
    return Basis(
        [row.pk for row in rows if slug in data.spent[row.pk]],
        lambda: mean(costs, [row.cluster for row in rows], seed=SEED),
    )


def seconds_each(data: CardData) -> Basis:
    rows = [row for row in data.rows if row.latency_s is not None]
    seconds = [row.latency_s for row in rows if row.latency_s is not None]
    return Basis(
        [row.pk for row in rows],
        lambda: mean(seconds, [row.cluster for row in rows], seed=SEED),
    )


@dataclass(frozen=True, slots=True)
class Stated:
    """Verdicts with a confidence on battles where people have a majority, game by game."""

    rows: Sequence[Row]
    is_right: Sequence[bool]
    split: int

    @property
    def confidence(self) -> list[float]:
        """In [0, 1], as the judge said it or as its probabilities imply."""
        return [row.confidence for row in self.rows if row.confidence is not None]

    @property
    def questions(self) -> list[int]:
        """What intervals resample."""
        return [row.cluster for row in self.rows]

    def calibration(self) -> Calibration:
        """Confidence held against the majority of voters."""
        return calibration(self.confidence, self.is_right, self.questions, seed=SEED)


def stated_confidence(data: CardData) -> Stated:
    """What the judge's calibration rests on."""
    people = {battle: majority(votes) for battle, votes in data.votes.items()}
    rows = [
        row
        for row in data.pairs
        if row.confidence is not None and row.outcome is not None and row.subject in people
    ]
    decided = [row for row in rows if people[row.subject] is not None]
    split = {row.subject for row in rows if people[row.subject] is None}
    return Stated(decided, [row.outcome == people[row.subject] for row in decided], len(split))


def confidence_error(data: CardData) -> Basis:
    stated = stated_confidence(data)
    return Basis(
        [row.pk for row in stated.rows],
        lambda: stated.calibration().expected_error,
        stated.split,
    )


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
