"""The kinds of load a phase can put on a target: a closed loop, or a schedule kept regardless."""

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterator
from enum import IntEnum
from time import monotonic_ns
from typing import Protocol

import numpy as np

from speed.arrivals import Offsets, arrival_offsets, ramped, scheduled_count
from speed.generator.connection import Exchange, Transport
from speed.generator.templates import Chain
from speed.plan import Phase
from speed.reactor import Reactor

NS = 1_000_000_000
LATE_SEND_NS = 10_000_000


class Role(IntEnum):
    """What a request counts for."""

    WARMUP = 0
    MEASURED = 1
    COOLDOWN = 2


class Issuer(Protocol):
    """What a load needs of the engine."""

    reactor: Reactor

    def next_chain(self) -> tuple[int, Chain]:
        """The next conversation and its number, which no other issue of it shares."""

    def issue(self, exchange: Exchange) -> None:
        """Send."""

    def new_exchange(self, turn: "Turn", role: Role, scheduled_ns: int) -> Exchange:
        """A numbered request."""


class Turn:
    """A place in one conversation."""

    __slots__ = ("chain", "number", "position", "slot")

    def __init__(self, number: int, chain: Chain, slot: int) -> None:
        self.number = number
        self.chain = chain
        self.position = 0
        self.slot = slot

    def has_next(self) -> bool:
        """Whether the conversation goes on after this turn."""
        return self.position + 1 < len(self.chain)


def has_failed(exchange: Exchange) -> bool:
    """Whether the wire shows a failure; failures inside a stream are found after the run."""
    return exchange.outcome is not Transport.COMPLETE or exchange.status >= 400


class PhaseLoad(ABC):
    """Issues the requests of one phase; ``is_over`` once all it issued has come back."""

    def __init__(self, issuer: Issuer, phase: Phase) -> None:
        self.phase = phase
        self.in_flight = 0
        self.errors = 0
        self.late_sends = 0
        self.measured_from_ns = 0
        self.is_issuing = True
        self.stopped_by = ""
        self._issuer = issuer
        self._turns: dict[int, Turn] = {}
        self._measured_in_flight = 0

    @abstractmethod
    def start(self) -> None:
        """Begin to issue."""

    @property
    def is_over(self) -> bool:
        """Nothing more will be issued and nothing is under way."""
        return not self.is_issuing and self.in_flight == 0

    @property
    def is_measuring(self) -> bool:
        """Whether the warm-up is behind us."""
        return self.measured_from_ns > 0

    @property
    def only_cooldown_is_left(self) -> bool:
        """Whether what is under way no longer counts."""
        return not self.is_issuing and self._measured_in_flight == 0

    def stop_issuing(self, reason: str) -> None:
        """Let what is under way finish, begin nothing new."""
        if self.is_issuing:
            self.is_issuing = False
            self.stopped_by = reason

    def finished(self, exchange: Exchange) -> None:
        """An exchange came back."""
        self.in_flight -= 1
        if exchange.role == Role.MEASURED:
            self._measured_in_flight -= 1
        if has_failed(exchange):
            self.errors += 1
            if self.phase.max_errors is not None and self.errors >= self.phase.max_errors:
                self.stop_issuing("errors")
        self._continue(self._turns.pop(exchange.index), exchange)

    @abstractmethod
    def _continue(self, turn: Turn, exchange: Exchange) -> None:
        """Decide what follows a finished exchange."""

    def _issue(self, turn: Turn, role: Role, scheduled_ns: int) -> None:
        now = monotonic_ns()
        if role == Role.MEASURED:
            self._measured_in_flight += 1
            if not self.is_measuring:
                self._begin_measuring(now)
        if now - scheduled_ns > LATE_SEND_NS:
            self.late_sends += 1
        exchange = self._issuer.new_exchange(turn, role, scheduled_ns)
        self._turns[exchange.index] = turn
        self.in_flight += 1
        self._issuer.issue(exchange)

    def _begin_measuring(self, now: int) -> None:
        self.measured_from_ns = now
        if self.phase.duration_s is not None:
            end_ns = now + int(self.phase.duration_s * NS)
            self._issuer.reactor.call_at(end_ns, lambda: self.stop_issuing("duration"))


