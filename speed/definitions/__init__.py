"""What "TTFT" and "time per output token" mean: one module per tool, all from the same stamps.

A definition turns a Timeline into a Reading: scalars under that tool's own names, and the samples
its percentiles are taken from. Adding a tool is one module here with a registered function.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from registry import Registry
from speed.metrics.timeline import Floats, Timeline


@dataclass(frozen=True, slots=True)
class Metric:
    """One figure of a report: ``formula`` in the symbols of docs/speed.md."""

    name: str
    value: float
    unit: str
    formula: str


@dataclass(frozen=True, slots=True)
class Reading:
    """A tool's view of one phase: its scalars, its samples (seconds), its percentiles."""

    metrics: tuple[Metric, ...]
    samples: Mapping[str, Floats]
    percentiles: Mapping[str, Mapping[float, float]]

    def value(self, name: str) -> float:
        """The scalar called ``name``; KeyError if this tool has none."""
        for metric in self.metrics:
            if metric.name == name:
                return metric.value
        raise KeyError(name)


@dataclass(frozen=True, slots=True)
class Setting:
    """What was asked for, as opposed to measured."""

    concurrency: float
    expected_requests: int


Definition = Callable[[Timeline, Setting], Reading]
DEFINITIONS: Registry[Definition] = Registry("metric definition", "speed.definitions")


def ratio(numerator: float, denominator: float) -> float:
    """The quotient; NaN when there is nothing to divide by."""
    return numerator / denominator if denominator else float("nan")
