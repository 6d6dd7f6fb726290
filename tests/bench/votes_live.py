"""Delay that live battles add: 100 at once, 50 tokens/s per side, through one web process.

Run from the repository root: ``python -m tests.bench.votes_live [--battles N] [--rate N]
[--seconds N] [--text words|markdown] [--json]``. Every token carries the moment its model server
sent it; the client reads it off when it can be seen, in words that were added or in a block
rendered anew (all processes read the machine's one monotonic clock). Words are one paragraph;
Markdown has headings, lists, emphasis, code, a table and formulas. Server of the models, web
process and client are three processes on the machine's cores. Uses the database of the
environment; its rows (slug prefix ``bench-live``) are removed at the end.
"""

import argparse
import asyncio
import json
import multiprocessing
import os
import re
import signal
import socket
import statistics
import subprocess
import sys
import time

import psutil

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

HOST, WEB_PORT, MODEL_PORT = "127.0.0.1", 8974, 8975
END_MARK, TAG = "\ufdd0", re.compile("<[^>]*>")
STAMP = re.compile(r"\d{4}\.\d{5}")
WRAP_S = 10_000  # short stamps: long ones would outrun the pace at which all text flows
COOKIE = re.compile(r"agon_voter=([\w-]+)")


# -- the models' server ------------------------------------------------------------------


MARKUP = (
    "## How *it* works\n\n", "**", "", "", "**: ", "", "`", "` ", "", ", ", "", "\n\n- ", "", "",
    "\n- **", "**: ", "", "", "\n- ", "", "[", "](https://example.org/a) ", "", "",
    "\n\n```python\nx = ", "", "\ny = ", "", "\n```\n\n", "", "", "", "$x^2$ ", "",
    ".\n\n| a | b |\n|---|---|\n| ", " | ", " |\n| ", " | ", " |\n\n", "", "", "", "", "", "", "",
    "", "", "\n\n",
)  # fmt: skip


