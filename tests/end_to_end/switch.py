"""A line to one of several servers, which can be cut: what a phone and a load balancer do."""

import asyncio
import threading
from contextlib import contextmanager, suppress


class Switch:
    """New connections go to ``port``; ``cut`` drops all there are."""

    def __init__(self, port):
        self.port = port
        self.url = ""
        self._loop = None
        self._ended = None
        self._lines = {}  # of a connection: the task that serves it, and its two ends

    def cut(self):
        asyncio.run_coroutine_threadsafe(self._cut(), self._loop).result(60)

    def end(self):
        self._loop.call_soon_threadsafe(self._ended.set)

    async def serve(self, ready):
        self._loop, self._ended = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._connect, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        ready.set()
        await self._ended.wait()
        server.close()
        await self._cut()
        await asyncio.gather(*self._lines)

    async def _connect(self, reader, writer):
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self.port)
        here = asyncio.current_task()
        self._lines[here] = writer, there_writer
        await asyncio.gather(_pass_on(reader, there_writer), _pass_on(there_reader, writer))
        del self._lines[here]

    async def _cut(self):
        for end in (end for ends in self._lines.values() for end in ends):
            end.transport.abort()


async def _pass_on(reader, writer):
    with suppress(OSError):
        while part := await reader.read(1 << 16):
            writer.write(part)
            await writer.drain()
    writer.close()


@contextmanager
def switched_to(port):
    switch, ready = Switch(port), threading.Event()
    thread = threading.Thread(target=lambda: asyncio.run(switch.serve(ready)), daemon=True)
    thread.start()
    assert ready.wait(60)
    try:
        yield switch
    finally:
        switch.end()
        thread.join(60)
