"""A real server (uvicorn, the whole ASGI application) and a real browser (Chromium)."""

import os
import shutil
import socket
import threading
from pathlib import Path

import pytest
import uvicorn
from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler
from django.db import connections

from tests.conftest import skip_or_fail

AXE = Path(__file__).parents[3] / "vendor" / "axe-core-4.14.1" / "axe.min.js"
DESKTOP = {"viewport": {"width": 1280, "height": 860}}
PHONE = {
    "viewport": {"width": 390, "height": 844},
    "has_touch": True,
    "is_mobile": True,
    "device_scale_factor": 2,
}


@pytest.fixture(scope="session")
def chromium():
    from playwright.sync_api import sync_playwright

    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        skip_or_fail("Chromium is missing; install the package 'chromium'")
    # Playwright runs a loop in this thread, which Django takes for an asynchronous caller
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


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
    http = ASGIStaticFilesHandler(application.application_mapping["http"])
    listener = socket.create_server(("127.0.0.1", 0))
    web = uvicorn.Server(
        uvicorn.Config(
            _Routed(http, application), log_level="error", lifespan="off", ws="websockets-sansio"
        )
    )
    thread = threading.Thread(target=web.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    web.should_exit = True
    thread.join(10)
    listener.close()


class _Routed:
    """Static files for HTTP in front of the application; sockets straight to it."""

    def __init__(self, http, application):
        self.http, self.application = http, application

    async def __call__(self, scope, receive, send):
        handler = self.http if scope["type"] == "http" else self.application
        await handler(scope, receive, send)


class Tab:
    """A page of its own, which records everything the browser received and every error."""

    def __init__(self, page, server):
        self.page, self.server = page, server
        self.received, self.errors = [], []
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
        # the body may be gone when the page has moved on, then it was read by the page it led to
        body = response.text() if is_text and response.status == 200 else ""
        self.received.append(headers + body)

    def _listen(self, web_socket):
        web_socket.on("framereceived", lambda payload: self.received.append(str(payload)))

    def open(self, path):
        self.page.goto(self.server + path)
        return self

    @property
    def everything(self):
        return "\n".join(self.received).lower()

    def serious_findings(self):
        self.page.evaluate(AXE.read_text())
        result = self.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        return [
            f"{finding['id']}: {finding['nodes'][0]['html'][:160]}"
            for finding in result["violations"]
            if finding["impact"] in ("serious", "critical")
        ]


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


@pytest.fixture
def desktop(open_tab):
    return open_tab(DESKTOP)


@pytest.fixture
def phone(open_tab):
    return open_tab(PHONE)
