"""``python -m speed.inprocess_child``: measure a model in a process of its own, write its stamps.

Reads its plan as JSON from stdin and prints one JSON line at the end, like the load generator.
A process of its own, because loading a model takes memory that only its end gives back.
"""

import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from time import monotonic_ns, process_time_ns
from typing import Any  # the plan's journey as JSON

import orjson

from providers.checkpoints.spec import CheckpointSpec
from speed.generator.health import machine, machine_ticks
from speed.generator.progress import Counters, ProgressWriter
from speed.inprocess import (
    InProcessError,
    InProcessReport,
    InProcessSettings,
    Repeat,
    StoppedError,
    Watch,
    circumstances_of,
    measure_model,
)
from speed.inprocess_stamps import stamps_of_reports
from speed.stamps import write_stamps

REFUSED = 2
NS = 1e9


@dataclass(frozen=True, slots=True)
class LocalPlan:
    """What the child shall do; the fields of ``settings`` hold for every batch size."""

    folder: str
    batch_sizes: tuple[int, ...]
    settings: Mapping[str, Any]
    output_path: str
    progress_path: str
    device: str = ""
    precision: str = "auto"
    lease_s: float = 3600.0

    def to_json(self) -> dict[str, Any]:
        """The plan for the child's stdin."""
        return asdict(self)


class Measurement:
    """Measures all batch sizes of a plan, tells how far it is, and ends when asked to."""

    def __init__(self, plan: LocalPlan) -> None:
        self.reports: dict[int, InProcessReport] = {}
        self.reason = ""
        self._plan = plan
        self._parent = os.getppid()
        self._started_ns = monotonic_ns()
        self._counters = Counters()
        self._progress = ProgressWriter(plan.progress_path)

    def ask_to_stop(self) -> None:
        """Safe in a signal handler."""
        self.reason = "signal"

    def stop_reason(self) -> str:
        """Why to end before all is done, or nothing."""
        if os.getppid() != self._parent:
            self.reason = "parent process ended"
        elif monotonic_ns() - self._started_ns > self._plan.lease_s * NS:
            self.reason = "lease ended"
        return self.reason

    def run(self, model: Any) -> None:
        """Fill ``reports``; a stop keeps the repeats that were complete."""
        for place, size in enumerate(self._plan.batch_sizes):
            self._counters.phase = place
            self._counters.in_flight = size
            self._publish()
            settings = InProcessSettings(batch_size=size, **self._plan.settings)
            watch = Watch(self._count, self.stop_reason)
            try:
                self.reports[size] = measure_model(model, settings, watch=watch)
            except StoppedError:
                break
            if self.reason:
                break
        self._counters.in_flight, self._counters.is_over = 0, 1
        self._publish()
        self._progress.close()

    def _count(self, repeat: Repeat) -> None:
        counters, rows = self._counters, len(repeat.tokens_per_row)
        counters.is_warm = 1
        counters.issued += rows
        counters.completed += rows
        counters.reads += len(repeat.step_ns)
        counters.first_byte_count += rows
        counters.first_byte_sum_ns += rows * (repeat.step_ns[0] - repeat.started_ns)
        counters.latency_sum_ns += rows * (repeat.ended_ns - repeat.started_ns)
        self._publish()

    def _publish(self) -> None:
        self._counters.elapsed_ns = monotonic_ns() - self._started_ns
        self._progress.publish(self._counters)


def run_plan(plan: LocalPlan) -> dict[str, Any]:
    """Measure, write the stamp file, and report how it ended."""
    measurement = Measurement(plan)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: measurement.ask_to_stop())
    model = _load(plan)
    before = (machine_ticks(), process_time_ns(), monotonic_ns())
    measurement.run(model)
    if not measurement.reports:
        raise InProcessError(f"ended before a repeat was complete: {measurement.reason}")
    stop_reason = measurement.reason or "completed"
    header = {
        "stop_reason": stop_reason,
        "machine": {**machine("ordinary"), **circumstances_of(model)},
        "health": health_since(*before),
    }
    asked = int(plan.settings["output_tokens"])
    write_stamps(plan.output_path, stamps_of_reports(measurement.reports, asked, header))
    return {"stop_reason": stop_reason, "batch_sizes": list(measurement.reports)}


def _load(plan: LocalPlan) -> Any:  # a transformers model
    """Raises CheckpointError, or ImportError where torch is not installed."""
    from providers.checkpoints.weights import load_weights

    spec = CheckpointSpec(plan.folder, precision=plan.precision, device=plan.device)
    return load_weights(spec, "AutoModelForCausalLM")


def health_since(ticks: tuple[int, int], cpu_ns: int, wall_ns: int) -> dict[str, float | None]:
    """What share of all CPUs this process took, and what share others took beside it."""
    busy, total = (b - a for a, b in zip(ticks, machine_ticks(), strict=True))
    cpus = os.cpu_count() or 1
    mine = (process_time_ns() - cpu_ns) / (monotonic_ns() - wall_ns) / cpus
    others = max(0.0, busy / total - mine) if total else None
    return {"own_busy_share": mine, "others_busy_share": others}


def main() -> int:
    """Read the plan, measure, report."""
    values = orjson.loads(sys.stdin.buffer.read())
    # an adapter in the folder may name its base on a hub; read when transformers is imported
    os.environ["HF_HUB_OFFLINE"] = "1"
    try:
        report = run_plan(LocalPlan(**values | {"batch_sizes": tuple(values["batch_sizes"])}))
    except (InProcessError, StoppedError, OSError, ValueError, ImportError) as error:
        sys.stdout.write(orjson.dumps({"error": str(error)}).decode() + "\n")
        return REFUSED
    sys.stdout.write(orjson.dumps(report).decode() + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
