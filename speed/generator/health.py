"""How the generator itself is doing: loop lag, CPU share, late sends. A slow client lies."""

import os
import platform
import sys
from array import array
from pathlib import Path
from time import monotonic_ns, process_time_ns
from typing import Any  # JSON header

PROBE_NS = 50_000_000
CPU_WINDOW_NS = 1_000_000_000


class HealthProbe:
    """Samples the loop's lag at every tick and the process's CPU share once a second."""

    def __init__(self) -> None:
        self.lags_ns: array[int] = array("q")
        self.cpu_shares: array[float] = array("d")
        self._window_start_ns = monotonic_ns()
        self._window_cpu_ns = process_time_ns()
        self._start_ns = self._window_start_ns
        self._start_cpu_ns = self._window_cpu_ns
        self._machine_start = machine_ticks()
        self.result: dict[str, float] = {}

    def sample(self, due_ns: int, now_ns: int) -> None:
        """A tick that was due at ``due_ns`` runs at ``now_ns``."""
        self.lags_ns.append(max(0, now_ns - due_ns))
        if now_ns - self._window_start_ns >= CPU_WINDOW_NS:
            cpu_ns = process_time_ns()
            share = (cpu_ns - self._window_cpu_ns) / (now_ns - self._window_start_ns)
            self.cpu_shares.append(share)
            self._window_start_ns, self._window_cpu_ns = now_ns, cpu_ns

    def finish(self) -> None:
        """The run is over: CPU shares of this process and of all CPUs of the machine together."""
        wall_ns = max(1, monotonic_ns() - self._start_ns)
        busy, total = (b - a for a, b in zip(self._machine_start, machine_ticks(), strict=True))
        self.result = {
            "cpu_share": (process_time_ns() - self._start_cpu_ns) / wall_ns,
            "cpu_share_peak": max(self.cpu_shares, default=0.0),
            "machine_busy_share": busy / total if total else 0.0,
            "peak_memory_bytes": float(peak_memory_bytes()),
        }


def machine_ticks() -> tuple[int, int]:
    """(busy, total) clock ticks of all CPUs since boot; zeros where /proc is missing."""
    try:
        first = Path("/proc/stat").read_text().partition("\n")[0]
    except OSError:
        return 0, 0
    ticks = [int(value) for value in first.split()[1:9]]
    idle = ticks[3] + ticks[4]
    return sum(ticks) - idle, sum(ticks)


def peak_memory_bytes() -> int:
    """The largest resident size of this process so far; 0 where the system does not tell."""
    if sys.platform == "win32":
        return 0
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def raise_descriptor_limit(needed: int) -> int:
    """Raise the soft limit of open files to the hard one; the limit that holds afterwards."""
    if sys.platform == "win32":
        return needed
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard if hard != resource.RLIM_INFINITY else max(needed, 1 << 20)


def machine(urgency: str) -> dict[str, Any]:
    """Where this process runs, and how urgently."""
    pinned = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpus": os.cpu_count(),
        "affinity": pinned,
        "urgency": urgency,
    }
