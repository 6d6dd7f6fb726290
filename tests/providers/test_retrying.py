from email.utils import formatdate

import pytest
from multidict import CIMultiDict

from providers import FailureKind, ProviderError
from providers.retrying import RetryPolicy, retry_after_s

POLICY = RetryPolicy(max_attempts=5, first_delay_s=0.5, max_delay_s=4)
SERVER_ERROR = ProviderError(FailureKind.SERVER_ERROR, "boom")


def test_delays_double_up_to_the_cap_and_are_fully_jittered():
    longest = [POLICY.delay_before_next(SERVER_ERROR, n, random=1.0) for n in range(1, 5)]
    assert longest == [0.5, 1, 2, 4]
    assert POLICY.delay_before_next(SERVER_ERROR, 3, random=0.0) == 0


def test_attempts_are_bounded():
    assert POLICY.delay_before_next(SERVER_ERROR, 5, random=1.0) is None


def test_a_failure_that_blames_the_request_is_not_retried():
    error = ProviderError(FailureKind.BAD_REQUEST, "no such field")
    assert POLICY.delay_before_next(error, 1, random=1.0) is None


def test_retry_after_is_the_least_wait():
    error = ProviderError(FailureKind.RATE_LIMITED, "slow down", retry_after_s=7)
    assert POLICY.delay_before_next(error, 1, random=0.0) == 7
    assert POLICY.delay_before_next(error, 1, random=1.0) == 7.5


def test_a_retry_after_beyond_the_longest_wait_gives_the_work_back():
    error = ProviderError(FailureKind.RATE_LIMITED, "come back tomorrow", retry_after_s=3600)
    assert POLICY.delay_before_next(error, 1, random=1.0) is None
    assert error.is_retryable


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Retry-After": "3"}, 3.0),
        ({"Retry-After": "0.25"}, 0.25),
        ({"Retry-After-Ms": "1500", "Retry-After": "9"}, 1.5),
        ({"Retry-After": formatdate(1_000_060, usegmt=True)}, 60.0),
        ({"Retry-After": formatdate(999_000, usegmt=True)}, 0.0),
        ({"Retry-After": "-4"}, 0.0),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "nan"}, None),
        ({"Retry-After": "inf"}, None),
    ],
)
def test_retry_after_is_read_in_every_form(headers, seconds):
    assert retry_after_s(CIMultiDict(headers), wall_now=1_000_000) == seconds
