"""What came of a judge run, on one page that can be kept as a file."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Q
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import gettext as _

from arena import __version__
from arena.models import LanguageModel
from arena.run_progress import FailureGroup, failure_groups
from judging.agreement import Estimate, mean, position_consistency
from judging.models import JudgeRun, JudgeRunMode, Judgment, JudgmentMode, JudgmentQuerySet
from judging.runs import judge_run_facts
from judging.spending import Spending, run_spending
from judging.verdicts.base import Outcome

EXAMPLES = 3
SEED = 0
_SHARE_OF_A = {"model_a": 1.0, "model_b": 0.0, "tie": 0.5, "both_bad": 0.5}


@dataclass(frozen=True, slots=True)
class ModelResult:
    """A model's result: win rate with ties as half, or mean score; intervals over questions."""

    model: LanguageModel
    wins: int
    losses: int
    ties: int
    estimate: Estimate
    position: float  # where the value lies on the chart, in percent
    lower: float | None
    upper: float | None


@dataclass(frozen=True, slots=True)
class Example:
    """A judgment to read, with both answers or the one."""

    title: str
    judgment: Judgment


@dataclass(frozen=True, slots=True)
class Report:
    """Everything the page shows. ``matrix`` holds, per pair of models, row's share of wins."""

    run: JudgeRun
    facts: list[tuple[str, object]]
    spending: Spending
    counts: dict[str, int]
    results: list[ModelResult]
    matrix: list[tuple[LanguageModel, list[float | None]]]
    categories: list[str]
    category_rows: list[tuple[LanguageModel, list[float | None]]]
    consistency: Estimate | None
    examples: list[Example]
    failures: list[FailureGroup]
    software_version: str


class _Entry:
    """One comparison or score as one model's: its value between 0 and 1, or its score."""

    __slots__ = ("category", "model", "question", "rival", "value")

    def __init__(self, model: int, rival: int, value: float, question: int, category: str) -> None:
        self.model, self.rival, self.value = model, rival, value
        self.question, self.category = question, category


def judge_run_report(run: JudgeRun) -> Report:
    """Read the run's scope: its own judgments and those it found there already."""
    judgments = scope_of(run)
    counted = judgments.readable().filter(exclusion="")
    is_single = run.mode == JudgeRunMode.SINGLE
    entries = _scores(counted) if is_single else _comparisons(counted)
    models = LanguageModel.objects.in_bulk({entry.model for entry in entries})
    categories = sorted({entry.category for entry in entries if entry.category})
    results = _results(entries, models, highest=10.0 if is_single else 1.0)
    order = [result.model for result in results]
    return Report(
        run=run,
        facts=judge_run_facts(run),
        spending=run_spending(run),
        counts=judgments.status_counts() | {"unreadable": judgments.unreadable().count()},
        results=results,
        matrix=[] if is_single else _matrix(entries, order),
        categories=categories,
        category_rows=_by_category(entries, order, categories),
        consistency=None if is_single else _consistency(counted),
        examples=_examples(judgments, is_single=is_single),
        failures=failure_groups(run),
        software_version=__version__,
    )


def report_html(run: JudgeRun) -> str:
    """The report as one file that needs nothing else."""
    context = {"report": judge_run_report(run), "made_at": timezone.now()}
    return render_to_string("judging/report.html", context)


def scope_of(run: JudgeRun) -> JudgmentQuerySet:
    """All judgments of the run's judge on its set, models and mode, reused ones included."""
    models = list(run.language_models.values_list("pk", flat=True))
    rows = Judgment.objects.filter(judge=run.judge, is_dry_run=run.is_dry_run)
    if run.mode == JudgeRunMode.SINGLE:
        return rows.filter(
            mode=JudgmentMode.SINGLE,
            answer__question__question_set=run.question_set,
            answer__model__in=models,
        )
    rows = rows.filter(mode=JudgmentMode.PAIRWISE, battle__question__question_set=run.question_set)
    if run.mode == JudgeRunMode.BASELINE:
        return rows.filter(
            Q(battle__model_a__in=models, battle__model_b=run.baseline)
            | Q(battle__model_b__in=models, battle__model_a=run.baseline)
        )
    return rows.filter(battle__model_a__in=models, battle__model_b__in=models)


def _comparisons(judgments: JudgmentQuerySet) -> list[_Entry]:
    rows = judgments.order_by("id").values_list(
        "battle__model_a_id",
        "battle__model_b_id",
        "outcome",
        "battle__question_id",
        "battle__question__category",
    )
    entries = []
    for a, b, outcome, question, category in rows:
        share = _SHARE_OF_A[outcome]
        entries.append(_Entry(a, b, share, question, category))
        entries.append(_Entry(b, a, 1 - share, question, category))
    return entries


