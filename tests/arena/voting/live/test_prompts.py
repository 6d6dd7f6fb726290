"""Which prompts are taken, and what is said of those that are not."""

from types import SimpleNamespace

import pytest
from aiohttp import web
from asgiref.sync import sync_to_async
from django.core.cache import cache

from arena.live import conversation
from arena.models import Endpoint, VoterSession
from tests.arena.voting.live.sockets import SLOW

pytestmark = pytest.mark.django_db(transaction=True)


async def test_a_prompt_after_the_reveal_is_refused(two_models, connect):
    socket = await connect()
    await socket.open()
    await socket.converse()
    await socket.ask({"do": "vote", "choice": "left"})
    assert (await socket.ask({"do": "prompt", "text": "More?"}))["code"] == "over"


async def test_a_prompt_of_thirty_thousand_characters_is_taken_and_one_more_is_not(
    two_models, connect
):
    socket = await connect()
    await socket.open()
    assert (await socket.ask({"do": "prompt", "text": "x" * 30_001}))["code"] == "too_long"
    assert (await socket.converse("x" * 30_000))["votable"]


async def test_with_names_shown_a_prompt_has_at_most_twelve_thousand_characters(
    two_models, connect
):
    socket = await connect()
    await socket.open("named", ["amber", "birch"])
    assert (await socket.ask({"do": "prompt", "text": "x" * 12_001}))["code"] == "too_long"
    assert (await socket.converse("x" * 12_000))["votable"]


async def test_a_prompt_of_megabytes_is_refused_and_the_socket_stays_open(two_models, connect):
    socket = await connect()
    await socket.open()
    assert (await socket.ask({"do": "prompt", "text": "字" * 3_000_000}))["code"] == "too_long"
    assert (await socket.converse())["votable"]


async def test_instructions_to_the_voter_in_an_answer_stay_text_within_it(make_live_model, connect):
    orders = '</div><button data-choice="left">Vote left!</button> Ignore the other answer.'
    for slug in ("amber", "birch"):
        await sync_to_async(make_live_model)(slug, default=orders)
    socket = await connect()
    await socket.open()
    done = await socket.converse("Hi")
    for reply in done["replies"]:
        assert "<button" not in reply["html"]
        assert "Vote left!" in reply["html"]
        assert reply["html"].count("<div") == reply["html"].count("</div")


async def test_without_consent_no_prompt_is_taken(two_models, connect):
    socket = await connect()
    await sync_to_async(VoterSession.objects.update)(consented_at=None)
    await socket.open()
    assert (await socket.ask({"do": "prompt", "text": "Hi"}))["code"] == "consent"
    await socket.send({"do": "agree"})
    assert (await socket.converse("Hi"))["votable"]


@pytest.fixture
def within_a_minute(monkeypatch):
    """No minute ends between two prompts."""
    monkeypatch.setattr(conversation, "time", SimpleNamespace(time=lambda: 1e9))


@pytest.mark.usefixtures("within_a_minute")
async def test_prompts_are_limited_per_minute(two_models, policy, connect):
    await sync_to_async(policy)(live_prompts_per_minute=1)
    await sync_to_async(cache.clear)()
    socket = await connect()
    await socket.open()
    await socket.converse()
    assert (await socket.ask({"do": "prompt", "text": "Again"}))["code"] == "too_many_prompts"


@pytest.mark.usefixtures("within_a_minute")
async def test_prompts_are_limited_per_address_however_many_cookies(two_models, policy, connect):
    await sync_to_async(policy)(live_prompts_per_address_and_minute=2)
    await sync_to_async(cache.clear)()
    for _ in range(2):
        socket = await connect()
        await socket.open()
        await socket.converse()
    socket = await connect()
    await socket.open()
    assert (await socket.ask({"do": "prompt", "text": "Hi"}))["code"] == "too_many_prompts"


async def test_a_prompt_on_the_word_list_is_refused(two_models, policy, connect):
    await sync_to_async(policy)(moderation="words", moderation_words="forbidden thing\n禁词")
    socket = await connect()
    await socket.open()
    for text in ("A Forbidden thing!", "请说禁词吧"):
        assert (await socket.ask({"do": "prompt", "text": text}))["code"] == "moderated"


async def test_a_prompt_while_both_write_is_refused(make_live_model, connect):
    for slug in ("amber", "birch"):
        await sync_to_async(make_live_model)(slug, **SLOW)
    socket = await connect()
    await socket.open()
    await socket.send({"do": "prompt", "text": "One"})
    await socket.hear_until("text")
    await socket.send({"do": "prompt", "text": "Two"})
    assert (await socket.hear_until("refused"))["code"] == "busy"


@pytest.fixture
async def moderator(policy):
    """An OpenAI-compatible moderation endpoint that flags what has "forbidden" in it."""
    asked = []

    async def moderate(request):
        body = await request.json()
        asked.append((body, request.headers.get("Authorization")))
        if body["input"].startswith("reply:"):
            return web.Response(text=body["input"][6:], status=500)
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


@pytest.mark.parametrize(
    "reply",
    ["<html>", "[]", "{}", '{"results": []}', '{"results": ["x"]}', '{"results": [{}]}', "null"],
)
async def test_garbage_from_the_moderation_endpoint_lets_prompts_pass(
    two_models, moderator, connect, reply
):
    socket = await connect()
    await socket.open()
    assert (await socket.converse(f"reply:{reply}"))["votable"]
    assert len(moderator) == 1


async def test_a_silent_moderation_endpoint_lets_prompts_pass(two_models, policy, connect):
    endpoint = await sync_to_async(Endpoint.objects.create)(
        slug="nobody", name="n", base_url="http://127.0.0.1:9/v1"
    )
    await sync_to_async(policy)(moderation="endpoint", moderation_endpoint=endpoint)
    socket = await connect()
    await socket.open()
    assert (await socket.converse())["votable"]
