"""The socket of a live battle: what it tells, what it refuses, what is stored."""

import json
from dataclasses import replace

import pytest
from aiohttp import web
from asgiref.sync import sync_to_async
from asgiref.testing import ApplicationCommunicator
from channels.layers import get_channel_layer
from django.core.cache import cache
from django.db import OperationalError
from django.test import AsyncClient, override_settings
from django.utils import timezone

from arena.live import consumers
from arena.live.rooms import MOST_ROOMS_PER_VOTER, ROOMS
from arena.live.seating import close_providers
from arena.models import (
    Answer,
    Ballot,
    Battle,
    Endpoint,
    Exclusion,
    LanguageModel,
    Question,
    Vote,
    VoterSession,
)
from arena.voting.keys import address_key
from arena.voting.voters import COOKIE
from config.asgi import application
from providers.scripted import ScriptedProvider

pytestmark = pytest.mark.django_db(transaction=True)
ORIGIN = (b"origin", b"http://localhost")
GOOD = {"default": "A fair answer.", "chunk_characters": 4}


@pytest.fixture
def make_live_model(policy):
    def make(slug, **options):
        endpoint = Endpoint.objects.create(
            slug=f"at-{slug}", name=slug, provider="scripted", settings=options, max_attempts=1
        )
        return LanguageModel.objects.create(
            slug=slug, display_name=f"Zq{slug.title()}", endpoint=endpoint
        )

    return make


@pytest.fixture
def two_models(make_live_model):
    return make_live_model("amber", **GOOD), make_live_model("birch", **GOOD)


def communicator_for(*headers):
    scope = {
        "type": "websocket",
        "path": "/ws/live/",
        "query_string": b"",
        "headers": list(headers),
        "client": ("192.0.2.1", 5000),
        "subprotocols": [],
    }
    return ApplicationCommunicator(application, scope)


class Socket:
    """A browser's socket, with everything it was ever told."""

    def __init__(self, cookie):
        self.cookie = cookie
        self.communicator = communicator_for(ORIGIN, (b"cookie", f"{COOKIE}={cookie}".encode()))
        self.heard = []

    async def connect(self):
        await self.communicator.send_input({"type": "websocket.connect"})
        assert (await self.communicator.receive_output(5))["type"] == "websocket.accept"
        return self

    async def open(self, mode="blind", models=()):
        await self.connect()
        return await self.ask({"do": "open", "mode": mode, "models": list(models)})

    async def hear(self):
        message = json.loads((await self.communicator.receive_output(5))["text"])
        self.heard.append(message)
        return message

    async def hear_until(self, kind):
        while (message := await self.hear())["is"] != kind:
            pass
        return message

    async def send(self, message):
        await self.say(json.dumps(message))

    async def say(self, text):
        await self.communicator.send_input({"type": "websocket.receive", "text": text})

    async def ask(self, message):
        await self.send(message)
        return await self.hear()

    async def converse(self, text="Why is the sky blue?"):
        await self.send({"do": "prompt", "text": text})
        return await self.hear_until("done")

    async def close(self):
        await self.communicator.send_input({"type": "websocket.disconnect", "code": 1001})
        await self.communicator.wait(5)


@pytest.fixture
async def connect():
    sockets = []

    async def new_cookie():
        client = AsyncClient()
        await client.get("/live/")
        await sync_to_async(VoterSession.objects.update)(consented_at=timezone.now())
        return client.cookies[COOKIE].value

    async def connect_(cookie=None):
        cookie = cookie or await new_cookie()
        sockets.append(Socket(cookie))
        return sockets[-1]

    yield connect_
    for socket in sockets:
        if not socket.communicator.future.done():
            await socket.close()
    for room in list(ROOMS.values()):
        room.close()
    await close_providers()


async def rows(queryset):
    return await sync_to_async(list)(queryset)


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


async def test_both_sides_stream_the_same_number_of_characters_until_one_ends(two_models, connect):
    socket = await connect()
    await socket.open()
    await socket.converse()
    pieces = [message["pieces"] for message in socket.heard if message["is"] == "text"]
    assert pieces
    assert all(len(left) == len(right) for left, right in pieces)
    assert "".join(left for left, _ in pieces) == GOOD["default"]


async def test_no_name_is_told_before_the_vote_and_both_after_it(two_models, connect):
    socket = await connect()
    await socket.open()
    await socket.converse()
    before = json.dumps(socket.heard)
    assert "Zq" not in before
    assert "amber" not in before
    reveal = await socket.ask({"do": "vote", "choice": "left"})
    assert {"ZqAmber", "ZqBirch"} == {n for n in ("ZqAmber", "ZqBirch") if n in str(reveal)}


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


async def test_a_second_vote_is_refused(two_models, connect):
    socket = await connect()
    await socket.open()
    await socket.converse()
    await socket.ask({"do": "vote", "choice": "left"})
    again = await socket.ask({"do": "vote", "choice": "right"})
    assert (again["is"], again["code"]) == ("refused", "over")
    assert len(await rows(Vote.objects.all())) == 1