async def answer(reader, writer, rate, tokens, markup):
    """Stream ``tokens`` stamps at ``rate`` per second to every request."""
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            size = int(re.search(rb"content-length: (\d+)", head, re.I).group(1))
            await reader.readexactly(size)
            writer.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                b"Transfer-Encoding: chunked\r\n\r\n"
            )
            began = time.monotonic()
            for number in range(tokens):
                await asyncio.sleep(max(began + number / rate - time.monotonic(), 0))
                text = f"{markup[number % len(markup)]}{time.monotonic() % WRAP_S:010.5f} "
                _chunk(writer, {"choices": [{"index": 0, "delta": {"content": text}}]})
            _chunk(writer, {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
            done = b"data: [DONE]\n\n"
            writer.write(b"%x\r\n%s\r\n0\r\n\r\n" % (len(done), done))
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


def _chunk(writer, event):
    data = b"data: " + json.dumps(event).encode() + b"\n\n"
    writer.write(b"%x\r\n%s\r\n" % (len(data), data))


def serve_models(rate, tokens, markup):
    async def main():
        server = await asyncio.start_server(
            lambda reader, writer: answer(reader, writer, rate, tokens, markup), HOST, MODEL_PORT
        )
        async with server:
            await server.serve_forever()

    asyncio.run(main())


# -- the browsers --------------------------------------------------------------------------


class Reader:
    """Of one side: notes every stamp when it is first seen."""

    def __init__(self, delays):
        self.delays, self.latest, self.tail = delays, "", ""

    def read(self, now, words, blocks):
        if blocks:
            self.tail = TAG.sub("", blocks["sealed"] + blocks["open"].replace(END_MARK, ""))
        self.tail += words
        for stamp in STAMP.findall(self.tail):
            if stamp > self.latest:
                self.latest = stamp
                self.delays.append((now - float(stamp)) % WRAP_S)
        self.tail = self.tail[-20:]


async def battle(delays, start):
    import aiohttp

    async with aiohttp.ClientSession() as session:
        async with session.get(f"http://{HOST}:{WEB_PORT}/live/") as page:
            cookie = COOKIE.search(str(page.headers.getall("Set-Cookie"))).group(1)
        link = await session.ws_connect(
            f"ws://{HOST}:{WEB_PORT}/ws/live/",
            headers={"Cookie": f"agon_voter={cookie}"},
            origin=f"http://{HOST}:{WEB_PORT}",
        )
        await link.send_json({"do": "agree"})
        await link.send_json({"do": "open", "mode": "blind"})
        assert (await link.receive_json())["is"] == "room"
        await asyncio.sleep(max(start - time.monotonic(), 0))
        await link.send_json({"do": "prompt", "text": "Count."})
        sides = [Reader(delays), Reader(delays)]
        while True:
            message = json.loads(await link.receive_str())
            now = time.monotonic()
            if message["is"] != "text":
                break
            for side, words in enumerate(message["words"]):
                blocks = (message.get("blocks") or [None, None])[side]
                sides[side].read(now, words, blocks)
        await link.close()
        return message["is"]


async def browse(battles):
    delays = []
    start = time.monotonic() + 8 + battles / 25
    ends = await asyncio.gather(
        *(battle(delays, start + number * 0.01) for number in range(battles)),
        return_exceptions=True,
    )
    return delays, ends


# -- measuring -----------------------------------------------------------------------------


def fill():
    from arena.models import Endpoint, LanguageModel

    endpoint = Endpoint.objects.create(
        slug="bench-live", name="bench", base_url=f"http://{HOST}:{MODEL_PORT}/v1",
        max_concurrency=1000,
    )  # fmt: skip
    for name in ("bench-live-a", "bench-live-b"):
        LanguageModel.objects.create(slug=name, display_name=name, endpoint=endpoint)


def clear():
    from arena.models import Endpoint, LanguageModel

    LanguageModel.objects.filter(slug__startswith="bench-live").delete()
    Endpoint.objects.filter(slug="bench-live").delete()


def wait_until_up():
    for _ in range(600):
        try:
            socket.create_connection((HOST, WEB_PORT), 1).close()
            return
        except OSError:
            time.sleep(0.1)


def report(delays, ends, options):
    cuts = statistics.quantiles(delays, n=100) if len(delays) > 1 else [0] * 99
    return {
        "battles": options.battles,
        "text": options.text,
        "tokens_per_s_per_side": options.rate,
        "tokens_measured": len(delays),
        "finished": sum(end == "done" for end in ends),
        "failures": [repr(end) for end in ends if end != "done"][:3],
        "delay_p50_ms": round(1000 * cuts[49], 1),
        "delay_p95_ms": round(1000 * cuts[94], 1),
        "delay_p99_ms": round(1000 * cuts[98], 1),
    }


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--battles", type=int, default=100)
    parser.add_argument("--rate", type=float, default=50)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--text", choices=("words", "markdown"), default="words")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()

    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    clear()
    fill()
    tokens = int(options.rate * options.seconds)
    markup = MARKUP if options.text == "markdown" else ("",)
    models = multiprocessing.Process(target=serve_models, args=(options.rate, tokens, markup))
    models.start()
    web = subprocess.Popen(
        [
            *(sys.executable, "-m", "uvicorn", "config.asgi:application", "--lifespan", "off"),
            *("--host", HOST, "--port", str(WEB_PORT), "--log-level", "error"),
            *("--ws-per-message-deflate", "false"),
        ],
        env={**os.environ, "LOG_LEVEL": "ERROR", "ALLOWED_HOSTS": HOST},
        start_new_session=True,
    )
    wait_until_up()
    try:
        before = psutil.Process(web.pid).cpu_times()
        delays, ends = asyncio.run(browse(options.battles))
        after = psutil.Process(web.pid).cpu_times()
    finally:
        models.terminate()
        os.killpg(web.pid, signal.SIGTERM)
        web.wait(15)
        clear()
    told = report(delays, ends, options)
    used_s = after.user + after.system - before.user - before.system
    told["web_cpu_share_while_streaming"] = round(used_s / options.seconds, 2)
    print(json.dumps(told) if options.json else "\n".join(f"{k}: {v}" for k, v in told.items()))


if __name__ == "__main__":
    main()
