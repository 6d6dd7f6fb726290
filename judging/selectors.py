"""What the pages about judges and their verdicts show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Avg, Count, Q, QuerySet, Sum

from arena.models import Outcome, WorkStatus
from judging.judges import JUDGES, JudgeSettingsError
from judging.model_costs import SPENT
from judging.models import Judge, JudgeRun, Judgment, JudgmentMode, JudgmentQuerySet
from judging.probe_results import ProbeFigure, probe_figures
from judging.prompts import PromptError, PromptTemplate
from judging.services.judges import IMPORTED, prompt_sets_of
from registry import UnknownPartError

_STATES = {
    "readable": Q(status=WorkStatus.DONE, is_readable=True),
    "counted": Q(status=WorkStatus.DONE, is_readable=True, exclusion=""),
    "unreadable": Q(status=WorkStatus.DONE, is_readable=False),
    "failed": Q(status=WorkStatus.FAILED),
    "unfinished": Q(status__in=(WorkStatus.PENDING, WorkStatus.CLAIMED)),
}
_TIES = (Outcome.TIE, Outcome.BOTH_BAD)
# a model's result by the outcomes that give it: those on side a, those on side b
RESULTS = {
    "win": ((Outcome.MODEL_A,), (Outcome.MODEL_B,)),
    "tie": (_TIES, _TIES),
    "loss": ((Outcome.MODEL_B,), (Outcome.MODEL_A,)),
}
_IS_REAL = Q(judgments__is_dry_run=False)
_IS_DONE = _IS_REAL & Q(judgments__status=WorkStatus.DONE)


def listed_judges() -> QuerySet[Judge]:
    """The newest version of each judge with its verdict counts; dry runs do not count."""
    return (
        Judge.objects.current()
        .select_related("language_model")
        .annotate(
            n_readable=Count("judgments", filter=_IS_DONE & Q(judgments__is_readable=True)),
            n_unreadable=Count("judgments", filter=_IS_DONE & Q(judgments__is_readable=False)),
        )
    )


@dataclass(frozen=True, slots=True)
class ModeFacts:
    """A judge's real judgments of one mode; costs in US dollars, None when none is known."""

    mode: str
    readable: int
    unreadable: int
    failed: int
    cost_usd: float | None
    mean_latency_s: float | None

    @property
    def label(self) -> str:
        """The mode in the reader's language."""
        return str(JudgmentMode(self.mode).label)


@dataclass(frozen=True, slots=True)
class JudgePage:
    """Everything about one version of a judge."""

    versions: list[Judge]
    modes: list[ModeFacts]
    settings: list[tuple[str, Any]]  # JSON values
    prompts: list[PromptTemplate]
    runs: list[JudgeRun]
    problem: str
    probes: list[ProbeFigure]
    can_be_asked: bool


def judge_page(judge: Judge) -> JudgePage:
    """Read the page's rows; prompts that cannot be loaded any more are told as a problem."""
    prompts, problem = _prompts(judge)
    return JudgePage(
        versions=list(Judge.objects.filter(slug=judge.slug).order_by("-version")),
        modes=_mode_facts(judge),
        settings=sorted(judge.settings.items()),
        prompts=prompts,
        runs=list(judge.runs.select_related("question_set").order_by("-id")[:20]),
        problem=problem,
        probes=probe_figures(judge),
        can_be_asked=judge.kind in JUDGES.names(),
    )


def _mode_facts(judge: Judge) -> list[ModeFacts]:
    is_done = Q(status=WorkStatus.DONE)
    rows = (
        judge.judgments.filter(is_dry_run=False)
        .order_by("mode")
        .values_list("mode")
        .annotate(
            readable=Count("id", filter=is_done & Q(is_readable=True)),
            unreadable=Count("id", filter=is_done & Q(is_readable=False)),
            failed=Count("id", filter=Q(status=WorkStatus.FAILED)),
            cost=Sum("cost_usd"),
            latency=Avg("latency_s"),
        )
    )
    return [ModeFacts(*row) for row in rows]


def _prompts(judge: Judge) -> tuple[list[PromptTemplate], str]:
    """The templates of the sets that the judge's settings or its kind's defaults name."""
    if judge.kind == IMPORTED:
        return [], ""
    try:
        sets = prompt_sets_of(judge.kind, judge.settings)
    except (JudgeSettingsError, PromptError, UnknownPartError) as error:
        return [], str(error)
    # members of a jury may share their prompts
    return list({(t.name, t.user): t for chosen in sets for t in chosen.templates}.values()), ""


def judgments_by_id(ids: Sequence[int]) -> list[Judgment]:
    """These judgments, in this order, with all that a row shows."""
    found = _with_subjects(Judgment.objects.filter(pk__in=ids)).in_bulk()
    return [found[pk] for pk in ids if pk in found]


def _with_subjects(judgments: JudgmentQuerySet) -> JudgmentQuerySet:
    return judgments.select_related(
        "judge",
        "battle__model_a",
        "battle__model_b",
        "battle__question",
        "answer__model",
        "answer__question",
    ).defer("answer__turns", "answer__reasoning")


def listed_judgments(judgments: JudgmentQuerySet, chosen: Mapping[str, str]) -> JudgmentQuerySet:
    """Those of ``judgments`` that were chosen, as they were asked for, with all a row shows.

    ``chosen`` may hold ``state``, ``mode``, ``model``, ``rival`` (whom that model met), ``result``
    (of the model), ``category``, ``reason`` (why it failed or could not be read) and ``asked`` (a
    model that a judge with several asked).
    """
    wanted = Q()
    if state := chosen.get("state"):
        wanted &= _STATES[state]
    if mode := chosen.get("mode"):
        wanted &= Q(mode=mode)
    for slug in filter(None, (chosen.get("model"), chosen.get("rival"))):
        wanted &= _is_about(slug)
    if category := chosen.get("category"):
        wanted &= Q(battle__question__category=category) | Q(answer__question__category=category)
    if reason := chosen.get("reason"):
        wanted &= Q(error_kind=reason) | Q(metadata__reason=reason)
    if asked := chosen.get("asked"):
        wanted &= Q(**{f"{SPENT}__has_key": asked})
    if result := chosen.get("result"):
        a_side, b_side = (Q(outcome__in=outcomes) for outcomes in RESULTS[result])
        slug = chosen.get("model", "")
        is_a, is_b = Q(battle__model_a__slug=slug), Q(battle__model_b__slug=slug)
        wanted &= (is_a & a_side) | (is_b & b_side)
    return _with_subjects(judgments).order_by("id").filter(wanted)


def _is_about(slug: str) -> Q:
    return (
        Q(battle__model_a__slug=slug) | Q(battle__model_b__slug=slug) | Q(answer__model__slug=slug)
    )
