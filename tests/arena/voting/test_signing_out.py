"""Signing out: the account's votes stay with the account, and the browser begins anew."""

import datetime as dt
import re

import pytest
from django.contrib.auth import get_user_model
from django.contrib.sessions.models import Session
from django.test import RequestFactory
from django.urls import reverse
from django.utils import timezone

from arena.models import (
    Ballot,
    Exclusion,
    InviteRound,
    SatisfactionRating,
    Vote,
    Voter,
    VoterSession,
)
from arena.voting.keys import session_key
from arena.voting.merging import voters_of
from arena.voting.rounds import join_round
from arena.voting.turn import read_turn
from arena.voting.voters import COOKIE, known_visitor, visitor_of_guest

pytestmark = pytest.mark.django_db


@pytest.fixture
def user():
    return get_user_model().objects.create_user("alice", password="x")


@pytest.fixture
def signed_in(stored_answers, alice, user):
    alice.client.force_login(user)
    alice.cast("left")
    return alice


def sign_out(browser):
    assert browser.client.post(reverse("logout")).status_code == 302


def end_session(browser):
    """Its cookie stays in the browser."""
    Session.objects.update(expire_date=timezone.now() - dt.timedelta(days=1))


@pytest.fixture(params=[sign_out, end_session])
def signed_out(signed_in, request):
    request.param(signed_in)
    return signed_in


def rating_token(browser):
    page = browser.client.get(reverse("rate_answer")).text
    return re.search(r'name="token" value="([^"]+)"', page).group(1)


def test_who_has_signed_out_reads_nothing_of_the_account(signed_out):
    assert "No votes yet" in signed_out.client.get(reverse("my_votes")).text
    assert signed_out.client.get(reverse("my_data")).json() == {"voter": None, "votes": []}
    assert "Remove my data<" not in signed_out.client.get(reverse("voter_privacy")).text
    token = Ballot.objects.exclude(vote=None).get().token
    assert signed_out.client.get(reverse("vote_verdicts", args=[token])).status_code == 404


@pytest.mark.parametrize("query", ["", "?account=close"])
def test_who_has_signed_out_removes_nothing_and_is_told(signed_out, user, query):
    page = signed_out.client.post(reverse("forget_me") + query, follow=True).text
    assert "Nothing was removed" in page
    assert "Done." not in page
    assert user.voter.votes.count() == 1


def test_closing_an_account_while_signed_out_keeps_what_the_browser_did_since(signed_out):
    signed_out.cast("tie")
    signed_out.client.post(reverse("forget_me") + "?account=close")
    assert Vote.objects.exclude(voter=None).count() == 2


def test_the_next_page_makes_a_new_visitor_of_the_browser(signed_out, user):
    before = signed_out.client.cookies[COOKIE].value
    signed_out.cast("tie")
    assert signed_out.client.cookies[COOKIE].value != before
    assert [voter.votes.count() for voter in Voter.objects.order_by("pk")] == [1, 1]
    assert Voter.objects.get(user=None).votes.get().outcome == "tie"
    assert "1 vote." in signed_out.client.get(reverse("my_votes")).text


def test_signing_in_again_finds_the_account_and_brings_along_what_was_done_since(signed_out, user):
    signed_out.cast("tie")
    signed_out.client.force_login(user)
    assert "2 votes." in signed_out.client.get(reverse("my_votes")).text
    # one of two on the same battle stays with who cast it, who is part of the account
    assert Vote.objects.filter(voter__in=voters_of(user.voter)).count() == 2


def test_signing_in_again_without_another_page_finds_the_account(signed_out, user):
    signed_out.client.force_login(user)
    assert "1 vote." in signed_out.client.get(reverse("my_votes")).text


def test_an_account_has_its_data_in_a_browser_that_is_new_here(signed_in, user, new_browser):
    desk = new_browser()
    desk.client.force_login(user)
    assert "1 vote." in desk.client.get(reverse("my_votes")).text
    assert len(desk.client.get(reverse("my_data")).json()["votes"]) == 1
    assert VoterSession.objects.count() == 2
    desk.client.post(reverse("forget_me") + "?account=close")
    assert not get_user_model().objects.exists()


def test_somebody_elses_account_after_it_gets_nothing(signed_out, user):
    bob = get_user_model().objects.create_user("bob", password="x")
    signed_out.client.force_login(bob)
    assert "No votes yet" in signed_out.client.get(reverse("my_votes")).text
    assert user.voter.votes.count() == 1


