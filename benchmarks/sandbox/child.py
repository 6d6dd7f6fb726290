"""The program inside the sandbox; it is handed to a bare interpreter as text (``launch.py``).

It splits in two. The program runs in a process that has neither the tests, nor the nonce, nor the
pipe of the verdict; the tests run in the other, which calls the program's functions over a pipe
(``calls.py``). Standard input carries three parts, a size before each of the first two: the job,
the tests, the nonce. The tests are read once the program has been cut off from the pipe, and the
nonce after they have run to their end.
"""

import builtins
import json
import os
import resource
import sys
from typing import Any

from benchmarks.sandbox.calls import GoneError, Peer, serve
from benchmarks.sandbox.isolate import enter, restrict
from benchmarks.sandbox.system_calls import forbid_inspection


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


def read_part(descriptor: int) -> Any:  # what the launcher wrote: numbers, texts, lists of paths
    size = int(read_line(descriptor))
    text = b""
    while len(text) < size:
        text += os.read(descriptor, min(size - len(text), 1 << 16))
    return json.loads(text)


def start_program(source: str, withheld: tuple[int, ...]) -> tuple[int, Peer]:
    """The program's process and our end of the pipes to it; it never holds what is withheld."""
    asked, asking = os.pipe()
    answers, answering = os.pipe()
    child = os.fork()
    if child == 0:
        for descriptor in (*withheld, asking, answers):
            os.close(descriptor)
        serve(source, Peer(asked, answering, is_open=True))
        os._exit(0)
    os.close(asked)
    os.close(answering)
    return child, Peer(answers, asking, is_open=False)


def run(peer: Peer, tests: dict[str, str]) -> tuple[str, str]:
    """Status and detail; whatever is raised ends here."""
    stage = "program"
    try:
        found = peer.wait()
        stage = "tests"
        namespace = names_of_tests(found, tests)
        exec(compile(tests["check"], "<tests>", "exec"), namespace)
    except GoneError:
        return "gone", ""
    except AssertionError as error:
        return ("failed" if stage == "tests" else "error"), f"AssertionError: {error}"
    except BaseException as error:  # noqa: BLE001  # the border around one whole sample: its reason is stored
        return "error", f"{type(error).__name__} in the {stage}: {error}"
    return "passed", ""


def names_of_tests(program: dict[str, object], tests: dict[str, str]) -> dict[str, object]:
    """What the tests see: helpers as the problem has them, and what the program brought.

    A program can replace neither a helper nor a builtin under its tests.
    """
    namespace: dict[str, object] = {"__name__": "__main__", "__builtins__": __builtins__}
    exec(compile(tests["helpers"], "<helpers>", "exec"), namespace)
    for name, value in program.items():
        if name == tests["entry"] or not (name in namespace or hasattr(builtins, name)):
            namespace[name] = value
    return namespace


def how_it_ended(child: int) -> tuple[str, str]:
    """Of a program that is gone before its tests were over."""
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return "killed", f"ended by signal {os.WTERMSIG(status)}"
    return "error", f"left with code {os.WEXITSTATUS(status)} before its tests were over"


def main() -> None:
    incoming = os.dup(0)
    job = read_part(incoming)
    verdicts: int = job["verdicts"]
    try:
        enter(job)
        limit(job)
        restrict(job)
        forbid_inspection()
    except OSError as error:
        tell(verdicts, status="sandbox_error", detail=str(error))
        os._exit(3)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    sys.set_int_max_str_digits(0)
    tell(verdicts, status="ready")
    child, peer = start_program(job["source"], (incoming, verdicts))
    status, detail = run(peer, read_part(incoming))
    if status == "gone":
        status, detail = how_it_ended(child)
    nonce = read_line(incoming).decode().strip() if status == "passed" else ""
    sys.stdout.flush()
    tell(verdicts, status=status, detail=detail[:2000], nonce=nonce)
    os._exit(0)
