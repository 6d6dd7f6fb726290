"""What a group of lm-eval is made of, without loading any data.

A group may change its members' settings (``num_fewshot: 25``). Such a member is addressed as
``group::member``; one that is taken as it is keeps its own name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from benchmarks.harness.catalogue import Catalogue
from benchmarks.harness.categories import category_groups
from benchmarks.suites_base import TaskError, TaskTree

SEPARATOR = "::"
# the settings of a group that say what it is; everything else it says goes to its members
GROUP_KEYS = frozenset(
    {"group", "group_alias", "task", "tag", "aggregate_metric_list", "metadata", "include"}
)


@dataclass(frozen=True, slots=True)
class Member:
    """A task inside a group. ``settings`` are what the groups above change about it.

    ``is_inline`` says that the settings are the whole definition.
    """

    name: str
    path: tuple[str, ...]
    settings: Mapping[str, Any] = field(default_factory=dict)
    is_inline: bool = False

    @property
    def address(self) -> str:
        is_changed = self.is_inline or any(key not in ("task",) for key in self.settings)
        return f"{self.path[0]}{SEPARATOR}{self.name}" if is_changed and self.path else self.name


def members(known: Catalogue, name: str, *, resolves: bool = False) -> list[Member]:
    """Every task below ``name`` in order, as lm-eval's own factory builds them.

    ``resolves`` imports the functions that definitions name, which building a task needs.
    """
    found: dict[str, Member] = {}
    for member in _walk(known, name, (), {}, resolves):
        found.setdefault(member.address, member)
    return list(found.values())


def _walk(
    known: Catalogue,
    name: str,
    path: tuple[str, ...],
    settings: Mapping[str, Any],
    resolves: bool,
) -> Iterator[Member]:
    entry = known.entries.get(name)
    if entry is None:
        raise TaskError(f"lm-eval has no task named {name!r}; search with --list-tasks")
    if entry.kind == "task":
        yield Member(name, path, settings)
    elif entry.kind == "tag":
        for child in entry.children:
            yield from _walk(known, child, (*path, name), settings, resolves)
    else:
        config = _config(entry.files[0], resolves)
        yield from _walk_group(known, config, (*path, name), settings, resolves)


def _config(path: str, resolves: bool) -> dict[str, Any]:
    from lm_eval.tasks._yaml_loader import load_yaml

    loaded: dict[str, Any] = load_yaml(path, resolve_func=resolves)
    return loaded


def _walk_group(
    known: Catalogue,
    config: Mapping[str, Any],
    path: tuple[str, ...],
    settings: Mapping[str, Any],
    resolves: bool,
) -> Iterator[Member]:
    own = {key: value for key, value in config.items() if key not in GROUP_KEYS}
    merged = {**own, **settings}
    children = config.get("task") or []
    for child in children if isinstance(children, list) else [children]:
        if isinstance(child, str):
            yield from _walk(known, child, path, merged, resolves)
        elif "group" in child and child["group"] not in known.entries:
            inner = f"{path[-1]}{SEPARATOR}{child['group']}"
            yield from _walk_group(known, child, (*path, inner), merged, resolves)
        else:
            base = child.get("group") or child["task"]
            changes = {key: value for key, value in child.items() if key not in ("group", "task")}
            if base in known.entries:
                yield from _walk(known, base, path, {**merged, **changes}, resolves)
            else:
                yield Member(base, path, {**merged, **child}, is_inline=True)


def tree(known: Catalogue, name: str) -> TaskTree:
    """The tasks and groups that ``name`` stands for."""
    found = members(known, name)
    groups: dict[str, list[str]] = {}
    for member in found:
        below = member.address
        for group in reversed(member.path):
            if below not in groups.setdefault(group, []):
                groups[group].append(below)
            below = group
    _merge_lone_tags(known, groups)
    ordered = {group: tuple(children) for group, children in groups.items()}
    ordered |= category_groups([member.address for member in found], ordered)
    plain = frozenset(
        group for group in groups
        if group in known.entries and not known.entries[group].weights_by_size
    )  # fmt: skip
    is_alone = len(found) == 1 and found[0].address == name
    return TaskTree(tuple(m.address for m in found), {} if is_alone else ordered, plain)


def _merge_lone_tags(known: Catalogue, groups: dict[str, list[str]]) -> None:
    """A group that consists of one tag is made of the tag's members: one line, not two alike."""
    for group in list(groups):
        while len(groups.get(group, ())) == 1 and _is_tag(known, groups[group][0]):
            groups[group] = groups.pop(groups[group][0])


def _is_tag(known: Catalogue, name: str) -> bool:
    return name in known.entries and known.entries[name].kind == "tag"