@pytest.mark.parametrize("is_new", [False, True], ids=["first", "after another page"])
def test_a_battle_opened_before_signing_out_is_refused_and_waits(signed_in, user, is_new):
    token = signed_in.token()
    sign_out(signed_in)
    if is_new:
        signed_in.page()
    refused = signed_in.cast("left", token)
    assert (refused.status_code, refused.json()["code"]) == (409, "signed_out")
    assert "Sign in again" in refused.json()["text"]
    signed_in.client.force_login(user)
    assert signed_in.cast("left", token).status_code == 200
    assert user.voter.votes.count() == 2


def test_without_script_a_fresh_battle_comes_with_the_refusal(signed_in):
    token = signed_in.token()
    sign_out(signed_in)
    page = signed_in.client.post(reverse("vote_cast"), {"token": token, "choice": "left"})
    assert page.status_code == 409
    assert "you have been signed out" in page.text
    assert token not in page.text
    fresh = re.search(r'name="token" value="([^"]+)"', page.text).group(1)
    assert signed_in.cast("left", fresh).status_code == 200


def test_a_spent_battle_of_the_account_is_not_told_again(signed_out):
    token = Ballot.objects.exclude(vote=None).get().token
    refused = signed_out.cast("left", token).json()
    assert (refused["code"], "bar" in refused) == ("signed_out", False)


def test_no_next_battle_is_handed_out_of_the_account(signed_out):
    assert signed_out.client.get(reverse("vote_next")).status_code == 204


def test_an_account_that_sends_anothers_token_is_told_it_is_somebody_elses(signed_in, mallory):
    bob = get_user_model().objects.create_user("bob", password="x")
    mallory.client.force_login(bob)
    mallory.page()
    assert mallory.cast("left", signed_in.token()).status_code == 403


def test_an_answer_opened_before_signing_out_waits_for_its_rating(signed_in, user):
    token = rating_token(signed_in)
    sign_out(signed_in)
    sent = {"token": token, "score": "4"}
    page = signed_in.client.post(reverse("rate_answer"), sent, follow=True).text
    assert "you have been signed out" in page
    assert not SatisfactionRating.objects.filter(score__isnull=False).exists()
    signed_in.client.force_login(user)
    signed_in.client.post(reverse("rate_answer"), sent)
    assert SatisfactionRating.objects.get(token=token).score == 4


@pytest.fixture
def joined(signed_in, user):
    """A round in which the account takes part."""
    invite = InviteRound.objects.create(title="R")
    request = RequestFactory().get("/")
    request.user, request.COOKIES[COOKIE] = user, signed_in.client.cookies[COOKIE].value
    join_round(known_visitor(request), invite, name="Alice")
    return invite


def test_without_script_a_refusal_in_a_round_comes_with_the_invitation(signed_in, joined):
    form = {"token": signed_in.token(), "choice": "left", "round": joined.code}
    sign_out(signed_in)
    page = signed_in.client.post(reverse("vote_cast"), form)
    assert page.status_code == 409
    assert "you have been signed out" in page.text
    assert f'action="{reverse("round_join", args=[joined.code])}"' in page.text
    assert Voter.objects.count() == 1


def test_in_a_round_the_browser_is_somebody_who_has_not_joined(signed_in, joined):
    invite = joined
    address = reverse("round_join", args=[invite.code])
    assert signed_in.client.get(address).status_code == 302
    sign_out(signed_in)
    assert signed_in.client.get(address).status_code == 200
    signed_in.client.post(address, {"name": "Visitor"})
    assert set(invite.annotators.values_list("name", flat=True)) == {"Alice", "Visitor"}


def test_a_vote_after_signing_out_costs_no_further_query(signed_in, django_assert_num_queries):
    token = signed_in.token()
    request = RequestFactory().post("/vote/cast/")
    request.user, request.COOKIES[COOKIE] = None, signed_in.client.cookies[COOKIE].value
    read_turn(request, token)  # the policy is read
    with django_assert_num_queries(1):
        assert read_turn(request, token) is None


def test_a_guest_of_another_process_is_known_by_their_account_only(signed_in, user):
    key = session_key(signed_in.client.cookies[COOKIE].value)
    assert visitor_of_guest(key, None, "") is None
    assert visitor_of_guest(key, user.pk, "").voter == user.voter


def test_the_address_keeps_its_cap_across_signing_out(signed_in, policy):
    policy(marked_votes_per_address_and_hour=2)
    signed_in.cast("left")
    sign_out(signed_in)
    signed_in.cast("tie")
    marks = list(Vote.objects.order_by("pk").values_list("exclusion", flat=True))
    assert marks == ["", "", Exclusion.RATE_LIMITED]
