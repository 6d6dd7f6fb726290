"""The container of our own bundle: a zip of JSON-lines parts and a manifest with their hashes.

Nothing is ever unpacked to disk. The same records give the same bytes: no clock and no machine
name goes into the archive.
"""

import hashlib
import io
import json
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import IO, Any

from pydantic import JsonValue

from arena.dialects.fields import BadRow, FieldError, Fields, SourceRow
from arena.dialects.files.json_rows import read_json_lines
from arena.dialects.records import Place

FORMAT, VERSION = "agon-bundle", 1
MANIFEST = "manifest.json"
MAX_MANIFEST_BYTES = 1 << 20
EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest date a zip can hold


def read_bundle(stream: IO[bytes], name: str) -> Iterator[SourceRow]:
    """Every row of every part in the manifest's order, then a BadRow where a hash is wrong."""
    try:
        with zipfile.ZipFile(stream) as archive:
            for part in _manifest_parts(archive, name):
                yield from _part_rows(archive, part, name)
    except FieldError as error:
        yield BadRow(Place(f"{name}/{MANIFEST}"), error.field, error.value, error.remedy, True)
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        remedy = "the archive is damaged or cut off; get it again"
        yield BadRow(Place(name), "", str(error)[:120], remedy, ends_file=True)


def _manifest_parts(archive: zipfile.ZipFile, name: str) -> list[Fields]:
    place = Place(f"{name}/{MANIFEST}")
    if MANIFEST not in archive.namelist():
        raise FieldError("", "", f"a bundle holds {MANIFEST}; this zip is none. Unpack it first")
    with archive.open(MANIFEST) as file:
        text = file.read(MAX_MANIFEST_BYTES)
    try:
        manifest = Fields.of(json.loads(text), place)
    except ValueError:
        raise FieldError("", "", "the manifest is not JSON; export the bundle again") from None
    if manifest.get("format") != FORMAT:
        raise manifest.error("format", f"expected {FORMAT!r}")
    if manifest.whole("version") > VERSION:
        raise manifest.error(
            "version", f"this release reads versions up to {VERSION}; update it to read this file"
        )
    parts = list(manifest.objects("parts"))
    for part in parts:
        if part.text("name") not in archive.namelist():
            raise part.error("name", "the manifest names a part that is missing from the archive")
    return parts


class _Hashed(io.RawIOBase):
    """A stream that hashes what is read from it."""

    def __init__(self, stream: IO[bytes]) -> None:
        self.stream = stream
        self.digest = hashlib.sha256()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:  # the buffer protocol has no type before 3.12
        chunk = self.stream.read(len(buffer))
        buffer[: len(chunk)] = chunk
        self.digest.update(chunk)
        return len(chunk)


def _part_rows(archive: zipfile.ZipFile, part: Fields, name: str) -> Iterator[SourceRow]:
    part_name = part.text("name")
    with archive.open(part_name) as stream:
        hashed = _Hashed(stream)
        yield from read_json_lines(io.BufferedReader(hashed), f"{name}/{part_name}")
    if hashed.digest.hexdigest() != part.text("sha256"):
        remedy = "the part does not have the hash in the manifest; export the bundle again"
        yield BadRow(Place(f"{name}/{part_name}"), "sha256", part.text("sha256"), remedy, True)


def write_bundle(stream: IO[bytes], rows: Iterable[dict[str, JsonValue]], software: str) -> int:
    """Write rows, grouped by their ``record``, one part per kind; returns how many."""
    parts: list[JsonValue] = []
    total = 0
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for kind, group in groupby(rows, key=lambda row: str(row["record"])):
            written, digest = _write_part(archive, f"{kind}.jsonl", group)
            parts.append({"name": f"{kind}.jsonl", "rows": written, "sha256": digest})
            total += written
        manifest: JsonValue = {
            "format": FORMAT,
            "version": VERSION,
            "software": software,
            "parts": parts,
        }
        text = json.dumps(manifest, ensure_ascii=False, indent=2) + "\n"
        archive.writestr(_entry(MANIFEST), text)
    return total


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, date_time=EPOCH)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    return entry


def _write_part(
    archive: zipfile.ZipFile, name: str, rows: Iterable[dict[str, JsonValue]]
) -> tuple[int, str]:
    digest, written = hashlib.sha256(), 0
    with archive.open(_entry(name), "w", force_zip64=True) as file:
        for row in rows:
            line = json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
            digest.update(line)
            file.write(line)
            written += 1
    return written, digest.hexdigest()
