"""Battles drawn from known strengths, so that fits can be held against the truth."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from leaderboard.ratings import Comparisons

Draw = Callable[..., Comparisons]


@pytest.fixture
def draw_battles() -> Draw:
    """Battles of models with given log-odds; ``tie_share`` of them become ties."""

    def draw(
        strength: NDArray[np.float64],
        n: int,
        *,
        seed: int = 0,
        tie_share: float = 0.0,
        questions: int = 0,
        voters: int = 0,
    ) -> Comparisons:
        rng = np.random.default_rng(seed)
        m = strength.size
        a = rng.integers(0, m, n)
        b = (a + rng.integers(1, m, n)) % m
        wins = rng.random(n) < 1 / (1 + np.exp(strength[b] - strength[a]))
        outcome = np.where(rng.random(n) < tie_share, 2, np.where(wins, 0, 1))
        return Comparisons(
            models=tuple(f"model-{i}" for i in range(m)),
            model_a=a,
            model_b=b,
            outcome=outcome,
            question=rng.integers(0, questions, n) if questions else np.full(n, -1),
            voter=rng.integers(0, voters, n) if voters else np.full(n, -1),
        )

    return draw


@pytest.fixture
def quartet(draw_battles: Draw) -> Comparisons:
    """Four models, 2,000 battles with ties, on 150 questions by 120 voters."""
    strength = np.array([0.9, 0.3, -0.2, -1.0])
    return draw_battles(strength, 2000, seed=5, tie_share=0.2, questions=150, voters=120)
