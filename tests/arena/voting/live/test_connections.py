"""Sockets that drop, come back, belong to somebody else, or talk nonsense."""

import asyncio
import re
from unittest import mock

import pytest
from asgiref.sync import sync_to_async
from channels.layers import get_channel_layer
from django.test import AsyncClient, override_settings
from django.utils.translation import override

from arena.live import rooms
from arena.live.rooms import MOST_ROOMS_PER_VOTER, ROOMS
from arena.models import Endpoint
from arena.rendering import render_markdown
from providers.base import GenerationSettings
from tests.arena.voting.live.sockets import (
    GOOD,
    LONGEST_WAIT_S,
    ORIGIN,
    SLOW,
    Socket,
    communicator_for,
)

pytestmark = pytest.mark.django_db(transaction=True)


async def test_a_dropped_socket_finds_its_room_again(two_models, connect):
    first = await connect()
    room = await first.open()
    await first.converse("Still there?")
    await first.close()
    second = await connect(first.cookie)
    await second.connect()
    back = await second.ask({"do": "resume", "key": room["key"]})
    assert back["turns"][0]["prompt"] == "Still there?"
    assert back["votable"]
    assert (await second.ask({"do": "vote", "choice": "left"}))["is"] == "reveal"


async def test_a_socket_dropped_mid_stream_gets_the_rest_on_its_return(make_live_model, connect):
    slow = {"default": "abcde" * 30, "chunk_delay_s": 0.005, "chunk_characters": 5}
    for slug in ("amber", "birch"):
        await sync_to_async(make_live_model)(slug, **slow)
    first = await connect()
    room = await first.open()
    await first.send({"do": "prompt", "text": "Go on"})
    await first.hear_until("text")
    await first.close()
    second = await connect(first.cookie)
    await second.connect()
    back = await second.ask({"do": "resume", "key": room["key"]})
    assert "abcde" in back["turns"][0]["replies"][0]["blocks"]["open"]
    if second.heard[-1]["streaming"]:
        await second.hear_until("done")
    replies = (ROOMS[room["key"]]).turns[0].replies
    assert {reply.text for reply in replies} == {slow["default"]}


async def test_a_browser_that_comes_back_mid_stream_sees_every_word_once(make_live_model, connect):
    text = "\n\n".join(f"Part **{number}** ends." for number in range(30))
    for slug in ("amber", "birch"):
        await sync_to_async(make_live_model)(
            slug, default=text, chunk_delay_s=0.01, chunk_characters=9
        )
    first = await connect()
    room = await first.open()
    await first.send({"do": "prompt", "text": "Go on"})
    await first.hear_until("text")
    second = await connect(first.cookie)
    await second.connect()
    await second.send({"do": "resume", "key": room["key"]})
    done = await second.hear_until("done")
    parts = [int(number) for number in re.findall(r"<strong>(\d+)", second.shown(0))]
    assert parts == list(range(len(parts)))
    assert len(parts) > 20
    assert done["replies"][0]["html"] == render_markdown(text)


async def test_who_comes_back_mid_stream_is_not_told_which_side_has_failed(
    make_live_model, connect
):
    await sync_to_async(make_live_model)("amber", **SLOW)
    await sync_to_async(make_live_model)("birch", fail="server_error")
    first = await connect()
    room = await first.open()
    await first.send({"do": "prompt", "text": "Go on"})
    await first.hear_until("text")
    second = await connect(first.cookie)
    await second.connect()
    back = await second.ask({"do": "resume", "key": room["key"]})
    assert back["streaming"]
    assert not back["failed"]
    assert [reply["state"] for reply in back["turns"][0]["replies"]] == ["streaming"] * 2


async def test_a_browser_that_takes_nothing_does_not_hold_its_room_up(monkeypatch):
    monkeypatch.setattr(rooms, "SEND_S", 0.01)
    room = rooms.Room(mode=rooms.Mode.BLIND, voter_id=1, seats=[], settings=GenerationSettings())
    stuck, heard = asyncio.Event(), []

    async def take_nothing(_message):
        await stuck.wait()

    async def hear(message):
        heard.append(message["is"])

    room.attach(take_nothing)
    await room.tell({"is": "text"})
    await room.let_in(hear)
    assert heard == ["room"]


async def test_a_reveal_lost_on_the_way_is_told_again_on_return(two_models, connect):
    first = await connect()
    room = await first.open()
    await first.converse()
    await first.ask({"do": "vote", "choice": "left"})
    await first.close()
    second = await connect(first.cookie)
    await second.connect()
    assert (await second.ask({"do": "resume", "key": room["key"]}))["over"]
    assert (await second.hear())["is"] == "reveal"


async def test_a_tab_is_told_when_its_conversation_goes_on_in_another(two_models, connect):
    first = await connect()
    room = await first.open()
    second = await connect(first.cookie)
    await second.connect()
    assert (await second.ask({"do": "resume", "key": room["key"]}))["is"] == "room"
    assert (await first.hear()) == {"is": "moved"}
    assert (await second.converse())["votable"]
    again = await second.ask({"do": "resume", "key": room["key"]})
    assert (again["is"], again["votable"]) == ("room", True)


async def test_mallory_cannot_enter_alices_room(two_models, connect):
    alice, mallory = await connect(), await connect()
    room = await alice.open()
    await mallory.connect()
    refused = await mallory.ask({"do": "resume", "key": room["key"]})
    assert refused["code"] == "expired"


