"""Writes rows into a file, one at a time; the file appears under its name only when complete."""

import csv
import gzip
import io
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

from pydantic import JsonValue

from arena.dialects.dialect import Container
from arena.dialects.files.bundle_rows import write_bundle
from arena.dialects.files.json_text import json_text
from arena.dialects.files.parquet_rows import write_parquet

Rows = Iterable[dict[str, JsonValue]]
SUFFIXES: dict[str, Container] = {".json": "json", ".jsonl": "jsonl", ".parquet": "parquet"}


def write_file(path: Path, rows: Rows, *, container: Container, columns: tuple[str, ...]) -> int:
    """Write ``rows`` to ``path``, gzipped when it ends in ``.gz``; returns how many.

    ``container`` is the usual one; a name in ``.json``, ``.jsonl`` or ``.parquet`` asks for
    another.
    """
    container = _asked_for(path, container)
    with _appearing_when_complete(path) as raw:
        if path.suffix == ".gz" and container != "bundle":
            # without a name and a time the same rows give the same bytes
            with gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as packed:
                return write_rows(cast(IO[bytes], packed), rows, container, columns)
        return write_rows(raw, rows, container, columns)


def _asked_for(path: Path, usual: Container) -> Container:
    if usual in ("bundle", "csv"):
        return usual
    suffix = Path(path.stem).suffix if path.suffix == ".gz" else path.suffix
    return SUFFIXES.get(suffix, usual)


def write_rows(
    stream: IO[bytes], rows: Rows, container: Container, columns: tuple[str, ...]
) -> int:
    if container == "bundle":
        return write_bundle(stream, rows, software="agon")
    if container == "parquet":
        return write_parquet(stream, rows)
    text = io.TextIOWrapper(stream, encoding="utf-8", errors="replace", newline="")
    writers = {"csv": _write_csv, "json": _write_json}
    written = writers.get(container, _write_json_lines)(text, rows, columns)
    text.flush()
    text.detach()
    return written


def _write_json_lines(text: io.TextIOWrapper, rows: Rows, _: tuple[str, ...]) -> int:
    written = 0
    for row in rows:
        text.write(json_text(row) + "\n")
        written += 1
    return written


def _write_json(text: io.TextIOWrapper, rows: Rows, _: tuple[str, ...]) -> int:
    written = 0
    text.write("[")
    for written, row in enumerate(rows, start=1):
        text.write(("\n" if written == 1 else ",\n") + json_text(row))
    text.write("\n]\n" if written else "]\n")
    return written


def _write_csv(text: io.TextIOWrapper, rows: Rows, columns: tuple[str, ...]) -> int:
    writer = csv.DictWriter(text, fieldnames=columns)
    writer.writeheader()
    written = 0
    for row in rows:
        writer.writerow(row)
        written += 1
    return written


@contextmanager
def _appearing_when_complete(path: Path) -> Iterator[IO[bytes]]:
    descriptor, unfinished = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as stream:
            yield stream
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(unfinished, 0o666 & ~umask)
        os.replace(unfinished, path)
    except BaseException:
        os.unlink(unfinished)
        raise
