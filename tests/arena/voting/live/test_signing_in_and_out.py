"""Live battles that are open while somebody signs in or out in another tab."""

import pytest
from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth.models import User
from django.test import AsyncClient
from django.utils import timezone

from arena.live.consumers import COME_BACK, UNKNOWN_BROWSER
from arena.live.rooms import ROOMS
from arena.models import Ballot, Battle, Exclusion, Vote, Voter, VoterSession
from arena.voting.voters import COOKIE
from tests.arena.voting.live.sockets import LONGEST_WAIT_S, Socket, all_is_written

pytestmark = pytest.mark.django_db(transaction=True)


class Tabs:
    """One browser: its pages, and sockets with the cookies it has at the moment."""

    def __init__(self):
        self.client = AsyncClient()

    async def socket(self):
        await self.client.get("/live/")
        await VoterSession.objects.aupdate(consented_at=timezone.now())
        return self.socket_as_is()

    def socket_as_is(self):
        session = self.client.cookies.get(settings.SESSION_COOKIE_NAME)
        signed = f"; {session.key}={session.value}" if session else ""
        return Socket(self.client.cookies[COOKIE].value + signed)

    async def sign_in(self, user):
        await self.client.aforce_login(user)
        await self.client.get("/my-votes/")

    async def sign_out(self):
        await self.client.post("/logout/")


@pytest.fixture
async def browser(connect):
    """``connect`` ends the rooms that are left."""
    return Tabs()


@pytest.fixture
def user(db):
    return User.objects.create_user("alice")


async def closed_with(socket):
    output = await socket.communicator.receive_output(LONGEST_WAIT_S)
    assert output["type"] == "websocket.close"
    return output["code"]


async def test_a_battle_begun_before_signing_out_is_finished_for_the_account(
    two_models, browser, user
):
    await browser.sign_in(user)
    socket = await browser.socket()
    await socket.open()
    await socket.converse()
    await browser.sign_out()
    assert (await socket.converse("And now?"))["votable"]
    assert (await socket.ask({"do": "vote", "choice": "left"}))["is"] == "reveal"
    assert (await Vote.objects.select_related("voter").aget()).voter.user_id == user.pk
    await socket.close()


async def test_a_new_battle_after_signing_out_sends_the_browser_back_as_a_stranger(
    two_models, browser, user
):
    await browser.sign_in(user)
    socket = await browser.socket()
    await socket.open()
    await browser.sign_out()
    await socket.send({"do": "open"})
    assert await closed_with(socket) == COME_BACK
    assert not ROOMS
    await socket.close()
    again = await browser.socket_as_is().connect()
    assert (await again.hear())["code"] == "unknown"
    assert await closed_with(again) == UNKNOWN_BROWSER
    fresh = await browser.socket()
    await fresh.open()
    await fresh.converse()
    await fresh.ask({"do": "vote", "choice": "left"})
    assert (await Vote.objects.select_related("voter").aget()).voter.user_id is None
    await fresh.close()


async def test_who_stays_signed_in_opens_one_battle_after_another(two_models, browser, user):
    await browser.sign_in(user)
    socket = await browser.socket()
    await socket.open()
    assert (await socket.ask({"do": "open"}))["is"] == "room"
    await socket.close()


async def test_the_new_visitor_cannot_enter_the_accounts_room(two_models, browser, user):
    await browser.sign_in(user)
    socket = await browser.socket()
    room = await socket.open()
    await socket.close()
    await browser.sign_out()
    stranger = await browser.socket()
    await stranger.connect()
    refused = await stranger.ask({"do": "resume", "key": room["key"]})
    assert refused["code"] == "expired"
    await stranger.close()


async def test_a_new_battle_after_signing_in_belongs_to_the_account(two_models, browser, user):
    socket = await browser.socket()
    await socket.open()
    await browser.sign_in(user)
    await socket.send({"do": "open"})
    assert await closed_with(socket) == COME_BACK
    await socket.close()
    again = browser.socket_as_is()
    await again.open()
    await again.converse()
    await again.ask({"do": "vote", "choice": "left"})
    vote = await Vote.objects.select_related("voter").aget()
    assert vote.voter.user_id == user.pk
    await again.close()


@pytest.fixture
def account(user):
    return Voter.objects.create(key="account", user=user)


async def test_a_vote_after_signing_in_elsewhere_belongs_to_the_account(
    two_models, browser, user, account
):
    socket = await browser.socket()
    await socket.open()
    await socket.converse()
    await browser.sign_in(user)
    assert (await socket.ask({"do": "vote", "choice": "left"}))["is"] == "reveal"
    assert (await Vote.objects.aget()).voter_id == account.pk
    assert (await Ballot.objects.aget()).voter_id == account.pk
    assert "1 vote." in (await browser.client.get("/my-votes/")).text
    again = await socket.ask({"do": "resume", "key": socket.heard[0]["key"]})
    assert again["over"]
    await socket.close()


async def test_the_caps_of_the_account_hold_for_it(two_models, browser, user, account, policy):
    await sync_to_async(policy)(marked_votes_per_hour=1)
    await Ballot.objects.acreate(
        voter=account, battle=await any_battle(two_models), shown_first="a",
        status="skipped", closed_at=timezone.now(),
    )  # fmt: skip
    socket = await browser.socket()
    await socket.open()
    await socket.converse()
    await browser.sign_in(user)
    await socket.ask({"do": "vote", "choice": "left"})
    assert (await Vote.objects.aget()).exclusion == Exclusion.RATE_LIMITED
    await socket.close()


async def any_battle(two_models):
    first, second = two_models
    return await Battle.objects.acreate(model_a=first, model_b=second, origin="imported")


async def test_a_page_reloaded_after_signing_in_finds_its_battle_again(
    two_models, browser, user, account
):
    socket = await browser.socket()
    room = await socket.open()
    await socket.converse("Still there?")
    await socket.close()
    await browser.sign_in(user)
    again = browser.socket_as_is()
    await again.connect()
    back = await again.ask({"do": "resume", "key": room["key"]})
    assert back["turns"][0]["prompt"] == "Still there?"
    await again.ask({"do": "vote", "choice": "left"})
    assert (await Vote.objects.aget()).voter_id == account.pk
    await again.close()


async def test_a_battle_that_failed_before_signing_in_belongs_to_the_account(
    make_live_model, browser, user, account
):
    for slug in ("amber", "birch"):
        await sync_to_async(make_live_model)(slug, fail="server_error")
    socket = await browser.socket()
    await socket.open()
    await socket.converse()
    await browser.sign_in(user)
    await socket.close()
    for room in list(ROOMS.values()):
        room.close()
    await all_is_written()
    assert (await Ballot.objects.aget()).voter_id == account.pk
