r"""How a judge's verdicts scatter around what the models' strengths alone would have it say.

A verdict on models i and j on question q, in one of two orders g, is drawn from

.. math:: L = \sqrt{a} (e_{qi} - e_{qj}) + \sqrt{b} \, h_{qij} + \sqrt{c} \, k_{qijg}, \quad
          2a + b + c = 1

with standard normal e (how good an answer is), h (what is special about the pair) and k (what the
judge says differently in the other order). Model i wins where L < t = Φ⁻¹(σ(θ_i - θ_j)), which
happens with probability σ(θ_i - θ_j); closer than δ to t it is a tie. So L is correlated by 2a + b
between the two orders of a pair, and by a between two pairs with a model in common.

Verdicts show only on which side of t they fall. Two of them, with residuals r around their pairs'
means p, have E[r r'] = λ φ(t) φ(t') to first order in the correlation λ of their L (the tetrachoric
series, Pearson 1900), and E[r r'] = asin(λ) φ(0)² at even strength. Both are met by

.. math:: λ = \sin \frac{\sum r r'}{\sum φ(t) φ(t')}
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, ndtri

from judging.adaptive.strengths import FloatArray, IntArray, Verdicts

LEAST_QUESTIONS = 20  # of stored verdicts; with fewer the assumption is the better guess
LEAST_PRODUCTS = 50  # of two verdicts; with fewer their correlation is assumed
_SHARES = (0.02, 0.98)  # of a pair; beyond, its verdicts tell next to nothing of correlations


@dataclass(frozen=True, slots=True)
class Correlation:
    """A correlation, and how far off it may be (a standard deviation)."""

    value: float
    deviation: float

    def draw(self, draw: np.random.Generator) -> float:
        """A value it may have."""
        return float(np.clip(draw.normal(self.value, self.deviation), 0.0, 1.0))


@dataclass(frozen=True, slots=True)
class Noise:
    """Share of ties, and the correlations of L.

    ``between_games`` is that of the two orders of one pair on one question, ``between_pairs`` that
    of two pairs with a model in common on one question. ``n_questions`` is 0 for an assumption.
    """

    ties: float
    between_games: Correlation
    between_pairs: Correlation
    n_questions: int = 0

    def draw(
        self,
        logits: FloatArray,
        pairs: tuple[IntArray, IntArray],
        n_questions: int,
        draw: np.random.Generator,
    ) -> FloatArray:
        """Shares of the first model of every pair (1, 1/2, 0); shape (pairs, questions, 2)."""
        first, second = pairs
        per_answer = min(self.between_pairs.draw(draw), 0.5)
        same_pair = max(self.between_games.draw(draw), 2 * per_answer)
        answers = draw.standard_normal((len(logits), n_questions)) * np.sqrt(per_answer)
        own = draw.standard_normal((len(first), n_questions, 1))
        latent = draw.standard_normal((len(first), n_questions, 2)) * np.sqrt(1 - same_pair)
        latent += own * np.sqrt(same_pair - 2 * per_answer)
        latent += (answers[first] - answers[second])[:, :, None]
        latent -= ndtri(expit(logits[first] - logits[second]))[:, None, None]
        shares: FloatArray = np.where(np.abs(latent) < _tie_band(self.ties), 0.5, latent < 0)
        return shares


# GPT-4 keeps its verdict in both orders on 65 % of pairs (Zheng et al. 2023), which is a
# correlation of 0.45, newer judges on up to 90 %, which is 0.95. Of what both orders have in common
# half at most is due to one of the two answers
ASSUMED_NOISE = Noise(0.0, Correlation(0.75, 0.15), Correlation(0.35, 0.1))


def noise_of(verdicts: Verdicts) -> Noise:
    """From stored verdicts; what they cannot tell is assumed."""
    question = verdicts.question
    n_questions = len(np.unique(question))
    if n_questions < LEAST_QUESTIONS:
        return ASSUMED_NOISE
    ties = float(np.mean(verdicts.share == 0.5))
    n_models = int(verdicts.second.max()) + 1
    pair = _codes(verdicts.first * n_models + verdicts.second)
    mean = (np.bincount(pair, verdicts.share) / np.bincount(pair))[pair]
    residual = verdicts.share - mean
    threshold, band = ndtri(np.clip(mean, *_SHARES)), _tie_band(ties)
    density = (_normal_density(threshold - band) + _normal_density(threshold + band)) / 2
    one_pair = _codes(question, pair)
    games, games_base = _products(one_pair, residual), _products(one_pair, density)
    sides = np.concatenate((verdicts.first, verdicts.second))
    answer = _codes(np.tile(question, 2), sides)
    near = _products(answer, np.concatenate((residual, -residual)))
    near_base = _products(answer, np.tile(density, 2))
    ones = np.ones(len(verdicts))
    n_games = _products(one_pair, ones)
    # two verdicts on one pair have both of their models in common
    n_across = _products(answer, np.tile(ones, 2)) - 2 * n_games
    deviation = 0.5 / float(np.sqrt(n_questions))
    between_games, between_pairs = ASSUMED_NOISE.between_games, ASSUMED_NOISE.between_pairs
    if n_games >= LEAST_PRODUCTS:
        between_games = Correlation(_latent(games, games_base), deviation)
    if n_across >= LEAST_PRODUCTS:
        across = _latent(near - 2 * games, near_base - 2 * games_base)
        between_pairs = Correlation(across, deviation)
    return Noise(ties, between_games, between_pairs, n_questions)


def _normal_density(z: FloatArray) -> FloatArray:
    density: FloatArray = np.exp(-z * z / 2) / np.sqrt(2 * np.pi)
    return density


def _tie_band(ties: float) -> float:
    """δ for a share of ties, as at even strength."""
    return float(ndtri((1 + ties) / 2))


def _latent(products: float, base: float) -> float:
    return float(np.sin(np.clip(products / base, 0.0, np.pi / 2)))


def _codes(*columns: IntArray) -> IntArray:
    """A number for each combination of the columns; shape (n,)."""
    index = np.unique(np.stack(columns), axis=1, return_inverse=True)[1]
    return index.reshape(-1).astype(np.intp)


def _products(group: IntArray, values: FloatArray) -> float:
    """The sum of the products of any two values of one group."""
    sums, squares = np.bincount(group, values), np.bincount(group, values**2)
    return float((sums**2 - squares).sum() / 2)
