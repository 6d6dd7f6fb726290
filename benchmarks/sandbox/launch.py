"""Starting the sandboxed interpreter at each isolation level."""

from __future__ import annotations

import json
import math
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

from benchmarks.sandbox.verdicts import Isolation, Limits, Program

SYSTEM_FOLDERS = ("/usr", "/bin", "/lib", "/lib64")
CHILD_MODULES = ("system_calls", "isolate", "calls", "child")
# unprivileged user ids that no distribution hands out; a fresh one per program when run by root
USER_IDS = range(61_184, 65_519)
ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8", "PYTHONHASHSEED": "0"}


@dataclass(slots=True)
class Started:
    """A running child, our end of the pipe its verdict comes through, and the secret of it."""

    process: subprocess.Popen[bytes]
    verdicts: int
    nonce: str


@cache
def interpreter(level: Isolation) -> str:
    """The base interpreter: a virtual environment may lie where the sandbox cannot read.

    Below the namespaces level it must be readable by an unprivileged user as it lies; if it is
    not (a root user's own build), the system's interpreter serves.
    """
    ours = os.path.realpath(str(getattr(sys, "_base_executable", sys.executable)))
    if level >= Isolation.NAMESPACES or os.geteuid() != 0 or _is_open_to_all(ours):
        return ours
    return shutil.which("python3", path=ENVIRONMENT["PATH"]) or ours


def _is_open_to_all(path: str) -> bool:
    return all(part.stat().st_mode & 0o001 for part in (Path(path), *Path(path).parents))


@cache
def readable_folders() -> tuple[str, ...]:
    prefix = os.path.realpath(sys.base_prefix)
    extra = () if prefix.startswith("/usr") else (prefix,)
    return (*(folder for folder in SYSTEM_FOLDERS if os.path.exists(folder)), *extra)


@cache
def _child_code() -> str:
    """A program that rebuilds the child's modules in a bare interpreter and runs them."""
    package = files("benchmarks.sandbox")
    sources = {
        f"benchmarks.sandbox.{name}": package.joinpath(f"{name}.py").read_text()
        for name in CHILD_MODULES
    }
    return (
        "import sys, types\n"
        "for name in ('benchmarks', 'benchmarks.sandbox'):\n"
        "    sys.modules[name] = types.ModuleType(name)\n"
        f"for name, text in {sources!r}.items():\n"
        "    sys.modules[name] = module = types.ModuleType(name)\n"
        "    exec(compile(text, name, 'exec'), module.__dict__)\n"
        "module.main()\n"
    )


@contextmanager
def started(program: Program, limits: Limits, level: Isolation) -> Iterator[Started]:
    """Start the program; its processes and files are gone when the block ends."""
    owner = secrets.choice(USER_IDS) if os.geteuid() == 0 else None
    folder = tempfile.mkdtemp(prefix="agon-sandbox-")
    if owner is not None:
        os.chown(folder, owner, owner)
    ours, theirs = os.pipe()
    nonce = secrets.token_hex(16)
    try:
        process = _spawn(level, limits, folder, theirs)
        os.close(theirs)
        try:
            job = _job(program, limits, level, folder, theirs) | {"owner": owner}
            _hand_over(process, job, program.tests(), nonce)
            yield Started(process, ours, nonce)
        finally:
            end(process)
    finally:
        os.close(ours)
        shutil.rmtree(folder, ignore_errors=True)


def _spawn(level: Isolation, limits: Limits, folder: str, verdicts: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [*_wrapper(level, limits), interpreter(level), "-I", "-S", "-B", "-c", _child_code()],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=folder if level < Isolation.NAMESPACES else "/",
        env=ENVIRONMENT,
        pass_fds=(verdicts,),
        start_new_session=True,
    )


def _wrapper(level: Isolation, limits: Limits) -> list[str]:
    """The command that sets up namespaces around the interpreter."""
    if level is Isolation.BUBBLEWRAP:
        return _bubblewrap(limits)
    if level is Isolation.NAMESPACES:
        # root needs no user namespace: the child changes to a user of its own instead
        user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
        spaces = ["--net", "--ipc", "--uts", "--pid", "--mount"]
        return [_tool("unshare"), *user, *spaces, "--fork", "--kill-child"]
    return []


def _tool(name: str) -> str:
    # by its full path: the child's own PATH is shorter than ours
    return shutil.which(name) or name


def _bubblewrap(limits: Limits) -> list[str]:
    command = [_tool("bwrap"), "--die-with-parent", "--new-session", "--clearenv"]
    command += ["--cap-drop", "ALL"]
    if os.geteuid() == 0:
        # without a user namespace, so that the child can change to a user of its own
        command += ["--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts"]
        command += ["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
    else:
        command += ["--unshare-all"]
    for name, value in ENVIRONMENT.items():
        command += ["--setenv", name, value]
    for folder in readable_folders():
        # bubblewrap makes missing folders above a bound one readable by their owner alone
        for above in reversed(Path(folder).parents[:-1]):
            command += ["--perms", "0755", "--dir", str(above)]
        if os.path.islink(folder):
            command += ["--symlink", os.readlink(folder), folder]
        else:
            command += ["--ro-bind", folder, folder]
    command += ["--proc", "/proc", "--dev", "/dev"]
    for folder in ("/tmp", "/work"):
        command += ["--perms", "1777", "--size", str(limits.disk_bytes), "--tmpfs", folder]
    return [*command, "--chdir", "/work", "--"]


def _job(
    program: Program, limits: Limits, level: Isolation, folder: str, verdicts: int
) -> dict[str, object]:
    return {
        "source": program.source,
        "level": int(level),
        "root": folder,
        "work": folder if level < Isolation.NAMESPACES else "/work",
        "readable": list(readable_folders()),
        "verdicts": verdicts,
        "cpu_s": math.ceil(limits.timeout_s) + 1,
        "memory_bytes": limits.memory_bytes,
        "file_bytes": limits.file_bytes,
        "disk_bytes": limits.disk_bytes,
        "open_files": limits.open_files,
        "processes": limits.processes,
    }


def _hand_over(
    process: subprocess.Popen[bytes],
    job: dict[str, object],
    tests: dict[str, str],
    nonce: str,
) -> None:
    """Write the job, the tests, the nonce; a child that died early is found out by its silence."""
    parts = [json.dumps(part).encode() for part in (job, tests)]
    assert process.stdin is not None
    with suppress(BrokenPipeError):
        for part in parts:
            process.stdin.write(f"{len(part)}\n".encode() + part)
        process.stdin.write(f"{nonce}\n".encode())
        process.stdin.close()


def end(process: subprocess.Popen[bytes]) -> None:
    """Kill the whole group; a process namespace ends with its first process."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            with suppress(BrokenPipeError):
                stream.close()
