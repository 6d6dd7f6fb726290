"""What a sceptic asks of a snapshot, looked up once by a worker and kept beside it."""

from __future__ import annotations

from typing import Any, Final

from leaderboard.fitting import Fitted
from leaderboard.models import Evidence, Snapshot
from leaderboard.ratings import METHODS
from leaderboard.ratings.diagnostics import influential_votes, pair_residuals, surviving_cycles
from leaderboard.ratings.options import ScaleOptions
from leaderboard.selection import PEOPLE

EXAMINED: Final = "bradley_terry"
SHOWN_PAIRS: Final = 12
SHOWN_CYCLES: Final = 10

Findings = dict[str, Any]  # JSON


def examine(snapshot: Snapshot, fitted: Fitted) -> Findings:
    """Look for misfits, cycles and the votes that carry rank 1, and keep what was found.

    Only Bradley–Terry is examined: the questions are about its one number per model.
    """
    rows = fitted.selection.comparisons
    if snapshot.method != EXAMINED or rows is None:
        return {}
    options = METHODS.get(EXAMINED).options.model_validate(fitted.question.options)
    is_tie = options.both_bad == "tie"
    residuals = pair_residuals(rows, fitted.ratings, scale=options.scale, both_bad_is_tie=is_tie)
    residuals["pairs"] = [
        pair for pair in residuals["pairs"][:SHOWN_PAIRS] if pair["z"] is not None
    ]
    shared = {name: getattr(options, name) for name in ScaleOptions.model_fields}
    influence = influential_votes(rows, ScaleOptions.model_validate(shared))
    places = influence.pop("rows", [])
    influence["decisive"] = [
        ["vote" if rows.source[place] == PEOPLE else "judgment",
         int(fitted.selection.row_ids[place])]
        for place in places
    ]  # fmt: skip
    findings = {
        "residuals": residuals,
        "cycles": surviving_cycles(rows, both_bad_is_tie=is_tie)[:SHOWN_CYCLES],
        "influence": influence,
    }
    Evidence.objects.filter(snapshot=snapshot).update(examination=findings)
    return findings
