"""Running programs in the sandbox: probing the host, watching the clock, reading the verdict."""

from __future__ import annotations

import json
import os
import selectors
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cache
from threading import Lock, Semaphore

from benchmarks.sandbox.launch import Started, started
from benchmarks.sandbox.system_calls import landlock_abi, seccomp_is_known
from benchmarks.sandbox.verdicts import (
    Isolation,
    Limits,
    Program,
    Status,
    UnsafeSandboxError,
    Verdict,
)

READ_BYTES = 1 << 16
VERDICT_BYTES = 1 << 14
# a level counts only if the standard library can be read in it and the folder written to
PROBE = Program("import decimal, heapq, random\nopen('file', 'w').write('x')")


@cache
def isolation_level() -> Isolation:
    """The highest level at which a trivial program runs here; asked once per process."""
    for level in sorted(Isolation, reverse=True):
        if _is_equipped(level) and run_program(PROBE, isolation=level).is_passed:
            return level
    return Isolation.LIMITS


def _is_equipped(level: Isolation) -> bool:
    if level is Isolation.BUBBLEWRAP:
        return shutil.which("bwrap") is not None
    if level is Isolation.NAMESPACES:
        return shutil.which("unshare") is not None
    return level is Isolation.LIMITS or (landlock_abi() > 0 and seccomp_is_known())


def required_isolation(*, allows_unsafe: bool = False) -> Isolation:
    """The level programs will run at; raises UnsafeSandboxError when it is the unsafe one."""
    level = isolation_level()
    if level is Isolation.LIMITS and not allows_unsafe:
        raise UnsafeSandboxError(
            "this host offers neither bubblewrap, nor user namespaces, nor Landlock with seccomp, "
            "so a model's code could read and change its files; install bubblewrap, or let an "
            "administrator set SANDBOX_ALLOW_UNSAFE=true"
        )
    return level


@dataclass(slots=True)
class _Watch:
    """What has come from a child so far."""

    limits: Limits
    output: bytearray = field(default_factory=bytearray)
    produced: int = 0
    messages: bytearray = field(default_factory=bytearray)
    started_at: float | None = None
    deadline: float = 0.0
    is_late: bool = False

    def read_output(self, data: bytes) -> None:
        self.produced += len(data)
        room = self.limits.output_bytes - len(self.output)
        self.output += data[: max(room, 0)]

    def read_messages(self, data: bytes) -> None:
        self.messages += data[: max(VERDICT_BYTES - len(self.messages), 0)]
        if self.started_at is None and b'"ready"' in self.messages:
            self.started_at = time.monotonic()
            self.deadline = self.started_at + self.limits.timeout_s

    @property
    def is_flooding(self) -> bool:
        return self.produced > self.limits.flood_bytes

    def verdict_message(self) -> dict[str, str]:
        """The last whole message; what is not JSON was not written by the harness."""
        lines = bytes(self.messages).splitlines()
        try:
            message = json.loads(lines[-1]) if lines else {}
        except ValueError:
            return {}
        return message if isinstance(message, dict) else {}


def run_program(program: Program, *, limits: Limits | None = None, isolation: Isolation) -> Verdict:
    """Run one program to its end or its limit."""
    limits = limits or Limits()
    try:
        with started(program, limits, isolation) as child:
            watch = _observe(child, limits)
            return _judge(child, watch, isolation)
    except (OSError, subprocess.SubprocessError) as error:
        return Verdict(Status.SANDBOX_ERROR, isolation, f"{type(error).__name__}: {error}")


def _observe(child: Started, limits: Limits) -> _Watch:
    """Drain both pipes until the child ends, floods, or is late."""
    watch = _Watch(limits, deadline=time.monotonic() + limits.start_s)
    assert child.process.stdout is not None
    output = child.process.stdout.fileno()
    with selectors.DefaultSelector() as selector:
        selector.register(output, selectors.EVENT_READ, watch.read_output)
        selector.register(child.verdicts, selectors.EVENT_READ, watch.read_messages)
        while selector.get_map() and not watch.is_flooding:
            left_s = watch.deadline - time.monotonic()
            if left_s <= 0:
                watch.is_late = True
                break
            for key, _ in selector.select(left_s):
                data = os.read(key.fd, READ_BYTES)
                if data:
                    key.data(data)
                else:
                    selector.unregister(key.fd)
    return watch


def _judge(child: Started, watch: _Watch, isolation: Isolation) -> Verdict:
    status, detail = _cut_short(watch) or _ended(child, watch)
    output = bytes(watch.output).decode(errors="replace")
    wall_s = time.monotonic() - watch.started_at if watch.started_at else 0.0
    return Verdict(status, isolation, detail, output, wall_s)


def _cut_short(watch: _Watch) -> tuple[Status, str] | None:
    """Why we ended it, if we did."""
    if watch.started_at is None:
        told = watch.verdict_message().get("detail") or bytes(watch.output[-500:]).decode(
            errors="replace"
        )
        return Status.SANDBOX_ERROR, told or "the sandbox did not start"
    if watch.is_late:
        return Status.TIMED_OUT, f"still running after {watch.limits.timeout_s:g} s"
    if watch.is_flooding:
        return Status.KILLED, f"wrote more than {watch.limits.flood_bytes} bytes"
    return None


def _ended(child: Started, watch: _Watch) -> tuple[Status, str]:
    """What the child itself said, believed only together with the nonce and a clean exit."""
    message = watch.verdict_message()
    code = child.process.wait()
    status = message.get("status")
    if status in (Status.FAILED, Status.ERROR, Status.KILLED):
        return Status(status), message.get("detail", "")
    if status == Status.PASSED and message.get("nonce") == child.nonce and code == 0:
        return Status.PASSED, ""
    if code < 0 or code > 128:
        return Status.KILLED, f"ended by signal {-code if code < 0 else code - 128}"
    return Status.ERROR, f"left with code {code} before its tests were over"


class Slots:
    """As many programs at once as there are cores, whoever in this process asks for them."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.free = Semaphore(count)
        self.taking_all = Lock()

    @contextmanager
    def one(self) -> Iterator[None]:
        with self.free:
            yield

    @contextmanager
    def all(self) -> Iterator[None]:
        """The host to oneself; of two that want it, the second waits for the first."""
        with self.taking_all, ExitStack() as held:
            for _ in range(self.count):
                held.enter_context(self.free)
            yield


SLOTS = Slots(os.cpu_count() or 1)


def run_programs(
    programs: Sequence[Program],
    *,
    limits: Limits | None = None,
    isolation: Isolation,
    workers: int | None = None,
) -> list[Verdict]:
    """Run many, as many at once as there are cores.

    A time-out on a busy host may be the host's fault, so each is tried once more, alone.
    """

    def run(program: Program) -> Verdict:
        with SLOTS.one():
            return run_program(program, limits=limits, isolation=isolation)

    with ThreadPoolExecutor(workers or SLOTS.count, "sandbox") as pool:
        verdicts = list(pool.map(run, programs))
    for index, verdict in enumerate(verdicts):
        if verdict.status in (Status.TIMED_OUT, Status.SANDBOX_ERROR):
            with SLOTS.all():
                verdicts[index] = run_program(programs[index], limits=limits, isolation=isolation)
    return verdicts
