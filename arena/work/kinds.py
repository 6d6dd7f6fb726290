"""The kinds of run there are; each room brings its own in a module named ``runs``.

``arena`` may not import the rooms above it, so they register here when Django starts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from django.db.models import QuerySet
from django.utils.functional import Promise

from arena.models import Run


class Claimed(Protocol):
    """A claimed row, or as much of it as the driver needs to know."""

    @property
    def pk(self) -> int: ...

    @property
    def attempts(self) -> int: ...

    @property
    def lease_owner(self) -> str: ...


class Workload(Protocol):
    """What the driver needs to know about one run's work.

    ``in_flight`` bounds how many items are performed at once.
    """

    in_flight: int

    def load(self, ids: Sequence[int]) -> Sequence[Any]:
        """Claimed rows (``Claimed``) with all that ``perform`` needs, so that it makes no query."""

    async def perform(self, item: Any) -> Any:
        """Do one item; raises ``providers.ProviderError`` when the endpoint fails."""

    def columns(self, item: Any, result: Any) -> dict[str, object]:
        """The column values that store a result."""

    def failure_columns(self, item: Any) -> dict[str, object]:
        """Further column values of an item without a result: what it cost all the same."""

    async def aclose(self) -> None:
        """Let go of connections."""


@dataclass(frozen=True, slots=True)
class WindingUp:
    """Ends what a cancelled run has begun elsewhere.

    ``unfinished`` gives the cancelled runs for which ``act`` is to be called (again); ``told`` says
    what has come of it, empty where there was nothing to end.
    """

    unfinished: Callable[[], QuerySet[Any]]
    act: Callable[[Any], None]
    told: Callable[[Any], str]


@dataclass(frozen=True, slots=True)
class RunKind:
    """``open_workload`` is called in a worker, once per chunk of a run.

    ``facts`` gives what the run's page says about it, as (label, value) pairs. ``extend`` is called
    when all rows of a run are finished, with the run locked: it may make more rows and return True.
    ``send`` tells the workers that a run (by its id) has rows to work on, where an ordinary message
    to any of them will not do. ``winding_up`` is for kinds whose cancelled runs leave something.
    """

    name: str
    label: str | Promise
    model: type[Run]
    open_workload: Callable[[Any], Workload]
    facts: Callable[[Any], list[tuple[str, object]]]
    extend: Callable[[Any], bool] | None = None
    send: Callable[[int], None] | None = None
    winding_up: WindingUp | None = None


_KINDS: dict[str, RunKind] = {}


def register_run_kind(kind: RunKind) -> None:
    _KINDS[kind.name] = kind


def run_kind(name: str) -> RunKind:
    try:
        return _KINDS[name]
    except KeyError:
        known = ", ".join(sorted(_KINDS))
        raise LookupError(f"there is no kind of run named {name!r}; known are: {known}") from None


def run_kinds() -> list[RunKind]:
    return [kind for _, kind in sorted(_KINDS.items())]


def kind_of(run: Run) -> RunKind:
    return next(kind for kind in _KINDS.values() if type(run) is kind.model)
