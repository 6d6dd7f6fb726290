"""AlpacaEval: win rates against a baseline, as they are and with length held equal."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from leaderboard.ratings.baseline import Baseline, find_baseline, pin_baseline
from leaderboard.ratings.cells import PairTable
from leaderboard.ratings.clusters import ClusterPlan, plan_clusters
from leaderboard.ratings.comparisons import Comparisons, Outcome
from leaderboard.ratings.errors import RatingError
from leaderboard.ratings.intervals import Reach, describe_plan
from leaderboard.ratings.length_control import (
    N_FOLDS,
    LengthModel,
    fit_difficulty,
    fit_length_model,
    length_term,
)
from leaderboard.ratings.means import Means, Share, share_ends, weighted_means
from leaderboard.ratings.meat import RowScores, clustered_meat
from leaderboard.ratings.methods import rating_method
from leaderboard.ratings.options import ClusteredOptions
from leaderboard.ratings.ratings import Estimate, Ratings, json_number, ranked
from leaderboard.ratings.strengths import SCORE_OF_A
from leaderboard.ratings.style import LENGTH

NAMED_MISSING = 3
Headline = Literal["auto", "length_controlled", "win_rate", "discrete"]


class LengthError(RatingError):
    """Length control was asked for without lengths."""


class DifficultyError(RatingError):
    """A published table of difficulties does not know all questions."""


class AlpacaEvalOptions(ClusteredOptions):
    """Settings of AlpacaEval's win rates."""

    baseline: str | None = Field(
        default=None, description="The fixed opponent; by default the model with most battles."
    )
    headline: Headline = Field(
        default="auto",
        description="The number that ranks: length-controlled, plain or discrete win rate; "
        "'auto' is length-controlled where lengths are known, else plain.",
    )
    difficulty: dict[str, dict[str, float]] | dict[int, float] | None = Field(
        default=None,
        description="Published difficulties by question set and the question's id in it, "
        '{"alpaca": {"17": 0.3}}; fitted on these answers if absent.',
    )

    @property
    def is_numbered(self) -> bool:
        """Whether difficulties go by the rows' own numbers, as in snapshots of earlier versions;
        those that are missing there count as 0.
        """
        values = (self.difficulty or {}).values()
        return any(not isinstance(value, dict) for value in values)

    def named_questions(self) -> Collection[str]:
        return self.by_name().keys()

    def by_name(self) -> dict[str, float]:
        """Difficulties by ``set/external id``."""
        return {
            f"{set_slug}/{external_id}": value
            for set_slug, of_set in (self.difficulty or {}).items()
            if isinstance(of_set, dict)
            for external_id, value in of_set.items()
        }


@dataclass(frozen=True, slots=True)
class _Judged:
    """Rows against the baseline with a parsed preference, seen from the challenger."""

    rows: Comparisons
    baseline: Baseline
    share: Share
    has_preference: NDArray[np.bool_]


@rating_method(
    "alpaca_eval",
    label="AlpacaEval",
    description="How often the judge prefers the model's answer to a fixed opponent's, corrected "
    "for judges liking longer answers where lengths are known.",
    options=AlpacaEvalOptions,
    needs="comparisons",
)
def fit_alpaca_eval(rows: Comparisons, options: AlpacaEvalOptions, seed: int) -> Ratings:
    """Win rate 100·mean(preference), its discrete form, and the length-controlled GLM's.

    ``diagnostics["alpaca_eval"]`` holds ``{model: row}`` with AlpacaEval's own keys, see
    ``alpaca_eval_table``. The baseline is 50 by definition. Raises LengthError when the headline
    is length-controlled and the battles carry no lengths.
    """
    judged = _judge(rows, options)
    plan = plan_clusters(rows, options.cluster)
    has_length = rows.is_two_sided(LENGTH)
    headline = options.headline
    if headline == "auto":
        headline = "length_controlled" if has_length else "win_rate"
    if headline == "length_controlled" and not has_length:
        raise LengthError(
            "length control needs the features length_a and length_b (characters); measure them, "
            "or choose the headline 'win_rate'"
        )
    models = _length_models(judged, options, seed) if has_length else {}
    shown = _discrete(judged.share) if headline == "discrete" else judged.share
    means = weighted_means(rows.n_models, (shown,), plan)
    if headline == "length_controlled":
        means = _length_controlled(judged, models, plan)
    lower, upper = share_ends(means, Reach(options.level, plan.fewest - 1))
    component = np.where(np.isnan(means.mean), -1, 0).astype(np.int64)
    component[judged.baseline.index] = 0
    estimate = Estimate(
        rating=means.mean,
        lower=lower,
        upper=upper,
        covariance=means.covariance,
        component=component,
    )
    return ranked(
        pin_baseline(estimate, judged.baseline.index),
        options,
        method="alpaca_eval",
        models=rows.models,
        counts=PairTable.of(rows).counts(),
        unit="percent",
        diagnostics=_describe(judged, models, options, headline, plan),
        seed=seed,
    )


