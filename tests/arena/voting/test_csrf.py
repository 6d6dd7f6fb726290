"""Forms drawn in a hurry are as safe from other sites as all others."""

import re
from collections import Counter
from itertools import islice

import pytest
from django.middleware.csrf import get_token
from django.test import Client, RequestFactory
from django.urls import reverse

from arena.models import Vote
from arena.voting import csrf
from arena.voting.csrf import masked_token

SECURITY = (
    "Content-Security-Policy",
    "Cross-Origin-Opener-Policy",
    "Referrer-Policy",
    "X-Content-Type-Options",
    "X-Frame-Options",
)


@pytest.fixture
def request_with_cookie():
    request = RequestFactory().get("/")
    get_token(request)
    return request


def test_every_token_has_another_mask(request_with_cookie):
    tokens = {masked_token(request_with_cookie) for _ in range(20)}
    assert len(tokens) == 20
    assert {len(token) for token in tokens} == {64}


def test_a_browser_without_a_secret_gets_one():
    request = RequestFactory().get("/")
    assert len(masked_token(request)) == 64
    assert request.META["CSRF_COOKIE"]


def test_a_token_renews_the_cookie(request_with_cookie):
    request_with_cookie.META["CSRF_COOKIE_NEEDS_UPDATE"] = False
    masked_token(request_with_cookie)
    assert request_with_cookie.META["CSRF_COOKIE_NEEDS_UPDATE"]


def test_all_characters_are_as_likely(monkeypatch):
    monkeypatch.setattr(csrf.os, "urandom", lambda size: bytes(range(256)))
    assert set(Counter(islice(csrf._random_places(), 248)).values()) == {4}


@pytest.mark.django_db
def test_the_token_of_a_battle_loaded_in_advance_is_accepted_and_no_other(stored_answers):
    client = Client(enforce_csrf_checks=True)
    first = client.get(reverse("vote")).text
    token = re.search(r'name="token" value="([^"]+)"', first).group(1)
    second = client.get(reverse("vote_next"), {"after": token}).text
    form = dict(re.findall(r'name="(csrfmiddlewaretoken|token)" value="([^"]+)"', second))
    wrong = form | {"csrfmiddlewaretoken": form["csrfmiddlewaretoken"][::-1], "choice": "tie"}
    assert client.post(reverse("vote_cast"), wrong).status_code == 409
    headers = {"accept": "application/json"}
    sent = client.post(reverse("vote_cast"), form | {"choice": "tie"}, headers=headers)
    assert sent.status_code == 200
    following = sent.json()["next"]
    form = dict(re.findall(r'name="(csrfmiddlewaretoken|token)" value="([^"]+)"', following))
    assert client.post(reverse("vote_cast"), form | {"choice": "tie"}).status_code == 200
    assert Vote.objects.count() == 2


@pytest.mark.django_db
def test_answers_to_votes_carry_the_security_headers_of_every_page(stored_answers, alice):
    page = alice.page()
    for response in (alice.cast(), alice.client.get(reverse("vote_next"))):
        assert {name: response.get(name) for name in SECURITY} == {
            name: page[name] for name in SECURITY
        }
