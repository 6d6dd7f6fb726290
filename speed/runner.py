"""Starts the measuring process, watches its progress, stops it, and reads what it wrote."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self  # the closing line is JSON

import orjson

from speed.generator.progress import Counters, read_progress
from speed.inprocess_child import LocalPlan
from speed.plan import Phase, Plan, Target
from speed.stamps import Stamps, read_stamps
from speed.workloads import Recipe, write_requests

STOP_WAIT_S = 10


class GeneratorError(RuntimeError):
    """The measuring process refused its plan or died."""


class ChildRun:
    """A measuring process at work. Leaving the ``with`` block stops it."""

    module = ""

    def __init__(self, plan: Plan | LocalPlan) -> None:
        self.plan = plan
        self._process = subprocess.Popen(
            [sys.executable, "-m", self.module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        if self._process.stdin is not None:
            # By stdin, not by argument or file: the plan may hold a key.
            self._process.stdin.write(orjson.dumps(plan.to_json()))
            self._process.stdin.close()
            self._process.stdin = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.is_running:
            self.stop()
            self._process.communicate(timeout=STOP_WAIT_S)
        for stream in (self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()

    @property
    def is_running(self) -> bool:
        """Whether the process is still there."""
        return self._process.poll() is None

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def progress(self) -> Counters | None:
        """The counters as last published."""
        path = self.plan.progress_path
        return None if path is None else read_progress(path)

    def stop(self) -> None:
        """Ask the process to end; it does so within a second."""
        self._process.terminate()

    def wait(self, timeout_s: float | None = None) -> dict[str, Any]:
        """The closing report; raises GeneratorError with the process's own sentence."""
        output, errors = self._process.communicate(timeout=timeout_s)
        lines = output.splitlines()
        report: dict[str, Any] = orjson.loads(lines[-1]) if lines else {}
        if "error" in report:
            raise GeneratorError(str(report["error"]))
        if self._process.returncode or not report:
            last = errors.decode("utf-8", "replace").strip().splitlines()[-3:]
            raise GeneratorError(
                f"the measuring process ended with status {self._process.returncode}: "
                f"{' / '.join(last)}"
            )
        return report


class GeneratorRun(ChildRun):
    """The load generator."""

    module = "speed.generator"


class LocalRun(ChildRun):
    """A model measured in a process of its own."""

    module = "speed.inprocess_child"


def run_to_end(plan: Plan) -> Stamps:
    """Carry out a plan in its own process and read its stamps."""
    with GeneratorRun(plan) as run:
        run.wait()
    return read_stamps(plan.output_path)


@contextmanager
def scratch_plan(
    targets: list[Target], phases: list[Phase], recipe: Recipe, workload: str, **settings: Any
) -> Iterator[Plan]:
    """A plan whose files live in a temporary folder: for calibration, searches and tests."""
    with tempfile.TemporaryDirectory(prefix="agon-speed-") as folder:
        requests = str(Path(folder, "requests.jsonl"))
        write_requests(requests, recipe, workload)
        plan = Plan(
            targets=targets,
            phases=phases,
            requests_path=requests,
            output_path=str(Path(folder, "run.stamps")),
            progress_path=str(Path(folder, "progress")),
        )
        yield replace(plan, **settings)


def interleaved(phase_a: Phase, phase_b: Phase, rounds: int) -> list[Phase]:
    """Turns of A and B one after the other, each pair in swapped order: A B, B A, A B, ...

    Swapping cancels a steady drift of the machine, which a fixed order would hand to one side.
    """
    phases: list[Phase] = []
    for number in range(rounds):
        pair = [replace(phase_a, target=0), replace(phase_b, target=1)]
        if number % 2:
            pair.reverse()
        phases += [replace(p, name=f"{'AB'[p.target]}{number + 1}") for p in pair]
    return phases
