"""One lm-eval task, ready to build prompts and to score answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.harness.catalogue import Catalogue, catalogue
from benchmarks.harness.data import data_from
from benchmarks.harness.groups import SEPARATOR, Member, members
from benchmarks.harness.squad_metrics import provide_squad_metrics
from benchmarks.suites_base import DataSource, TaskError


def load_task(name: str, *, source: DataSource, home: Path | None) -> Any:  # an lm_eval Task
    """lm-eval's own task object with its data; raises TaskError."""
    return load_from(catalogue(home), name, source=source)


def load_from(known: Catalogue, address: str, *, source: DataSource) -> Any:  # an lm_eval Task
    """The task at ``address``: a name, or ``group::member`` with the group's settings."""
    from lm_eval.tasks import TaskManager
    from lm_eval.tasks._index import TaskIndex
    from lm_eval.tasks._yaml_loader import load_yaml

    provide_squad_metrics()
    member = _member(known, address)
    manager = TaskManager(include_defaults=False)
    index = manager.task_index
    for path in known.files_of([member.name]):
        TaskIndex.process_cfg(load_yaml(path, resolve_func=False), path, index)
    with data_from(source):
        try:
            if member.is_inline:
                return manager.load([{**member.settings, "task": address}])["tasks"][address]
            changes = {**member.settings, "task": member.name}
            return manager._factory.build(index[member.name], overrides=changes, registry=index)
        except ImportError as error:
            raise TaskError(
                f"task {address!r} needs a package that is not installed: {error}"
            ) from error
        except (OSError, ValueError) as error:
            if isinstance(error, TaskError):
                raise
            raise TaskError(f"task {address!r} cannot be loaded: {str(error)[:300]}") from error
        except KeyError as error:
            raise TaskError(
                f"the data of task {address!r} have no {error}; compare the files in the data "
                "directory with the data set on the hub"
            ) from error


def _member(known: Catalogue, address: str) -> Member:
    group, separator, name = address.partition(SEPARATOR)
    if not separator:
        entry = known.entries.get(address)
        if entry is None or entry.kind != "task":
            raise TaskError(f"lm-eval has no single task named {address!r}; search --list-tasks")
        return Member(address, ())
    for member in members(known, group, resolves=True):
        if member.address == address:
            return member
    raise TaskError(f"group {group!r} of lm-eval has no task {name!r}")