class ClosedLoad(PhaseLoad):
    """``concurrency`` slots, each sending its next request when the last one is done.

    The warm-up is handed over slot by slot while all are busy: whatever is sent after the
    boundary is measured, and no slot waits for another.
    """

    def __init__(self, issuer: Issuer, phase: Phase, retry_pause_s: float) -> None:
        super().__init__(issuer, phase)
        self._retry_pause_ns = int(retry_pause_s * NS)
        self._issued_measured = 0
        self._finished_warm = 0
        self._started_ns = 0

    def start(self) -> None:
        """Start all slots, spread over the ramp."""
        self._started_ns = monotonic_ns()
        gap_ns = self.phase.ramp_s * NS / self.phase.concurrency
        for slot in range(self.phase.concurrency):
            due_ns = self._started_ns + int(gap_ns * slot)
            self._later(due_ns if gap_ns else 0, slot)

    def _later(self, due_ns: int, slot: int) -> None:
        self._issuer.reactor.call_at(due_ns, lambda: self._next_conversation(slot))

    def _next_conversation(self, slot: int) -> None:
        if self._role(monotonic_ns()) is None:
            return  # a slot that paused, or had not begun, when the phase ended
        number, chain = self._issuer.next_chain()
        self._send(Turn(number, chain, slot))

    def _send(self, turn: Turn) -> None:
        now = monotonic_ns()
        role = self._role(now)
        if role is None:
            return
        if role == Role.MEASURED:
            self._issued_measured += 1
        self._issue(turn, role, now)
        if self.phase.requests is not None and self._issued_measured >= self.phase.requests:
            self.stop_issuing("requests")

    def _role(self, now: int) -> Role | None:
        if not self.is_issuing:
            return Role.COOLDOWN if self.phase.cooldown and self._measured_in_flight else None
        if self.is_measuring:
            return Role.MEASURED
        is_warm = (
            self._finished_warm >= self.phase.warmup_requests
            and now >= self._started_ns + self.phase.warmup_s * NS
        )
        return Role.MEASURED if is_warm else Role.WARMUP

    def _continue(self, turn: Turn, exchange: Exchange) -> None:
        if exchange.role == Role.WARMUP:
            self._finished_warm += 1
        has_answer = exchange.outcome is Transport.COMPLETE
        if has_answer and exchange.status < 400 and turn.has_next():
            turn.position += 1
            think_ns = turn.chain[turn.position].think_ns
            self._issuer.reactor.call_at(monotonic_ns() + think_ns, lambda: self._send(turn))
        elif has_answer:
            self._next_conversation(turn.slot)
        else:
            # A dead server refuses thousands of connections a second; a slot pauses instead.
            self._later(monotonic_ns() + self._retry_pause_ns, turn.slot)


