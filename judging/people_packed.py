"""``PeopleFigures`` as a row keeps them."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Final

import numpy as np

from judging.agreement import Estimate, TwoRaters
from judging.people_figures import Agreement, Alpha, Disputes, PeopleFigures

FORM: Final = 1  # one more whenever what is kept changes

Json = dict[str, Any]  # JSON


def packed(figures: PeopleFigures) -> tuple[Json, bytes]:
    """JSON, and the disputed battles' int64 columns compressed."""
    told = {
        "rows": [asdict(row) for row in figures.rows],
        "alphas": [asdict(row) for row in figures.alphas],
        "categories": figures.disputes.categories,
        "votes": figures.votes,
        "wavering": figures.wavering,
        "split": figures.split,
    }
    columns = figures.disputes.columns.astype("<i8")
    return told, zlib.compress(columns.tobytes(), level=1)


def unpacked(told: Json, disputes: bytes) -> PeopleFigures:
    columns = np.frombuffer(zlib.decompress(disputes), dtype="<i8").reshape(-1, 5)
    return PeopleFigures(
        rows=[Agreement(**row | {"figures": _two_raters(row["figures"])}) for row in told["rows"]],
        alphas=[Alpha(**row | {"alpha": Estimate(**row["alpha"])}) for row in told["alphas"]],
        disputes=Disputes(tuple(told["categories"]), columns.astype(np.int64)),
        votes=told["votes"],
        wavering=told["wavering"],
        split=told["split"],
    )


def _two_raters(told: Mapping[str, Json]) -> TwoRaters:
    return TwoRaters(**{name: Estimate(**estimate) for name, estimate in told.items()})
