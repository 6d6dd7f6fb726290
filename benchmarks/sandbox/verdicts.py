"""What is to be run in the sandbox, within which bounds, and how it ended."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum

MIB = 1 << 20


class Isolation(IntEnum):
    """How far the program is kept apart from the host; a higher level includes more.

    Level 0 has resource limits only and is refused unless an administrator allows it.
    """

    LIMITS = 0
    SYSTEM_CALLS = 1
    NAMESPACES = 2
    BUBBLEWRAP = 3


class Status(StrEnum):
    """``SANDBOX_ERROR`` is a failure of the sandbox itself: never scored, to be tried again."""

    PASSED = "passed"
    FAILED = "failed"
    ERROR = "error"
    TIMED_OUT = "timed_out"
    KILLED = "killed"
    SANDBOX_ERROR = "sandbox_error"


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on one program. 3 s is the HumanEval harness's; it counts from the program's start."""

    timeout_s: float = 3.0
    memory_bytes: int = 2048 * MIB
    file_bytes: int = 10 * MIB
    disk_bytes: int = 64 * MIB
    output_bytes: int = 64 * 1024
    flood_bytes: int = 8 * MIB
    processes: int = 48
    open_files: int = 64
    start_s: float = 30.0


@dataclass(frozen=True, slots=True)
class Program:
    """``source`` is what the model wrote (with its prompt), ``check`` the tests of it.

    The tests call the program from a process of their own; an AssertionError in them is a failed
    test, anything else that is raised is an error. ``helpers`` is code of the problem's author that
    tests may use; of a program with helpers, only ``entry`` can stand in for one of their names.
    """

    source: str
    check: str = ""
    helpers: str = ""
    entry: str = ""

    def tests(self) -> dict[str, str]:
        """What the program itself must not see."""
        return {"check": self.check, "helpers": self.helpers, "entry": self.entry}


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a program ended; ``wall_s`` counts from its start, ``output`` is bounded."""

    status: Status
    isolation: Isolation
    detail: str = ""
    output: str = ""
    wall_s: float = 0.0

    @property
    def is_passed(self) -> bool:
        return self.status is Status.PASSED


class UnsafeSandboxError(RuntimeError):
    """This host isolates less than is required."""
