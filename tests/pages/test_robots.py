"""What crawlers are asked to leave alone, and that it is neither too much nor too little."""

import re
from urllib.parse import urlsplit

import pytest
from django.urls import URLResolver, get_resolver, resolve, reverse

from arena.views.robots import kept_from_crawlers
from arena.voting.voters import COOKIE
from leaderboard.views.api_docs import api_missing


def disallowed(text):
    """The rules for everybody in a robots.txt, as RFC 9309 reads them: ``*`` is any text."""
    agents, *rules = text.splitlines()
    assert agents == "User-agent: *"
    patterns = [rule.removeprefix("Disallow: ") for rule in rules]
    return [re.compile(re.escape(pattern).replace(r"\*", ".*")) for pattern in patterns]


@pytest.fixture
def is_kept_out(client):
    rules = disallowed(client.get("/robots.txt").text)
    return lambda address: any(rule.match(address) for rule in rules)


def test_it_is_text_that_may_be_kept_for_a_day_and_costs_no_query(
    client, db, django_assert_num_queries
):
    with django_assert_num_queries(0):
        answer = client.get(reverse("robots"))
    assert answer["Content-Type"].startswith("text/plain")
    assert answer["Cache-Control"] == "public, max-age=86400"
    assert not answer.cookies
    assert client.post(reverse("robots")).status_code == 405


def test_every_address_that_it_names_leads_somewhere():
    for rule in kept_from_crawlers():
        found = resolve(rule.removesuffix("?").replace("*", "1"))
        assert found.func is not api_missing, rule


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("home", ()),
        ("board_list", ()),
        ("board_detail", ("main",)),
        ("board_history", ("main",)),
        ("head_to_head", ("main", "alpha", "beta")),
        ("board_feed", ("main",)),
        ("model_detail", ("alpha",)),
        ("question_detail", (1,)),
        ("battle_detail", (1,)),
        ("people_and_judges", ()),
        ("satisfaction", ()),
        ("judge_detail", ("judge",)),
        ("benchmark_board", ()),
        ("benchmark_run", (1,)),
        ("pareto", ()),
        ("method_detail", ("bradley_terry",)),
        ("api_docs", ()),
        ("voter_privacy", ()),
    ],
)
def test_boards_and_documentation_are_open(is_kept_out, name, args):
    assert not is_kept_out(reverse(name, args=args))


def test_the_choices_on_a_board_are_kept_out_as_each_is_fitted_for_its_first_reader(is_kept_out):
    assert is_kept_out(reverse("board_detail", args=["main"]) + "?category=math")


def test_data_files_are_kept_out(is_kept_out):
    for name in ("board_json", "board_csv", "board_bundle"):
        assert is_kept_out(reverse(name, args=["main"]))
    assert is_kept_out("/api/v1/boards")


def addresses(resolver, beginning="/"):
    """Every address of the site, with 1 for each of its arguments; patterns of regular expressions
    are left out.
    """
    for pattern in resolver.url_patterns:
        route = str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from addresses(pattern, beginning + route)
        elif "^" not in route and "(" not in route:
            yield beginning + re.sub(r"<[^>]*>", "1", route)


def test_no_crawler_is_led_to_what_makes_rows_of_it_or_asks_it_to_sign_in(
    client, admin_client, is_kept_out
):
    seen = set()
    for address in addresses(get_resolver()):
        if address.startswith("/admin/") and address != "/admin/":
            continue  # dozens, all below the one that is looked at
        client.cookies.clear()
        answer = client.get(address)
        leads_to = urlsplit(answer.headers.get("Location", "")).path
        if leads_to in (reverse("login"), reverse("admin:login")) or COOKIE in answer.cookies:
            seen.add(address)
            is_form_only = not is_kept_out(address) and admin_client.get(address).status_code == 405
            assert is_kept_out(address) or is_form_only, address
    assert {"/vote/", "/rate/", "/integrity/policy/", "/speed/1/", "/console/models/1/"} <= seen
