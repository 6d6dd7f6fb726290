"""Sockets that come back to another web process than the one that streams their battle."""

import asyncio
import os

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.utils import timezone
from redis import Redis
from redis.exceptions import RedisError

from arena.live import consumers, conversation, exchange
from arena.live.consumers import COME_BACK
from arena.live.exchange import Exchange, GoneError
from arena.live.rooms import ROOMS
from arena.models import Vote, Voter, VoterSession
from arena.voting.voters import visitor_of_guest
from tests.arena.voting.live.sockets import LONGEST_WAIT_S, SLOW, rows
from tests.skipping import skip_or_fail

pytestmark = pytest.mark.django_db(transaction=True)
CLOSED = "websocket.close"
REDIS_URL = os.environ.get("TEST_REDIS_URL", "redis://127.0.0.1:6379/9")


@pytest.fixture(autouse=True)
def redis(settings):
    settings.REDIS_URL = REDIS_URL
    try:
        with Redis.from_url(REDIS_URL) as server:
            server.ping()
    except RedisError as error:
        skip_or_fail(f"no Redis at {REDIS_URL}: {error}")


@pytest.fixture
async def move_on(monkeypatch):
    """Sockets from here on belong to a process that has no rooms and an exchange of its own."""
    before = []

    def move_on_():
        before.append(conversation._exchanges.pop(asyncio.get_running_loop()))
        monkeypatch.setattr(consumers, "ROOMS", {})
        return before[-1]

    yield move_on_
    for each in before:
        await each.aclose()


async def come_back(connect, first, room):
    second = await connect(first.cookie)
    await second.connect()
    return second, await second.ask({"do": "resume", "key": room["key"]})


async def cut_listening(home):
    """Its own connection only: the other round of tests listens at the same Redis."""
    listed = await home._redis.client_list(_type="pubsub")
    (own,) = [each["id"] for each in listed if each["name"] == f"{exchange.PREFIX}{home.process}"]
    await home._redis.client_kill_filter(_id=own)


async def until(condition):
    async with asyncio.timeout(LONGEST_WAIT_S):
        while not condition():
            await asyncio.sleep(0.01)


async def test_a_conversation_goes_on_through_another_process(two_models, connect, move_on):
    first = await connect()
    room = await first.open()
    await first.converse("Still there?")
    await first.close()
    move_on()
    second, back = await come_back(connect, first, room)
    assert back["turns"][0]["prompt"] == "Still there?"
    assert (await second.converse("And now?"))["votable"]
    revealed = await second.ask({"do": "vote", "choice": "left"})
    assert revealed["is"] == "reveal"
    assert revealed["counts"]
    assert await sync_to_async(Vote.objects.count)() == 1
    assert (await second.ask({"do": "vote", "choice": "left"}))["code"] == "over"


async def test_the_rest_of_an_answer_arrives_through_another_process(
    make_live_model, connect, move_on
):
    text = {"default": "abcde" * 200, "chunk_delay_s": 0.005, "chunk_characters": 5}
    for slug in ("amber", "birch"):
        await sync_to_async(make_live_model)(slug, **text)
    first = await connect()
    room = await first.open()
    await first.send({"do": "prompt", "text": "Go on"})
    await first.hear_until("text")
    await first.close()
    move_on()
    second, back = await come_back(connect, first, room)
    if back["streaming"]:
        await second.hear_until("done")
    assert second.heard[-1]["votable"]
    assert text["default"] in second.heard[-1]["replies"][0]["html"]
    assert second.shown(0).count("abcde") <= 200


async def test_a_battle_is_stopped_through_another_process(make_live_model, connect, move_on):
    for slug in ("amber", "birch"):
        await sync_to_async(make_live_model)(slug, **SLOW)
    first = await connect()
    room = await first.open()
    await first.send({"do": "prompt", "text": "Go on"})
    await first.hear_until("text")
    move_on()
    second, _ = await come_back(connect, first, room)
    await second.send({"do": "stop"})
    done = await second.hear_until("done")
    assert [reply["state"] for reply in done["replies"]] == ["stopped"] * 2
    assert (await first.hear_until("moved")) == {"is": "moved"}


