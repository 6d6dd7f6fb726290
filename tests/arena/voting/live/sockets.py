"""A browser's socket for the tests of live battles, and what it talks to."""

import asyncio
import html
import json

from asgiref.sync import sync_to_async
from asgiref.testing import ApplicationCommunicator

from arena.live.growing import END_MARK
from arena.live.rooms import WRITING
from arena.voting.voters import COOKIE
from config.asgi import application

ORIGIN = (b"origin", b"http://localhost")
GOOD = {"default": "A fair answer.", "chunk_characters": 4}
SLOW = {"default": "word " * 12_000, "chunk_delay_s": 0.05, "chunk_characters": 5}  # ten minutes
SILENT = {"default": "Never.", "delay_s": 600.0}
LONGEST_WAIT_S = 30


def communicator_for(*headers, path="/ws/live/"):
    scope = {
        "type": "websocket",
        "path": path,
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
        assert (await self.communicator.receive_output(LONGEST_WAIT_S))[
            "type"
        ] == "websocket.accept"
        return self

    async def open(self, mode="blind", models=()):
        await self.connect()
        return await self.ask({"do": "open", "mode": mode, "models": list(models)})

    async def hear(self):
        message = json.loads((await self.communicator.receive_output(LONGEST_WAIT_S))["text"])
        self.heard.append(message)
        return message

    async def hear_until(self, kind):
        while (message := await self.hear())["is"] != kind:
            pass
        return message

    def shown(self, side):
        """The HTML that a browser has before the answer is complete, from its last turn."""
        sealed = opened = ""
        for message in self.heard:
            words, blocks = _news_of(message, side)
            if blocks:
                sealed = blocks["sealed"] if blocks["anew"] else sealed + blocks["sealed"]
                opened = blocks["open"]
            if words:
                assert END_MARK in opened, f"no place for {words!r}"
                opened = opened.replace(END_MARK, html.escape(words) + END_MARK)
        return (sealed + opened).replace(END_MARK, "")

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

    async def leave(self):
        """For another conversation; what failed in this one is then stored."""
        await self.ask({"do": "open"})
        await all_is_written()

    async def close(self):
        await self.communicator.send_input({"type": "websocket.disconnect", "code": 1001})
        await self.communicator.wait(LONGEST_WAIT_S)


def _news_of(message, side):
    """Words and blocks that a message brings to one side of the last turn."""
    if message["is"] == "room" and message["turns"]:
        return "", message["turns"][-1]["replies"][side].get("blocks")
    if message["is"] == "text":
        return message["words"][side], (message.get("blocks") or [None, None])[side]
    return "", None


async def all_is_written():
    """Before the test ends: a thread that still writes then is cut off in its transaction, and
    leaves a connection that loses what the next test writes.
    """
    for ended in await asyncio.gather(*WRITING, return_exceptions=True):
        if isinstance(ended, Exception):  # a cancelled task is none
            raise ended


async def rows(queryset):
    return await sync_to_async(list)(queryset)
