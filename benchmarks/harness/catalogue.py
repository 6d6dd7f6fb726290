"""All tasks and groups of lm-eval by name, kept in a file because reading them takes half a minute.

lm-eval reads fourteen thousand YAML files to know its tasks. They are read once per installed
version; afterwards a task is loaded from its own files alone. ``definitions/`` holds, in lm-eval's
form, what it lacks.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

logger = logging.getLogger(__name__)
FORMAT = 1
DEFINITIONS = Path(__file__).parent / "definitions"


@dataclass(frozen=True, slots=True)
class Entry:
    """A name lm-eval knows. ``files`` are the YAML files that define it."""

    name: str
    kind: str
    files: tuple[str, ...] = ()
    children: tuple[str, ...] = ()
    output_type: str = ""
    dataset: str = ""
    description: str = ""
    weights_by_size: bool = True


@dataclass(frozen=True, slots=True)
class Catalogue:
    entries: dict[str, Entry] = field(default_factory=dict)

    def files_of(self, names: Iterable[str]) -> list[Path]:
        """The files that define ``names`` and everything below them."""
        found: dict[str, None] = {}
        waiting, seen = list(names), set()
        while waiting:
            name = waiting.pop()
            entry = self.entries.get(name)
            if entry is None or name in seen:
                continue
            seen.add(name)
            found |= dict.fromkeys(entry.files)
            waiting += entry.children
        return [Path(file) for file in found]


def harness_version() -> str:
    return metadata.version("lm_eval")


def tasks_folder() -> Path:
    import lm_eval.tasks

    return Path(lm_eval.tasks.__file__).parent


def kept_file(home: Path) -> Path:
    """Where the installed version's catalogue is kept."""
    return home / f"lm-eval-{harness_version()}-catalogue-{FORMAT}.json"


@cache
def catalogue(home: Path | None) -> Catalogue:
    """The catalogue of the installed version, read from ``home`` or made and kept there."""
    return Catalogue(read_catalogue([DEFINITIONS]).entries | _lm_evals(home).entries)


def _lm_evals(home: Path | None) -> Catalogue:
    if home is None:
        return read_catalogue([tasks_folder()])
    kept = kept_file(home)
    if kept.exists():
        rows = json.loads(kept.read_text())
        return Catalogue({row["name"]: _entry(row) for row in rows})
    logger.info("reading lm-eval's task definitions (once per version, about half a minute)")
    made = read_catalogue([tasks_folder()])
    home.mkdir(parents=True, exist_ok=True)
    # written beside and moved, so that no other process reads half a file
    partial = kept.with_suffix(".partial")
    partial.write_text(json.dumps([asdict(entry) for entry in made.entries.values()]))
    partial.replace(kept)
    return made


def _entry(row: dict[str, Any]) -> Entry:
    lists = {name: tuple(row[name]) for name in ("files", "children")}
    return Entry(**(row | lists))


def read_catalogue(folders: Sequence[Path]) -> Catalogue:
    """Read task definitions from folders of YAML files."""
    from lm_eval.tasks._index import TaskIndex

    index = TaskIndex.build(folders)
    return Catalogue({name: _describe(entry) for name, entry in index.items()})


def _describe(entry: Any) -> Entry:  # lm_eval's own entry, which has no public type
    config = entry.cfg or {}
    kind = entry.kind.name.lower()
    children = _child_names(config) if kind == "group" else tuple(sorted(entry.tags))
    metrics = config.get("aggregate_metric_list") or []
    metrics = metrics if isinstance(metrics, list) else [metrics]
    dataset = [config.get("dataset_path"), config.get("dataset_name")]
    return Entry(
        name=entry.name,
        kind="task" if kind == "py_task" else kind,
        files=(str(entry.yaml_path),) if entry.yaml_path else (),
        children=children if kind in ("group", "tag") else (),
        output_type=str(config.get("output_type") or ""),
        dataset=" ".join(str(part) for part in dataset if part),
        description=str(config.get("description") or config.get("group_alias") or "").strip()[:300],
        weights_by_size=all(metric.get("weight_by_size", True) for metric in metrics),
    )


def _child_names(config: dict[str, Any]) -> tuple[str, ...]:
    children = config.get("task") or []
    children = children if isinstance(children, list) else [children]
    return tuple(
        child if isinstance(child, str) else str(child.get("task") or child.get("group") or "")
        for child in children
    )
