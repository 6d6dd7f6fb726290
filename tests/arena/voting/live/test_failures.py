"""Errors, time-outs and empty answers end the battle gracefully, marked and not voted on."""

import asyncio
import json

import pytest
from asgiref.sync import sync_to_async
from django.test import AsyncClient

from arena.live.rooms import ROOMS
from arena.models import Ballot, Battle, Exclusion, Question, Vote
from arena.voting.voters import COOKIE
from tests.arena.voting.live.sockets import GOOD, LONGEST_WAIT_S, SILENT, all_is_written, rows

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(
    ("options", "exclusion"),
    [
        ({"failures": [{"kind": "timed_out", "every": 1}], "default": "x"}, Exclusion.ERROR),
        ({"default": "   "}, Exclusion.EMPTY_ANSWER),
        (
            {"default": "half of it", "failures": [{"kind": "stream_cut", "every": 1}]},
            Exclusion.ERROR,
        ),
    ],
)
async def test_a_failed_answer_is_marked_and_cannot_be_voted_on(
    make_live_model, connect, options, exclusion
):
    await sync_to_async(make_live_model)("amber", **GOOD)
    await sync_to_async(make_live_model)("birch", **options)
    socket = await connect()
    await socket.open()
    done = await socket.converse()
    assert done["failed"]
    assert not done["votable"]
    assert (await socket.ask({"do": "vote", "choice": "left"}))["code"] == "not_votable"
    await socket.leave()
    battle = (await rows(Battle.objects.all()))[0]
    assert battle.exclusion == exclusion
    assert not await rows(Vote.objects.all())
    assert "birch" not in json.dumps(socket.heard).lower()


async def test_the_providers_own_words_about_a_failure_never_reach_the_browser(
    make_live_model, connect
):
    await sync_to_async(make_live_model)("amber", **GOOD)
    await sync_to_async(make_live_model)("birch")
    socket = await connect()
    await socket.open()
    await socket.converse()
    told = json.dumps(socket.heard)
    assert "scripted" not in told
    assert "not_found" not in told


async def test_a_failed_battle_is_remembered_as_its_voters(make_live_model, connect):
    await sync_to_async(make_live_model)("amber", **GOOD)
    await sync_to_async(make_live_model)("birch", default="")
    socket = await connect()
    await socket.open()
    await socket.converse("My secret")
    await socket.leave()
    assert (await rows(Ballot.objects.all()))[0].status == "failed"
    client = AsyncClient()
    client.cookies[COOKIE] = socket.cookie
    data = json.loads((await client.get("/my-votes/data/")).content)
    assert data["failed_live_battles"][0]["prompts"] == ["My secret"]
    await client.post("/my-votes/forget/")
    assert not await rows(Battle.objects.all())
    assert not await rows(Question.objects.all())


async def test_a_failed_battle_is_on_no_page_while_it_can_still_be_voted_on(
    make_live_model, connect
):
    """Its page names the models: who made it fail and read there would not vote blind."""
    failing = {"failures": [{"kind": "timed_out", "on_calls": [1]}]}
    for slug in ("amber", "birch"):
        await sync_to_async(make_live_model)(slug, **GOOD, **failing)
    socket = await connect()
    await socket.open()
    assert (await socket.converse())["failed"]
    assert not await rows(Battle.objects.all())
    assert not await rows(Question.objects.all())
    await socket.send({"do": "again", "turn": 0})
    assert (await socket.hear_until("done"))["votable"]
    assert (await socket.ask({"do": "vote", "choice": "left"}))["is"] == "reveal"
    await socket.leave()
    stored = await rows(Battle.objects.order_by("exclusion").values_list("exclusion", flat=True))
    assert stored == ["", Exclusion.ERROR]


async def test_what_fails_in_a_conversation_that_was_left_is_stored(make_live_model, connect):
    for slug in ("amber", "birch"):
        await sync_to_async(make_live_model)(slug, **SILENT)
    socket = await connect()
    room = ROOMS[(await socket.open())["key"]]
    await socket.send({"do": "prompt", "text": "Never mind"})
    while not room.is_streaming:
        await asyncio.sleep(0)
    streaming = room._streaming
    await socket.leave()
    await asyncio.gather(streaming)
    assert [b.exclusion for b in await rows(Battle.objects.all())] == [Exclusion.EMPTY_ANSWER]


async def test_failures_of_a_voter_who_took_their_data_back_are_not_stored(
    make_live_model, connect
):
    for slug in ("amber", "birch"):
        await sync_to_async(make_live_model)(slug, default="")
    socket = await connect()
    await socket.open()
    await socket.converse("My secret")
    client = AsyncClient()
    client.cookies[COOKIE] = socket.cookie
    await client.post("/my-votes/forget/")
    await socket.send({"do": "open"})
    assert (await socket.communicator.receive_output(LONGEST_WAIT_S))["type"] == "websocket.close"
    await all_is_written()
    assert not await rows(Question.objects.all())
