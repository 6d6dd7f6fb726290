import pytest
from asgiref.sync import sync_to_async
from django.test import AsyncClient
from django.utils import timezone

from arena.live import exchange, rooms
from arena.live.conversation import close_exchange
from arena.live.rooms import ROOMS
from arena.live.seating import close_providers
from arena.models import Endpoint, LanguageModel, VoterSession
from arena.voting.voters import COOKIE
from tests.arena.voting.live.sockets import GOOD, Socket, all_is_written


@pytest.fixture(autouse=True)
def nobody_is_given_up_soon(monkeypatch):
    """A machine that stands still for a moment is neither a browser nor a Redis that is gone."""
    monkeypatch.setattr(rooms, "SEND_S", 60.0)
    monkeypatch.setattr(exchange, "ANSWER_S", 60.0)


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
    await all_is_written()
    await close_providers()
    await close_exchange()
