"""Calibrating a reward model on people's votes: its next version, with scale and tie band."""

from __future__ import annotations

from collections import defaultdict
from statistics import fmean

from arena.models import Vote
from judging.models import Judge, Judgment, JudgmentMode
from judging.reward_calibration import CalibrationError, RewardCalibration, calibrate
from judging.services.judges import new_version
from judging.verdicts.base import Outcome

KIND = "reward_model"
SEED = 20_240_501


def calibrate_judge(judge: Judge) -> tuple[Judge, RewardCalibration]:
    """The judge's next version, fitted to the votes on the battles it has scored.

    Its scores stay as they are, so judging anew with it costs nothing. Raises CalibrationError.
    """
    if judge.kind != KIND:
        raise CalibrationError(
            f"judge {judge.slug!r} is of kind {judge.kind!r}; only {KIND!r} judges are calibrated"
        )
    differences, outcomes, questions = _voted(judge)
    found = calibrate(differences, outcomes, questions, seed=SEED)
    settings = {
        **judge.settings,
        "scale": float(f"{found.scale:.6g}"),
        "tie_eta": float(f"{max(found.tie_eta, 1.0):.6g}"),
    }
    return new_version(judge, settings=settings), found


def _voted(judge: Judge) -> tuple[list[float], list[Outcome], list[int]]:
    """One entry per counted vote: the mean difference over the battle's turns, the question."""
    by_battle: defaultdict[int, list[float]] = defaultdict(list)
    rows = Judgment.objects.counted().filter(judge=judge, mode=JudgmentMode.PAIRWISE, repeat=0)
    for battle, metadata in rows.values_list("battle_id", "metadata"):
        scores = metadata.get("scores")
        if battle is not None and scores:
            by_battle[battle].append(scores[0] - scores[1])
    votes = Vote.objects.counted().filter(battle__judgments__judge=judge).distinct().order_by("id")
    differences, outcomes, questions = [], [], []
    for battle, question, outcome in votes.values_list(
        "battle_id", "battle__question_id", "outcome"
    ):
        if battle in by_battle:
            differences.append(fmean(by_battle[battle]))
            outcomes.append(Outcome(outcome))
            questions.append(question or -battle)
    return differences, outcomes, questions
