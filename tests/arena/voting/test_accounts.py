"""Accounts are optional, and votes follow them."""

import pytest
from django.contrib.auth import get_user_model
from django.urls import reverse

from arena.models import Voter

pytestmark = pytest.mark.django_db
FIELDS = {"username": "alice", "password1": "correct-horse-9", "password2": "correct-horse-9"}


def test_a_visitor_opens_an_account_and_keeps_their_votes(stored_answers, alice):
    alice.cast("left")
    answer = alice.client.post(reverse("account_signup"), FIELDS)
    assert answer.status_code == 302
    alice.cast("tie")
    voter = Voter.objects.get()
    assert voter.user.username == "alice"
    assert voter.votes.count() == 2


def test_where_accounts_are_closed_nobody_opens_one(db, client, settings):
    settings.ACCOUNTS_OPEN = False
    page = client.post(reverse("account_signup"), FIELDS)
    assert "by invitation only" in page.text
    assert not get_user_model().objects.exists()


def test_a_new_account_is_neither_staff_nor_expert(stored_answers, alice):
    alice.client.post(reverse("account_signup"), FIELDS)
    alice.page()
    voter = Voter.objects.get()
    assert not voter.is_expert
    assert not voter.user.is_staff


def test_the_sign_in_page_offers_an_account(client, db):
    assert reverse("account_signup") in client.get(reverse("login")).text
