import pytest

from providers import FailureKind, ProviderError
from providers.circuit import CircuitBreaker

BOOM = ProviderError(FailureKind.SERVER_ERROR, "boom")


@pytest.fixture
def opened():
    breaker = CircuitBreaker(threshold=3, first_cooldown_s=1, max_cooldown_s=3)
    for _ in range(3):
        breaker.failed(BOOM, began_at=0, now=10)
    return breaker


def test_failures_in_a_row_open_the_circuit_and_the_error_says_why(opened):
    with pytest.raises(ProviderError, match=r"failed 3 times in a row.*boom") as caught:
        opened.admit(10.5)
    assert caught.value.kind == FailureKind.CIRCUIT_OPEN
    assert caught.value.retry_after_s == 0.5


def test_a_success_in_between_keeps_it_closed():
    breaker = CircuitBreaker(threshold=2)
    breaker.failed(BOOM, began_at=0, now=1)
    breaker.succeeded()
    breaker.failed(BOOM, began_at=1, now=2)
    assert not breaker.is_open


def test_after_the_cooldown_one_probe_passes_and_others_wait(opened):
    opened.admit(11)
    with pytest.raises(ProviderError):
        opened.admit(11.1)


def test_a_successful_probe_closes_it(opened):
    opened.admit(11)
    opened.succeeded()
    opened.admit(11.1)
    opened.admit(11.1)


def test_a_failed_probe_doubles_the_cooldown_up_to_its_maximum(opened):
    now = 10.0
    for cooldown in (1, 2, 3, 3):
        with pytest.raises(ProviderError) as caught:
            opened.admit(now)
        assert caught.value.retry_after_s == cooldown
        now += cooldown
        opened.admit(now)
        opened.failed(BOOM, began_at=now, now=now)


def test_calls_in_flight_when_it_opened_do_not_lengthen_the_cooldown(opened):
    for _ in range(50):
        opened.failed(BOOM, began_at=9, now=10.5)
    opened.admit(11)


def test_a_cancelled_probe_does_not_block_the_endpoint_for_good(opened):
    opened.admit(11)
    opened.admit(12)


@pytest.mark.parametrize("kind", [FailureKind.BAD_REQUEST, FailureKind.CONTENT_FILTERED])
def test_an_endpoint_that_turns_a_request_down_is_working(opened, kind):
    opened.failed(ProviderError(kind, "no"), began_at=11, now=11)
    assert not opened.is_open


def test_being_rate_limited_neither_opens_nor_closes_it(opened):
    opened.failed(ProviderError(FailureKind.RATE_LIMITED, "slow"), began_at=11, now=11)
    assert opened.is_open
