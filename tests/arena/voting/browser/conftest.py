"""A real server (uvicorn, the whole ASGI application) and a real browser (Chromium)."""

import asyncio
import json
import mimetypes
import socket
import threading
from contextlib import suppress
from pathlib import Path

import pytest
import uvicorn
from aiohttp import web
from django.conf import settings as django_settings
from django.contrib.staticfiles import finders
from django.db import connections
from django.test import Client
from playwright.sync_api import Error, expect

from arena.live.conversation import close_exchange
from arena.live.rooms import ROOMS
from arena.live.seating import close_providers
from tests.loopback import served

AXE = Path(__file__).parents[3] / "vendor" / "axe-core-4.14.1" / "axe.min.js"
DESKTOP = {"viewport": {"width": 1280, "height": 860}}
PHONE = {
    "viewport": {"width": 390, "height": 844},
    "has_touch": True,
    "is_mobile": True,
    "device_scale_factor": 2,
}

SIZES = {"desktop": DESKTOP, "phone": PHONE}
SMALL_PHONE = {**PHONE, "viewport": {"width": 360, "height": 640}}


@pytest.fixture
def server(transactional_db, settings, tmp_path):
    """The address of the application, served by uvicorn in a thread on the tests' database."""
    from config.asgi import application

    settings.STATIC_ROOT = tmp_path
    settings.ALLOWED_HOSTS = ["127.0.0.1"]
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }
    for connection in connections.all():
        connection.settings_dict["CONN_MAX_AGE"] = 0
    listener = socket.create_server(("127.0.0.1", 0))
    serving = uvicorn.Server(
        uvicorn.Config(
            _with_static_files(application),
            log_level="error",
            lifespan="off",
            ws="websockets-sansio",
        )
    )

    async def serve():
        await serving.serve(sockets=[listener])
        for room in list(ROOMS.values()):
            room.close()
        await close_providers()
        await close_exchange()

    thread = threading.Thread(target=asyncio.run, args=(serve(),), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    serving.should_exit = True
    thread.join(120)
    listener.close()
    assert not thread.is_alive()


def _with_static_files(application):
    """From memory: Django leaves a file open when its reader goes away, and a later test would be
    warned of it.
    """

    async def serve(scope, receive, send):
        address = scope["path"] if scope["type"] == "http" else ""
        _, found, name = address.partition(django_settings.STATIC_URL)
        path = finders.find(name) if found else None
        if path is None:
            await application(scope, receive, send)
            return
        kind = mimetypes.guess_type(path)[0] or "application/octet-stream"
        headers = [(b"content-type", kind.encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": Path(path).read_bytes()})

    return serve


class Tab:
    """A page of its own, which records everything the browser received and every error."""

    def __init__(self, page, server):
        self.page, self.server = page, server
        self.received, self.errors = [], []
        self.reading = 0  # of what was received, how many are on their way here
        page.on("response", self._keep)
        page.on("websocket", self._listen)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", self._note)

    def _note(self, message):
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.errors.append(message.text)

    def _keep(self, response):
        kind = response.headers.get("content-type", "")
        headers = str(response.headers) + response.url
        is_text = any(word in kind for word in ("html", "json", "text/plain"))
        self.received.append(headers)
        if is_text and response.status == 200:
            self.reading += 1
            # a body is gone once the page has moved on
            with suppress(Error):
                self.received.append(response.text())
            self.reading -= 1

    def _listen(self, web_socket):
        web_socket.on("framereceived", lambda payload: self.received.append(str(payload)))

    def open(self, path):
        self.page.goto(self.server + path)
        return self

    @property
    def overflow(self):
        """By how many pixels the page is wider than the window."""
        return self.page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )

    def wait_for_answers_in_sight(self):
        """Until two fifths of the window's height show the left answer, above the bar."""
        self.page.wait_for_function(
            """() => {
              const box = (name) => document.querySelector(name).getBoundingClientRect();
              const pane = box("[data-pane=left] [data-scrolls]");
              const bottom = Math.min(pane.bottom, box(".ballot-bar").top, innerHeight);
              return bottom - Math.max(pane.top, 0) >= 0.4 * innerHeight;
            }"""
        )

    @property
    def everything(self):
        while self.reading:
            self.page.wait_for_timeout(10)
        return "\n".join(self.received).lower()

    def findings(self, only=None):
        """Of moderate impact and more; ``only`` names the one rule of axe-core's to look at."""
        options = {"resultTypes": ["violations"]} | ({"runOnly": [only]} if only else {})
        if not self.page.evaluate("'axe' in window"):
            self.page.evaluate(AXE.read_text())
        result = self.page.evaluate("options => axe.run(document, options)", options)
        return [
            f"{finding['id']}: {finding['nodes'][0]['html'][:160]}"
            for finding in result["violations"]
            if finding["impact"] in ("moderate", "serious", "critical")
        ]


def sign_in(tab, user):
    """In the browser of this tab, whose own pages then know the account."""
    client = Client()
    client.force_login(user)
    name = django_settings.SESSION_COOKIE_NAME
    value = client.cookies[name].value
    tab.page.context.add_cookies([{"name": name, "value": value, "url": tab.server}])
    tab.open("/my-votes/")


def sign_out(tab):
    button = tab.page.get_by_role("button", name="Sign out")
    button.click()
    expect(button).to_have_count(0)  # the next address would break the request off


@pytest.fixture
def open_tab(chromium, server):
    contexts = []

    def open_(size=DESKTOP, *, context=None, **options):
        context = context or chromium.new_context(**size, **options)
        contexts.append(context)
        return Tab(context.new_page(), server)

    yield open_
    for context in contexts:
        context.close()


@pytest.fixture(params=["desktop", "phone"])
def tab(request, open_tab):
    """On either size."""
    return open_tab(SIZES[request.param])


@pytest.fixture
def desktop(open_tab):
    return open_tab(DESKTOP)


@pytest.fixture
def phone(open_tab):
    return open_tab(PHONE)


class ModelServer:
    """A local OpenAI-compatible endpoint; each model streams its text word by word.

    ``pauses`` are seconds between words, ``silence_s`` those before the first; a model without text
    answers with status 500. A model in ``waits_before`` stops before the word of that index, -1 is
    the last, until it is taken out: nobody can tell how far it would have come in a while.
    """

    def __init__(self):
        self.texts, self.pauses, self.asked = {}, {}, []
        self.waits_before = {}
        self.silence_s = 0.0

    async def wait(self, model, words, number):
        while model in self.waits_before:
            if number < range(len(words))[self.waits_before[model]]:
                return
            await asyncio.sleep(0.01)

    async def chat(self, request):
        """A client that hangs up in the middle is no error here."""
        try:
            return await self.reply(request)
        except ConnectionResetError:
            return web.Response()

    async def reply(self, request):
        body = await request.json()
        model, self.asked = body["model"], [*self.asked, body]
        if model not in self.texts:
            return web.json_response({"error": {"message": f"{model} is broken"}}, status=500)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await asyncio.sleep(self.silence_s)
        words = self.texts[model].split(" ")
        for number, word in enumerate(words):
            await self.wait(model, words, number)
            delta = {"choices": [{"index": 0, "delta": {"content": f"{word} "}}], "model": model}
            await response.write(f"data: {json.dumps(delta)}\n\n".encode())
            await asyncio.sleep(self.pauses.get(model, 0.005))
        end = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], "model": model}
        await response.write(f"data: {json.dumps(end)}\n\ndata: [DONE]\n\n".encode())
        return response


@pytest.fixture
def model_server():
    """Runs in a thread with a loop of its own."""
    server, application = ModelServer(), web.Application()
    application.router.add_post("/v1/chat/completions", server.chat)
    with served(application) as url:
        server.url = f"{url}/v1"
        yield server
        server.waits_before.clear()
