"""What is peculiar about a stream: buffered, bundled, opened empty, reasoning, cached."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from speed.metrics.timeline import Timeline
from speed.stamps import FINISH_REASONS, ChunkKind, RequestFlag

BUFFERED_SPAN_SHARE = 0.05  # all text within the last twentieth of the latency
BUFFERED_MIN_TOKENS = 20
BUNDLED_TOKENS_PER_EVENT = 1.05
CACHE_HIT_SHARE = 0.01
LENGTH_TOLERANCE = 0.05
SHARED_READ_SHARE = 0.01
PRESENT_SHARE = 0.5


class Peculiarity(StrEnum):
    """Names of what can be found."""

    BUFFERED = "buffered_stream"
    EMPTY_FIRST_EVENT = "empty_first_event"
    BUNDLED = "several_tokens_per_event"
    REASONING = "reasoning"
    CACHED_PROMPTS = "cached_prompts"
    MERGED_READS = "merged_reads"
    LENGTH_MISMATCH = "length_mismatch"
    NO_USAGE = "no_usage"
    COLD_CONNECTIONS = "cold_connections"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something found, with the figure that shows it (a share unless the name says otherwise)."""

    name: Peculiarity
    value: float


def find_peculiarities(timeline: Timeline) -> list[Finding]:
    """Everything worth telling the reader about the streams of a phase."""
    if not np.any(timeline.is_success):
        return []
    found = [
        (Peculiarity.BUFFERED, buffered_share(timeline), PRESENT_SHARE),
        (Peculiarity.EMPTY_FIRST_EVENT, empty_first_share(timeline), PRESENT_SHARE),
        (Peculiarity.BUNDLED, tokens_per_event(timeline), BUNDLED_TOKENS_PER_EVENT),
        (Peculiarity.REASONING, reasoning_share(timeline), 1e-9),
        (Peculiarity.CACHED_PROMPTS, cache_hit_share(timeline), CACHE_HIT_SHARE),
        (Peculiarity.MERGED_READS, merged_share(timeline), SHARED_READ_SHARE),
        (Peculiarity.LENGTH_MISMATCH, length_deviation(timeline), LENGTH_TOLERANCE),
        (Peculiarity.NO_USAGE, 1 - _flag_share(timeline, RequestFlag.USAGE), 1e-9),
        (Peculiarity.COLD_CONNECTIONS, _flag_share(timeline, RequestFlag.COLD), 0.01),
    ]
    return [Finding(name, value) for name, value, limit in found if value >= limit]


def buffered_share(timeline: Timeline) -> float:
    """Share of long streamed answers whose whole text arrived within 5 % of their latency."""
    text = timeline.chunk_times("text")
    with np.errstate(invalid="ignore"):
        is_long = timeline.is_success & timeline.is_streamed
        is_long &= timeline.output_tokens > BUFFERED_MIN_TOKENS
        is_late = (text.last - text.first) < BUFFERED_SPAN_SHARE * timeline.latency
    return _share(is_late[is_long])


def empty_first_share(timeline: Timeline) -> float:
    """Share of streamed answers that open with an event without text."""
    streamed = timeline.is_success & timeline.is_streamed
    kinds = timeline.first_kinds()[streamed]
    return _share((kinds & int(ChunkKind.ROLE_ONLY)) != 0)


def tokens_per_event(timeline: Timeline) -> float:
    """Output tokens per text event; speculative decoding and bundling raise it above 1."""
    use = timeline.is_success & timeline.is_streamed
    use &= (timeline.rows["flags"] & int(RequestFlag.ESTIMATED)) == 0
    events = timeline.chunk_times("text").count[use].sum()
    return float(np.nansum(timeline.output_tokens[use]) / events) if events else float("nan")


def reasoning_share(timeline: Timeline) -> float:
    """Share of answers that hold reasoning."""
    kinds = timeline.kinds_per_request()[timeline.is_success]
    return _share((kinds & int(ChunkKind.REASONING)) != 0)


def cache_hit_share(timeline: Timeline) -> float:
    """Cached prompt tokens over all prompt tokens, where the server states them."""
    rows = timeline.rows[timeline.is_success]
    rows = rows[(rows["cached_tokens"] >= 0) & (rows["prompt_tokens"] > 0)]
    total = int(rows["prompt_tokens"].sum())
    return float(rows["cached_tokens"].sum() / total) if total else 0.0


def merged_share(timeline: Timeline) -> float:
    """Share of text gaps whose later event shared a read with the one before it."""
    _, is_resolved = timeline.gaps("text")
    return _share(~is_resolved)


def length_deviation(timeline: Timeline) -> float:
    """Mean relative distance of output lengths from those asked for, where one was fixed."""
    rows = timeline.rows[timeline.is_success]
    rows = rows[(rows["expected_output"] > 0) & (rows["output_tokens"] >= 0)]
    if not len(rows):
        return 0.0
    asked = rows["expected_output"].astype(np.float64)
    return float(np.mean(np.abs(rows["output_tokens"] - asked) / asked))


def finish_counts(timeline: Timeline) -> dict[str, int]:
    """How answers ended, by finish reason; "" where the server gave none."""
    codes = np.bincount(timeline.rows["finish"][timeline.is_success], minlength=1)
    return {FINISH_REASONS[code]: int(count) for code, count in enumerate(codes) if count}


def _flag_share(timeline: Timeline, flag: RequestFlag) -> float:
    return _share((timeline.rows["flags"][timeline.is_success] & int(flag)) != 0)


def _share(mask: "np.ndarray[tuple[int, ...], np.dtype[np.bool_]]") -> float:
    return float(np.mean(mask)) if len(mask) else 0.0
