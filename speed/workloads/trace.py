"""Replaying a recorded trace: arrival times and lengths, content made up.

Reads JSONL with ``timestamp`` (ms, as in the Mooncake traces) or ``offset_s``, ``input_length``
and ``output_length``.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import orjson

from speed.workloads import WORKLOADS, Recipe, Request, WorkloadError, user
from speed.workloads.random_tokens import random_text


@dataclass(frozen=True, slots=True)
class TraceEntry:
    """One recorded arrival."""

    offset_s: float
    input_tokens: int
    output_tokens: int


@WORKLOADS.register("trace")
def trace(recipe: Recipe) -> Iterator[Request]:
    """Prompts with the lengths of the trace named by the option ``path``, in its order."""
    random = np.random.default_rng(recipe.seed)
    entries = read_trace(str(recipe.option("path", "")))
    for chain, entry in enumerate(islice(entries, recipe.count)):
        yield Request(user(random_text(entry.input_tokens, random)), chain, entry.output_tokens)


def read_trace(path: str) -> list[TraceEntry]:
    """The entries of a trace file, their offsets counted from the first one."""
    if not Path(path).is_file():
        raise WorkloadError(f"there is no trace file {path!r}; give its path")
    entries: list[TraceEntry] = []
    for number, line in enumerate(Path(path).read_bytes().splitlines(), 1):
        if not line.strip():
            continue
        try:
            entry = orjson.loads(line)
            offset = entry["offset_s"] if "offset_s" in entry else entry["timestamp"] / 1000
            entries.append(
                TraceEntry(
                    float(offset),
                    max(1, int(entry["input_length"])),
                    max(1, int(entry["output_length"])),
                )
            )
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as error:
            raise WorkloadError(
                f"{path}, line {number}: {error!r}; a line needs timestamp (ms) or offset_s, "
                "input_length and output_length"
            ) from error
    entries.sort(key=lambda entry: entry.offset_s)
    first = entries[0].offset_s if entries else 0.0
    return [
        TraceEntry(entry.offset_s - first, entry.input_tokens, entry.output_tokens)
        for entry in entries
    ]
