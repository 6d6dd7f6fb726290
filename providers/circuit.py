"""A circuit breaker: an endpoint that keeps failing is left alone, then tried with one call."""

from dataclasses import dataclass

from providers.base import FailureKind, ProviderError

# Failures that say the endpoint itself is unwell or unusable, whatever is asked of it.
ENDPOINT_FAILURES = frozenset(
    {
        FailureKind.SERVER_ERROR,
        FailureKind.TIMED_OUT,
        FailureKind.STREAM_CUT,
        FailureKind.MALFORMED_REPLY,
        FailureKind.CONNECTION_FAILED,
        FailureKind.AUTHENTICATION_FAILED,
        FailureKind.QUOTA_EXHAUSTED,
        FailureKind.NOT_FOUND,
    }
)


@dataclass(slots=True)
class CircuitBreaker:
    """Open after ``threshold`` endpoint failures in a row; ``now`` is monotonic seconds.

    While open, ``admit`` raises CIRCUIT_OPEN at once so that callers can give their work back
    instead of paying for timeouts. After the cool-down one call goes through as a probe: success
    closes the circuit, failure doubles the cool-down up to ``max_cooldown_s``.
    """

    threshold: int = 10
    first_cooldown_s: float = 1.0
    max_cooldown_s: float = 60.0
    _failures: int = 0
    _cooldown_s: float = 0.0
    _opened_at: float = 0.0
    _next_probe_at: float = 0.0
    _last_failure: str = ""

    @property
    def is_open(self) -> bool:
        """Whether calls are being refused."""
        return self._cooldown_s > 0

    def check(self, now: float) -> None:
        """Raise CIRCUIT_OPEN, with the time to the next probe, while calls are refused."""
        if not self.is_open or now >= self._next_probe_at:
            return
        wait_s = self._next_probe_at - now
        raise ProviderError(
            FailureKind.CIRCUIT_OPEN,
            f"the endpoint failed {self._failures} times in a row and is left alone for "
            f"{wait_s:.1f} s; last failure: {self._last_failure}",
            retry_after_s=wait_s,
        )

    def admit(self, now: float) -> None:
        """Let a call that is about to be sent pass, or raise CIRCUIT_OPEN."""
        self.check(now)
        if self.is_open:
            # the next probe is booked at once, so a cancelled probe blocks nobody for good
            self._next_probe_at = now + self._cooldown_s

    def succeeded(self) -> None:
        """The endpoint answered properly."""
        self._failures = 0
        self._cooldown_s = 0.0

    def failed(self, error: ProviderError, *, began_at: float, now: float) -> None:
        """Count a failure; those that blame the request show that the endpoint works."""
        if error.kind in (FailureKind.RATE_LIMITED, FailureKind.CIRCUIT_OPEN):
            return
        if error.kind not in ENDPOINT_FAILURES:
            self.succeeded()
            return
        if self.is_open and began_at < self._opened_at:
            return  # sent before the circuit opened, it tells nothing new
        self._failures += 1
        self._last_failure = str(error)
        if self._failures >= self.threshold:
            self._open(now)

    def _open(self, now: float) -> None:
        doubled = min(self._cooldown_s * 2, self.max_cooldown_s)
        self._cooldown_s = doubled or self.first_cooldown_s
        self._opened_at = now
        self._next_probe_at = now + self._cooldown_s
