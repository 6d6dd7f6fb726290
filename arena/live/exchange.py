"""Live battles across web processes: finding the one that streams a battle, and talking to it.

A room lives in the process where it was opened. A browser that comes back, after its connection
dropped or its page was reloaded, reaches any of the web processes. Each of them listens to a
channel of its own in Redis, where every room stands with its process: what the browser says is
passed on there, and what the room tells comes back the same way. Without Redis there is one web
process, and nothing of this.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol

import orjson

from arena.live.rooms import GRACE_S, LONGEST_SESSION_S, Send

if TYPE_CHECKING:
    from redis.asyncio import Redis
    from redis.asyncio.client import PubSub

logger = logging.getLogger(__name__)

PREFIX: Final = "agon:live:"
SIGN_OF_LIFE_S: Final = 20.0  # a visitor who only reads is not taken for gone
SILENCE_S: Final = 3 * SIGN_OF_LIFE_S  # then the process that passed their words on is gone
LISTEN_AGAIN_S: Final = 1.0
ANSWER_S: Final = 5.0  # a Redis that takes longer is taken for gone
MOST_WAITING: Final = 1000  # messages to a browser that takes none

Message = dict[str, Any]  # JSON


class Partner(Protocol):
    """Whoever a browser talks to: a conversation in this process, or a relay to another's."""

    async def receive(self, content: object) -> None: ...
    async def leave(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Guest:
    """A visitor as another process knows them: by hashes and numbers, never by their cookie."""

    session_key: str
    user_id: int | None
    address_key: str
    language: str


Welcome = Callable[[Guest, Send], Awaitable[Partner | None]]
HangUp = Callable[[], Coroutine[None, None, None]]


class GoneError(ConnectionError):
    """The process at the other end does not listen any more."""


@dataclass(slots=True, eq=False)
class Relay:
    """A browser here, its room elsewhere. ``tell`` brings a message to the browser; ``hang_up``
    ends its connection, for it to come back.
    """

    exchange: Exchange
    home: str
    guest: Guest
    tell: Send
    hang_up: HangUp
    key: str = field(default_factory=lambda: secrets.token_urlsafe(12))
    _told: asyncio.Queue[Message] = field(default_factory=lambda: asyncio.Queue(MOST_WAITING))
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)

    def start(self) -> None:
        self.exchange.relays[self.key] = self
        self._tasks = [
            asyncio.create_task(self._tell_on()),
            asyncio.create_task(self._give_signs_of_life()),
        ]

    async def receive(self, content: object) -> None:
        """Pass a message of the browser on. Raises GoneError when nobody is there for it."""
        await self._say(content)

    async def leave(self) -> None:
        """The browser is gone, or wants another room."""
        self.exchange.relays.pop(self.key, None)
        for task in self._tasks:
            task.cancel()
        with suppress(GoneError):
            await self._say(None)

    def hear(self, message: Message | None) -> None:
        """What the room told, or None when it has ended unforeseen. A browser too slow for it has
        to come back as well.
        """
        with suppress(asyncio.QueueFull):
            if message is not None:
                self._told.put_nowait(message)
                return
        self.exchange.relays.pop(self.key, None)
        self._tasks.append(asyncio.create_task(self.hang_up()))

    async def _say(self, content: object) -> None:
        await self.exchange.send(
            self.home,
            {
                "relay": self.key,
                "from": self.exchange.process,
                "guest": asdict(self.guest),
                "said": content,
            },
        )

    async def _tell_on(self) -> None:
        with suppress(OSError, RuntimeError):  # the socket's consumer will hear of it
            while True:
                await self.tell(await self._told.get())

    async def _give_signs_of_life(self) -> None:
        try:
            while True:
                await asyncio.sleep(SIGN_OF_LIFE_S)
                await self._say({"do": "live"})
        except GoneError:
            await self.hang_up()


@dataclass(slots=True, eq=False)
class _Visit:
    """At home: what a relay brings, one message after the other, as a socket would."""

    exchange: Exchange
    relay: str
    sender: str
    guest: Guest
    inbox: asyncio.Queue[object] = field(default_factory=asyncio.Queue)

    async def tell(self, message: Message | None) -> None:
        await self.exchange.send(self.sender, {"relay": self.relay, "told": message})

    async def last(self, welcome: Welcome) -> None:
        """Until the visitor leaves or falls silent."""
        with suppress(OSError):  # a broken line is one, as is a time-out: they will come back
            try:
                await self._last(welcome)
            except OSError:
                raise
            except Exception:
                logger.exception("a live battle led from another web process has failed")
                await self.tell(None)

    async def _last(self, welcome: Welcome) -> None:
        partner = await welcome(self.guest, self.tell)
        if partner is None:
            await self.tell(None)
            return
        try:
            while (said := await self._next()) is not None:
                await partner.receive(said)
        finally:
            await partner.leave()

    async def _next(self) -> object:
        """None at the end."""
        async with asyncio.timeout(SILENCE_S):
            while (said := await self.inbox.get()) == {"do": "live"}:
                pass
            return said


