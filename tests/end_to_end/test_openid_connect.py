"""Signing in with an organisation's account, in a browser and against a provider on loopback."""

import re

import pytest
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.slow]
FACTS = """
from django.contrib.auth.models import User
user = User.objects.get(username=NAME)
print(user.is_staff, user.is_superuser, user.groups.count(), user.voter.is_expert)
"""
STORED = """
from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
account = SocialAccount.objects.get(uid="boss-2")
user = account.user
print(user.username != "boss", repr(user.email), repr(user.first_name), account.extra_data, end=" ")
print(EmailAddress.objects.count())
"""


# the fixture names the database, so that this runs once on each
@pytest.fixture(autouse=True)
def both_databases(db):
    return None


@pytest.fixture(autouse=True)
def nothing_is_refused(provider):
    """By the provider, which checks what a real one checks."""
    yield
    assert provider.refusals == []


def vote(arena, page):
    page.goto(f"{arena.url}/vote/")
    page.keyboard.press("t")
    expect(page.locator("[data-reveal]")).to_be_visible()


def sign_in(arena, page, who):
    page.goto(f"{arena.url}/login/?next=/my-votes/")
    page.get_by_role("button", name="Sign in with your organisation's account").click()
    page.get_by_role("button", name=who).click()
    page.wait_for_url(f"{arena.url}/**")


def own_data(arena, page):
    return page.request.get(f"{arena.url}/my-votes/data/").json()


def test_anonymous_votes_join_the_account_and_its_role_lasts(arena, page, chromium):
    vote(arena, page)
    assert own_data(arena, page)["voter"]["account"] is None
    sign_in(arena, page, "ada-1")
    expect(page).to_have_url(f"{arena.url}/my-votes/")
    expect(page.get_by_title("Signed in as ada")).to_be_visible()
    vote(arena, page)
    data = own_data(arena, page)
    assert (data["voter"]["account"], len(data["votes"])) == ("ada", 2)
    assert data["voter"]["organisation_accounts"] == ["ada-1"]
    make_expert = (
        "; User.objects.get(username='ada').voter.__class__.objects.update(is_expert=True)"
    )
    facts = FACTS.replace("NAME", "'ada'").strip() + make_expert
    assert arena.shell(facts) == "False False 0 False"

    elsewhere = chromium.new_context()
    other = elsewhere.new_page()
    sign_in(arena, other, "ada-1")
    vote(arena, other)
    data = own_data(arena, other)
    assert (data["voter"]["account"], data["voter"]["is_expert"]) == ("ada", True)
    assert len(data["votes"]) == 3
    elsewhere.close()


def test_the_name_and_address_of_somebody_on_the_staff_open_an_account_of_its_own(arena, page):
    """Nor are the address and other claims kept."""
    sign_in(arena, page, "boss-2")
    expect(page.get_by_title(re.compile("Signed in as boss.+"))).to_be_visible()
    assert page.request.get(f"{arena.url}/integrity/", max_redirects=0).status == 403
    stored = arena.shell(STORED)
    assert stored == "True '' '' {} 0"


def test_who_changes_their_mind_at_the_provider_is_led_back(arena, page):
    sign_in(arena, page, "nobody")
    expect(page.get_by_role("heading", level=1)).to_have_text("You are not signed in")
    page.get_by_role("link", name="Sign in").last.click()
    expect(page).to_have_url(re.compile("/login/"))