async def test_a_prompt_after_the_reveal_is_refused(two_models, connect):
    socket = await connect()
    await socket.open()
    await socket.converse()
    await socket.ask({"do": "vote", "choice": "left"})
    assert (await socket.ask({"do": "prompt", "text": "More?"}))["code"] == "over"


async def test_a_vote_before_any_answer_is_refused(two_models, connect):
    socket = await connect()
    await socket.open()
    assert (await socket.ask({"do": "vote", "choice": "left"}))["code"] == "not_votable"


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
    slow = {"default": "word " * 400, "chunk_delay_s": 0.01, "chunk_characters": 5}
    for slug in ("amber", "birch"):
        await sync_to_async(make_live_model)(slug, **slow)
    socket = await connect()
    await socket.open()
    await socket.send({"do": "prompt", "text": "Go on"})
    await socket.hear_until("text")
    await socket.send({"do": "stop"})
    done = await socket.hear_until("done")
    assert done["votable"]
    shown = "".join(m["pieces"][0] for m in socket.heard if m["is"] == "text")
    assert {reply["state"] for reply in done["replies"]} == {"stopped"}
    await socket.ask({"do": "vote", "choice": "left"})
    answers = await rows(Answer.objects.all())
    assert {answer.turns[0] for answer in answers} == {shown}


async def test_a_vote_while_both_write_stops_them_and_counts(make_live_model, connect):
    slow = {"default": "word " * 400, "chunk_delay_s": 0.01, "chunk_characters": 5}
    for slug in ("amber", "birch"):
        await sync_to_async(make_live_model)(slug, **slow)
    socket = await connect()
    await socket.open()
    await socket.send({"do": "prompt", "text": "Go on"})
    await socket.hear_until("text")
    await socket.send({"do": "vote", "choice": "right"})
    assert (await socket.hear_until("reveal"))["choice"] == "right"


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
    assert back["turns"][0]["replies"][0]["text"]
    if second.heard[-1]["streaming"]:
        await second.hear_until("done")
    replies = (ROOMS[room["key"]]).turns[0].replies
    assert {reply.text for reply in replies} == {slow["default"]}


async def test_mallory_cannot_enter_alices_room(two_models, connect):
    alice, mallory = await connect(), await connect()
    room = await alice.open()
    await mallory.connect()
    refused = await mallory.ask({"do": "resume", "key": room["key"]})
    assert refused["code"] == "expired"


async def test_a_prompt_of_thirty_thousand_characters_is_taken_and_one_more_is_not(
    two_models, connect
):
    socket = await connect()
    await socket.open()
    assert (await socket.ask({"do": "prompt", "text": "x" * 30_001}))["code"] == "too_long"
    assert (await socket.converse("x" * 30_000))["votable"]


async def test_without_consent_no_prompt_is_taken(two_models, connect):
    socket = await connect()
    await sync_to_async(VoterSession.objects.update)(consented_at=None)
    await socket.open()
    assert (await socket.ask({"do": "prompt", "text": "Hi"}))["code"] == "consent"
    await socket.send({"do": "agree"})
    assert (await socket.converse("Hi"))["votable"]


async def test_prompts_are_limited_per_minute(two_models, policy, connect):
    await sync_to_async(policy)(live_prompts_per_minute=1)
    await sync_to_async(cache.clear)()
    socket = await connect()
    await socket.open()
    await socket.converse()
    assert (await socket.ask({"do": "prompt", "text": "Again"}))["code"] == "too_many_prompts"


async def test_a_prompt_on_the_word_list_is_refused(two_models, policy, connect):
    await sync_to_async(policy)(moderation="words", moderation_words="forbidden thing\n禁词")
    socket = await connect()
    await socket.open()
    for text in ("A Forbidden thing!", "请说禁词吧"):
        assert (await socket.ask({"do": "prompt", "text": text}))["code"] == "moderated"


async def test_a_prompt_while_both_write_is_refused(make_live_model, connect):
    slow = {"default": "word " * 100, "chunk_delay_s": 0.01}
    for slug in ("amber", "birch"):
        await sync_to_async(make_live_model)(slug, **slow)
    socket = await connect()
    await socket.open()
    await socket.send({"do": "prompt", "text": "One"})
    await socket.hear_until("text")
    await socket.send({"do": "prompt", "text": "Two"})
    assert (await socket.hear_until("refused"))["code"] == "busy"


@pytest.mark.parametrize("garbage", ["{", "[]", '"x"', '{"do": "fly"}', '{"do": 7}', "null"])
async def test_garbage_is_refused_and_the_socket_stays_open(two_models, connect, garbage):
    socket = await connect()
    await socket.open()
    await socket.say(garbage)
    assert (await socket.hear())["is"] == "refused"
    assert (await socket.converse())["votable"]


async def test_a_browser_without_cookie_is_turned_away(two_models):
    socket = await Socket("made-up").connect()
    assert (await socket.hear())["code"] == "unknown"
    await socket.close()


