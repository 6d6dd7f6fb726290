"""The program inside the sandbox; it is handed to a bare interpreter as text (``launch.py``).

Standard input carries one line of JSON (the job), then the nonce. The nonce is read only after
the tests have run to their end, so a program that leaves early cannot have written it.
"""

import json
import os
import resource
import sys
from typing import Any

from benchmarks.sandbox.isolate import enter, restrict

BLOCKED_EVENTS = (
    "sys.settrace",
    "sys.setprofile",
    "sys.monitoring",
    "ctypes.",
    "gc.get_",
)


def tell(descriptor: int, **message: object) -> None:
    os.write(descriptor, json.dumps(message).encode() + b"\n")


def limit(job: dict[str, Any]) -> None:
    """Resource limits; none of them can be raised again."""
    bounds = {
        resource.RLIMIT_CPU: job["cpu_s"],
        resource.RLIMIT_AS: job["memory_bytes"],
        resource.RLIMIT_DATA: job["memory_bytes"],
        resource.RLIMIT_FSIZE: job["file_bytes"],
        resource.RLIMIT_NOFILE: job["open_files"],
        resource.RLIMIT_NPROC: job["processes"],
        resource.RLIMIT_CORE: 0,
    }
    for kind, bound in bounds.items():
        resource.setrlimit(kind, (bound, bound))


def read_line(descriptor: int) -> bytes:
    line = b""
    while not line.endswith(b"\n"):
        part = os.read(descriptor, 1)  # byte by byte, so that nothing after the line is taken
        if not part:
            break
        line += part
    return line


def watch(event: str, _: tuple[object, ...]) -> None:
    """An audit hook cannot be taken off: tracing could skip the assertions of a test."""
    if event.startswith(BLOCKED_EVENTS):
        raise RuntimeError(f"{event} is not available in the sandbox")


def run(job: dict[str, Any]) -> tuple[str, str]:
    """Status and detail; whatever is raised ends here."""
    namespace: dict[str, object] = {"__name__": "__main__", "__builtins__": __builtins__}
    stage = "program"
    try:
        exec(compile(job["source"], "<program>", "exec"), namespace)
        stage = "tests"
        exec(compile(job["check"], "<tests>", "exec"), namespace)
    except AssertionError as error:
        return ("failed" if stage == "tests" else "error"), f"AssertionError: {error}"
    except BaseException as error:  # noqa: BLE001  # the border around one whole sample: its reason is stored
        return "error", f"{type(error).__name__} in the {stage}: {error}"
    return "passed", ""


def main() -> None:
    incoming = os.dup(0)
    size = int(read_line(incoming))
    text = b""
    while len(text) < size:
        text += os.read(incoming, min(size - len(text), 1 << 16))
    job: dict[str, Any] = json.loads(text)  # numbers, texts and lists of paths
    verdicts: int = job["verdicts"]
    try:
        enter(job)
        limit(job)
        restrict(job)
    except OSError as error:
        tell(verdicts, status="sandbox_error", detail=str(error))
        os._exit(3)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    sys.addaudithook(watch)
    tell(verdicts, status="ready")
    status, detail = run(job)
    nonce = read_line(incoming).decode().strip() if status == "passed" else ""
    sys.stdout.flush()
    tell(verdicts, status=status, detail=detail[:2000], nonce=nonce)
    os._exit(0)