def alpaca_eval_table(
    rows: Comparisons, options: AlpacaEvalOptions | None = None, seed: int = 0
) -> dict[str, dict[str, float | int | None]]:
    """AlpacaEval's leaderboard row per challenger, under its own keys.

    ``win_rate``, ``standard_error`` (sample SD / √n of independent rows, as published),
    ``n_total``, ``n_wins``, ``n_wins_base``, ``n_draws``, ``discrete_win_rate``,
    ``length_controlled_winrate`` and ``avg_length`` (None without lengths).
    """
    options = options or AlpacaEvalOptions()
    judged = _judge(rows, options)
    models = _length_models(judged, options, seed) if rows.is_two_sided(LENGTH) else {}
    return _table(judged, models)


def _judge(rows: Comparisons, options: AlpacaEvalOptions) -> _Judged:
    baseline = find_baseline(rows, options.baseline)
    score = SCORE_OF_A[rows.outcome]
    has_preference = rows.outcome != Outcome.BOTH_BAD
    if rows.preference is not None:
        score, has_preference = np.nan_to_num(rows.preference), ~np.isnan(rows.preference)
    share = baseline.shares(score, np.where(has_preference, rows.weight, 0.0))
    percent = Share(share.model, 100 * share.value, share.weight)
    return _Judged(rows, baseline, percent, has_preference)


def _discrete(share: Share) -> Share:
    value = np.where(share.value == 50, 50.0, np.where(share.value > 50, 100.0, 0.0))
    return Share(share.model, value, share.weight)


def _length_models(
    judged: _Judged, options: AlpacaEvalOptions, seed: int
) -> dict[int, tuple[NDArray[np.intp], LengthModel]]:
    """Per challenger: its rows and its fitted model. Each is fitted alone, so adding a challenger
    moves no other once the difficulties are given."""
    rows, share = judged.rows, judged.share
    used = np.flatnonzero(share.weight > 0)
    _, question = np.unique(rows.question[used], return_inverse=True)
    side_a = judged.baseline.is_side_a
    length_a, length_b = rows.feature(f"{LENGTH}_a"), rows.feature(f"{LENGTH}_b")
    challenger = np.where(side_a, length_a, length_b)[used]
    opponent = np.where(side_a, length_b, length_a)[used]
    model = share.model[used].astype(np.intp)
    term = np.zeros(used.size)
    for index in np.unique(model):
        mine = model == index
        term[mine] = length_term(challenger[mine], opponent[mine])
    preference = share.value[used] / 100
    if options.difficulty is not None:
        difficulty = published_difficulties(rows, used, options)
    else:
        difficulty = fit_difficulty(preference, term, model, question)[question]
    n_questions = int(question.max(initial=-1)) + 1
    fold = (np.random.default_rng(seed).permutation(n_questions) % N_FOLDS)[question]
    fitted = {}
    for index in np.unique(model):
        mine = np.flatnonzero(model == index)
        fit = fit_length_model(preference[mine], term[mine], difficulty[mine], fold[mine])
        fitted[int(index)] = (used[mine], fit)
    return fitted


