import orjson
import pytest

from providers import EndpointConfig, FailureKind
from providers.openai_failures import Redactor, failure_from_object, failure_from_response

REDACT = Redactor(EndpointConfig(api_key="abcdef-secret", extra_headers={"X-Team": "team-token"}))


def failure(status, body, **headers):
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    return failure_from_response(status, headers, raw, wall_now=0, redact=REDACT)


@pytest.mark.parametrize(
    ("status", "error", "kind"),
    [
        (401, {"message": "no"}, FailureKind.AUTHENTICATION_FAILED),
        (402, {"message": "Insufficient Balance"}, FailureKind.QUOTA_EXHAUSTED),
        (403, {"message": "no"}, FailureKind.AUTHENTICATION_FAILED),
        (
            403,
            {"message": "flagged", "metadata": {"flagged_input": "…"}},
            FailureKind.CONTENT_FILTERED,
        ),
        (404, {"message": "model x does not exist"}, FailureKind.NOT_FOUND),
        (408, {}, FailureKind.TIMED_OUT),
        (413, {}, FailureKind.CONTEXT_TOO_LONG),
        (429, {"message": "slow"}, FailureKind.RATE_LIMITED),
        (429, {"code": "insufficient_quota"}, FailureKind.QUOTA_EXHAUSTED),
        (400, {"code": "Arrearage"}, FailureKind.QUOTA_EXHAUSTED),
        (400, {"code": "content_filter"}, FailureKind.CONTENT_FILTERED),
        (400, {"code": "data_inspection_failed"}, FailureKind.CONTENT_FILTERED),
        (400, {"code": "context_length_exceeded"}, FailureKind.CONTEXT_TOO_LONG),
        (
            400,
            {"message": "This model's maximum context length is 4096 tokens."},
            FailureKind.CONTEXT_TOO_LONG,
        ),
        (
            400,
            {"message": "Range of input length should be [1, 30720]"},
            FailureKind.CONTEXT_TOO_LONG,
        ),
        (400, {"message": "Unsupported parameter: 'max_tokens'"}, FailureKind.BAD_REQUEST),
        (422, {"message": "temperature must be a number"}, FailureKind.BAD_REQUEST),
        (500, {"message": "boom"}, FailureKind.SERVER_ERROR),
        (503, {}, FailureKind.SERVER_ERROR),
        (529, {"type": "overloaded_error"}, FailureKind.SERVER_ERROR),
    ],
)
def test_every_refusal_has_its_name(status, error, kind):
    assert failure(status, {"error": error}).kind == kind


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"message": "the reason"}},
        {"error": "the reason"},
        {"object": "error", "message": "the reason", "code": 400},
        {"message": "the reason", "request_id": "1"},
        {"detail": "the reason"},
        {"detail": [{"msg": "the reason"}]},
        [{"error": {"message": "the reason"}}],
        b"the reason",
        b"<html><title>the reason</title>",
    ],
)
def test_the_reason_is_found_in_every_shape_of_error(body):
    assert "the reason" in failure(400, body).detail


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"message": "x", "code": 502}, FailureKind.SERVER_ERROR),
        ({"message": "x", "code": "429"}, FailureKind.RATE_LIMITED),
        ({"message": "x", "type": "rate_limit_error"}, FailureKind.RATE_LIMITED),
        ({"message": "context length"}, FailureKind.CONTEXT_TOO_LONG),
        ({"message": "x"}, FailureKind.SERVER_ERROR),
    ],
)
def test_an_error_that_came_with_status_200_has_its_name_too(error, kind):
    assert failure_from_object(error, REDACT).kind == kind


def test_retry_after_travels_with_the_failure():
    assert failure(429, {}, **{"retry-after": "2"}).retry_after_s == 2


def test_the_detail_is_bounded():
    assert len(failure(400, {"error": {"message": "x" * 9999}}).detail) <= 500


@pytest.mark.parametrize(
    "leak", ["abcdef-secret", "team-token", "sk-proj-abc123def456", "Bearer eyJhbGciOi"]
)
def test_no_key_survives_in_the_detail(leak):
    said = failure(401, {"error": {"message": f"Incorrect API key provided: {leak}."}})
    assert leak not in said.detail
    assert "[key]" in str(said)
