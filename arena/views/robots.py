"""What crawlers are asked to leave alone: pages that make a row for every visitor, that belong to
one person or to staff, and files that take long to make. Boards and documentation are open to them.
"""

from __future__ import annotations

from functools import cache
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

ANY: Final = "*"  # any text in an address, as robots.txt writes it
ANY_NUMBER: Final = 987654321  # stands for one, and is written as ANY too
CHOICES: Final = "?"  # after an address: whatever is asked of it

# Names of addresses with their arguments. Whatever begins alike is meant as well, so that pages
# below one of these need no line of their own.
_ROWS_OF_VISITORS: Final = (
    ("vote",),
    ("live_battle",),
    ("side_by_side",),
    ("direct_chat",),
    ("rate_answer",),
    ("round_join", ANY),
)
_PERSONAL: Final = (
    ("my_votes",),
    ("login",),
    ("logout",),
    ("account_login",),
    ("account_logout",),
    ("account_signup",),
    ("account_inactive",),
    ("account_reauthenticate",),
    ("account_change_password",),
    ("account_set_password",),
    ("sign_in_by_link", ANY),
)
_STAFF: Final = (
    ("admin:index",),
    ("console",),
    ("integrity",),
    ("round_list",),
    ("release_list",),
    ("run_list",),
    ("speed_list",),
    ("benchmark_new",),
    ("benchmark_upload",),
    ("benchmark_task_list",),
    ("judge_new",),
    ("probe_run_new", ANY, ANY_NUMBER),
)
_MADE_ON_REQUEST: Final = (
    ("api-v1:api-root",),
    ("board_json", ANY),
    ("board_csv", ANY),
    ("board_bundle", ANY),
    ("board_charts", ANY),
    ("benchmark_board_json",),
    ("benchmark_run_json", ANY_NUMBER),
    ("benchmark_report", ANY_NUMBER),
)
# every choice on a board is a slice, which is fitted and stored when it is first asked for
_SLICES: Final = (("board_detail", ANY),)


def kept_from_crawlers() -> list[str]:
    """Beginnings of addresses, ``*`` for any text in between."""
    pages = (*_ROWS_OF_VISITORS, *_PERSONAL, *_STAFF, *_MADE_ON_REQUEST)
    return [_address(*page) for page in pages] + [_address(*page) + CHOICES for page in _SLICES]


def _address(name: str, *arguments: str | int) -> str:
    return reverse(name, args=arguments).replace(str(ANY_NUMBER), ANY)


@cache
def _text() -> str:
    lines = [f"Disallow: {address}" for address in kept_from_crawlers()]
    return "\n".join(["User-agent: *", *lines, ""])


@cache_control(public=True, max_age=24 * 3600)
@require_safe
def robots(request: HttpRequest) -> HttpResponse:
    return HttpResponse(_text(), content_type="text/plain; charset=utf-8")