def _scores(judgments: JudgmentQuerySet) -> list[_Entry]:
    rows = judgments.order_by("id").values_list(
        "answer__model_id", "score", "answer__question_id", "answer__question__category"
    )
    return [
        _Entry(model, 0, score, question, category)
        for model, score, question, category in rows
        if score is not None
    ]


def _results(
    entries: Sequence[_Entry], models: dict[int, LanguageModel], *, highest: float
) -> list[ModelResult]:
    by_model: defaultdict[int, list[_Entry]] = defaultdict(list)
    for entry in entries:
        by_model[entry.model].append(entry)
    results = []
    for pk, own in by_model.items():
        values = [entry.value for entry in own]
        estimate = mean(values, [entry.question for entry in own], seed=SEED)
        ends = (estimate.lower, estimate.upper)
        lower, upper = (None if end is None else 100 * end / highest for end in ends)
        tally = Counter(values)
        results.append(
            ModelResult(
                model=models[pk],
                wins=tally[1.0],
                losses=tally[0.0],
                ties=tally[0.5],
                estimate=estimate,
                position=100 * (estimate.value or 0.0) / highest,
                lower=lower,
                upper=upper,
            )
        )
    return sorted(results, key=lambda result: (-result.position, result.model.slug))


def _mean_or_none(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _matrix(
    entries: Sequence[_Entry], order: Sequence[LanguageModel]
) -> list[tuple[LanguageModel, list[float | None]]]:
    cells: defaultdict[tuple[int, int], list[float]] = defaultdict(list)
    for entry in entries:
        cells[entry.model, entry.rival].append(entry.value)
    return [(row, [_mean_or_none(cells[row.pk, column.pk]) for column in order]) for row in order]


def _by_category(
    entries: Sequence[_Entry], order: Sequence[LanguageModel], categories: Sequence[str]
) -> list[tuple[LanguageModel, list[float | None]]]:
    cells: defaultdict[tuple[int, str], list[float]] = defaultdict(list)
    for entry in entries:
        cells[entry.model, entry.category].append(entry.value)
    return [(model, [_mean_or_none(cells[model.pk, c]) for c in categories]) for model in order]


def _both_games(judgments: JudgmentQuerySet) -> list[tuple[int, Outcome, Outcome, int]]:
    """Question, both outcomes, and game 1's primary key of every pair of games."""
    games: defaultdict[tuple[int, int, int], dict[int, tuple[Outcome, int, int]]] = defaultdict(
        dict
    )
    rows = judgments.order_by("id").values_list(
        "id", "battle_id", "turn", "repeat", "game", "outcome", "battle__question_id"
    )
    for pk, battle, turn, repeat, game, outcome, question in rows:
        games[battle, turn, repeat][game] = (Outcome(outcome), question, pk)
    return [
        (found[1][1], found[1][0], found[2][0], found[1][2])
        for found in games.values()
        if len(found) == 2
    ]


def _consistency(judgments: JudgmentQuerySet) -> Estimate:
    pairs = _both_games(judgments)
    first, second = [pair[1] for pair in pairs], [pair[2] for pair in pairs]
    return position_consistency(first, second, [pair[0] for pair in pairs], seed=SEED)


def _examples(judgments: JudgmentQuerySet, *, is_single: bool) -> list[Example]:
    """The first few of each kind: a choice that anybody can repeat."""
    counted = judgments.readable().filter(exclusion="")
    chosen: list[tuple[str, Sequence[int]]] = []
    if is_single:
        by_score = counted.order_by("-score", "id").values_list("id", flat=True)
        chosen.append((_("Highest score"), list(by_score[:EXAMPLES])))
        lowest = counted.order_by("score", "id").values_list("id", flat=True)
        chosen.append((_("Lowest score"), list(lowest[:EXAMPLES])))
    else:
        pairs = _both_games(counted)
        agreeing = [pk for _, first, second, pk in pairs if first == second and first.is_decisive]
        differing = [pk for _, first, second, pk in pairs if first != second]
        chosen.append((_("Clear win: the same winner in both orders"), agreeing[:EXAMPLES]))
        chosen.append((_("Disagreement: the order decided"), differing[:EXAMPLES]))
    unreadable = judgments.unreadable().order_by("id").values_list("id", flat=True)
    chosen.append((_("Unreadable reply"), list(unreadable[:EXAMPLES])))
    rows = (
        Judgment.objects.filter(pk__in=[pk for _, ids in chosen for pk in ids])
        .select_related(
            "battle__model_a",
            "battle__model_b",
            "battle__question",
            "battle__answer_a",
            "battle__answer_b",
            "answer__model",
            "answer__question",
        )
        .in_bulk()
    )
    return [Example(title, rows[pk]) for title, ids in chosen for pk in ids]
