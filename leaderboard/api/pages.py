"""Long lists a page at a time."""

from ninja import Field, Schema
from ninja.pagination import LimitOffsetPagination

LARGEST_NUMBER = 2**31 - 1  # what a column of numbers holds


class Pages(LimitOffsetPagination):
    """Limit and offset within bounds that every database can count to."""

    class Input(Schema):
        limit: int = Field(100, ge=1, le=1000, description="Entries on a page.")
        offset: int = Field(0, ge=0, le=10_000_000, description="Entries to skip.")
