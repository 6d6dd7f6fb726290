"""The content security policy is what django-csp makes of the settings, on every response."""

import pytest
from csp.constants import HEADER, HEADER_REPORT_ONLY, NONCE, SELF
from csp.exceptions import CSPNonceError
from csp.middleware import CSPMiddleware
from django.http import HttpResponse
from django.test import RequestFactory

from config.policy import KeptPolicyMiddleware

OWN = {"DIRECTIVES": {"default-src": [SELF], "script-src": [SELF, NONCE]}}


def policies(view, header=HEADER):
    """Of ours and of django-csp's own."""
    return [
        kind(view)(RequestFactory().get("/")).headers.get(header)
        for kind in (KeptPolicyMiddleware, CSPMiddleware)
    ]


def test_it_is_the_same_policy():
    ours, theirs = policies(lambda request: HttpResponse())
    assert sorted(ours.split("; ")) == sorted(theirs.split("; "))
    assert "object-src 'none'" in ours


@pytest.mark.parametrize("change", ["_csp_replace", "_csp_update", "_csp_config"])
def test_a_response_with_its_own_policy_keeps_it(change):
    def view(request):
        response = HttpResponse()
        setattr(response, change, {"frame-ancestors": ["https://example.org"]})
        return response

    ours, theirs = policies(view)
    assert sorted(ours.split("; ")) == sorted(theirs.split("; "))
    assert "https://example.org" in ours


def test_an_exempt_response_has_none():
    def view(request):
        response = HttpResponse()
        response._csp_exempt = True
        return response

    assert policies(view) == [None, None]


def test_a_policy_that_is_there_stays():
    assert policies(lambda request: HttpResponse(headers={HEADER: "x"})) == ["x", "x"]


def test_a_nonce_gets_into_the_policy(settings):
    settings.CONTENT_SECURITY_POLICY = OWN
    asked = []

    def view(request):
        asked.append(str(request.csp_nonce))
        return HttpResponse()

    ours = policies(view)[0]
    assert f"'nonce-{asked[0]}'" in ours


def test_a_nonce_asked_for_too_late_is_an_error():
    request = RequestFactory().get("/")
    KeptPolicyMiddleware(lambda request: HttpResponse())(request)
    with pytest.raises(CSPNonceError):
        str(request.csp_nonce)


def test_a_policy_that_only_reports_is_sent_too(settings):
    settings.CONTENT_SECURITY_POLICY_REPORT_ONLY = OWN
    ours, theirs = policies(lambda request: HttpResponse(), HEADER_REPORT_ONLY)
    assert ours is not None
    assert sorted(ours.split("; ")) == sorted(theirs.split("; "))