async def test_a_new_battle_is_opened_where_the_socket_is(two_models, connect, move_on):
    first = await connect()
    room = await first.open()
    await first.converse()
    move_on()
    second, _ = await come_back(connect, first, room)
    fresh = await second.ask({"do": "open"})
    assert fresh["key"] != room["key"]
    assert (await second.converse())["votable"]
    await until(lambda: ROOMS[room["key"]].send is None)  # left, for its browser to come back


async def test_mallory_cannot_enter_alices_room_through_another_process(
    two_models, connect, move_on
):
    alice, mallory = await connect(), await connect()
    room = await alice.open()
    move_on()
    await mallory.connect()
    assert (await mallory.ask({"do": "resume", "key": room["key"]}))["code"] == "expired"


@pytest.mark.parametrize("key", ["", "nobody-has-it", "x" * 5000, "a\0b", {"x": 1}])
async def test_a_key_that_no_process_knows_is_refused(two_models, connect, key):
    socket = await connect()
    await socket.connect()
    assert (await socket.ask({"do": "resume", "key": key}))["code"] == "expired"
    assert (await socket.ask({"do": "open"}))["is"] == "room"


async def test_a_process_that_has_ended_is_told_from_one_that_is_busy(two_models, connect, move_on):
    first = await connect()
    room = await first.open()
    await move_on().aclose()
    second, back = await come_back(connect, first, room)
    assert back["code"] == "expired"
    assert (await second.ask({"do": "open"}))["is"] == "room"


async def test_a_process_that_ends_in_mid_conversation_is_noticed(two_models, connect, move_on):
    first = await connect()
    room = await first.open()
    home = move_on()
    second, _ = await come_back(connect, first, room)
    await home.aclose()
    assert (await second.ask({"do": "prompt", "text": "Hello?"}))["code"] == "expired"


async def test_who_only_reads_is_told_when_the_process_ends(
    two_models, connect, move_on, monkeypatch
):
    monkeypatch.setattr(exchange, "SIGN_OF_LIFE_S", 0.02)
    first = await connect()
    room = await first.open()
    home = move_on()
    second, _ = await come_back(connect, first, room)
    await home.aclose()
    ended = await second.communicator.receive_output(LONGEST_WAIT_S)
    assert (ended["type"], ended["code"]) == (CLOSED, COME_BACK)


async def test_the_room_of_a_process_that_fell_silent_waits_for_its_browser(
    two_models, connect, move_on, monkeypatch
):
    monkeypatch.setattr(exchange, "SILENCE_S", 0.05)
    first = await connect()
    room = await first.open()
    move_on()
    await come_back(connect, first, room)
    await until(lambda: ROOMS[room["key"]].send is None)


async def test_a_visitor_who_only_reads_is_not_taken_for_gone(
    two_models, connect, move_on, monkeypatch
):
    monkeypatch.setattr(exchange, "SIGN_OF_LIFE_S", 0.02)
    first = await connect()
    room = await first.open()
    move_on()
    second, _ = await come_back(connect, first, room)
    await asyncio.sleep(0.2)
    assert (await second.converse())["votable"]


async def test_what_fails_unforeseen_at_home_makes_the_browser_come_back(
    two_models, connect, move_on, monkeypatch
):
    async def fail(*_arguments):
        raise KeyError("unforeseen")

    first = await connect()
    room = await first.open()
    move_on()
    second, _ = await come_back(connect, first, room)
    monkeypatch.setattr(conversation.Conversation, "_prompt", fail)
    await second.send({"do": "prompt", "text": "Hello?"})
    ended = await second.communicator.receive_output(LONGEST_WAIT_S)
    assert (ended["type"], ended["code"]) == (CLOSED, COME_BACK)
    assert ROOMS[room["key"]].send is None


async def test_a_browser_that_takes_nothing_has_to_come_back(
    make_live_model, connect, move_on, monkeypatch
):
    monkeypatch.setattr(exchange, "MOST_WAITING", 2)
    for slug in ("amber", "birch"):
        await sync_to_async(make_live_model)(slug, **SLOW)
    first = await connect()
    room = await first.open()
    move_on()
    second, _ = await come_back(connect, first, room)
    here = conversation.exchange_here()
    (relay,) = here.relays.values()
    never = asyncio.Event()

    async def take_nothing(_message):
        await never.wait()

    relay.tell = take_nothing
    await second.send({"do": "prompt", "text": "Go on"})
    await until(lambda: not here.relays)
    told = []
    while (message := await second.communicator.receive_output(LONGEST_WAIT_S))["type"] != CLOSED:
        told.append(message)
    assert message["code"] == COME_BACK
    assert len(told) <= 1


