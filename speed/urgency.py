"""How soon a timing process gets a CPU, and which one.

A busy machine makes a process wait its turn for tens of milliseconds, and whoever stamps packets
or keeps a schedule then measures that wait. Niceness alone does not help where the kernel groups
processes by session (autogroups): it only counts among the processes of one group. So the
round-robin real-time class is asked for first, which runs before all ordinary processes.

That class could starve a machine, so it is lent and not given: a process that computes for
``LONGEST_SPELL_US`` without once waiting gets SIGXCPU and goes back to being an ordinary one.
"""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

REAL_TIME_PRIORITY = 1
WANTED_NICENESS = -10
LONGEST_SPELL_US = 500_000


@contextmanager
def urgently() -> Iterator[str]:
    """Run before other processes inside the block; yields what the system granted.

    ``real-time`` or ``niceness N``. Both need a privilege; without it nothing changes, and the
    grade of the run tells whether that mattered.
    """
    if not hasattr(os, "setpriority"):
        yield "unknown"
        return
    before = os.getpriority(os.PRIO_PROCESS, 0)
    with suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, WANTED_NICENESS)
    is_real_time = _take_real_time()
    try:
        yield "real-time" if is_real_time else f"niceness {os.getpriority(os.PRIO_PROCESS, 0)}"
    finally:
        if is_real_time:
            be_ordinary()
        with suppress(PermissionError):
            os.setpriority(os.PRIO_PROCESS, 0, before)


def _take_real_time() -> bool:
    if sys.platform != "linux":
        return False
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_RTTIME)
    soft = LONGEST_SPELL_US if hard == resource.RLIM_INFINITY else min(LONGEST_SPELL_US, hard)
    signal.signal(signal.SIGXCPU, lambda *_: be_ordinary())
    resource.setrlimit(resource.RLIMIT_RTTIME, (soft, hard))
    policy = os.SCHED_RR | os.SCHED_RESET_ON_FORK
    try:
        os.sched_setscheduler(0, policy, os.sched_param(REAL_TIME_PRIORITY))
    except PermissionError:
        return False
    return True


def be_ordinary() -> None:
    """Leave the real-time class, which needs no privilege."""
    if sys.platform == "linux":
        os.sched_setscheduler(0, os.SCHED_OTHER | os.SCHED_RESET_ON_FORK, os.sched_param(0))


def pin_to(cpu: int | None) -> None:
    """Keep this process on one CPU; None leaves it all of them."""
    if cpu is not None and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {cpu})