class Exchange:
    """Of one process and event loop. ``welcome`` makes a conversation for a guest."""

    def __init__(self, url: str, welcome: Welcome) -> None:
        self.process = secrets.token_urlsafe(12)
        self.relays: dict[str, Relay] = {}
        self._url, self._welcome = url, welcome
        self._visits: dict[str, _Visit] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._listener: asyncio.Task[None] | None = None
        self._redis: Redis | None = None
        self._is_listening = asyncio.Event()

    async def announce(self, room: str) -> None:
        """Let the other processes find a room of this one; without Redis they do not."""
        from redis.exceptions import RedisError

        try:
            # first what fails at once where there is no Redis; nobody knows the room yet
            await self._link().set(
                f"{PREFIX}room:{room}", self.process, ex=int(LONGEST_SESSION_S + GRACE_S)
            )
            await self._start_listening()
        except (RedisError, OSError):
            logger.exception("a live battle cannot be found by other web processes")

    async def relay_to(self, room: str, guest: Guest, tell: Send, hang_up: HangUp) -> Relay | None:
        """To the process that has the room, if another has."""
        from redis.exceptions import RedisError

        try:
            home = await self._link().get(f"{PREFIX}room:{room}")
            if home is None or home == self.process:
                return None
            await self._start_listening()
        except (RedisError, OSError):
            logger.exception("a live battle cannot be looked for in other web processes")
            return None
        relay = Relay(self, str(home), guest, tell, hang_up)
        relay.start()
        return relay

    async def send(self, process: str, message: Message) -> None:
        """Raises GoneError when that process does not listen, or Redis does not answer."""
        from redis.exceptions import RedisError

        try:
            heard = await self._link().publish(f"{PREFIX}process:{process}", orjson.dumps(message))
        except (RedisError, OSError) as error:
            raise GoneError(str(error)) from error
        if not heard:
            raise GoneError(f"no web process {process}")

    async def aclose(self) -> None:
        """End what waits, and the connections."""
        for relay in list(self.relays.values()):
            await relay.leave()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._redis is not None:
            await self._redis.aclose()

    # -- listening --------------------------------------------------------------------------

    async def _start_listening(self) -> None:
        if self._listener is None:
            self._listener = asyncio.create_task(self._listen())
            self._hold(self._listener)
        async with asyncio.timeout(ANSWER_S):
            await self._is_listening.wait()

    async def _listen(self) -> None:
        from redis.exceptions import RedisError

        while True:
            try:
                async with self._link().pubsub(ignore_subscribe_messages=True) as channel:
                    await self._hear(channel)
            except (RedisError, OSError):
                logger.exception("Redis does not answer; other web processes are not heard")
                self._is_listening.clear()
                await asyncio.sleep(LISTEN_AGAIN_S)

    async def _hear(self, channel: PubSub) -> None:
        await channel.subscribe(f"{PREFIX}process:{self.process}")
        while True:
            message = await channel.get_message(timeout=SIGN_OF_LIFE_S)
            self._is_listening.set()
            if message is None:
                continue
            try:
                self._take(orjson.loads(message["data"]))
            except (ValueError, LookupError, TypeError):  # from a process of another release
                logger.exception("a message of another web process cannot be read")

    def _take(self, message: Message) -> None:
        if "told" in message:
            relay = self.relays.get(message["relay"])
            if relay is not None:
                relay.hear(message["told"])
            return
        visit = self._visits.get(message["relay"])
        if visit is None:
            guest = Guest(**message["guest"])
            visit = _Visit(self, message["relay"], message["from"], guest)
            self._visits[visit.relay] = visit
            task = asyncio.create_task(visit.last(self._welcome))
            task.add_done_callback(lambda _task: self._visits.pop(visit.relay, None))
            self._hold(task)
        visit.inbox.put_nowait(message["said"])

    def _link(self) -> Redis:
        from redis.asyncio import Redis

        if self._redis is None:
            self._redis = Redis.from_url(
                self._url,
                socket_connect_timeout=ANSWER_S,
                socket_timeout=ANSWER_S,
                decode_responses=True,
                client_name=f"{PREFIX}{self.process}",  # as Redis lists its connections
            )
        return self._redis

    def _hold(self, task: asyncio.Task[None]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
