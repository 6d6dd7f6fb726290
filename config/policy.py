"""The content security policy, worked out once instead of for every response."""

from __future__ import annotations

from collections.abc import Callable

from csp.constants import HEADER
from csp.middleware import CheckableLazyObject, CSPMiddleware
from csp.utils import build_policy
from django.conf import settings
from django.http import HttpRequest, HttpResponseBase


class KeptPolicyMiddleware(CSPMiddleware):
    """As its parent; a response with a policy, a change or a nonce of its own is left to that."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        super().__init__(get_response)
        is_simple = not (
            settings.DEBUG
            or settings.CONTENT_SECURITY_POLICY.get("EXCLUDE_URL_PREFIXES")
            or getattr(settings, "CONTENT_SECURITY_POLICY_REPORT_ONLY", None)
        )
        self._policy = build_policy() if is_simple else ""

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        has_its_own = HEADER in response or any(name.startswith("_csp") for name in vars(response))
        if not self._policy or has_its_own or hasattr(request, "_csp_nonce"):
            return super().process_response(request, response)
        response[HEADER] = self._policy
        # whoever asks for a nonce from now on is told that it would come too late
        late = CheckableLazyObject(self._csp_nonce_post_response)
        request.csp_nonce = late  # type: ignore[attr-defined]
        return response
