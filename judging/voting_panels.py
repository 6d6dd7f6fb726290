"""What judges said, shown to voters: after the reveal, and beside people's satisfaction."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from django.http import HttpRequest

from arena.models import Battle, InviteRound, LanguageModel, Outcome
from arena.panels import Panel, register_page_panel
from arena.voting.clustered import ClusteredMean, clustered_mean
from judging.models import Judge, Judgment, JudgmentMode
from judging.people import alpha_of_round


@dataclass(frozen=True, slots=True)
class VerdictOfJudge:
    """One judge on a battle: empty when its games or repeats disagree."""

    judge: Judge
    outcome: str
    winner: LanguageModel | None


@dataclass(frozen=True, slots=True)
class ScoresOfJudge:
    model: LanguageModel
    judge: Judge
    figure: ClusteredMean


@register_page_panel("vote_verdicts", position=10)
def verdicts_after_vote(battle: Battle, _request: HttpRequest) -> Panel | None:
    """Each judge's verdict on the battle that was just voted on."""
    rows = (
        Judgment.objects.counted()
        .filter(battle=battle)
        .exclude(outcome="")
        .select_related("judge")
        .order_by("judge_id", "id")
    )
    verdicts = [
        _verdict(battle, judge, {row.outcome for row in said})
        for judge, said in groupby(rows, key=lambda row: row.judge)
    ]
    return Panel("judging/_vote_verdicts.html", {"verdicts": verdicts}) if verdicts else None


def _verdict(battle: Battle, judge: Judge, outcomes: set[str]) -> VerdictOfJudge:
    outcome = outcomes.pop() if len(outcomes) == 1 else ""
    winners = {Outcome.MODEL_A: battle.model_a, Outcome.MODEL_B: battle.model_b}
    return VerdictOfJudge(judge, outcome, winners.get(Outcome(outcome)) if outcome else None)


@register_page_panel("round_detail", position=10)
def agreement_in_round(invite: InviteRound, _request: HttpRequest) -> Panel | None:
    """How far the annotators of a closed round agree, once two have judged a common battle."""
    found = alpha_of_round(invite)
    return Panel("judging/_round_agreement.html", {"found": found}) if found.battles else None


@register_page_panel("satisfaction", position=10)
def scores_beside_satisfaction(_subject: None, _request: HttpRequest) -> Panel | None:
    """Mean single scores by model and judge, clustered by question."""
    rows = (
        Judgment.objects.counted()
        .filter(mode=JudgmentMode.SINGLE, score__isnull=False)
        .values_list("answer__model_id", "judge_id", "score", "answer__question_id")
    )
    groups: dict[tuple[int, int], list[tuple[float, int]]] = defaultdict(list)
    for model, judge, score, question in rows:
        if model is not None and score is not None and question is not None:
            groups[model, judge].append((score, question))
    models = LanguageModel.objects.in_bulk({model for model, _ in groups})
    judges = Judge.objects.in_bulk({judge for _, judge in groups})
    figures = [
        ScoresOfJudge(models[model], judges[judge], _by_question(scores))
        for (model, judge), scores in groups.items()
    ]
    figures.sort(key=lambda row: (str(row.judge), -row.figure.mean))
    return Panel("judging/_satisfaction_scores.html", {"rows": figures}) if figures else None


def _by_question(scores: list[tuple[float, int]]) -> ClusteredMean:
    values = np.array([score for score, _ in scores], dtype=np.float64)
    questions = np.array([question for _, question in scores], dtype=np.int64)
    return clustered_mean(values, questions, questions)
