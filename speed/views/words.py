"""Rows of tables in words."""

from __future__ import annotations

from speed.metrics.comparison import Comparison
from speed.models import SpeedRun
from speed.services.comparing import SideBySide
from speed.vocabulary import COMPARED_LABELS, OUTCOME_LABELS


def compared_rows(sides: SideBySide) -> list[dict[str, object]]:
    """One row per metric: both values and the difference in ms, its interval, the outcome."""
    return [
        {
            "label": COMPARED_LABELS[line.metric.name],
            "a": 1000 * line.comparison.value_a,
            "b": 1000 * line.comparison.value_b,
            "difference": 1000 * line.comparison.difference,
            "interval": interval(line.comparison),
            "outcome": OUTCOME_LABELS[line.comparison.outcome.value],
            "is_known": line.comparison.lower is not None,
        }
        for line in sides.lines
    ]


def interval(comparison: Comparison) -> str:
    """The difference's interval in ms and relative, or nothing."""
    if comparison.lower is None or comparison.upper is None:
        return "–"
    text = f"{1000 * comparison.lower:+.2f} … {1000 * comparison.upper:+.2f} ms"
    if comparison.relative_lower is None or comparison.relative_upper is None:
        return text
    low, high = 100 * comparison.relative_lower, 100 * comparison.relative_upper
    return f"{text} ({low:+.1f} … {high:+.1f} %)"


def regression_rows(run: SpeedRun) -> list[dict[str, object]]:
    """The stored alerts of a run."""
    return [
        {
            **alert,
            "label": COMPARED_LABELS.get(alert["metric"], alert["metric"]),
            "percent": f"{100 * alert['relative']:+.1f} %",
            "range": f"{100 * alert['relative_lower']:+.1f} … "
            f"{100 * alert['relative_upper']:+.1f} %",
        }
        for alert in run.summary.get("regressions", [])
    ]
