"""A run's report: on a page of the console, or as one file that can be kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.template.loader import render_to_string
from django.utils import timezone

from arena import __version__
from arena.models import LanguageModel
from arena.run_progress import FailureGroup, failure_groups
from judging.judges import JudgeSettingsError
from judging.models import Judge, JudgeRun, JudgeRunMode
from judging.prompts import PromptError, PromptTemplate
from judging.report.bill import Bill, UnreadableGroup, bill_of, unreadable_groups
from judging.report.disagreements import Orders, People, PeoplesVerdict, orders, people
from judging.report.examples import (
    Example,
    ModelExamples,
    ModelPicks,
    picked_decisions,
    picked_scores,
    read_examples,
)
from judging.report.looks import Looks, looks_of
from judging.report.results import (
    HIGHEST_SCORE,
    Cells,
    ModelResult,
    by_category,
    entries_of_games,
    entries_of_scores,
    matrix_of,
    model_results,
)
from judging.report.scope import compared, decisions, scope_of, scored
from judging.runs import asked_facts
from judging.services.judges import prompt_sets_of
from registry import UnknownPartError

MOST_IN_MATRIX = 40  # beyond, the table of all against all is too wide to read


@dataclass(frozen=True, slots=True)
class Report:
    """Everything the page shows. ``matrix`` holds, per pair of models, row's share of wins.

    ``orders`` and ``people`` are None in a run that compares nothing.
    """

    run: JudgeRun
    facts: list[tuple[str, object]]
    bill: Bill
    counts: dict[str, int]
    is_single: bool
    results: list[ModelResult]
    matrix: Cells[LanguageModel]
    categories: list[str]
    category_rows: Cells[str]
    examples: list[ModelExamples]
    orders: Orders | None
    order_disputes: list[Example]
    people: People | None
    people_disputes: list[tuple[PeoplesVerdict, Example]]
    looks: Looks | None
    failures: list[FailureGroup]
    unreadable: list[UnreadableGroup]
    prompts: list[PromptTemplate]
    software_version: str

    @property
    def unreadable_count(self) -> int:
        """Replies that could not be read, for whatever reason."""
        return sum(group.count for group in self.unreadable)


def judge_run_report(run: JudgeRun) -> Report:
    """Read the run's scope: its own judgments and those it found there already."""
    judgments = scope_of(run)
    counted = judgments.counted_in_reports()
    is_single = run.mode == JudgeRunMode.SINGLE
    games = [] if is_single else compared(counted)
    found = decisions(games)
    scores = scored(counted) if is_single else []
    entries = entries_of_scores(scores) if is_single else entries_of_games(games)
    models = LanguageModel.objects.in_bulk({entry.model for entry in entries})
    categories = sorted({entry.category for entry in entries if entry.category})
    results = model_results(entries, models, highest=HIGHEST_SCORE if is_single else 1.0)
    order = [result.model for result in results]
    by_order = None if is_single else orders(found, seed=run.seed)
    by_people = None if is_single else people(run, judgments, found)
    picks = (
        picked_scores(order, scores, seed=run.seed)
        if is_single
        else picked_decisions(order, found, seed=run.seed)
    )
    texts = read_examples(
        [ids for pick in picks for ids in (*pick.wins, *pick.losses)]
        + (by_order.picks if by_order else [])
        + ([dispute.ids for dispute in by_people.picks] if by_people else [])
    )
    counts = judgments.status_counts()
    return Report(
        run=run,
        facts=asked_facts(run),
        bill=bill_of(run),
        counts=counts,
        is_single=is_single,
        results=results,
        matrix=[] if is_single or len(order) > MOST_IN_MATRIX else matrix_of(entries, order),
        categories=categories,
        category_rows=by_category(entries, order, categories),
        examples=_model_examples(picks, texts),
        orders=by_order,
        order_disputes=[texts[ids] for ids in by_order.picks] if by_order else [],
        people=by_people,
        people_disputes=[(each, texts[each.ids]) for each in by_people.picks] if by_people else [],
        looks=looks_of(run.plan),
        failures=failure_groups(run),
        unreadable=unreadable_groups(judgments, done=counts["done"]),
        prompts=_prompts(run.judge),
        software_version=__version__,
    )


def report_html(run: JudgeRun, *, is_page: bool = False) -> str:
    """The report as one file that needs nothing else; as a page it links to its rows."""
    context = {"report": judge_run_report(run), "made_at": timezone.now(), "is_page": is_page}
    return render_to_string("judging/report.html", context)


def _model_examples(
    picks: Sequence[ModelPicks], texts: dict[tuple[int, ...], Example]
) -> list[ModelExamples]:
    return [
        ModelExamples(
            pick.model,
            [texts[ids] for ids in pick.wins],
            [texts[ids] for ids in pick.losses],
        )
        for pick in picks
    ]


def _prompts(judge: Judge) -> list[PromptTemplate]:
    """The judge's prompts as they are now; none where it can no longer be built."""
    try:
        found = [t for chosen in prompt_sets_of(judge.kind, judge.settings)
                 for t in chosen.templates]  # fmt: skip
    except (JudgeSettingsError, PromptError, UnknownPartError):
        return []
    return list({(each.name, each.version): each for each in found}.values())