def published_difficulties(
    rows: Comparisons, used: NDArray[np.intp], options: AlpacaEvalOptions
) -> NDArray[np.float64]:
    questions = rows.question[used]
    if options.is_numbered:
        numbered: Any = options.difficulty
        return np.array([numbered.get(int(q), 0.0) for q in questions])
    if not rows.question_names:
        raise DifficultyError(
            "the rows do not say which questions they are about; give their names, or leave the "
            "option difficulty out"
        )
    known = options.by_name()
    names = (*rows.question_names, "a battle without a question")  # the last is that of -1
    missing = sorted({names[code] for code in np.unique(questions)} - known.keys())
    if missing:
        more = f" and {len(missing) - NAMED_MISSING} more" if len(missing) > NAMED_MISSING else ""
        raise DifficultyError(
            f"the option difficulty has no value for {', '.join(missing[:NAMED_MISSING])}{more}; "
            "add what is missing, narrow the board to questions that have one, or leave the option "
            "out to have difficulties fitted on these answers"
        )
    return np.array([known[names[code]] for code in questions])


def _length_controlled(
    judged: _Judged, models: dict[int, tuple[NDArray[np.intp], LengthModel]], plan: ClusterPlan
) -> Means:
    m, n = judged.rows.n_models, len(judged.rows)
    mean, influence = np.full(m, np.nan), np.zeros(n)
    weight = np.bincount(judged.share.model, judged.share.weight, minlength=m)
    for index, (rows, fit) in models.items():
        mean[index] = fit.win_rate
        influence[rows] = fit.influence
    covariance = clustered_meat(RowScores(m, ((judged.share.model, influence),)), plan)
    is_flat = np.diag(covariance) <= 0
    covariance[np.ix_(is_flat, is_flat)] = np.nan
    return Means(mean, covariance, np.asarray(weight, dtype=np.float64), np.zeros(m, np.int64))


def _table(
    judged: _Judged, models: dict[int, tuple[NDArray[np.intp], LengthModel]]
) -> dict[str, dict[str, float | int | None]]:
    rows, share = judged.rows, judged.share
    table: dict[str, dict[str, float | int | None]] = {}
    for index in np.unique(share.model[share.weight > 0]).tolist():
        mine = np.flatnonzero((share.model == index) & (share.weight > 0))
        value = share.value[mine]
        fit = models.get(index)
        table[rows.models[index]] = {
            "win_rate": float(value.mean()),
            "standard_error": json_number(_standard_error(value)),
            "n_total": int(mine.size),
            "n_wins": int((value > 50).sum()),
            "n_wins_base": int((value < 50).sum()),
            "n_draws": int((value == 50).sum()),
            "discrete_win_rate": float(_discrete(share).value[mine].mean()),
            "length_controlled_winrate": fit[1].win_rate if fit else None,
            "avg_length": _average_length(judged, mine),
        }
    return table


def _standard_error(value: NDArray[np.float64]) -> float:
    return float(value.std(ddof=1) / np.sqrt(value.size)) if value.size > 1 else float("nan")


def _average_length(judged: _Judged, mine: NDArray[np.intp]) -> float | None:
    rows = judged.rows
    if not rows.is_two_sided(LENGTH):
        return None
    side_a = judged.baseline.is_side_a[mine]
    own = np.where(side_a, rows.feature(f"{LENGTH}_a")[mine], rows.feature(f"{LENGTH}_b")[mine])
    return float(own.mean())


def _describe(
    judged: _Judged,
    models: dict[int, tuple[NDArray[np.intp], LengthModel]],
    options: AlpacaEvalOptions,
    headline: str,
    plan: ClusterPlan,
) -> dict[str, Any]:
    rows = judged.rows
    described = judged.baseline.describe(rows)
    unparsed = int((judged.baseline.is_row & ~judged.has_preference).sum())
    if unparsed:
        described["excluded"]["no_preference"] = unparsed
    source = "published table" if options.difficulty is not None else "fitted on these answers"
    return {
        "rows": len(rows),
        **described,
        "headline": headline,
        "difficulty": source if models else None,
        "length_models": {
            rows.models[index]: {
                "length": float(fit.coefficients[0]),
                "difficulty": float(fit.coefficients[1]),
                "quality": float(fit.coefficients[2]),
                "inverse_penalty": fit.inverse_penalty,
            }
            for index, (_, fit) in models.items()
        },
        "alpaca_eval": _table(judged, models),
        **describe_plan(plan),
    }