async def test_no_cookie_and_no_address_passes_through_redis(
    two_models, connect, move_on, monkeypatch
):
    passed, send = [], Exchange.send

    async def record(self, process, message):
        passed.append(str(message))
        await send(self, process, message)

    monkeypatch.setattr(Exchange, "send", record)
    first = await connect()
    room = await first.open()
    move_on()
    await come_back(connect, first, room)
    assert passed
    assert not any(first.cookie in message or "192.0.2.1" in message for message in passed)


async def test_consent_given_through_one_process_holds_in_the_other(two_models, connect, move_on):
    first = await connect()
    await sync_to_async(VoterSession.objects.update)(consented_at=None)
    room = await first.open()
    assert (await first.ask({"do": "prompt", "text": "Hello"}))["code"] == "consent"
    await first.send({"do": "agree"})
    assert (await first.converse())["votable"]
    move_on()
    second, _ = await come_back(connect, first, room)
    assert (await second.converse())["votable"]
    assert (await second.ask({"do": "open"}))["is"] == "room"
    assert (await second.converse())["votable"]


async def test_without_redis_nobody_looks_in_other_processes(two_models, connect, settings):
    settings.REDIS_URL = ""
    assert conversation.exchange_here() is None
    first = await connect()
    assert (await first.open())["is"] == "room"
    assert (await first.ask({"do": "resume", "key": "elsewhere"}))["code"] == "expired"


async def test_a_battle_begins_without_redis_answering(
    two_models, connect, settings, caplog, monkeypatch
):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    monkeypatch.setattr(exchange, "ANSWER_S", 0.1)
    socket = await connect()
    assert (await socket.open())["is"] == "room"
    assert (await socket.ask({"do": "resume", "key": "elsewhere"}))["code"] == "expired"
    assert "other web processes" in caplog.text
    with pytest.raises(GoneError):
        await conversation.exchange_here().send("nobody", {})


async def test_listening_goes_on_after_redis_closed_the_connection(
    two_models, connect, move_on, monkeypatch
):
    monkeypatch.setattr(exchange, "LISTEN_AGAIN_S", 0.0)
    first = await connect()
    room = await first.open()
    home = move_on()
    await cut_listening(home)

    async def is_heard():
        try:
            await home.send(home.process, {"relay": "none", "told": {}})
        except GoneError:
            return False
        return True

    async with asyncio.timeout(LONGEST_WAIT_S):
        while not await is_heard():
            await asyncio.sleep(0.01)
    _, back = await come_back(connect, first, room)
    assert back["key"] == room["key"]


@pytest.mark.parametrize(
    "said", [b"{", b"7", b"{}", b'{"relay": "r", "from": "p", "guest": {"name": 1}, "said": 1}']
)
async def test_a_message_that_cannot_be_read_does_not_end_the_listening(
    two_models, connect, move_on, said
):
    first = await connect()
    room = await first.open()
    home = move_on()
    await home._redis.publish(f"{exchange.PREFIX}process:{home.process}", said)
    _, back = await come_back(connect, first, room)
    assert back["key"] == room["key"]


def test_a_guest_with_an_account_is_that_accounts_voter(db):
    user = User.objects.create_user("alice")
    voter = Voter.objects.create(key="v", user=user)
    VoterSession.objects.create(key="s", voter=voter, consented_at=timezone.now())
    found = visitor_of_guest("s", user.pk, "hash")
    assert (found.voter, found.address_key, found.has_consented) == (voter, "hash", True)
    assert visitor_of_guest("unknown", user.pk, "hash") is None


async def test_one_vote_comes_of_two_tabs_in_two_processes(two_models, connect, move_on):
    first = await connect()
    room = await first.open()
    await first.converse()
    move_on()
    second, _ = await come_back(connect, first, room)
    await first.hear_until("moved")
    await asyncio.gather(*(tab.send({"do": "vote", "choice": "tie"}) for tab in (first, second)))
    told = [await tab.hear() for tab in (first, second)]
    assert sorted(message["is"] for message in told) == ["refused", "reveal"]
    assert len(await rows(Vote.objects.all())) == 1
