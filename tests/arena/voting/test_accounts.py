"""Accounts are optional, and votes follow them."""

import pytest
from allauth.core.internal import ratelimit
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.urls import reverse

from arena.models import Ballot, Vote, Voter

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


@pytest.mark.parametrize("address", ["192.0.2.1", "2001:db8::1", ""])
def test_opening_an_account_leaves_no_address_in_the_cache(db, new_browser, monkeypatch, address):
    kept = []

    class Watched:
        def __getattr__(self, name):
            def call(key, *values, **options):
                kept.append((key, values))
                return getattr(cache, name)(key, *values, **options)

            return call

    monkeypatch.setattr(ratelimit, "cache", Watched())
    assert new_browser(address).client.post(reverse("account_signup"), FIELDS).status_code == 302
    assert kept
    assert not any(part in str(kept) for part in ("192.0.2", "2001:db8"))


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


@pytest.fixture
def signed_in_elsewhere(stored_answers, alice, django_user_model):
    """Alice's ballot and the token of a page that she opened before she signed in."""
    django_user_model.objects.create_user("alice", password="secret-alice")
    alice.client.handler.enforce_csrf_checks = True
    fields = {"token": alice.token(), "choice": "left", "csrfmiddlewaretoken": csrf_token(alice)}
    keys = {"username": "alice", "password": "secret-alice"}
    sent = {**keys, "csrfmiddlewaretoken": csrf_token(alice)}
    assert alice.client.post(reverse("login"), sent).status_code == 302
    assert csrf_token(alice) != fields["csrfmiddlewaretoken"]
    return fields


def csrf_token(browser):
    return browser.client.cookies["csrftoken"].value


def test_a_vote_from_before_signing_in_is_told_to_open_the_page_again(signed_in_elsewhere, alice):
    sent = {"accept": "text/html", "referer": "http://testserver/vote/?round=&category=math"}
    page = alice.client.post(reverse("vote_cast"), signed_in_elsewhere, headers=sent)
    assert page.status_code == 409
    assert "somebody has signed in or out in this browser" in page.text
    assert 'href="/vote/?round=&amp;category=math"' in page.text
    assert not Vote.objects.exists()


def test_a_script_is_told_in_json_that_its_page_is_out_of_date(signed_in_elsewhere, alice):
    for sent in ({"accept": "application/json"}, {"hx-request": "true"}):
        told = alice.client.post(reverse("vote_cast"), signed_in_elsewhere, headers=sent)
        assert (told.status_code, told.json()["code"]) == (409, "stale_page")


def test_with_the_new_token_the_ballot_from_before_signing_in_counts(signed_in_elsewhere, alice):
    renewed = {**signed_in_elsewhere, "csrfmiddlewaretoken": csrf_token(alice)}
    sent = {"accept": "application/json"}
    assert alice.client.post(reverse("vote_cast"), renewed, headers=sent).status_code == 200
    assert Vote.objects.get().voter.user.username == "alice"


@pytest.mark.parametrize(
    "referer", ["https://elsewhere.example/vote/", "", "http://testserver/vote/cast/"]
)
def test_a_refused_form_never_leads_to_another_site(signed_in_elsewhere, alice, referer):
    sent = {"accept": "text/html", "referer": referer}
    page = alice.client.post(reverse("vote_cast"), signed_in_elsewhere, headers=sent).text
    assert "elsewhere.example" not in page
    assert f'href="{"/vote/" if "cast" in referer else "/"}"' in page


def test_without_cookies_the_page_asks_for_them(stored_answers, client):
    client.handler.enforce_csrf_checks = True
    page = client.post(reverse("vote_cast"), {"token": "x"})
    assert page.status_code == 403
    assert "Allow cookies" in page.text


@pytest.mark.parametrize("path", ["password/reset/", "email/", "confirm-email/"])
def test_there_is_no_page_that_would_send_an_e_mail(client, db, path):
    assert client.get(f"/accounts/{path}").status_code == 404


def test_there_is_one_page_to_sign_in(client, db):
    response = client.get("/accounts/login/?next=/vote/")
    assert response.url == "/login/?next=/vote/"


def test_a_password_is_changed_on_a_page_that_looks_like_the_others(alice, django_user_model, db):
    user = django_user_model.objects.create_user("alice", password="secret-alice-1")
    alice.client.force_login(user)
    address = reverse("account_change_password")
    assert address in alice.client.get(reverse("voter_privacy")).text
    assert '<div class="field">' in alice.client.get(address).text
    fields = {"oldpassword": "secret-alice-1", "password1": "a-new-one-22"}
    assert "form-narrow" in alice.client.post(address, {**fields, "password2": "other"}).text
    alice.client.post(address, {**fields, "password2": "a-new-one-22"})
    user.refresh_from_db()
    assert user.check_password("a-new-one-22")


def test_who_is_signed_in_reads_that_the_account_holds_the_votes(
    stored_answers, alice, mallory, django_user_model
):
    alice.client.force_login(django_user_model.objects.create_user("<alice>"))
    for address in (reverse("vote"), reverse("voter_privacy")):
        own, others = alice.client.get(address).text, mallory.client.get(address).text
        assert "belong to your account" in own
        assert "&lt;alice&gt;" in own
        assert "anonymous" not in own
        assert "anonymous" in others
        assert "belong to your account" not in others
    assert "removed after a week" in others
    assert "removed after a week" not in own  # accounts are kept


def test_both_are_told_of_the_hash_of_their_address(stored_answers, alice, mallory, admin_user):
    alice.client.force_login(admin_user)
    for browser in (alice, mallory):
        browser.cast("left")
        assert "only a keyed hash is kept" in browser.page().text
    assert "" not in Ballot.objects.exclude(vote=None).values_list("address_key", flat=True)


@pytest.fixture
def deleted(stored_answers, alice, admin_client, django_user_model):
    """Alice voted with an account and signed out; the staff delete it: ``deleted(how)``."""
    user = django_user_model.objects.create_user("alice")
    alice.client.force_login(user)
    alice.cast("left")
    alice.client.post(reverse("logout"))

    def delete(how):
        if how == "one":
            address, fields = reverse("admin:auth_user_delete", args=[user.pk]), {}
        else:
            address = reverse("admin:auth_user_changelist")
            fields = {"action": "delete_selected", "_selected_action": [user.pk]}
        page = admin_client.post(address, fields) if fields else admin_client.get(address)
        assert admin_client.post(address, {**fields, "post": "yes"}).status_code == 302
        assert not django_user_model.objects.filter(pk=user.pk).exists()
        return page.text

    return delete


@pytest.mark.parametrize("how", ["one", "several"])
def test_a_deleted_accounts_votes_stay_and_no_browser_speaks_for_them(deleted, alice, how):
    page = deleted(how)
    assert "stays and counts as before" in page
    assert "Browsers that voted for the account begin anew" in page
    vote = Vote.objects.counted().get()
    assert vote.voter.user is None
    assert not vote.voter.sessions.exists()
    assert "No votes yet" in alice.client.get(reverse("my_votes")).text
    alice.client.post(reverse("forget_me"))
    alice.cast("tie")
    assert Vote.objects.counted().get(pk=vote.pk).voter == vote.voter
    assert Vote.objects.values("voter").distinct().count() == 2


def test_deleting_one_account_leaves_the_browsers_of_others_alone(deleted, mallory):
    mallory.cast("left")
    before = mallory.client.cookies["agon_voter"].value
    deleted("several")
    mallory.cast("tie")
    assert mallory.client.cookies["agon_voter"].value == before
    assert Voter.objects.get(user=None, sessions__isnull=False).votes.count() == 2
