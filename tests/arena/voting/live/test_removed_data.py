"""Live battles that are open while their voter has all data removed in another tab."""

import pytest
from asgiref.sync import sync_to_async

from arena.live.consumers import COME_BACK, UNKNOWN_BROWSER
from arena.models import Battle, Question, Voter
from tests.arena.voting.live.sockets import LONGEST_WAIT_S

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
async def forgotten(two_models, connect):
    """A socket with a battle to vote on, whose voter is gone."""
    socket = await connect()
    await socket.open()
    await socket.converse()
    await sync_to_async(Voter.objects.all().delete)()
    return socket


@pytest.mark.parametrize(
    "message",
    [
        {"do": "vote", "choice": "left"},
        {"do": "prompt", "text": "And now?"},
        {"do": "again", "turn": 0},
    ],
)
async def test_nothing_more_can_be_said_here_until_the_page_is_reloaded(forgotten, message):
    for _ in range(2):
        assert (await forgotten.ask(message))["code"] == "unknown"
    assert not await Battle.objects.aexists()
    assert not await Question.objects.aexists()


async def test_agreeing_again_does_not_help(forgotten):
    await forgotten.send({"do": "agree"})
    assert (await forgotten.ask({"do": "prompt", "text": "And now?"}))["code"] == "unknown"


async def test_a_new_battle_sends_the_browser_back_as_a_stranger(forgotten, connect):
    await forgotten.send({"do": "open"})
    closed = await forgotten.communicator.receive_output(LONGEST_WAIT_S)
    assert closed == {"type": "websocket.close", "code": COME_BACK}
    again = await connect(forgotten.cookie)
    await again.connect()
    assert (await again.hear())["code"] == "unknown"
    assert (await again.communicator.receive_output(LONGEST_WAIT_S))["code"] == UNKNOWN_BROWSER


async def test_a_direct_chat_ends_as_well(two_models, connect):
    socket = await connect()
    await socket.open("direct", ["amber"])
    await socket.converse()
    await sync_to_async(Voter.objects.all().delete)()
    assert (await socket.ask({"do": "prompt", "text": "And now?"}))["code"] == "unknown"
