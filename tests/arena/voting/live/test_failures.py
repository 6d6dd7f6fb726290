"""Errors, time-outs and empty answers end the battle gracefully, marked and not voted on."""

import json

import pytest
from asgiref.sync import sync_to_async
from django.test import AsyncClient

from arena.models import Ballot, Battle, Exclusion, Question, Vote
from arena.voting.voters import COOKIE
from tests.arena.voting.live.sockets import GOOD, rows

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
    assert (await rows(Ballot.objects.all()))[0].status == "failed"
    client = AsyncClient()
    client.cookies[COOKIE] = socket.cookie
    data = json.loads((await client.get("/my-votes/data/")).content)
    assert data["failed_live_battles"][0]["prompts"] == ["My secret"]
    await client.post("/my-votes/forget/")
    assert not await rows(Battle.objects.all())
    assert not await rows(Question.objects.all())
