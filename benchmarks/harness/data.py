"""Where lm-eval's tasks get their data from: the hub, ModelScope, or a folder on this machine."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import RLock
from typing import Any

from benchmarks.suites_base import DataSource, TaskError

# lm-eval's tasks call datasets.load_dataset themselves, some from their own modules, so the one
# function is exchanged while a task is loaded; the lock keeps threads apart
_LOADING = RLock()
FORMATS = {".jsonl": "json", ".json": "json", ".parquet": "parquet", ".csv": "csv"}
# tasks name the same split differently; a file may use either name
SPLIT_ALIASES = (("validation", "val"), ("validation", "valid"), ("val", "validation"))


@contextmanager
def data_from(source: DataSource) -> Iterator[None]:
    """While the block runs, every data set comes from ``source``."""
    import datasets

    with _LOADING:
        original = datasets.load_dataset
        datasets.load_dataset = _loader(source, original)
        try:
            yield
        finally:
            datasets.load_dataset = original


def _loader(source: DataSource, original: Callable[..., Any]) -> Callable[..., Any]:
    def load(path: str, name: str | None = None, **options: Any) -> Any:
        if path in ("json", "csv", "parquet", "text") and "data_files" in options:
            return original(path, name, **options)
        if source.hub == "local":
            return load_local(_required(source), path, name, options, original)
        if source.hub == "modelscope":
            return load_local(_from_modelscope(path), "", name, options, original)
        try:
            return original(path, name, **options)
        except (OSError, ValueError, RuntimeError) as error:
            raise TaskError(_missing(path, name, error)) from error

    return load


def _required(source: DataSource) -> Path:
    if source.directory is None:
        raise TaskError("the data hub is Local but no directory is given; add --dataset-dir DIR")
    if not source.directory.is_dir():
        raise TaskError(f"the data directory {source.directory} does not exist")
    return source.directory


def _missing(path: str, name: str | None, error: Exception) -> str:
    what = f"{path} ({name})" if name else path
    return (
        f"data set {what} could not be loaded from the hub: {str(error)[:200]}. Without network, "
        f"fetch it on a connected machine with `hf download --repo-type dataset {path} --local-dir "
        f"DIR/{path}` and run with --dataset-hub Local --dataset-dir DIR"
    )


def _from_modelscope(path: str) -> Path:
    try:
        from modelscope.hub.snapshot_download import snapshot_download
    except ImportError as error:
        raise TaskError(
            f"data set {path} is asked for from ModelScope, whose package is not installed; "
            "run `pip install modelscope`, or use --dataset-hub Local"
        ) from error
    return Path(snapshot_download(path, repo_type="dataset"))


def load_local(
    directory: Path,
    path: str,
    name: str | None,
    options: Mapping[str, Any],
    original: Callable[..., Any],
) -> Any:
    """A data set from ``directory``, laid out as on the hub.

    ``directory/<owner>/<name>`` (or ``<owner>__<name>``, or ``<name>``) holds one folder per
    configuration with one file per split (``test.jsonl``, ``dev.parquet``, …), or the splits
    themselves when there is one configuration. Splits may also be named ``<config>_<split>`` or
    ``<split>-00000-of-00001``.
    """
    folder = _folder(directory, path)
    files = _split_files(folder, name)
    if not files:
        wanted = f"{folder}/{name}" if name else str(folder)
        raise TaskError(
            f"no split of data set {path} is in {wanted}; expected files such as test.jsonl, "
            f"validation.parquet or train.csv there. Fetch them with `hf download --repo-type "
            f"dataset {path} --local-dir {folder}`"
        )
    kinds = {FORMATS[file.suffix] for paths in files.values() for file in paths}
    if len(kinds) > 1:
        raise TaskError(
            f"the splits in {folder} are of several formats: {', '.join(sorted(kinds))}"
        )
    loaded = _loaded(kinds.pop(), files, original)
    for alias, split in SPLIT_ALIASES:
        if split in loaded and alias not in loaded:
            loaded[alias] = loaded[split]
    return loaded[options["split"]] if options.get("split") else loaded


def _loaded(kind: str, files: Mapping[str, list[Path]], original: Callable[..., Any]) -> Any:
    """All splits at once, or one by one where their columns differ, as those without answers do."""
    from datasets import DatasetDict
    from datasets.exceptions import DatasetGenerationError

    data_files = {split: [str(file) for file in paths] for split, paths in files.items()}
    try:
        return original(kind, data_files=data_files)
    except DatasetGenerationError:
        loaded = DatasetDict()
    for split, paths in data_files.items():
        try:
            loaded[split] = original(kind, data_files={split: paths})[split]
        except DatasetGenerationError as error:
            reason = str(error.__cause__ or error)[:300]
            raise TaskError(f"{', '.join(paths)} cannot be read as {kind}: {reason}") from error
    return loaded


def _folder(directory: Path, path: str) -> Path:
    if not path:
        return directory
    if os.path.isabs(path) and Path(path).is_dir():
        return Path(path)
    tried = [directory / path, directory / path.replace("/", "__"), directory / Path(path).name]
    for folder in tried:
        if folder.is_dir():
            return folder
    raise TaskError(
        f"data set {path} is not in {directory}: none of "
        f"{', '.join(str(folder.relative_to(directory)) for folder in tried)} is there. Fetch it "
        f"with `hf download --repo-type dataset {path} --local-dir {tried[0]}`"
    )


def _split_files(folder: Path, name: str | None) -> dict[str, list[Path]]:
    candidates = [folder / name, folder / "data" / name] if name else []
    for place in (*candidates, folder, folder / "data"):
        if place.is_dir():
            found = _splits_in(place, name)
            if found:
                return found
    return {}


def _splits_in(place: Path, name: str | None) -> dict[str, list[Path]]:
    """Files of ``place`` by split; of files named by configuration only ``name``'s."""
    files = sorted(file for file in place.iterdir() if file.suffix in FORMATS)
    named = [file for file in files if name and file.stem.startswith(f"{name}_")]
    found: dict[str, list[Path]] = {}
    for file in named or files:
        stem = file.stem.removeprefix(f"{name}_") if named else file.stem
        split = stem.split("-")[0]
        found.setdefault(split, []).append(file)
    return found
