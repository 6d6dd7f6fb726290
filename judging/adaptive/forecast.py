r"""How many judgments an adaptive run will take: the run itself, simulated many times.

Each simulation draws strengths from what is known of them, verdicts from the judge's noise
(:mod:`judging.adaptive.noise`), and then spends as the run would: batch by batch on the pairs that
narrow the open gaps most, until every gap is settled or nothing is left. Strengths are drawn around
those of the verdicts so far, with their covariance, from a normal distribution whose standard
deviation is itself drawn: around the spread of the strengths seen, or around ``ASSUMED_SPREAD``.

The verdicts that are there are drawn anew as well, because those to come on the same questions
resemble them; of a run that is going on only simulations count that have not reached the goal yet.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from judging.adaptive.design import Candidates, gains, importance_of
from judging.adaptive.looks import Goal, batch_size, look_at
from judging.adaptive.noise import Noise
from judging.adaptive.strengths import (
    PRIOR_PRECISION,
    FloatArray,
    IntArray,
    PairTotals,
    Strengths,
    Verdicts,
    add_weights,
    fit_strengths,
    maximise,
    strengths_of,
)

BoolArray: TypeAlias = NDArray[np.bool_]

# standard deviation of strengths on a board nobody has judged yet: 139 points. On public arenas it
# is about 100, and judges separate models more sharply than people do
ASSUMED_SPREAD = 0.8
_SPREAD_COUNTS = 2  # models that the assumption counts as, beside those seen
SIMULATIONS = 40
_FEWEST = 12
_CELLS = 2_000_000  # drawn in all at most; simulations are fewer on large boards
_STEPS = 10  # rankings of the pairs per batch
_LOWER, _UPPER = 0.1, 0.9


@dataclass(frozen=True, slots=True)
class Forecast:
    """Judgments still to make: the median, and the middle 80 % of the simulated runs.

    ``reached`` is the share of them that reached the goal. It rests on ``n_verdicts`` of these
    models on these questions, and on this judge's verdicts on ``n_questions`` anywhere; where one
    of them is 0, it is assumed.
    """

    likely: int
    low: int
    high: int
    reached: float
    n_verdicts: int
    n_questions: int


@dataclass(frozen=True, slots=True)
class _Table:
    """Pairs by questions by orders: what is known, and what may be asked.

    ``judged`` verdicts and whether one may ask have shape (pairs, questions, 2). ``is_both`` tells
    that both orders are asked together; ``weight`` judgments go with each.
    """

    first: IntArray
    second: IntArray
    judged: FloatArray
    is_open: BoolArray
    is_both: bool
    weight: float


@dataclass(frozen=True, slots=True)
class _Run:
    """What every simulation has in common; ``made`` judgments are there, ``waiting`` are not."""

    table: _Table
    goal: Goal
    noise: Noise
    waiting: int
    made: int


def forecast(
    judged: Verdicts,
    candidates: Candidates,
    goal: Goal,
    noise: Noise,
    *,
    n_models: int,
    waiting: int,
    made: int,
    seed: int = 0,
) -> Forecast:
    """Simulate a run that has ``waiting`` judgments to choose from after ``made``.

    ``candidates`` may each stand for several judgments (turns, repeats), which are asked together.
    """
    run = _Run(_table(judged, candidates, n_models, waiting), goal, noise, waiting, made)
    strengths = fit_strengths(judged, n_models)
    n_simulations = int(np.clip(_CELLS // max(run.table.judged.size, 1), _FEWEST, SIMULATIONS))
    draw = np.random.default_rng(seed)
    spent, reached = [], 0
    for _ in range(n_simulations):
        truth = _draw_strengths(strengths, judged, draw)
        asked, is_reached = _simulate(run, truth, draw)
        if asked:
            spent.append(asked)
            reached += is_reached
    if not spent:
        spent, reached = [batch_size(waiting + made, made)], 1
    low, likely, high = np.quantile(spent, (_LOWER, 0.5, _UPPER), method="nearest")
    return Forecast(
        likely=int(likely),
        low=int(low),
        high=int(high),
        reached=reached / len(spent),
        n_verdicts=len(judged),
        n_questions=noise.n_questions,
    )


def _table(judged: Verdicts, candidates: Candidates, n_models: int, waiting: int) -> _Table:
    rows = np.concatenate((judged.first, candidates.first)) * n_models + np.concatenate(
        (judged.second, candidates.second)
    )
    pairs, pair = np.unique(rows, return_inverse=True)
    questions, question = np.unique(
        np.concatenate((judged.question, candidates.question)), return_inverse=True
    )
    first, second = np.divmod(pairs, n_models)
    shape = (len(pairs), len(questions), 2)
    told = np.zeros(shape)
    n = len(judged)
    np.add.at(told, (pair[:n], question[:n], judged.game - 1), 1.0)
    is_open = np.zeros(shape, dtype=np.bool_)
    is_both = bool(len(candidates) and (candidates.game == 0).all())
    for game in (0, 1):
        chosen = (candidates.game == game + 1) | (candidates.game == 0)
        is_open[pair[n:][chosen], question[n:][chosen], game] = True
    cells = max(int(is_open.sum()), 1)
    return _Table(first, second, told, is_open, is_both, waiting / cells)


def _draw_strengths(
    strengths: Strengths, judged: Verdicts, draw: np.random.Generator
) -> FloatArray:
    """Logits of shape (models,) as they may be in truth."""
    seen = np.unique(np.concatenate((judged.first, judged.second)))
    own, variance = strengths.logits[seen], np.diag(strengths.covariance)[seen]
    spread = ASSUMED_SPREAD**2
    counts = _SPREAD_COUNTS + len(seen)
    if len(seen) > 1:
        found = max(float(own.var(ddof=1) - variance.mean()), 0.0)
        spread = (_SPREAD_COUNTS * spread + len(seen) * found) / counts
    # the standard deviation of a logarithm of a standard deviation from n values is 1/sqrt(2n)
    spread *= float(np.exp(2 * draw.standard_normal() / np.sqrt(2 * counts)))
    precision = np.linalg.inv(strengths.covariance)
    posterior = np.linalg.inv(precision + (1 / spread - PRIOR_PRECISION) * np.eye(len(precision)))
    posterior = (posterior + posterior.T) / 2
    logits: FloatArray = draw.multivariate_normal(
        posterior @ precision @ strengths.logits, posterior, check_valid="ignore"
    )
    return logits


def _simulate(run: _Run, truth: FloatArray, draw: np.random.Generator) -> tuple[int, bool]:
    """Judgments that one run still makes, and whether it reaches its goal."""
    table, n_models, n_questions = run.table, len(truth), run.table.judged.shape[1]
    shares = run.noise.draw(truth, (table.first, table.second), n_questions, draw)
    rank, supply = _order(table, n_models, draw)
    taken = np.zeros(len(table.first), dtype=np.intp)
    unit = table.weight * (2 if table.is_both else 1)
    total, made = run.waiting + run.made, float(run.made)
    while True:
        strengths = _fit(table, shares, rank < taken[:, None, None], n_models)
        look = look_at(strengths, run.goal, round(made))
        left = supply - taken
        if look.is_reached and made:
            return round(made) - run.made, True
        if not left.any():
            return run.waiting, False
        size = batch_size(total, min(round(made), total)) / unit
        given = _allocate(table, strengths, look.open_gaps, left, max(1, round(size)))
        taken += given
        made += float(given.sum()) * unit


def _order(table: _Table, n_models: int, draw: np.random.Generator) -> tuple[IntArray, IntArray]:
    """The place of each cell in its pair's order of asking, and how many can be asked.

    Pairs with a model in common begin at different questions, as in the rounds of a tournament, so
    that a question hears of a model again only when all others have. A second order of a pair comes
    when it has been shown once on every question.
    """
    n_pairs, n_questions, _ = table.judged.shape
    rounds = max(n_models - 1 + n_models % 2, 1)
    last = rounds == n_models - 1
    sums = np.where(
        last & (table.second == n_models - 1), 2 * table.first, table.first + table.second
    )
    start = (sums % rounds) * n_questions // rounds
    place = draw.permutation(n_questions)
    turn = (place[None, :] - start[:, None]) % n_questions
    is_second = np.zeros(table.judged.shape)
    if not table.is_both:
        shown_later = draw.integers(0, 2, (n_pairs, n_questions))
        is_second[..., 0], is_second[..., 1] = shown_later == 0, shown_later == 1
        # where the other order was judged already, the one left comes second
        is_second = np.where(table.is_open.sum(axis=2, keepdims=True) == 2, is_second, 0.0)
    before = table.judged.sum(axis=2, keepdims=True)
    key = (before + is_second) * n_questions + turn[:, :, None]
    key = np.where(table.is_open, key, np.inf)
    if table.is_both:
        key = key.min(axis=2, keepdims=True)
    flat = key.reshape(n_pairs, -1)
    rank = np.empty(flat.shape, dtype=np.intp)
    np.put_along_axis(rank, np.argsort(flat, axis=1), np.arange(flat.shape[1])[None, :], axis=1)
    supply = np.isfinite(flat).sum(axis=1)
    return np.broadcast_to(rank.reshape(key.shape), table.judged.shape), supply


def _fit(table: _Table, shares: FloatArray, is_asked: BoolArray, n_models: int) -> Strengths:
    told = table.judged + np.where(is_asked & table.is_open, table.weight, 0.0)
    count, wins = told.sum(axis=2), (told * shares).sum(axis=2)
    totals = PairTotals(table.first, table.second, count.sum(axis=1), wins.sum(axis=1))
    logits, information = maximise(totals, n_models)
    p = 1 / (1 + np.exp(logits[table.second] - logits[table.first]))
    residual = wins - count * p[:, None]
    incidence = np.zeros((len(p), n_models))
    places = np.arange(len(p))
    incidence[places, table.first], incidence[places, table.second] = 1.0, -1.0
    heard = count.any(axis=0)
    return strengths_of(logits, information, residual[:, heard].T @ incidence)


def _allocate(
    table: _Table,
    strengths: Strengths,
    open_gaps: Sequence[tuple[int, int]],
    left: IntArray,
    size: int,
) -> IntArray:
    """How often each pair is asked in one batch; shape (pairs,)."""
    given = np.zeros_like(left)
    importance = importance_of(list(open_gaps), len(strengths.logits))
    inverse = strengths.inverse_information
    information: FloatArray = np.linalg.inv(inverse).astype(np.float64)
    p = 1 / (1 + np.exp(strengths.logits[table.second] - strengths.logits[table.first]))
    weight: FloatArray = p * (1 - p) * table.weight * (2 if table.is_both else 1)
    wanted = min(size, int(left.sum()))
    while wanted:
        gain = gains(inverse, importance, table.first, table.second, weight)
        order = np.argsort(-np.where(given < left, gain, -np.inf), kind="stable")
        chunk = min(max(1, size // _STEPS), wanted)
        best = order[: min(chunk, int((given < left).sum()))]
        each = np.minimum(left[best] - given[best], -(-chunk // len(best)))
        each = np.minimum(each, np.maximum(chunk - np.cumsum(each) + each, 0))
        given[best] += each
        wanted -= int(each.sum())
        add_weights(
            information, table.first[best], table.second[best], np.multiply(weight[best], each)
        )
        inverse = np.linalg.inv(information).astype(np.float64)
    return given
