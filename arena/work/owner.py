"""Who holds a lease, and whether that process still lives."""

import os
import socket
from functools import cache
from pathlib import Path


@cache
def _hostname() -> str:
    return socket.gethostname()[:60]


def _started_at(pid: int) -> str:
    """Clock ticks since boot at which a process started (field 22 of Linux' ``stat``)."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return "0"
    return stat.rpartition(")")[2].split()[19]


def process_owner() -> str:
    """This process as the owner of leases: host, process id, and when the process started."""
    pid = os.getpid()
    return f"{_hostname()}:{pid}:{_started_at(pid)}"


def is_owner_dead(owner: str) -> bool:
    """True only when the owner ran on this host and its process is certainly gone."""
    host, _, rest = owner.partition("/")[0].partition(":")
    pid_text, _, started = rest.partition(":")
    if host != _hostname() or not pid_text.isdigit():
        return False
    pid = int(pid_text)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return started != "0" and _started_at(pid) != started
