"""Loads on their own, with the engine and the clock played by the test."""

from speed.generator.loads import make_load
from speed.plan import Phase


class Reactor:
    """Keeps the timers; the test lets them fire."""

    def __init__(self):
        self.timers = []

    def call_at(self, _when_ns, callback):
        self.timers.append(callback)


class Issuer:
    """Hands out conversations and counts them; what it is given stays under way."""

    def __init__(self):
        self.reactor = Reactor()
        self.handed_out = 0
        self.issued = []

    def next_chain(self):
        self.handed_out += 1
        return self.handed_out, [object()]

    def new_exchange(self, _turn, role, scheduled_ns):
        return type("Exchange", (), {"index": len(self.issued), "role": role})()

    def issue(self, exchange):
        self.issued.append(exchange)


def test_a_slot_that_begins_after_the_end_of_its_phase_takes_no_conversation():
    issuer = Issuer()
    phase = Phase("closed", concurrency=2, requests=1, ramp_s=1.0)
    load = make_load(issuer, phase, retry_pause_s=0.1, seed=0)
    load.start()

    first, late = issuer.reactor.timers
    first()
    late()

    assert not load.is_issuing
    assert issuer.handed_out == len(issuer.issued) == 1
