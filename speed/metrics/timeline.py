"""The moments of every request that all definitions are built from.

Symbols follow docs/speed.md: s scheduled, a sent, c1..cm arrival of the m data events, k1 and kL
first and last event with text (answer, reasoning or tool call), e end, n output tokens, p prompt
tokens, W wall time. All arrays have one entry per request of the phase, in seconds from the start
of the run; NaN where a request has no such moment.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from speed.stamps import Category, ChunkKind, RequestFlag, Stamps

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
ChunkChoice = Literal["any", "choice", "text", "answer"]
MEASURED = 1
NS_PER_S = 1e9

TEXT = int(ChunkKind.CONTENT | ChunkKind.REASONING | ChunkKind.TOOL)
KINDS: dict[ChunkChoice, int] = {
    "any": 0xFF,
    "choice": TEXT | int(ChunkKind.ROLE_ONLY),
    "text": TEXT,
    "answer": int(ChunkKind.CONTENT | ChunkKind.TOOL),
}


@dataclass(frozen=True, slots=True)
class ChunkTimes:
    """Events of one sort per request: the first, second, next-to-last and last, and how many."""

    first: Floats
    second: Floats
    before_last: Floats
    last: Floats
    count: NDArray[np.int64]


class Timeline:
    """The measured requests of one phase (or of several phases of one interleaved side).

    Cancelled requests are no attempts: the run was stopped under them. They are counted in
    ``cancelled`` and left out of everything else.
    """

    def __init__(self, stamps: Stamps, phases: int | tuple[int, ...] = 0) -> None:
        numbers = (phases,) if isinstance(phases, int) else phases
        rows = stamps.requests
        wanted = np.isin(rows["phase"], numbers) & (rows["role"] == MEASURED)
        is_cancelled = rows["category"] == Category.CANCELLED
        self.cancelled = int(np.count_nonzero(wanted & is_cancelled))
        self.rows: NDArray[np.void] = rows[wanted & ~is_cancelled]
        self.stamps = stamps
        self.phases = numbers
        self.scheduled: Floats = self._seconds("scheduled_ns")
        self.sent: Floats = self._seconds("sent_ns")
        self.first_byte: Floats = self._seconds("first_byte_ns")
        self.end: Floats = self._seconds("end_ns")
        self.is_success: Mask = self.rows["category"] == Category.SUCCEEDED
        self.is_streamed: Mask = self._has(RequestFlag.STREAMED)
        self.is_cold: Mask = self._has(RequestFlag.COLD)
        self.connect: Floats = np.where(self.is_cold, self._seconds("connect_ns"), 0.0)
        self.output_tokens: Floats = self._known("output_tokens")
        self.prompt_tokens: Floats = self._known("prompt_tokens")
        self._owner, self._chunk_index = self._own_chunks()
        self._times: dict[ChunkChoice, ChunkTimes] = {}
        self._gaps: dict[ChunkChoice, tuple[Floats, Mask]] = {}
        self._arrivals: dict[ChunkChoice, tuple[NDArray[np.int64], Floats]] = {}

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def latency(self) -> Floats:
        """e - a of every request, failed ones too."""
        return self.end - self.sent

    @property
    def queue_wait(self) -> Floats:
        """a - s: how long a request waited for its turn, which closed loops hide."""
        return self.sent - self.scheduled

    @property
    def window_s(self) -> float:
        """From the first request sent to the last one ended, whatever became of them.

        The windows of several phases add up: what lies between them was another side's turn.
        """
        total = 0.0
        for phase in np.unique(self.rows["phase"]):
            mine = self.rows["phase"] == phase
            total += float(self.end[mine].max() - self.sent[mine].min())
        return total

    def chunk_times(self, choice: ChunkChoice) -> ChunkTimes:
        """First, second, next-to-last and last event of a sort, per request."""
        if choice not in self._times:
            self._times[choice] = self._chunk_times(choice)
        return self._times[choice]

    def _chunk_times(self, choice: ChunkChoice) -> ChunkTimes:
        owner, at = self._selected(choice)
        size = len(self)
        count = np.bincount(owner, minlength=size).astype(np.int64)
        starts = np.concatenate([[0], np.cumsum(count)[:-1]]) if size else np.zeros(0, np.int64)
        padded = np.append(at, np.nan)

        def pick(offset: NDArray[Any], needed: int) -> Floats:
            index = np.where(count >= needed, offset, len(at))
            picked: Floats = padded[index]
            return picked

        return ChunkTimes(
            first=pick(starts, 1),
            second=pick(starts + 1, 2),
            before_last=pick(starts + count - 2, 2),
            last=pick(starts + count - 1, 1),
            count=count,
        )

    def gaps(self, choice: ChunkChoice, *, only_resolved: bool = False) -> tuple[Floats, Mask]:
        """Pooled gaps between neighbouring events of successful requests, and which are resolved.

        A gap is unresolved when its later event shared a read with the event before it.
        """
        if choice not in self._gaps:
            self._gaps[choice] = self._pooled_gaps(choice)
        gaps, is_resolved = self._gaps[choice]
        if only_resolved:
            return gaps[is_resolved], is_resolved[is_resolved]
        return gaps, is_resolved

    def _pooled_gaps(self, choice: ChunkChoice) -> tuple[Floats, Mask]:
        owner, at = self._selected(choice)
        kinds = self._selected_kinds(choice)
        if len(at) < 2:
            return np.zeros(0), np.zeros(0, dtype=np.bool_)
        same = (owner[1:] == owner[:-1]) & self.is_success[owner[1:]]
        resolved = (kinds[1:] & int(ChunkKind.SHARED_READ)) == 0
        return np.diff(at)[same], resolved[same]

    def chunk_arrivals(self, choice: ChunkChoice) -> tuple[NDArray[np.int64], Floats]:
        """(request position, arrival) of all events of a sort, in order."""
        return self._selected(choice)

    def first_kinds(self) -> NDArray[np.int64]:
        """ChunkKind of each request's first event; 0 for requests without any."""
        kinds = np.zeros(len(self), dtype=np.int64)
        has = self.rows["chunks"] > 0
        kinds[has] = self.stamps.chunk_kind[self.rows["first_chunk"][has]]
        return kinds

    def kinds_per_request(self) -> NDArray[np.int64]:
        """All ChunkKinds that occur in each request, as one bit set."""
        found = np.zeros(len(self), dtype=np.int64)
        np.bitwise_or.at(found, self._owner, self.stamps.chunk_kind[self._chunk_index].astype(int))
        return found

    def _selected(self, choice: ChunkChoice) -> tuple[NDArray[np.int64], Floats]:
        if choice not in self._arrivals:
            keep = self._keep(choice)
            at = self.stamps.chunk_at[self._chunk_index[keep]] / NS_PER_S
            self._arrivals[choice] = (self._owner[keep], at)
        return self._arrivals[choice]

    def _selected_kinds(self, choice: ChunkChoice) -> NDArray[np.uint8]:
        kinds: NDArray[np.uint8] = self.stamps.chunk_kind[self._chunk_index[self._keep(choice)]]
        return kinds

    def _keep(self, choice: ChunkChoice) -> Mask:
        if choice == "any":
            return np.ones(len(self._chunk_index), dtype=np.bool_)
        keep: Mask = (self.stamps.chunk_kind[self._chunk_index] & KINDS[choice]) != 0
        return keep

    def _own_chunks(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """For every chunk of these requests: the request's position, and the chunk's."""
        counts = self.rows["chunks"].astype(np.int64)
        owner = np.repeat(np.arange(len(self)), counts)
        before = np.repeat(np.cumsum(counts) - counts, counts)
        firsts = np.repeat(self.rows["first_chunk"].astype(np.int64), counts)
        return owner, np.arange(len(owner)) - before + firsts

    def _seconds(self, name: str) -> Floats:
        seconds: Floats = self.rows[name] / NS_PER_S
        return seconds

    def _has(self, flag: RequestFlag) -> Mask:
        mask: Mask = (self.rows["flags"] & int(flag)) != 0
        return mask

    def _known(self, name: str) -> Floats:
        values = self.rows[name].astype(np.float64)
        known: Floats = np.where(values >= 0, values, np.nan)
        return known