class ScheduledLoad(PhaseLoad):
    """Conversations begin at times fixed before the start, whether the server keeps up or not."""

    def __init__(self, issuer: Issuer, phase: Phase, offsets: Offsets, warm_count: int) -> None:
        super().__init__(issuer, phase)
        self._offsets_ns: list[int] = (offsets * NS).astype(np.int64).tolist()
        self._warm_count = warm_count
        self._next = 0
        self._start_ns = 0
        self._backlog: deque[tuple[Turn, Role, int]] = deque()
        self._thinking = 0

    @property
    def is_over(self) -> bool:
        """Also waits for requests held back by max_in_flight and for later turns."""
        return super().is_over and not self._backlog and self._thinking == 0

    def start(self) -> None:
        """Fix the origin of the schedule and wait for the first arrival."""
        self._start_ns = monotonic_ns()
        self._issue_due()

    def stop_issuing(self, reason: str) -> None:
        """Also drop what was waiting for a place."""
        super().stop_issuing(reason)
        if reason not in ("requests", "duration"):
            self._backlog.clear()

    def _begin_measuring(self, now: int) -> None:
        self.measured_from_ns = now  # the schedule itself ends the phase

    def _issue_due(self) -> None:
        now = monotonic_ns()
        while self.is_issuing and self._next < len(self._offsets_ns):
            due_ns = self._start_ns + self._offsets_ns[self._next]
            if due_ns > now:
                self._issuer.reactor.call_at(due_ns, self._issue_due)
                return
            role = Role.WARMUP if self._next < self._warm_count else Role.MEASURED
            self._next += 1
            number, chain = self._issuer.next_chain()
            self._admit(Turn(number, chain, 0), role, due_ns)
        self.stop_issuing("requests")

    def _admit(self, turn: Turn, role: Role, due_ns: int) -> None:
        if self.in_flight < self.phase.max_in_flight:
            self._issue(turn, role, due_ns)
        else:
            self._backlog.append((turn, role, due_ns))

    def _continue(self, turn: Turn, exchange: Exchange) -> None:
        if not has_failed(exchange) and turn.has_next():
            turn.position += 1
            due_ns = exchange.end_ns + turn.chain[turn.position].think_ns
            self._thinking += 1
            role = Role(exchange.role)
            self._issuer.reactor.call_at(due_ns, lambda: self._resume(turn, role, due_ns))
        if self._backlog and self.in_flight < self.phase.max_in_flight:
            self._issue(*self._backlog.popleft())

    def _resume(self, turn: Turn, role: Role, due_ns: int) -> None:
        self._thinking -= 1
        self._admit(turn, role, due_ns)


def make_load(issuer: Issuer, phase: Phase, *, retry_pause_s: float, seed: int) -> PhaseLoad:
    """The load that a phase describes, its schedule drawn from ``seed``."""
    if phase.load == "closed":
        return ClosedLoad(issuer, phase, retry_pause_s)
    if phase.load == "trace":
        offsets = np.asarray(phase.offsets_s, dtype=np.float64)
        if phase.duration_s is not None:
            offsets = offsets[offsets < phase.duration_s]
        if phase.requests is not None:
            offsets = offsets[: phase.requests]
        return ScheduledLoad(issuer, phase, offsets, 0)
    parts = list(_schedule_parts(phase, seed))
    return ScheduledLoad(
        issuer, phase, np.concatenate([part for _, part in parts]), _warm_count(parts)
    )


def _warm_count(parts: list[tuple[Role, Offsets]]) -> int:
    return sum(len(offsets) for role, offsets in parts if role == Role.WARMUP)


def _schedule_parts(phase: Phase, seed: int) -> Iterator[tuple[Role, Offsets]]:
    """Warm-up and measured arrivals, each drawn to its own exact count, on one time axis."""
    climb = {"start_rate": phase.ramp_from, "ramp_s": phase.ramp_s}
    warm = phase.warmup_requests
    if phase.warmup_s > 0:
        warm += scheduled_count(phase.rate, duration_s=phase.warmup_s, **climb)
    if warm:
        climb = {"start_rate": phase.rate, "ramp_s": 0.0}
    measured = phase.requests
    if phase.duration_s is not None:
        by_time = scheduled_count(phase.rate, duration_s=phase.duration_s, **climb)
        measured = by_time if measured is None else min(measured, by_time)
    origin = 0.0
    for role, count, salt in ((Role.WARMUP, warm, 1), (Role.MEASURED, measured or 0, 0)):
        offsets = origin + arrival_offsets(
            count,
            phase.rate,
            distribution=phase.distribution,
            burstiness=phase.burstiness,
            seed=seed * 2 + salt,
        )
        origin += count / phase.rate
        is_climbing = role == Role.WARMUP or not warm
        if is_climbing and count:
            offsets = ramped(offsets, phase.rate, start_rate=phase.ramp_from, ramp_s=phase.ramp_s)
            origin = float(
                ramped(
                    np.array([origin]), phase.rate, start_rate=phase.ramp_from, ramp_s=phase.ramp_s
                )[0]
            )
        yield role, offsets
