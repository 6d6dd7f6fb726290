"""A measurement inside a process as a stamp file: every sequence of every repeat is a request.

So a model in a process is paged, compared, exported and followed over time by the same code, and
under the same definitions, as one behind an endpoint.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any  # the header is JSON

import numpy as np

from speed.inprocess import InProcessReport
from speed.metrics.percentiles import Estimate
from speed.stamps import (
    FINISH_REASONS,
    REQUEST_DTYPE,
    UNKNOWN,
    ChunkKind,
    RequestFlag,
    Stamps,
)

TIMESTAMP_SOURCE = "in process"
MEASURED = 1
LENGTH, STOP = (FINISH_REASONS.index(reason) for reason in ("length", "stop"))


def stamps_of_reports(
    reports: Mapping[int, InProcessReport], asked_tokens: int, header: Mapping[str, Any]
) -> Stamps:
    """Stamps of one report per batch size, a phase each; ``header`` adds the circumstances."""
    origin_ns = min(r.started_ns for report in reports.values() for r in report.repeats)
    rows: list[dict[str, int]] = []
    at: list[int] = []
    for phase, report in enumerate(reports.values()):
        for number, repeat in enumerate(report.repeats):
            for slot, tokens in enumerate(repeat.tokens_per_row):
                steps = [stamp - origin_ns for stamp in repeat.step_ns[:tokens]]
                rows.append(
                    {
                        "phase": phase,
                        "turn": number,
                        "slot": slot,
                        "chain": len(rows),
                        "prompt_tokens": report.prompt_tokens_per_row,
                        "output_tokens": tokens,
                        "expected_output": asked_tokens,
                        "finish": FINISH_REASONS.index(
                            "length" if tokens == asked_tokens else "stop"
                        ),
                        "scheduled_ns": repeat.started_ns - origin_ns,
                        "sent_ns": repeat.started_ns - origin_ns,
                        "first_byte_ns": steps[0],
                        "end_ns": repeat.ended_ns - origin_ns,
                        "first_chunk": len(at),
                        "chunks": tokens,
                    }
                )
                at += steps
    told = {
        **header,
        "plan": {"targets": [{}], "phases": [_phase(*item) for item in reports.items()]},
        "timestamp_source": TIMESTAMP_SOURCE,
        "origin_ns": origin_ns,
        "clock_step_ns": 0,
        "in_process": [figures_of(*item) for item in reports.items()],
    }
    return Stamps(
        header=told,
        requests=_table(rows),
        chunk_at=np.array(at, dtype=np.int64),
        chunk_kind=np.full(len(at), int(ChunkKind.CONTENT), dtype=np.uint8),
        chunk_chars=np.zeros(len(at), dtype=np.uint16),
        chunk_tokens=np.ones(len(at), dtype=np.uint16),
        lags_ns=np.zeros(0, dtype=np.int64),
    )


def figures_of(batch_size: int, report: InProcessReport) -> dict[str, Any]:
    """What only a measurement inside the process knows, as JSON; NaN becomes null."""
    estimates = {
        item.name: _plain(getattr(report, item.name))
        for item in fields(report)
        if isinstance(getattr(report, item.name), Estimate)
    }
    counts = ("output_tokens", "rows_ended_early", "peak_memory_bytes", "peak_memory_kind")
    return {
        "batch_size": batch_size,
        "repeats": len(report.repeats),
        **estimates,
        **{name: getattr(report, name) for name in counts},
    }


def _plain(estimate: Estimate) -> dict[str, float | int | None]:
    values: dict[str, float | int | None] = asdict(estimate)
    return {
        name: None if value is None or math.isnan(value) else value
        for name, value in values.items()
    }


def _phase(batch_size: int, report: InProcessReport) -> dict[str, Any]:
    return {
        "name": f"batch of {batch_size}",
        "load": "closed",
        "concurrency": batch_size,
        "rate": 0.0,
        "requests": batch_size * len(report.repeats),
        "target": 0,
    }


def _table(rows: Sequence[Mapping[str, int]]) -> "np.ndarray[Any, Any]":
    table = np.zeros(len(rows), dtype=REQUEST_DTYPE)
    table["index"] = np.arange(len(rows))
    table["role"] = MEASURED
    table["status"] = 200
    table["flags"] = int(RequestFlag.STREAMED | RequestFlag.USAGE | RequestFlag.DONE)
    table["reasoning_tokens"] = table["cached_tokens"] = UNKNOWN
    for name in rows[0]:
        table[name] = [row[name] for row in rows]
    return table
