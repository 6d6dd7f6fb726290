"""Live votes: what is stored with them, what is marked."""

import pytest
from asgiref.sync import sync_to_async
from django.db import OperationalError

from arena.live import conversation
from arena.live.rooms import ROOMS
from arena.models import Ballot, Battle, Exclusion, Question, Vote
from arena.voting.battle_review import battles_left_out, count_again
from arena.voting.keys import address_key
from tests.arena.voting.live.sockets import GOOD, SLOW, rows

pytestmark = pytest.mark.django_db(transaction=True)


async def test_a_vote_stores_battle_answers_probability_and_choice(two_models, connect):
    socket = await connect()
    await socket.open()
    await socket.converse()
    reveal = await socket.ask({"do": "vote", "choice": "left", "reasons": ["clear"]})
    vote = (await rows(Vote.objects.select_related("battle__question", "battle__answer_a")))[0]
    assert reveal["counts"]
    assert (vote.draw_probability, vote.reasons, vote.exclusion) == (1.0, ["clear"], "")
    assert vote.battle.origin == "live"
    assert vote.battle.is_anonymous
    assert vote.battle.answer_a.turns == [GOOD["default"]]
    assert vote.battle.question.turn_texts == ["Why is the sky blue?"]
    assert (vote.outcome == "model_a") == (vote.shown_first == "a")


async def test_a_second_vote_is_refused(two_models, connect):
    socket = await connect()
    await socket.open()
    await socket.converse()
    await socket.ask({"do": "vote", "choice": "left"})
    again = await socket.ask({"do": "vote", "choice": "right"})
    assert (again["is"], again["code"]) == ("refused", "over")
    assert len(await rows(Vote.objects.all())) == 1


async def test_a_vote_before_any_answer_is_refused(two_models, connect):
    socket = await connect()
    await socket.open()
    assert (await socket.ask({"do": "vote", "choice": "left"}))["code"] == "not_votable"


async def test_a_vote_while_both_write_stops_them_and_counts(make_live_model, connect):
    for slug in ("amber", "birch"):
        await sync_to_async(make_live_model)(slug, **SLOW)
    socket = await connect()
    await socket.open()
    await socket.send({"do": "prompt", "text": "Go on"})
    await socket.hear_until("text")
    await socket.send({"do": "vote", "choice": "right"})
    assert (await socket.hear_until("reveal"))["choice"] == "right"


async def test_votes_between_named_models_are_kept_and_not_counted(two_models, connect):
    socket = await connect()
    room = await socket.open("named", ["amber", "birch"])
    assert room["names"] == ["ZqAmber", "ZqBirch"]
    await socket.converse()
    reveal = await socket.ask({"do": "vote", "choice": "left"})
    battle = (await rows(Battle.objects.all()))[0]
    assert not reveal["counts"]
    assert (battle.is_anonymous, battle.exclusion) == (False, Exclusion.NAMED)
    assert not await rows(Vote.objects.counted())


async def test_an_answer_that_names_its_model_is_voted_on_and_marked(make_live_model, connect):
    await sync_to_async(make_live_model)("amber", **GOOD)
    await sync_to_async(make_live_model)("birch", default="I am ChatGPT, a model by OpenAI.")
    socket = await connect()
    await socket.open()
    await socket.converse()
    await socket.ask({"do": "vote", "choice": "left"})
    assert (await rows(Battle.objects.all()))[0].exclusion == Exclusion.IDENTITY_LEAK
    [listed] = await sync_to_async(battles_left_out)(40)
    assert (listed.words, listed.votes) == (["i am chatgpt"], 1)


async def test_staff_count_a_live_battle_again_in_which_the_check_was_wrong(
    make_live_model, connect, admin_user
):
    await sync_to_async(make_live_model)("amber", **GOOD)
    await sync_to_async(make_live_model)("birch", default="I am ChatGPT, a model by OpenAI.")
    socket = await connect()
    await socket.open()
    await socket.converse()
    await socket.ask({"do": "vote", "choice": "left"})
    battle = (await rows(Battle.objects.all()))[0]
    act = await sync_to_async(count_again)(battle, reason=Exclusion.IDENTITY_LEAK, by=admin_user)
    assert act.votes_changed == 1
    assert len(await rows(Vote.objects.counted())) == 1


async def test_the_same_prompt_again_about_the_same_pair_is_a_duplicate(two_models, connect):
    socket = await connect()
    for _ in range(2):
        await socket.open() if not socket.heard else await socket.ask({"do": "open"})
        await socket.converse("Same?")
        await socket.ask({"do": "vote", "choice": "tie"})
    marks = [vote.exclusion for vote in await rows(Vote.objects.all())]
    assert marks == ["", Exclusion.DUPLICATE]


async def test_a_vote_with_nonsense_beside_the_choice_counts_without_it(two_models, connect):
    socket = await connect()
    await socket.open()
    await socket.converse()
    wanted = {"do": "vote", "choice": "left", "strength": "much", "reasons": {"clear": 1}}
    assert (await socket.ask(wanted))["is"] == "reveal"
    vote = (await rows(Vote.objects.all()))[0]
    assert (vote.strength, vote.reasons) == (None, [])


