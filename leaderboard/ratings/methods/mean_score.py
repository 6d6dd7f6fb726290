"""Mean score: judges grade single answers, a model's number is its average grade."""

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from leaderboard.ratings.clusters import Clustering, ClusterPlan, plan_ids
from leaderboard.ratings.errors import RatingError
from leaderboard.ratings.intervals import Reach, describe_plan
from leaderboard.ratings.means import Means, Share, weighted_means
from leaderboard.ratings.methods import rating_method
from leaderboard.ratings.options import ClusteredOptions
from leaderboard.ratings.ratings import Counts, Estimate, Ratings, json_number, ranked
from leaderboard.ratings.scores import Scores

UNPARSED = -1.0
"""What FastChat stores when the judge's text holds no grade (MT-bench, gen_judgment)."""


class MeanScoreOptions(ClusteredOptions):
    """Settings of the mean score."""

    turn: int | None = Field(
        default=None, ge=1, description="Only this turn; all turns by default."
    )
    category: str | None = Field(default=None, description="Only this category; all by default.")
    unparsed: float = Field(
        default=UNPARSED,
        description="A stored value that means 'no grade found', left out and counted.",
    )


class CategoryError(RatingError):
    """A category that the scores do not have."""


@rating_method(
    "mean_score",
    label="Mean score",
    description="The average grade a judge gave to the model's answers, over turns and questions.",
    options=MeanScoreOptions,
    needs="scores",
)
def fit_mean_score(scores: Scores, options: MeanScoreOptions, seed: int) -> Ratings:
    """Weighted mean per model, turn and category, clustered by question.

    The headline averages over both turns (MT-bench). Answers without a grade are excluded and
    counted per model, never read as zero. ``diagnostics["by_turn"]`` and ``["by_category"]`` hold
    ``{label: {model: {score, lower, upper, n}}}``. Raises CategoryError for an unknown category.
    """
    plan = plan_ids({"question": scores.question}, len(scores), _clustering(options))
    chosen = _chosen(scores, options)
    has_grade = ~np.isnan(scores.score) & (scores.score != options.unparsed)
    means = _means(scores, chosen & has_grade, plan)
    reach = Reach(options.level, plan.fewest - 1)
    lower, upper = reach.ends(means.mean, means.covariance)
    missing = np.bincount(scores.model[chosen & ~has_grade], minlength=len(scores.models))
    return ranked(
        Estimate(
            rating=means.mean,
            lower=lower,
            upper=upper,
            covariance=means.covariance,
            component=np.where(means.weight > 0, 0, -1).astype(np.int64),
        ),
        options,
        method="mean_score",
        models=scores.models,
        counts=_counts(scores, chosen & has_grade),
        unit="score",
        diagnostics={
            "rows": int(chosen.sum()),
            "excluded": {"no_grade": int(missing.sum())} if missing.any() else {},
            "no_grade_by_model": {
                scores.models[i]: int(missing[i]) for i in np.flatnonzero(missing)
            },
            "by_turn": {
                str(turn): _table(scores, chosen & has_grade & (scores.turn == turn), plan, reach)
                for turn in np.unique(scores.turn[chosen]).tolist()
            },
            "by_category": {
                name: _table(scores, chosen & has_grade & (scores.category == i), plan, reach)
                for i, name in enumerate(scores.categories)
                if bool((chosen & (scores.category == i)).any())
            },
            **describe_plan(plan),
        },
        seed=seed,
    )


def _clustering(options: MeanScoreOptions) -> Clustering:
    return "question" if options.cluster in ("both", "voter") else options.cluster


def _chosen(scores: Scores, options: MeanScoreOptions) -> NDArray[np.bool_]:
    chosen = np.ones(len(scores), dtype=bool)
    if options.turn is not None:
        chosen &= scores.turn == options.turn
    if options.category is not None:
        if options.category not in scores.categories:
            known = ", ".join(scores.categories) or "none"
            raise CategoryError(
                f"there is no category {options.category!r} among the scores; they have: {known}"
            )
        chosen &= scores.category == scores.categories.index(options.category)
    return chosen


def _means(scores: Scores, keep: NDArray[np.bool_], plan: ClusterPlan) -> Means:
    share = Share(scores.model, np.nan_to_num(scores.score), np.where(keep, scores.weight, 0.0))
    return weighted_means(len(scores.models), (share,), plan)


def _table(
    scores: Scores, keep: NDArray[np.bool_], plan: ClusterPlan, reach: Reach
) -> dict[str, dict[str, float | int | None]]:
    means = _means(scores, keep, plan)
    lower, upper = reach.ends(means.mean, means.covariance)
    number = np.bincount(scores.model[keep], minlength=len(scores.models))
    return {
        scores.models[i]: {
            "score": json_number(means.mean[i]),
            "lower": json_number(lower[i]),
            "upper": json_number(upper[i]),
            "n": int(number[i]),
        }
        for i in np.flatnonzero(number)
    }


def _counts(scores: Scores, keep: NDArray[np.bool_]) -> Counts:
    answers = np.bincount(scores.model[keep], minlength=len(scores.models))
    nothing = np.zeros_like(answers)
    return Counts(answers, nothing, nothing.copy(), nothing.copy(), nothing.copy())