async def test_bytes_are_refused_and_the_socket_stays_open(two_models, connect):
    socket = await connect()
    await socket.open()
    await socket.communicator.send_input({"type": "websocket.receive", "bytes": b"\x00\xff"})
    assert (await socket.hear())["code"] == "unknown"
    assert (await socket.converse())["votable"]


@pytest.mark.parametrize("language", ["xx", "../../etc", "%00", "zh-hans"])
async def test_a_cookie_can_only_choose_a_language_of_the_interface(two_models, connect, language):
    cookie = (await connect()).cookie
    socket = Socket(f"{cookie}; django_language={language}")
    await socket.connect()
    with mock.patch("arena.live.conversation.override", wraps=override) as spoken:
        await socket.ask({"do": "fly"})
    assert spoken.call_args.args[0] == ("zh-hans" if language == "zh-hans" else "en")
    await socket.close()


async def test_mallory_cannot_take_all_the_rooms_with_many_cookies(
    two_models, connect, monkeypatch
):
    monkeypatch.setattr("arena.live.rooms.MOST_ROOMS_PER_ADDRESS", 2)
    answers = [await (await connect()).open() for _ in range(3)]
    assert [answer.get("code") for answer in answers] == [None, None, "full"]


async def test_of_two_tabs_with_a_prompt_at_once_one_is_told_to_wait(
    make_live_model, connect, monkeypatch
):
    for slug in ("amber", "birch"):
        await sync_to_async(make_live_model)(slug, **SLOW)
    both_asked = asyncio.Event()

    async def slow_moderation(text, policy):
        if text == "second":
            both_asked.set()
        await both_asked.wait()
        return False

    monkeypatch.setattr("arena.live.conversation.is_unwanted", slow_moderation)
    first = await connect()
    room = await first.open()
    second = await connect(first.cookie)
    await second.connect()
    await second.ask({"do": "resume", "key": room["key"]})
    await first.hear_until("moved")
    await first.send({"do": "prompt", "text": "first"})
    await second.send({"do": "prompt", "text": "second"})
    assert (await first.hear_until("refused"))["code"] == "busy"
    assert [turn.prompt for turn in ROOMS[room["key"]].turns] == ["second"]


async def test_mallory_cannot_take_all_the_rooms(two_models, connect):
    cookie = (await connect()).cookie
    answers = [await (await connect(cookie)).open() for _ in range(MOST_ROOMS_PER_VOTER + 1)]
    assert [answer["is"] for answer in answers[:-1]] == ["room"] * MOST_ROOMS_PER_VOTER
    assert answers[-1]["code"] == "full"


@pytest.mark.parametrize(
    "garbage",
    ["{", "[]", '"x"', '{"do": "fly"}', '{"do": 7}', '{"do": ["open"]}', "null", "[" * 100_000],
)
async def test_garbage_is_refused_and_the_socket_stays_open(two_models, connect, garbage):
    socket = await connect()
    await socket.open()
    await socket.say(garbage)
    assert (await socket.hear())["is"] == "refused"
    assert (await socket.converse())["votable"]


@pytest.mark.parametrize(
    "fields", [{"models": 5}, {"mode": {"a": 1}}, {"models": {"x": "y"}}, {"models": [None, [1]]}]
)
async def test_an_opening_with_nonsense_in_it_leaves_the_socket_open(two_models, connect, fields):
    socket = await connect()
    await socket.connect()
    await socket.ask({"do": "open", **fields})
    assert (await socket.ask({"do": "open"}))["is"] == "room"


async def test_a_browser_without_cookie_is_turned_away(two_models):
    socket = await Socket("made-up").connect()
    assert (await socket.hear())["code"] == "unknown"
    await socket.close()


@pytest.mark.parametrize("path", ["/ws/", "/ws/live/more/", "/anything"])
async def test_an_unknown_address_is_refused_without_a_traceback(db, caplog, path):
    communicator = communicator_for(ORIGIN, path=path)
    await communicator.send_input({"type": "websocket.connect"})
    assert (await communicator.receive_output(LONGEST_WAIT_S))["type"] == "websocket.close"
    await communicator.send_input({"type": "websocket.disconnect", "code": 1006})
    await communicator.wait(LONGEST_WAIT_S)
    assert not caplog.records


async def test_a_page_of_another_site_cannot_open_the_socket(two_models):
    communicator = communicator_for((b"origin", b"https://evil.example"))
    await communicator.send_input({"type": "websocket.connect"})
    assert (await communicator.receive_output(LONGEST_WAIT_S))["type"] == "websocket.close"


async def test_with_one_callable_model_a_battle_is_refused(make_live_model, connect):
    await sync_to_async(make_live_model)("amber", **GOOD)
    socket = await connect()
    assert (await socket.open())["code"] == "nobody"


async def test_a_socket_waits_for_its_browser_only(two_models, connect):
    """A message from elsewhere would be waited for in Redis, and a late answer of it end the
    socket.
    """
    socket = await connect()
    await socket.open()
    assert get_channel_layer() is None


async def test_keys_of_another_secret_leave_the_page_and_are_told_as_nobody_to_ask(
    two_models, connect
):
    with override_settings(SECRET_KEY="another secret"):
        await Endpoint.objects.aupdate(api_key="sk-1")
    socket = await connect()
    assert (await AsyncClient().get("/live/")).status_code == 200
    refused = await socket.open()
    assert refused["code"] == "nobody"
