"""The records of this room: boards."""

from collections.abc import Iterator

from arena.dialects.records import BoardRecord
from arena.exporting.exporter import CHUNK, Selection, exports
from leaderboard.models import Board


@exports(BoardRecord)
def boards(selection: Selection) -> Iterator[BoardRecord]:
    for row in Board.objects.order_by("slug").iterator(CHUNK):
        yield BoardRecord(
            slug=row.slug,
            title=row.title,
            description=row.description,
            query=row.query,
            method=row.method,
            options=row.options,
            seed=row.seed,
            is_public=row.is_public,
            is_live=row.is_live,
            is_demo=row.is_demo,
            position=row.position,
        )