async def test_a_page_of_another_site_cannot_open_the_socket(two_models):
    communicator = communicator_for((b"origin", b"https://evil.example"))
    await communicator.send_input({"type": "websocket.connect"})
    assert (await communicator.receive_output(5))["type"] == "websocket.close"


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


async def test_direct_chat_talks_to_one_model_and_stores_nothing(two_models, connect):
    socket = await connect()
    await socket.open("direct", ["amber"])
    done = await socket.converse()
    assert len(done["replies"]) == 1
    assert (await socket.ask({"do": "vote", "choice": "left"}))["code"] == "not_votable"
    assert not await rows(Battle.objects.all())


async def test_an_answer_that_names_its_model_is_voted_on_and_marked(make_live_model, connect):
    await sync_to_async(make_live_model)("amber", **GOOD)
    await sync_to_async(make_live_model)("birch", default="I am ChatGPT, a model by OpenAI.")
    socket = await connect()
    await socket.open()
    await socket.converse()
    await socket.ask({"do": "vote", "choice": "left"})
    assert (await rows(Battle.objects.all()))[0].exclusion == Exclusion.IDENTITY_LEAK


async def test_the_same_prompt_again_about_the_same_pair_is_a_duplicate(two_models, connect):
    socket = await connect()
    for _ in range(2):
        await socket.open() if not socket.heard else await socket.ask({"do": "open"})
        await socket.converse("Same?")
        await socket.ask({"do": "vote", "choice": "tie"})
    marks = [vote.exclusion for vote in await rows(Vote.objects.all())]
    assert marks == ["", Exclusion.DUPLICATE]


async def test_with_one_callable_model_a_battle_is_refused(make_live_model, connect):
    await sync_to_async(make_live_model)("amber", **GOOD)
    socket = await connect()
    assert (await socket.open())["code"] == "nobody"


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


@pytest.mark.parametrize(
    "fields", [{"models": 5}, {"mode": {"a": 1}}, {"models": {"x": "y"}}, {"models": [None, [1]]}]
)
async def test_an_opening_with_nonsense_in_it_leaves_the_socket_open(two_models, connect, fields):
    socket = await connect()
    await socket.connect()
    await socket.ask({"do": "open", **fields})
    assert (await socket.ask({"do": "open"}))["is"] == "room"


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


async def test_a_vote_that_cannot_be_stored_may_be_cast_again(two_models, connect, monkeypatch):
    socket = await connect()
    await socket.open()
    await socket.converse()

    def fail(*_):
        raise OperationalError

    with monkeypatch.context() as broken:
        broken.setattr(consumers, "store_room", fail)
        assert (await socket.ask({"do": "vote", "choice": "left"}))["code"] == "not_stored"
    assert (await socket.ask({"do": "vote", "choice": "left"}))["is"] == "reveal"


async def test_mallory_cannot_take_all_the_rooms(two_models, connect):
    cookie = (await connect()).cookie
    answers = [await (await connect(cookie)).open() for _ in range(MOST_ROOMS_PER_VOTER + 1)]
    assert [answer["is"] for answer in answers[:-1]] == ["room"] * MOST_ROOMS_PER_VOTER
    assert answers[-1]["code"] == "full"


async def test_how_often_a_turn_was_asked_again_is_kept(two_models, connect):
    socket = await connect()
    await socket.open()
    await socket.converse()
    await socket.send({"do": "again", "turn": 0})
    await socket.hear_until("done")
    await socket.ask({"do": "vote", "choice": "tie"})
    assert (await rows(Battle.objects.all()))[0].metadata == {"repeated": 1}


@pytest.fixture
async def moderator(policy):
    """An OpenAI-compatible moderation endpoint that flags what has "forbidden" in it."""
    asked = []

    async def moderate(request):
        body = await request.json()
        asked.append((body, request.headers.get("Authorization")))
        return web.json_response({"results": [{"flagged": "forbidden" in body["input"]}]})

    app = web.Application()
    app.router.add_post("/v1/moderations", moderate)
    runner = web.AppRunner(app, shutdown_timeout=0.2)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    endpoint = await sync_to_async(Endpoint.objects.create)(
        slug="moderator", name="m", base_url=f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    )
    await sync_to_async(policy)(
        moderation="endpoint", moderation_endpoint=endpoint, moderation_model="omni"
    )
    yield asked
    await runner.cleanup()


async def test_the_moderation_endpoint_decides_which_prompts_pass(two_models, moderator, connect):
    socket = await connect()
    await socket.open()
    refused = await socket.ask({"do": "prompt", "text": "something forbidden"})
    assert refused["code"] == "moderated"
    assert moderator[0][0] == {"input": "something forbidden", "model": "omni"}
    assert (await socket.converse("something nice"))["votable"]


async def test_a_silent_moderation_endpoint_lets_prompts_pass(two_models, policy, connect):
    endpoint = await sync_to_async(Endpoint.objects.create)(
        slug="nobody", name="n", base_url="http://127.0.0.1:9/v1"
    )
    await sync_to_async(policy)(moderation="endpoint", moderation_endpoint=endpoint)
    socket = await connect()
    await socket.open()
    assert (await socket.converse())["votable"]
