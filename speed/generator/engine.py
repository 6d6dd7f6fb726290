"""Runs a plan: one phase after the other, under a tick that watches over them."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic_ns

from speed.clocks import KernelStamps, WallClockOffset
from speed.generator.connection import Exchange, Transport
from speed.generator.health import PROBE_NS, HealthProbe, raise_descriptor_limit
from speed.generator.loads import NS, PhaseLoad, Role, Turn, has_failed, make_load
from speed.generator.pool import ConnectionPool
from speed.generator.progress import Counters, ProgressWriter
from speed.generator.spool import Spool
from speed.generator.templates import Chain, Endpoint, run_salt
from speed.plan import Phase, Plan, PlanError
from speed.reactor import Reactor

SLOW_CHECKS_EVERY = 4  # ticks; the stop file is looked for five times a second
PREOPEN_MAX = 512
DESCRIPTORS_BESIDE_CONNECTIONS = 64


@dataclass(frozen=True, slots=True)
class PhaseOutcome:
    """When a phase began, measured and ended (monotonic ns), and why it stopped."""

    name: str
    started_ns: int
    measured_from_ns: int
    ended_ns: int
    stopped_by: str
    late_sends: int


@dataclass(slots=True)
class RunOutcome:
    """What is known about the run as a whole."""

    timestamp_source: str
    started_ns: int = 0
    stop_reason: str = "completed"
    phases: list[PhaseOutcome] = field(default_factory=list)


class Engine:
    """The generator's working day. ``request_stop`` ends it at the next tick."""

    def __init__(self, plan: Plan, chains: list[list[Chain]], spool: Spool) -> None:
        self.reactor = Reactor()
        self.plan = plan
        self.health = HealthProbe()
        self.clock = WallClockOffset()
        self._kernel_stamps = KernelStamps()
        uses_kernel = plan.kernel_stamps and self._kernel_stamps.are_available
        self.outcome = RunOutcome("kernel" if uses_kernel else "user")
        clock = self.clock if uses_kernel else None
        self.pools = [
            ConnectionPool(self.reactor, Endpoint(target), clock, self._message, self._on_done)
            for target in plan.targets
        ]
        self._spool = spool
        self._chains = chains
        self._salt_prefix = run_salt(plan, os.urandom(16))
        self._id_prefix = plan.run_id.encode("latin-1", "replace")[:32]
        self._counters = Counters()
        self._progress = ProgressWriter(plan.progress_path)
        self._parent = os.getppid()
        self._load: PhaseLoad | None = None
        self._phase_number = -1
        self._phase_started_ns = 0
        self._issued = 0
        self._conversations = 0
        self._ticks = 0
        self._stop_reason = ""
        self._check_descriptors()

    def run(self) -> RunOutcome:
        """Run all phases; returns when nothing is under way any more."""
        self.outcome.started_ns = monotonic_ns()
        self._arm_tick(self.outcome.started_ns + PROBE_NS)
        self.reactor.call_soon(self._next_phase)
        self.reactor.run()
        self.health.finish()
        for pool in self.pools:
            pool.close()
        self.reactor.close()
        self._kernel_stamps.close()
        self._counters.is_over = 1
        self._publish(monotonic_ns())
        self._progress.close()
        return self.outcome

    def request_stop(self, reason: str) -> None:
        """Ask for the end; safe in a signal handler."""
        self._stop_reason = reason

    def next_chain(self) -> tuple[int, Chain]:
        """Conversations in the order of the workload, from the top again when used up."""
        number = self._conversations
        self._conversations += 1
        chains = self._chains[self.plan.phases[max(0, self._phase_number)].target]
        return number, chains[number % len(chains)]

    def new_exchange(self, turn: Turn, role: Role, scheduled_ns: int) -> Exchange:
        """The next numbered request, for the given place in a conversation."""
        template = turn.chain[turn.position]
        exchange = Exchange(self._issued, self._phase_number, int(role), template)
        exchange.chain = turn.number
        exchange.slot = turn.slot
        exchange.scheduled_ns = scheduled_ns
        self._issued += 1
        return exchange

    def issue(self, exchange: Exchange) -> None:
        """Send through the pool of the phase's target."""
        self._counters.issued += 1
        self.pools[self.plan.phases[exchange.phase].target].submit(exchange)

    def _message(self, exchange: Exchange) -> bytes:
        pool = self.pools[self.plan.phases[exchange.phase].target]
        salt = b"%b%08x" % (self._salt_prefix, exchange.chain & 0xFFFFFFFF)
        request_id = b"%b-%08d" % (self._id_prefix, exchange.index)
        return pool.endpoint.message(exchange.template, salt, request_id)

    def _on_done(self, exchange: Exchange) -> None:
        self._count(exchange)
        self._spool.record(exchange)
        load = self._load
        if load is None or exchange.phase != self._phase_number:
            return
        load.finished(exchange)
        if load.phase.cooldown and load.only_cooldown_is_left and load.in_flight:
            self.reactor.call_soon(self._cancel_all)
        self._end_phase_if_over()

    def _count(self, exchange: Exchange) -> None:
        counters = self._counters
        counters.completed += 1
        counters.failed += has_failed(exchange) and exchange.outcome is not Transport.CANCELLED
        counters.reads += len(exchange.stamps)
        counters.received_bytes += sum(map(len, exchange.reads))
        counters.latency_sum_ns += exchange.end_ns - exchange.sent_ns
        if exchange.stamps:
            counters.first_byte_sum_ns += exchange.stamps[0] - exchange.sent_ns
            counters.first_byte_count += 1

    def _next_phase(self) -> None:
        self._phase_number += 1
        if self._phase_number >= len(self.plan.phases) or self._stop_reason:
            self.reactor.stop()
            return
        phase = self.plan.phases[self._phase_number]
        self.pools[phase.target].preopen(preopen_count(phase))
        self._when_opened(phase, monotonic_ns() + int(self.plan.connect_timeout_s * NS))

    def _when_opened(self, phase: Phase, deadline_ns: int) -> None:
        now = monotonic_ns()
        if self.pools[phase.target].opening_count and now < deadline_ns:
            self.reactor.call_at(now + 1_000_000, lambda: self._when_opened(phase, deadline_ns))
            return
        start_ns = now + int(phase.pause_s * NS)
        self.reactor.call_at(start_ns, self._start_phase)

    def _start_phase(self) -> None:
        if self._stop_reason:
            self.reactor.stop()
            return
        phase = self.plan.phases[self._phase_number]
        self._phase_started_ns = monotonic_ns()
        self._load = make_load(
            self,
            phase,
            retry_pause_s=self.plan.retry_pause_s,
            seed=self.plan.seed * 1000 + self._phase_number,
        )
        self._load.start()
        self._end_phase_if_over()

    def _end_phase_if_over(self) -> None:
        load = self._load
        if load is None or not load.is_over:
            return
        self._load = None
        self.outcome.phases.append(
            PhaseOutcome(
                name=load.phase.name,
                started_ns=self._phase_started_ns,
                measured_from_ns=load.measured_from_ns,
                ended_ns=monotonic_ns(),
                stopped_by=load.stopped_by,
                late_sends=load.late_sends,
            )
        )
        self._counters.late_sends += load.late_sends
        self.reactor.call_soon(self._next_phase)

    def _arm_tick(self, due_ns: int) -> None:
        self.reactor.call_at(due_ns, lambda: self._tick(due_ns))

    def _tick(self, due_ns: int) -> None:
        now = monotonic_ns()
        self.health.sample(due_ns, now)
        self._counters.lag_ns = now - due_ns
        for pool in self.pools:
            pool.expire(now, int(self.plan.timeout_s * NS), int(self.plan.connect_timeout_s * NS))
        self._ticks += 1
        if self._ticks % SLOW_CHECKS_EVERY == 0:
            self._look_around(now)
        if self._stop_reason:
            self._stop_now()
            return
        self._end_phase_if_over()
        self._publish(now)
        self._arm_tick(max(due_ns + PROBE_NS, now))

    def _look_around(self, now: int) -> None:
        plan = self.plan
        self.clock.check()
        if plan.stop_path is not None and Path(plan.stop_path).exists():
            self.request_stop("stop file")
        if plan.watch_parent and os.getppid() != self._parent:
            self.request_stop("parent process ended")
        if now - self.outcome.started_ns > plan.lease_s * NS:
            self.request_stop("lease ended")

    def _stop_now(self) -> None:
        self.outcome.stop_reason = self._stop_reason
        if self._load is not None:
            self._load.stop_issuing("stopped")
        self._cancel_all()
        self._end_phase_if_over()
        self.reactor.stop()

    def _cancel_all(self) -> None:
        for pool in self.pools:
            pool.cancel()

    def _publish(self, now: int) -> None:
        counters = self._counters
        counters.elapsed_ns = now - self.outcome.started_ns
        counters.phase = max(0, self._phase_number)
        counters.in_flight = counters.issued - counters.completed
        counters.is_warm = int(self._load is not None and self._load.is_measuring)
        self._progress.publish(counters)

    def _check_descriptors(self) -> None:
        needed = DESCRIPTORS_BESIDE_CONNECTIONS + max(map(preopen_count, self.plan.phases))
        limit = raise_descriptor_limit(needed)
        if needed > limit:
            raise PlanError(
                f"the run needs {needed} open files but the system allows {limit}; raise it with "
                f"'ulimit -n {needed}' or lower the concurrency"
            )


def preopen_count(phase: Phase) -> int:
    """Connections to open before the clock starts: every slot, or two seconds of arrivals."""
    if phase.load == "closed":
        return phase.concurrency
    arrivals = 2 * phase.rate if phase.load == "open" else len(phase.offsets_s)
    return min(phase.max_in_flight, PREOPEN_MAX, max(16, int(arrivals)))
