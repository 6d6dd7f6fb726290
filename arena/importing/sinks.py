"""Where records go. A room registers a sink for each kind of record that it stores.

Rooms above bring theirs in a module ``importing`` of their app; it is found on first use, so that
this room need not know them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeAlias

from django.utils.module_loading import autodiscover_modules

from arena.dialects.fields import BadRow
from arena.dialects.records import Record
from arena.importing.context import ImportContext


@dataclass(slots=True)
class StoreResult:
    stored: int = 0
    already_there: int = 0
    bad: list[BadRow] = field(default_factory=list)


# a sink takes one kind of record only, which the registration by class guarantees
Sink: TypeAlias = Callable[[Sequence[Any], ImportContext], StoreResult]
_SINKS: dict[type[Record], Sink] = {}


def stores(kind: type[Record]) -> Callable[[Sink], Sink]:
    """Decorate the function that stores records of one kind."""

    def remember(sink: Sink) -> Sink:
        _SINKS[kind] = sink
        return sink

    return remember


@cache
def _discover() -> None:
    autodiscover_modules("importing")


def sink_of(record: Record) -> Sink:
    _discover()
    return _SINKS[type(record)]


def refused(record: Record, field: str, value: object, remedy: str) -> BadRow:
    """Why a well-formed record cannot be stored beside what is there."""
    return BadRow(record.place, field, str(value)[:120], remedy)
