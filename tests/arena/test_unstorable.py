"""A NUL character in a request is refused on either database, before anything is looked for."""

import pytest
from django.urls import reverse

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "address",
    [
        "/vote/?category=%00",
        "/vote/?language=a%00b",
        "/vote/?round=%00",
        "/vote/next/?after=%00",
        "/vote/verdicts/%00/",
        "/join/%00/",
        "/models/%00/",
        "/questions/?q=%00",
    ],
)
def test_an_address_with_a_nul_is_refused(client, address):
    client.get(reverse("vote"))
    assert client.get(address).status_code == 400


@pytest.mark.parametrize("field", ["token", "round", "after", "category", "na\0me"])
def test_a_form_with_a_nul_is_refused(client, field):
    client.get(reverse("vote"))
    sent = {"token": "x", "choice": "left"} | {field: "a\0b"}
    assert client.post(reverse("vote_cast"), sent).status_code == 400


def test_other_strange_characters_pass(client):
    assert client.get("/vote/?category=%EF%BF%BF%E2%80%AE").status_code == 200
