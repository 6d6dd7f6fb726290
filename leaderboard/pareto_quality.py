"""What models are judged by on the Pareto page: a board's ratings or a benchmark's scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from arena.models import LanguageModel
from leaderboard.benchmark_columns import BenchmarkColumn, Score
from leaderboard.models import Evidence, Rating, Snapshot
from leaderboard.pairs import triangle_from_bytes
from leaderboard.pareto_front import Measured
from leaderboard.selectors import rating_rows


@dataclass(frozen=True, slots=True)
class Subject:
    """A model with its quality: a rating on a board, or a benchmark score without one."""

    model: LanguageModel
    quality: Measured
    rating: Rating | None = None


@dataclass(frozen=True, slots=True)
class Quality:
    """What the models are judged by.

    ``covariance`` is that of the ratings of all ``subjects``, where the snapshot kept it;
    ``left_out`` counts models that never met the others, so that no order holds between them.
    """

    label: str
    subjects: list[Subject]
    seed: int = 0
    covariance: NDArray[np.float64] | None = None
    left_out: int = 0


def quality_of_board(snapshot: Snapshot) -> Quality:
    """Ratings of the largest group of models that met, directly or through others."""
    rows = rating_rows(snapshot)
    shown = [row for row in rows if not row.details.get("component")]
    subjects = [
        Subject(row.model, Measured(row.rating, row.rating_lower, row.rating_upper), row)
        for row in shown
    ]
    covariance = _covariance(snapshot, [row.model.slug for row in shown])
    return Quality(_("Rating"), subjects, snapshot.seed, covariance, len(rows) - len(shown))


def _covariance(snapshot: Snapshot, slugs: Sequence[str]) -> NDArray[np.float64] | None:
    kept = Evidence.objects.only("covariance", "model_slugs").filter(snapshot=snapshot).first()
    matrix = triangle_from_bytes(bytes(kept.covariance)) if kept else None
    if kept is None or matrix is None:
        return None
    places = [kept.model_slugs.index(slug) for slug in slugs]
    chosen: NDArray[np.float64] = matrix[np.ix_(places, places)]
    return None if np.isnan(chosen).any() else chosen


def quality_of_benchmark(column: BenchmarkColumn) -> Quality:
    """Scores that were measured in one way, in percent where they are shares."""
    factor = 100.0 if all(0 <= s.value <= 1 for s in column.scores.values()) else 1.0
    models = LanguageModel.objects.in_bulk(list(column.scores))
    subjects = [
        Subject(models[pk], _scaled(found, factor))
        for pk, found in column.scores.items()
        if pk in models
    ]
    subjects.sort(key=lambda subject: -subject.quality.value)
    return Quality(f"{column.title} ({column.way})", subjects)


def _scaled(found: Score, factor: float) -> Measured:
    ends = (None if end is None else end * factor for end in (found.lower, found.upper))
    return Measured(found.value * factor, *ends)
