"""The quick ballot is the template's ballot."""

import re

import pytest
from django.template.loader import render_to_string
from django.test import RequestFactory
from django.utils.translation import override

from arena.models import Ballot, Vote, Voter
from arena.voting.fragments import (
    ballot_fragment,
    name_fragment,
    progress_fragment,
    reveal_fragment,
)
from arena.voting.presentation import reveal, show_ballot
from arena.voting.progress import Progress

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


@pytest.mark.parametrize("choice", ["left", "right", "tie", "both_bad"])
@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_the_quick_reveal_equals_the_template(stored_answers, alice, language, choice):
    token = alice.token()
    battle = Ballot.objects.get(token=token).battle
    Vote.objects.create(battle=battle, voter=Voter.objects.create(key="other"), outcome="tie")
    alice.cast(choice, token)
    told = reveal(Ballot.objects.get(token=token))
    told.left.display_name = "<Left> & Sons"
    assert told.others
    with override(language):
        for address in ("/vote/", "/vote/?category=a+%22b&language=zh"):
            context = {"reveal": told, "vote_url": address}
            full = render_to_string("arena/_vote_reveal.html", context)
            assert reveal_fragment(told, address) == full
    assert token in full
    assert f"/{battle.pk}/" in full


def test_a_renamed_model_is_shown_by_its_new_name(alpha):
    before = name_fragment(alpha, "a")
    alpha.display_name, alpha.organisation = "<Renamed>", "Somewhere & Co"
    after = name_fragment(alpha, "a")
    context = {"model": alpha, "side": "a"}
    assert after == render_to_string("arena/_vote_name.html", context) != before
    assert "&lt;Renamed&gt;" in after


def test_progress_is_told_in_the_language_of_the_page():
    progress = Progress(3, 3)
    told = {}
    for language in ("en", "zh-hans", "en"):
        with override(language):
            told[language] = progress_fragment(progress)
            context = {"progress": progress}
            assert told[language] == render_to_string("arena/_vote_progress.html", context)
    assert told["en"] != told["zh-hans"]
