"""Making a stored snapshot's bundle."""

from __future__ import annotations

from leaderboard.bundles import Manifest, archived, write_bundle
from leaderboard.fitting import select
from leaderboard.models import Evidence, Snapshot
from leaderboard.query import BoardQuery
from leaderboard.ratings import METHODS
from leaderboard.selection import FEATURE_NAMES, Selection
from leaderboard.selectors import rating_rows, snapshot_as_json
from leaderboard.spans import Span, Watermark


class RowsChangedError(ValueError):
    """What a snapshot was made of has been marked or deleted since."""


def bundle_bytes(snapshot: Snapshot) -> bytes:
    """The snapshot's bundle; raises RowsChangedError when its rows are no longer the same."""
    evidence = Evidence.objects.get(snapshot=snapshot)
    manifest: Manifest = {
        **snapshot_as_json(snapshot, rating_rows(snapshot)),
        "models": evidence.model_slugs,
        **evidence.labels,
    }
    columns = bytes(evidence.columns)
    if not columns:
        columns = archived(_selected_again(snapshot, evidence).columns)
    return write_bundle(manifest, columns)


def _selected_again(snapshot: Snapshot, evidence: Evidence) -> Selection:
    until = Watermark(evidence.last_vote, evidence.last_judgment)
    query = BoardQuery.model_validate(snapshot.query)
    selection = select(query, METHODS.get(snapshot.method), Span(until=until))
    if selection.input_hash != snapshot.input_hash:
        raise RowsChangedError(
            f"the rows behind snapshot {snapshot.number} of {snapshot.board.slug!r} are no longer "
            f"what they were: {selection.rows} count today, {snapshot.battles} did then. Votes "
            "were marked or deleted since; take the bundle of a newer snapshot"
        )
    return selection


def labels_of(selection: Selection) -> dict[str, list[str]]:
    """The names that the columns point into beside the models."""
    return {
        "feature_names": list(FEATURE_NAMES) if "features" in selection.columns else [],
        "categories": list(selection.scores.categories) if selection.scores else [],
        "question_names": list(selection.comparisons.question_names)
        if selection.comparisons
        else [],
    }
