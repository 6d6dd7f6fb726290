"""A snapshot as a file from which anyone recomputes its numbers; pure, needs no database.

A bundle is a zip of ``manifest.json`` (the question, the method, the published numbers) and
``columns.npz`` (the fitted rows; voters are numbered, nobody is named, and of questions only the
ids within their sets where a method's options go by them).
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from leaderboard.ratings import METHODS, Comparisons, Ratings, Scores

FORMAT: Final = "agon-snapshot-1"
MOST_BYTES: Final = 4 << 30
MANIFEST, COLUMNS = "manifest.json", "columns.npz"

Columns = dict[str, NDArray[Any]]  # dtypes differ
Manifest = dict[str, Any]  # JSON


class BundleError(ValueError):
    """The file is no bundle, or not one this version can read."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """What a bundle holds."""

    manifest: Manifest
    columns: Columns


@dataclass(frozen=True, slots=True)
class Recomputed:
    """Ratings made from a bundle, and where they differ from its own: model and both numbers."""

    ratings: Ratings
    differences: list[tuple[str, float | None, float | None]]

    @property
    def largest_difference(self) -> float:
        known = [abs(a - b) for _, a, b in self.differences if a is not None and b is not None]
        return max(known, default=0.0)


def archived(columns: Mapping[str, NDArray[Any]]) -> bytes:
    """Columns as a compressed archive of numpy arrays."""
    file = io.BytesIO()
    arrays: Any = dict(columns)  # numpy's stubs know no mapping of names here
    np.savez_compressed(file, **arrays)
    return file.getvalue()


def unarchived(data: bytes) -> Columns:
    """The columns of ``archived``; an archive with Python objects in it is refused."""
    with np.load(io.BytesIO(data), allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def write_bundle(manifest: Manifest, columns: bytes) -> bytes:
    """The zip file; the same snapshot gives the same bytes."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as bundle:
        text = json.dumps({"format": FORMAT, **manifest}, ensure_ascii=False, indent=2)
        bundle.writestr(zipfile.ZipInfo(MANIFEST), text)
        bundle.writestr(zipfile.ZipInfo(COLUMNS), columns)
    return file.getvalue()


def read_bundle(path: Path) -> Bundle:
    """Raises BundleError that says what is wrong with the file."""
    try:
        with zipfile.ZipFile(path) as bundle:
            size = sum(entry.file_size for entry in bundle.infolist())
            if size > MOST_BYTES:
                raise BundleError(
                    f"{path} unpacks to {size} bytes; a bundle has at most {MOST_BYTES}"
                )
            manifest = json.loads(bundle.read(MANIFEST))
            columns = unarchived(bundle.read(COLUMNS))
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise BundleError(
            f"{path} is not a snapshot bundle ({error}); download one from a board's page"
        ) from error
    if manifest.get("format") != FORMAT:
        raise BundleError(
            f"{path} has format {manifest.get('format')!r}; this version reads {FORMAT!r}"
        )
    return Bundle(manifest, columns)


def recompute(bundle: Bundle) -> Recomputed:
    """Fit the bundle's rows by its method, options and seed, and compare with its numbers."""
    manifest = bundle.manifest
    method = METHODS.get(manifest["method"])
    ratings = method.fit(_data(bundle, method.needs), manifest["options"], manifest["seed"])
    published = {row["model"]: row for row in manifest["ratings"]}
    differences = [
        (row["model"], published.get(row["model"], {}).get(name), row[name])
        for row in ratings.to_rows()
        for name in ("rating", "rating_lower", "rating_upper")
        if row["rating"] is not None
        and published.get(row["model"], {}).get(name) != row[name]
    ]  # fmt: skip
    return Recomputed(ratings, differences)


def _data(bundle: Bundle, needs: str) -> Comparisons | Scores:
    manifest, columns = bundle.manifest, bundle.columns
    if needs == "scores":
        return Scores(
            models=tuple(manifest["models"]), categories=tuple(manifest["categories"]), **columns
        )
    return Comparisons(
        models=tuple(manifest["models"]),
        feature_names=tuple(manifest["feature_names"]),
        question_names=tuple(manifest.get("question_names", ())),
        **columns,
    )