async def test_strength_and_reasons_are_kept_with_a_live_vote(two_models, connect):
    socket = await connect()
    await socket.open()
    await socket.converse()
    await socket.ask({"do": "vote", "choice": "right", "strength": 2, "reasons": ["clear", "no"]})
    vote = (await rows(Vote.objects.all()))[0]
    assert (vote.strength, vote.reasons) == (2, ["clear"])


async def test_a_live_battle_has_a_spent_ballot_with_hashed_address(two_models, connect):
    socket = await connect()
    await socket.open()
    await socket.converse()
    await socket.ask({"do": "vote", "choice": "tie"})
    ballot = (await rows(Ballot.objects.all()))[0]
    vote = (await rows(Vote.objects.all()))[0]
    assert (ballot.status, ballot.vote_id, ballot.drawn_by) == ("voted", vote.pk, "uniform")
    assert ballot.address_key == address_key("192.0.2.1")
    assert ballot.reading_s > 0


async def test_live_votes_beyond_the_hourly_cap_are_marked(two_models, connect, policy):
    await sync_to_async(policy)(marked_votes_per_hour=1)
    socket = await connect()
    for prompt in ("One?", "Two?"):
        await socket.open() if not socket.heard else await socket.ask({"do": "open"})
        await socket.converse(prompt)
        await socket.ask({"do": "vote", "choice": "tie"})
    marks = [vote.exclusion for vote in await rows(Vote.objects.all())]
    assert marks == ["", Exclusion.RATE_LIMITED]


async def test_a_live_vote_faster_than_anyone_reads_is_marked(two_models, connect, policy):
    await sync_to_async(policy)(minimum_reading_s=60.0)
    socket = await connect()
    await socket.open()
    await socket.converse()
    await socket.ask({"do": "vote", "choice": "tie"})
    assert (await rows(Vote.objects.all()))[0].exclusion == Exclusion.TOO_FAST


async def test_a_vote_that_cannot_be_stored_may_be_cast_again(two_models, connect, monkeypatch):
    socket = await connect()
    await socket.open()
    await socket.converse()

    def fail(*_):
        raise OperationalError

    with monkeypatch.context() as broken:
        broken.setattr(conversation, "store_room", fail)
        assert (await socket.ask({"do": "vote", "choice": "left"}))["code"] == "not_stored"
    assert (await socket.ask({"do": "vote", "choice": "left"}))["is"] == "reveal"


async def fall_silent(room):
    """The models of a room answer nothing any more."""
    for seat in room.seats:
        seat.provider._delay_s = 600.0


async def test_a_vote_while_a_later_turn_is_thought_about_is_on_the_answered_ones(
    two_models, connect
):
    socket = await connect()
    room = ROOMS[(await socket.open())["key"]]
    await socket.converse("First?")
    await fall_silent(room)
    await socket.send({"do": "prompt", "text": "Second?"})
    await socket.send({"do": "vote", "choice": "left"})
    assert (await socket.hear_until("reveal"))["counts"]
    battle = await sync_to_async(Battle.objects.select_related("question", "answer_a").get)()
    assert (battle.exclusion, battle.turn_count) == ("", 1)
    assert battle.question.turns == [[{"type": "text", "text": "First?"}]]
    assert battle.answer_a.turns == [GOOD["default"]]
    assert len(await rows(Vote.objects.all())) == 1


async def test_a_vote_before_there_is_anything_to_read_stops_nothing(two_models, connect):
    socket = await connect()
    room = ROOMS[(await socket.open())["key"]]
    await fall_silent(room)
    await socket.send({"do": "prompt", "text": "First?"})
    assert (await socket.ask({"do": "vote", "choice": "left"}))["code"] == "not_votable"
    assert room.is_streaming


async def test_a_turn_stopped_before_its_first_word_is_no_failure(two_models, connect):
    socket = await connect()
    room = ROOMS[(await socket.open())["key"]]
    await socket.converse("First?")
    await fall_silent(room)
    await socket.send({"do": "prompt", "text": "Second?"})
    await socket.send({"do": "stop"})
    done = await socket.hear_until("done")
    assert [reply["state"] for reply in done["replies"]] == ["stopped"] * 2
    assert (done["votable"], done["failed"]) == (True, False)
    for seat in room.seats:
        seat.provider._delay_s = 0.0
    assert (await socket.converse("Third?"))["votable"]
    asked = [message.content for message in room.messages_for(0)]
    assert asked == ["First?", GOOD["default"], "Third?"]
    assert (await socket.ask({"do": "vote", "choice": "tie"}))["is"] == "reveal"
    question = await sync_to_async(Question.objects.get)()
    assert [turn[0]["text"] for turn in question.turns] == ["First?", "Third?"]


async def test_one_model_on_both_sides_is_refused_in_so_many_words(two_models, connect):
    socket = await connect()
    refused = await socket.open("named", ["amber", "amber"])
    assert refused["code"] == "same_model"
    assert (await socket.ask({"do": "open", "mode": "named", "models": ["amber", "birch"]}))["key"]
