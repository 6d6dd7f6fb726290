"""What both sides show, and how a battle goes on."""

import json
from dataclasses import replace

import pytest
from asgiref.sync import sync_to_async
from django.test import AsyncClient

from arena.live import storing
from arena.models import Answer, Battle
from arena.rendering import render_markdown
from providers.scripted import ScriptedProvider
from tests.arena.voting.live.sockets import GOOD, SLOW, rows

pytestmark = pytest.mark.django_db(transaction=True)


async def test_both_sides_stream_the_same_number_of_characters_until_one_ends(two_models, connect):
    socket = await connect()
    await socket.open()
    await socket.converse()
    told = [message for message in socket.heard if message["is"] == "text"]
    assert told
    for message in told:
        assert len(set(message["words"])) == 1
        assert "blocks" not in message or message["blocks"][0] == message["blocks"][1]
    assert GOOD["default"].startswith(socket.shown(0)[len("<p>") : -len("</p>\n")])


async def test_no_name_is_told_before_the_vote_and_both_after_it(two_models, connect):
    socket = await connect()
    await socket.open()
    await socket.converse()
    before = json.dumps(socket.heard)
    assert not [n for n in ("ZqAmber", "ZqBirch", "amber", "birch") if n in before]
    reveal = await socket.ask({"do": "vote", "choice": "left"})
    assert {"ZqAmber", "ZqBirch"} == {n for n in ("ZqAmber", "ZqBirch") if n in str(reveal)}


async def test_a_conversation_of_two_turns_is_one_battle(two_models, connect):
    socket = await connect()
    await socket.open()
    await socket.converse("First?")
    await socket.converse("Second?")
    await socket.ask({"do": "vote", "choice": "tie"})
    battle = (await rows(Battle.objects.select_related("question", "answer_b")))[0]
    assert battle.turn_count == 2
    assert battle.question.turn_texts == ["First?", "Second?"]
    assert len(battle.answer_b.turns) == 2


async def test_regenerating_replaces_the_last_turn(two_models, connect):
    socket = await connect()
    await socket.open()
    await socket.converse("Once?")
    await socket.send({"do": "again", "turn": 0})
    done = await socket.hear_until("done")
    assert (done["turn"], done["votable"]) == (0, True)


async def test_editing_a_turn_drops_what_came_after_it(two_models, connect):
    socket = await connect()
    await socket.open()
    await socket.converse("First?")
    await socket.converse("Second?")
    await socket.send({"do": "again", "turn": 0, "text": "Other first?"})
    await socket.hear_until("done")
    await socket.ask({"do": "vote", "choice": "tie"})
    battle = (await rows(Battle.objects.select_related("question")))[0]
    assert battle.question.turn_texts == ["Other first?"]


async def test_a_stopped_answer_keeps_what_was_shown_and_can_be_voted_on(make_live_model, connect):
    for slug in ("amber", "birch"):
        await sync_to_async(make_live_model)(slug, **SLOW)
    socket = await connect()
    await socket.open()
    await socket.send({"do": "prompt", "text": "Go on"})
    await socket.hear_until("text")
    await socket.send({"do": "stop"})
    done = await socket.hear_until("done")
    assert done["votable"]
    shown = socket.shown(0).replace(" </p>", "</p>")
    assert {reply["state"] for reply in done["replies"]} == {"stopped"}
    await socket.ask({"do": "vote", "choice": "left"})
    answers = await rows(Answer.objects.all())
    assert {render_markdown(answer.turns[0]) for answer in answers} == {shown}


async def test_what_a_repeated_turn_replaced_is_kept_with_the_battle(two_models, connect):
    socket = await connect()
    await socket.open()
    await socket.converse("Once?")
    await socket.converse("Twice?")
    await socket.send({"do": "again", "turn": 0, "text": "Other?"})
    await socket.hear_until("done")
    await socket.ask({"do": "vote", "choice": "tie"})
    metadata = (await rows(Battle.objects.all()))[0].metadata
    both = {"answer_a": GOOD["default"], "answer_b": GOOD["default"]}
    assert metadata == {
        "repeated": 1,
        "replaced": [
            {"turn": 1, "prompt": "Once?", **both},
            {"turn": 2, "prompt": "Twice?", **both},
        ],
    }


async def test_replaced_turns_are_kept_by_the_battles_sides_and_shown_with_it(
    make_live_model, connect
):
    first = await sync_to_async(make_live_model)("amber", default="From amber.")
    await sync_to_async(make_live_model)("birch", default="From birch.")
    socket = await connect()
    await socket.open()
    await socket.converse()
    await socket.send({"do": "again", "turn": 0})
    await socket.hear_until("done")
    await socket.ask({"do": "vote", "choice": "tie"})
    battle = (await rows(Battle.objects.all()))[0]
    assert battle.model_a_id == first.pk
    assert battle.metadata["replaced"][0]["answer_a"] == "From amber."
    page = (await AsyncClient().get(f"/battles/{battle.pk}/")).content.decode()
    assert "answered anew 1 time" in page
    assert page.count("From amber.") == 2


async def test_of_very_many_replaced_turns_the_latest_are_kept(two_models, connect, monkeypatch):
    monkeypatch.setattr(storing, "REPLACED_CHARACTERS", 60)
    socket = await connect()
    await socket.open()
    await socket.converse("First try")
    for text in ("Second try", "Third try"):
        await socket.send({"do": "again", "turn": 0, "text": text})
        await socket.hear_until("done")
    await socket.ask({"do": "vote", "choice": "tie"})
    metadata = (await rows(Battle.objects.all()))[0].metadata
    assert metadata["repeated"] == 2
    assert [turn["prompt"] for turn in metadata["replaced"]] == ["Second try"]


async def test_direct_chat_talks_to_one_model_and_stores_nothing(two_models, connect):
    socket = await connect()
    await socket.open("direct", ["amber"])
    done = await socket.converse()
    assert len(done["replies"]) == 1
    assert (await socket.ask({"do": "vote", "choice": "left"}))["code"] == "not_votable"
    assert not await rows(Battle.objects.all())


@pytest.mark.usefixtures("two_models")
async def test_nul_and_broken_surrogates_are_taken_out_of_prompts_and_answers(connect, monkeypatch):
    reply = ScriptedProvider._reply

    def with_nul(*arguments):
        return replace(reply(*arguments), text="good\0 answer")

    monkeypatch.setattr(ScriptedProvider, "_reply", with_nul)
    socket = await connect()
    await socket.open()
    await socket.say('{"do": "prompt", "text": "a\\u0000b \\ud800 c"}')
    await socket.hear_until("done")
    assert (await socket.ask({"do": "vote", "choice": "tie"}))["is"] == "reveal"
    answer = (await rows(Answer.objects.select_related("question")))[0]
    assert answer.question.turn_texts == ["ab ? c"]
    assert answer.turns == ["good answer"]
