"""Live battles in progress, kept by the process whose socket streams them.

A room outlives its socket for ``GRACE_S``, so that a dropped connection can come back to it.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from arena.live.growing import GrowingMarkdown
from arena.live.pacing import Pace, PacedText
from arena.live.screen import Screen
from arena.rendering import render_markdown
from providers.base import (
    FailureKind,
    GenerationSettings,
    Message,
    Provider,
    ProviderError,
)

GRACE_S = 60.0
LONGEST_SESSION_S = 3600.0
MOST_TURNS = 50
BLIND_PROMPT_CHARACTERS = 30_000
NAMED_PROMPT_CHARACTERS = 12_000
MOST_ROOMS = 2000
MOST_ROOMS_PER_VOTER = 8
MOST_ROOMS_PER_ADDRESS = 200
TICK_S = 0.03
SEND_S = 5.0  # a browser that takes longer for one message is gone

Send = Callable[[dict[str, Any]], Awaitable[None]]  # messages are JSON


class Mode(StrEnum):
    BLIND = "blind"
    NAMED = "named"
    DIRECT = "direct"


class ReplyState(StrEnum):
    STREAMING = "streaming"
    COMPLETE = "complete"
    STOPPED = "stopped"
    FAILED = "failed"
    EMPTY = "empty"


@dataclass(slots=True)
class Reply:
    """One model's reply to one turn; ``failure`` is why it failed, by kind.

    ``growing`` is what is on the screen until ``html`` is.
    """

    text: str = ""
    growing: GrowingMarkdown | None = field(default_factory=GrowingMarkdown)
    html: str = ""
    state: ReplyState = ReplyState.STREAMING
    failure: str = ""

    @property
    def has_text(self) -> bool:
        return bool(self.text.strip())

    @property
    def is_usable(self) -> bool:
        return self.state in (ReplyState.COMPLETE, ReplyState.STOPPED) and self.has_text


@dataclass(slots=True)
class Turn:
    prompt: str
    replies: list[Reply]

    @property
    def has_failed(self) -> bool:
        failed = (ReplyState.FAILED, ReplyState.EMPTY)
        return any(reply.state in failed for reply in self.replies)

    @property
    def is_unanswered(self) -> bool:
        """Stopped, or to be stopped now, before there was anything of both replies to read."""
        return not (self.has_failed or all(reply.has_text for reply in self.replies))


@dataclass(slots=True)
class Seat:
    """A model in a room, at its place on the screen."""

    model_id: int
    name: str
    provider: Provider


@dataclass(slots=True)
class Room:
    """One conversation with one or two models, and who is listening.

    ``stored`` counts how often it was written down: once per failed reply, and once by the vote.
    ``failures`` are what it was after each failed reply. They are written down when nobody can vote
    here any more, for from then on everybody reads the models' names.
    ``repeated`` counts how often a turn was asked again, ``replaced`` holds what was there before,
    with its place, so that a vote after many tries can be told from one after the first.
    ``address_key`` is a keyed hash of where the conversation began. ``revealed`` is the message
    that told the names, for a socket that dropped before it arrived.
    """

    mode: Mode
    voter_id: int
    seats: list[Seat]
    settings: GenerationSettings
    draw_probability: float | None = None
    drawn_by: str = ""
    address_key: str = ""
    key: str = field(default_factory=lambda: secrets.token_urlsafe(18))
    turns: list[Turn] = field(default_factory=list)
    is_over: bool = False
    revealed: dict[str, Any] | None = None
    opened_at: float = field(default_factory=time.monotonic)
    shown_at: float | None = None
    stored: int = 0
    failures: list[Room] = field(default_factory=list)
    repeated: int = 0
    replaced: list[tuple[int, Turn]] = field(default_factory=list)
    send: Send | None = None
    keep_failure: Callable[[Room], Awaitable[None]] | None = None
    _streaming: asyncio.Task[None] | None = None
    _speaking: asyncio.Lock = field(default_factory=asyncio.Lock)
    _leaving: asyncio.TimerHandle | None = None

    # -- what may be done -------------------------------------------------------------------

    @property
    def is_streaming(self) -> bool:
        return self._streaming is not None and not self._streaming.done()

    @property
    def answered(self) -> list[Turn]:
        """What a vote is about, and what the models know of: without turns that the visitor
        stopped before there was anything to read.
        """
        return [turn for turn in self.turns if not turn.is_unanswered]

    @property
    def is_votable_once_stopped(self) -> bool:
        """Nobody has voted, and both sides have answered every turn, as far as they are."""
        return (
            self.mode != Mode.DIRECT
            and not self.is_over
            and bool(self.answered)
            and not self.is_failed
        )

    @property
    def is_votable(self) -> bool:
        return self.is_votable_once_stopped and not self.is_streaming

    @property
    def is_failed(self) -> bool:
        """Told when the turn has ended: which side failed how early may name the model."""
        return any(
            turn.has_failed and all(reply.growing is None for reply in turn.replies)
            for turn in self.turns
        )

    @property
    def is_expired(self) -> bool:
        return time.monotonic() - self.opened_at > LONGEST_SESSION_S

    @property
    def reading_s(self) -> float:
        """Seconds since the first text could be read."""
        return 0.0 if self.shown_at is None else time.monotonic() - self.shown_at

    @property
    def prompt_limit(self) -> int:
        return BLIND_PROMPT_CHARACTERS if self.mode == Mode.BLIND else NAMED_PROMPT_CHARACTERS

    # -- listening --------------------------------------------------------------------------

    async def tell(self, message: dict[str, Any]) -> None:
        """To whoever listens; a message to nobody is in the snapshot they get on return."""
        if self.send is not None:
            await send_in_time(self.send, message)

    async def let_in(self, send: Send) -> None:
        """To a browser that comes back: what is shown so far, then what follows, in this order.

        Whoever listened before is told, lest two tabs write into one conversation.
        """
        previous = self.send
        async with self._speaking:
            self.attach(send)
            await send(self.snapshot())
        if self.revealed is not None:
            await send(self.revealed)
        if previous not in (None, send):
            await send_in_time(previous, {"is": "moved"})

    def attach(self, send: Send) -> None:
        self.send = send
        if self._leaving is not None:
            self._leaving.cancel()
            self._leaving = None

    def detach(self, send: Send) -> None:
        """The socket is gone; wait ``GRACE_S`` for it to come back, then clear the room."""
        if self.send != send:
            return
        self.send = None
        self._leaving = asyncio.get_running_loop().call_later(GRACE_S, self.close)

    def close(self) -> None:
        if self._streaming is not None:
            self._streaming.cancel()
            _hold(self._streaming)  # what it had of a failed reply is still to be written down
        ROOMS.pop(self.key, None)
        if self.failures:
            _hold(asyncio.create_task(self.keep_failures()))

    async def keep_failures(self) -> None:
        """Write down what failed, in the order it did; once each."""
        while self.failures and self.keep_failure is not None:
            await self.keep_failure(self.failures.pop(0))

    def _remember_failure(self) -> None:
        as_it_is = replace(
            self, turns=[*self.turns], replaced=[*self.replaced], failures=[], send=None
        )
        self.failures.append(as_it_is)
        self.stored += 1

    def snapshot(self) -> dict[str, Any]:
        """Everything shown so far, for a browser that comes back."""
        return {
            "is": "room",
            "key": self.key,
            "mode": self.mode,
            "names": [] if self.mode == Mode.BLIND else [seat.name for seat in self.seats],
            "turns": [
                {"prompt": turn.prompt, "replies": [reply_message(r) for r in turn.replies]}
                for turn in self.turns
            ],
            **self.state(),
        }

    def state(self) -> dict[str, bool]:
        return {
            "streaming": self.is_streaming,
            "votable": self.is_votable,
            "failed": self.is_failed,
            "over": self.is_over,
        }

    # -- asking -----------------------------------------------------------------------------

    def ask(self, prompt: str) -> None:
        """Put the next prompt to all models; the caller has checked that nothing is streaming."""
        self.turns.append(Turn(prompt, [Reply() for _ in self.seats]))
        self._streaming = asyncio.create_task(self._stream(len(self.turns) - 1))

    def ask_again(self, number: int, prompt: str) -> None:
        """Go back to a turn and ask it anew, in other words perhaps."""
        self.replaced += [*enumerate(self.turns)][number:]
        del self.turns[number:]
        self.repeated += 1
        self.ask(prompt)

    async def stop(self) -> None:
        """End the replies where they are on the screen."""
        if self._streaming is not None and not self._streaming.done():
            await asyncio.sleep(0)  # a task cancelled before its first step would never clean up
            self._streaming.cancel()
            with suppress(asyncio.CancelledError):
                await self._streaming

    def messages_for(self, seat: int) -> list[Message]:
        """The answered turns, and the last one, which is asked."""
        messages: list[Message] = []
        for turn in self.turns[:-1]:
            if not turn.is_unanswered:
                messages.append(Message("user", turn.prompt))
                messages.append(Message("assistant", turn.replies[seat].text))
        return [*messages, Message("user", self.turns[-1].prompt)]

    # -- streaming --------------------------------------------------------------------------

    async def _stream(self, number: int) -> None:
        replies = self.turns[number].replies
        pace = Pace([PacedText() for _ in self.seats], is_matched=self.mode == Mode.BLIND)
        screen = Screen([reply.growing for reply in replies if reply.growing])
        arrival = asyncio.Event()
        readers = [
            asyncio.create_task(self._read(seat, replies[seat], pace, arrival))
            for seat in range(len(self.seats))
        ]
        try:
            await self._pump(number, pace, screen, arrival)
        except asyncio.CancelledError:
            for reply, side in zip(replies, pace.sides, strict=True):
                if reply.state == ReplyState.STREAMING or side.waiting:
                    reply.state = ReplyState.STOPPED
            pace.stop()
        finally:
            screen.close()
            for reader in readers:
                reader.cancel()
            await asyncio.gather(*readers, return_exceptions=True)
        await self._finish(number)

    async def _read(self, seat: int, reply: Reply, pace: Pace, arrival: asyncio.Event) -> None:
        provider, messages = self.seats[seat].provider, self.messages_for(seat)
        state, failure = ReplyState.COMPLETE, ""
        try:
            async with provider.stream(messages, self.settings) as stream:
                async for delta in stream:
                    if text := storable(delta.text or ""):
                        pace.feed(seat, text)
                        arrival.set()
        except ProviderError as error:
            is_empty = error.kind == FailureKind.EMPTY_REPLY
            state, failure = (ReplyState.EMPTY if is_empty else ReplyState.FAILED), error.kind
        if state == ReplyState.COMPLETE and not pace.sides[seat].arrived.strip():
            state, failure = ReplyState.EMPTY, FailureKind.EMPTY_REPLY
        reply.state, reply.failure = state, failure
        pace.end(seat)
        arrival.set()

    async def _pump(self, number: int, pace: Pace, screen: Screen, arrival: asyncio.Event) -> None:
        """Show what the pace lets through, at most once in ``TICK_S``."""
        clock = asyncio.get_running_loop().time
        last = clock() - TICK_S
        while not pace.is_drained:
            if not any(side.waiting for side in pace.sides):
                await _arrival_or(screen.due_in_s, arrival)
            arrival.clear()
            now = clock()
            pieces = pace.advance(now - last)
            last = now
            for reply, side, piece in zip(
                self.turns[number].replies, screen.sides, pieces, strict=True
            ):
                reply.text += piece
                side.feed(piece)
            async with self._speaking:
                if news := await screen.news():
                    self.shown_at = self.shown_at or time.monotonic()
                    await self.tell({"is": "text", "turn": number, **news})
            if not pace.is_drained:
                await asyncio.sleep(TICK_S)

    async def _finish(self, number: int) -> None:
        replies = self.turns[number].replies
        for reply in replies:
            # as everywhere else; what was shown on the way is seldom any different
            reply.html = await asyncio.to_thread(render_markdown, reply.text)
            reply.growing = None
            if reply.state == ReplyState.STOPPED and not reply.has_text and self.key not in ROOMS:
                reply.state, reply.failure = ReplyState.EMPTY, "stopped"  # they waited in vain
        self._streaming = None
        if self.is_failed and self.keep_failure is not None:
            self._remember_failure()
            if self.key not in ROOMS:
                await self.keep_failures()
        async with self._speaking:
            await self.tell(
                {
                    "is": "done",
                    "turn": number,
                    "replies": [reply_message(reply) for reply in replies],
                    **self.state(),
                }
            )


async def _arrival_or(timeout_s: float | None, arrival: asyncio.Event) -> None:
    if timeout_s is None:
        await arrival.wait()
        return
    alarm = asyncio.get_running_loop().call_later(timeout_s, arrival.set)
    await arrival.wait()
    alarm.cancel()


async def send_in_time(send: Send, message: dict[str, Any]) -> None:
    """A socket may be gone before its consumer has heard of it."""
    with suppress(OSError, RuntimeError):  # a time-out is an OSError
        async with asyncio.timeout(SEND_S):
            await send(message)


def storable(text: str) -> str:
    """Without what neither JSON nor PostgreSQL can hold: NUL, and halves of surrogate pairs."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()


def reply_message(reply: Reply) -> dict[str, Any]:
    """A reply as the browser gets it: never the provider's own words about a failure, and nothing
    of how it ended before both sides have.
    """
    if reply.growing is not None:
        return {"blocks": reply.growing.snapshot().as_message(), "state": ReplyState.STREAMING}
    return {"html": reply.html, "state": reply.state}


ROOMS: dict[str, Room] = {}
WRITING: set[asyncio.Task[None]] = set()  # tasks that nobody holds may be collected half-way


def _hold(task: asyncio.Task[None]) -> None:
    WRITING.add(task)
    task.add_done_callback(WRITING.discard)


def is_full(voter_id: int, address_key: str) -> bool:
    """In all, of this voter's, or of this address, where cookies cost nothing: nobody is to take
    all the places alone.
    """
    own = sum(room.voter_id == voter_id for room in ROOMS.values())
    here = sum(room.address_key == address_key for room in ROOMS.values()) if address_key else 0
    return len(ROOMS) >= MOST_ROOMS or own >= MOST_ROOMS_PER_VOTER or here >= MOST_ROOMS_PER_ADDRESS
