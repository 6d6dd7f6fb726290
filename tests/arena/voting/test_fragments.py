"""The quick ballot is the template's ballot."""

import re

import pytest
from django.template.loader import render_to_string
from django.test import RequestFactory
from django.utils.translation import override

from arena.models import Ballot
from arena.voting.fragments import ballot_fragment
from arena.voting.presentation import show_ballot

pytestmark = pytest.mark.django_db


def without_csrf(html):
    return re.sub(r'(csrfmiddlewaretoken" value=")\w+', r"\1", html)


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_it_equals_the_template_in_every_language(stored_answers, alice, language):
    alice.page()
    ballot, request = Ballot.objects.get(), RequestFactory().get("/")
    with override(language):
        quick = ballot_fragment(request, ballot)
        full = render_to_string("arena/_vote_ballot.html", {"ballot": show_ballot(ballot)}, request)
    assert without_csrf(quick) == without_csrf(full)


def test_a_text_that_looks_like_a_mark_stays_a_text(two_replies, alice):
    two_replies("mark-0123456789abcdef and {token}", "plain")
    alice.page()
    quick = ballot_fragment(RequestFactory().get("/"), Ballot.objects.get())
    assert "mark-0123456789abcdef and {token}" in quick
