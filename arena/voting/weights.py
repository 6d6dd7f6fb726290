"""How often models are drawn, as staff have said it: a number by slug."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TypeGuard

import numpy as np

from arena.voting.sampling import Matrix

logger = logging.getLogger(__name__)

# a pair's share is a product of two weights: within these no pair's probability rounds to 0
LEAST_WEIGHT, MOST_WEIGHT = 0.001, 1000.0


def is_number(value: object) -> TypeGuard[int | float]:
    """JSON's ``true`` is none, though Python counts with it."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_weight(value: object) -> bool:
    return is_number(value) and LEAST_WEIGHT <= value <= MOST_WEIGHT


def weights_of(slugs: Sequence[str], given: object) -> Matrix:
    """Shape (slugs,), all within the range. ``given`` is what is stored, whoever wrote it: what is
    no positive number counts as 1, as does a model without one, and the log says so once.
    """
    if not isinstance(given, Mapping):
        _report_all(repr(given)[:200])
        return np.ones(len(slugs))
    return np.array([_weight(slug, given.get(slug, 1.0)) for slug in slugs], dtype=np.float64)


def boost_of(factor: float) -> float:
    """A boost that is no number, or without end, is none."""
    return min(max(factor, 1.0), MOST_WEIGHT) if math.isfinite(factor) else 1.0


def _weight(slug: str, value: object) -> float:
    if is_number(value) and 0 < value < math.inf:
        return float(min(max(value, LEAST_WEIGHT), MOST_WEIGHT))
    _report(slug, repr(value)[:200])
    return 1.0


@lru_cache(maxsize=256)
def _report(slug: str, value: str) -> None:
    logger.warning(
        "weight %s of model %s counts as 1: enter a number from %g to %g in the voting policy",
        value,
        slug,
        LEAST_WEIGHT,
        MOST_WEIGHT,
    )


@lru_cache(maxsize=16)
def _report_all(given: str) -> None:
    logger.warning("weights %s are no object of numbers by slug: all models weigh 1", given)
