"""Verdicts that a judge has given already on what a run asks for, as plain columns."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from arena.models import BattleOrigin
from judging.models import Judge, JudgeRunMode, Judgment, JudgmentMode
from judging.services.ledger import JudgeRunSpec

SHARE_OF_A = {"model_a": 1.0, "model_b": 0.0, "tie": 0.5, "both_bad": 0.5}
MOST_ROWS = 20_000  # of a judge's history that tell how much its verdicts scatter


class Compared(NamedTuple):
    """A readable verdict: question, the battle's models, its order, the share of side a."""

    question: int
    model_a: int
    model_b: int
    game: int
    share: float


def compared_rows(spec: JudgeRunSpec) -> list[Compared]:
    """The judge's counted verdicts on the run's models and questions; one query."""
    rows = Judgment.objects.readable().filter(
        judge=spec.judge,
        mode=JudgmentMode.PAIRWISE,
        is_dry_run=spec.is_dry_run,
        exclusion="",
        battle__origin=BattleOrigin.STORED,
        battle__question__question_set=spec.question_set,
    )
    wanted = {model.pk for model in spec.answering_models}
    baseline = spec.baseline.pk if spec.baseline else None
    columns = ("battle__question_id", "battle__model_a_id", "battle__model_b_id", "game", "outcome")
    return [
        Compared(question or 0, a or 0, b or 0, game, SHARE_OF_A[outcome])
        for question, a, b, game, outcome in rows.order_by("id").values_list(*columns)
        if a in wanted and b in wanted and (baseline is None or baseline in (a, b))
    ]


def history_of(judge: Judge) -> list[Compared]:
    """The latest comparisons of any version of the judge, wherever they were made; one query."""
    rows = (
        Judgment.objects.readable()
        .filter(judge__slug=judge.slug, mode=JudgmentMode.PAIRWISE, is_dry_run=False)
        .filter(exclusion="", battle__question__isnull=False)
        .order_by("-id")
    )
    columns = ("battle__question_id", "battle__model_a_id", "battle__model_b_id", "game", "outcome")
    return [
        Compared(question or 0, a or 0, b or 0, game, SHARE_OF_A[outcome])
        for question, a, b, game, outcome in rows.values_list(*columns)[:MOST_ROWS]
    ]


def shares_of(history: Iterable[Compared]) -> list[tuple[int, int, int, float]]:
    """(question, model, opponent, share), all verdicts on one pair of answers averaged."""
    games: defaultdict[tuple[int, int, int], list[float]] = defaultdict(list)
    for row in history:
        games[row.question, row.model_a, row.model_b].append(row.share)
    found = []
    for (question, a, b), shares in games.items():
        share = sum(shares) / len(shares)
        found += [(question, a, b, share), (question, b, a, 1 - share)]
    return found


def scores_of_judge(spec: JudgeRunSpec) -> list[tuple[int, int, float]]:
    """(question, model, mean score) of all that any version of the judge has scored."""
    rows = (
        Judgment.objects.readable()
        .filter(judge__slug=spec.judge.slug, mode=JudgmentMode.SINGLE, is_dry_run=False)
        .filter(exclusion="", score__isnull=False)
        .order_by("-id")
        .values_list("answer__question_id", "answer__model_id", "score")[:MOST_ROWS]
    )
    scores: defaultdict[tuple[int, int], list[float]] = defaultdict(list)
    for question, model, score in rows:
        scores[question or 0, model or 0].append(score or 0.0)
    return [(*key, sum(values) / len(values)) for key, values in scores.items()]


def opponents_of(spec: JudgeRunSpec) -> int:
    """How many others each model meets on one question."""
    if spec.mode == JudgeRunMode.SINGLE:
        return 0
    return 1 if spec.mode == JudgeRunMode.BASELINE else len(spec.judged_models) - 1
