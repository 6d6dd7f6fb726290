"""Storing boards that come in a bundle; their snapshots are computed here."""

from collections.abc import Sequence

from arena.dialects.records import BoardRecord
from arena.importing.context import ImportContext
from arena.importing.sinks import StoreResult, refused, stores
from leaderboard.models import Board

COLUMNS = (
    "title",
    "description",
    "query",
    "method",
    "options",
    "seed",
    "is_public",
    "is_live",
    "is_demo",
    "position",
)


@stores(BoardRecord)
def store_boards(records: Sequence[BoardRecord], context: ImportContext) -> StoreResult:
    """A board that is there is left as it is."""
    # the methods bring scipy along, which an import without boards can do without
    from leaderboard.ratings import METHODS

    result = StoreResult()
    for record in records:
        if record.method not in METHODS:
            remedy = f"unknown rating method; choose one of: {', '.join(METHODS)}"
            result.bad.append(refused(record, "method", record.method, remedy))
            continue
        _, is_new = Board.objects.get_or_create(
            slug=record.slug, defaults={name: getattr(record, name) for name in COLUMNS}
        )
        result.stored += is_new
        result.already_there += not is_new
    return result
