"""When to try again: exponential backoff with full jitter, or when the endpoint says so."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from providers.base import FailureKind, ProviderError


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Delays between attempts at one call.

    The n-th delay is uniform in [0, min(max_delay_s, first_delay_s * 2^(n-1))], the "full jitter"
    of the AWS Architecture Blog (Brooker, 2015), which spreads a crowd of callers best. A
    Retry-After is a floor below which no attempt is made; one above ``longest_wait_s`` ends the
    call instead, so that the work can be given back rather than held.
    """

    max_attempts: int = 5
    first_delay_s: float = 0.5
    max_delay_s: float = 30.0
    longest_wait_s: float = 60.0

    def delay_before_next(self, error: ProviderError, attempt: int, random: float) -> float | None:
        """Seconds to wait after failed attempt number ``attempt`` (from 1), None to give up."""
        if not error.is_retryable or attempt >= self.max_attempts:
            return None
        if error.kind is FailureKind.CIRCUIT_OPEN:
            return None
        jitter_s = random * min(self.max_delay_s, self.first_delay_s * 2.0 ** (attempt - 1))
        if error.retry_after_s is None:
            return jitter_s
        if error.retry_after_s > self.longest_wait_s:
            return None
        return error.retry_after_s + jitter_s


def retry_after_s(headers: Mapping[str, str], wall_now: float) -> float | None:
    """Seconds to wait from ``retry-after-ms`` or ``Retry-After`` (seconds or an HTTP date).

    ``headers`` must match names without regard to case; what cannot be read counts as absent.
    """
    milliseconds = _finite(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return max(0.0, milliseconds / 1000)
    given = headers.get("retry-after")
    seconds = _finite(given)
    if seconds is not None:
        return max(0.0, seconds)
    if given is None:
        return None
    try:
        return max(0.0, parsedate_to_datetime(given).timestamp() - wall_now)
    except ValueError:
        return None


def _finite(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if math.isfinite(number) else None
