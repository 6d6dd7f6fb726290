"""The export: choose records, write them in a format."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO, TypeAlias

from django.utils.module_loading import autodiscover_modules

from arena.dialects import DIALECTS
from arena.dialects.dialect import Dialect, writable_formats
from arena.dialects.files.parquet_rows import MixedColumnError
from arena.dialects.files.writing import write_file, write_rows
from arena.dialects.records import RECORD_KINDS, Record
from arena.models import LanguageModel, QuestionSet

BUNDLE = "agon_bundle"
CHUNK = 1000  # rows fetched at once


class ExportError(ValueError):
    """What was asked for cannot be written."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which rows: of one set, of some models, of one judge; empty means all.

    ``is_whole`` is for our own bundle: questions and answers are written once and pointed at,
    and names are the slugs. Otherwise each record carries the texts that the formats repeat.
    """

    question_set: str = ""
    models: tuple[str, ...] = ()
    judge: str = ""
    is_whole: bool = False


Exporter: TypeAlias = Callable[[Selection], Iterator[Record]]
_EXPORTERS: dict[type[Record], Exporter] = {}


def exports(kind: type[Record]) -> Callable[[Exporter], Exporter]:
    """Decorate the function that yields all records of one kind."""

    def remember(exporter: Exporter) -> Exporter:
        _EXPORTERS[kind] = exporter
        return exporter

    return remember


@cache
def _discover() -> None:
    autodiscover_modules("exporting")


def export_data(
    *,
    format: str,
    out: Path | IO[bytes],
    question_set: str = "",
    models: tuple[str, ...] = (),
    judge: str = "",
) -> int:
    """Write what the selection holds in ``format``; returns the number of rows.

    ``out`` is a path (its suffix may ask for another container, ``.gz`` packs it) or a binary
    stream. Raises ExportError for
    a format that can only be read and for a set or model that is not there.
    """
    dialect = DIALECTS.get(format)()
    if not dialect.writes:
        raise ExportError(
            f"the format {format!r} can be read but not written; choose one of: "
            f"{', '.join(writable_formats())}"
        )
    selection = Selection(question_set, models, judge, is_whole=format == BUNDLE)
    _check(selection)
    rows = dialect.write_records(_records(dialect, selection))
    if isinstance(out, Path):
        try:
            return write_file(out, rows, container=dialect.container, columns=dialect.columns)
        except MixedColumnError as error:
            raise ExportError(str(error)) from error
    return write_rows(out, rows, dialect.container, dialect.columns)


def _records(dialect: Dialect, selection: Selection) -> Iterator[Record]:
    _discover()
    for kind in RECORD_KINDS.values():
        if kind in dialect.writes and kind in _EXPORTERS:
            yield from _EXPORTERS[kind](selection)


def _check(selection: Selection) -> None:
    sets = QuestionSet.objects
    if selection.question_set and not sets.filter(slug=selection.question_set).exists():
        known = ", ".join(sets.values_list("slug", flat=True)) or "none yet"
        raise ExportError(f"there is no question set {selection.question_set!r}; sets are: {known}")
    found = set(
        LanguageModel.objects.filter(slug__in=selection.models).values_list("slug", flat=True)
    )
    if missing := [slug for slug in selection.models if slug not in found]:
        raise ExportError(f"there is no model {missing[0]!r}; name models by their slugs")
