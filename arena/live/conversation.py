"""What one visitor may do in a live battle, whichever socket or process they speak through."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from channels.db import database_sync_to_async
from django.conf import settings
from django.core.cache import cache
from django.db import DatabaseError
from django.template.loader import render_to_string
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import override

from arena.calling import NotCallableError
from arena.live.exchange import Exchange, Guest
from arena.live.rooms import MOST_TURNS, ROOMS, Mode, Room, Seat, Send, is_full, storable
from arena.live.seating import (
    NobodyToAskError,
    SameModelError,
    Seating,
    chosen_seats,
    draw_seats,
    provider_of,
)
from arena.live.storing import LiveVote, store_room
from arena.models import LanguageModel, VoterSession, VotingPolicy
from arena.voting.casting import CHOICES
from arena.voting.merging import VoterGoneError, owner_id
from arena.voting.moderation import is_unwanted
from arena.voting.policy import current_policy
from arena.voting.voters import Visitor, give_consent, visitor_of_guest
from providers.base import GenerationSettings

logger = logging.getLogger(__name__)
Message = dict[str, Any]  # JSON from a browser: checked field by field
REFUSALS: dict[str, str | Promise] = {
    "unknown": _("This page is not known here any more; reload it."),
    "consent": _("Please agree to the storage of prompts first."),
    "empty": _("Write a prompt first."),
    "too_long": _("This prompt is too long; shorten it."),
    "busy": _("Both models are still answering; stop them first."),
    "too_many_turns": _("This conversation has reached its end; vote or start a new one."),
    "too_many_prompts": _("That was very fast. Wait a minute before the next prompt."),
    "expired": _("This conversation has ended, by time or with the server; a new one begins."),
    "over": _("You have voted on this battle already; start a new one."),
    "not_votable": _("There is nothing to vote on yet: both models must have answered."),
    "not_stored": _("The vote could not be stored; please press again."),
    "choice": _("The vote could not be read; choose one of the buttons."),
    "nobody": _("There are not enough models that can be called right now."),
    "same_model": _("Choose two different models."),
    "full": _("Too many live battles are running; try again in a few minutes."),
    "moderated": _("This prompt cannot be sent here; please ask something else."),
}


class RefusedError(Exception):
    """What was asked for cannot be done; ``code`` names the sentence."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(code)


@dataclass(slots=True)
class Conversation:
    """One visitor's, in one room at a time; the room holds what is said, so that another socket can
    take it over. ``send`` brings a message to the browser, ``language`` is one of the interface's.
    """

    visitor: Visitor
    language: str
    send: Send
    room: Room | None = None

    async def receive(self, content: object) -> None:
        """One message of the browser, answered or refused."""
        acts: dict[str, Callable[[Message], Awaitable[None]]] = {
            "open": self._open,
            "resume": self._resume,
            "agree": self._agree,
            "prompt": self._prompt,
            "again": self._again,
            "stop": self._stop,
            "vote": self._vote,
        }
        act = acts.get(str(content.get("do"))) if isinstance(content, dict) else None
        if act is None or not isinstance(content, dict):
            await self.send(refusal("unknown", self.language))
            return
        try:
            await act(content)
        except RefusedError as error:
            await self.send(refusal(error.code, self.language))

    async def leave(self) -> None:
        """The socket is gone; the room waits for it."""
        if self.room is not None:
            self.room.detach(self.send)

    # -- acts -------------------------------------------------------------------------------

    async def _open(self, wanted: Message) -> None:
        if self.room is not None:
            self.room.close()
        mode = Mode(wanted["mode"]) if wanted.get("mode") in list(Mode) else Mode.BLIND
        slugs = _texts(wanted.get("models"))[:2]
        try:
            seating, policy = await self._seat(mode, slugs)
            seats = [Seat(m.pk, m.display_name, provider_of(m)) for m in seating.models]
        except (NobodyToAskError, NotCallableError):
            raise RefusedError("nobody") from None
        except SameModelError:
            raise RefusedError("same_model") from None
        if is_full(self._voter_id, self._address_key):
            raise RefusedError("full")
        self.room = Room(
            mode=mode,
            voter_id=self._voter_id,
            seats=seats,
            settings=GenerationSettings(
                temperature=policy.live_temperature, max_tokens=policy.live_max_tokens
            ),
            draw_probability=seating.draw_probability,
            drawn_by=policy.sampling if mode == Mode.BLIND else "",
            address_key=self._address_key,
            keep_failure=None if mode == Mode.DIRECT else _keep_failure,
        )
        ROOMS[self.room.key] = self.room
        self.room.attach(self.send)
        if exchange := exchange_here():
            await exchange.announce(self.room.key)
        await self.send(self.room.snapshot())

    async def _resume(self, wanted: Message) -> None:
        room = ROOMS.get(str(wanted.get("key")))
        if room is None or not await self._is_mine(room):
            raise RefusedError("expired")
        if self.room is not room:
            await self.leave()
        self.room = room
        await room.let_in(self.send)

    async def _agree(self, _wanted: Message) -> None:
        await database_sync_to_async(give_consent)(self.visitor)

    async def _prompt(self, wanted: Message) -> None:
        room, text = self._ready_room(), storable(str(wanted.get("text") or "")).strip()
        if len(room.turns) >= MOST_TURNS:
            raise RefusedError("too_many_turns")
        await self._check_prompt(room, text)
        self._ready_room()  # still: another tab may have been faster
        room.ask(text)

    async def _again(self, wanted: Message) -> None:
        """Regenerate the last turn, or go back to a turn with other words."""
        room, number = self._ready_room(), wanted.get("turn", -1)
        if not isinstance(number, int) or not 0 <= number < len(room.turns):
            raise RefusedError("empty")
        text = storable(str(wanted.get("text") or room.turns[number].prompt)).strip()
        await self._check_prompt(room, text)
        self._ready_room()
        room.ask_again(number, text)

    async def _stop(self, _wanted: Message) -> None:
        if self.room is not None:
            await self.room.stop()

    async def _vote(self, wanted: Message) -> None:
        room = self._live_room()
        if wanted.get("choice") not in CHOICES:
            raise RefusedError("choice")
        if room.is_votable_once_stopped:  # or the answer goes on, for it may become so
            await room.stop()
        if not room.is_votable:
            raise RefusedError("over" if room.is_over else "not_votable")
        room.is_over = True
        strength = wanted.get("strength")
        vote = LiveVote(
            wanted["choice"],
            strength if isinstance(strength, int) else None,
            _texts(wanted.get("reasons")),
        )
        try:
            room.revealed = await self._store_and_reveal(room, vote)
        except VoterGoneError:
            room.is_over = False
            raise RefusedError("unknown") from None
        except DatabaseError:
            logger.exception("a live vote could not be stored")
            room.is_over = False
            raise RefusedError("not_stored") from None
        await self.send(room.revealed)
        await room.keep_failures()

    # -- checks -----------------------------------------------------------------------------

    @property
    def _voter_id(self) -> int:
        return self.visitor.voter.pk

    @property
    def _address_key(self) -> str:
        return self.visitor.address_key

    def _live_room(self) -> Room:
        if self.room is None or self.room.key not in ROOMS:
            raise RefusedError("expired")
        return self.room

    def _ready_room(self) -> Room:
        room = self._live_room()
        if room.is_over:
            raise RefusedError("over")
        if room.is_expired:
            raise RefusedError("expired")
        if room.is_streaming:
            raise RefusedError("busy")
        return room

    async def _check_prompt(self, room: Room, text: str) -> None:
        has_consented = await self._has_consented()
        if room.mode != Mode.DIRECT and not has_consented:
            raise RefusedError("consent")
        if not text:
            raise RefusedError("empty")
        if len(text) > room.prompt_limit:
            raise RefusedError("too_long")
        policy = await database_sync_to_async(self._count_prompt)()
        if await is_unwanted(text, policy):
            raise RefusedError("moderated")

    # -- the database, one call each ----------------------------------------------------------

    @database_sync_to_async  # type: ignore[untyped-decorator]  # channels has no types
    def _seat(self, mode: Mode, slugs: list[str]) -> tuple[Seating, VotingPolicy]:
        policy = current_policy()
        if mode == Mode.BLIND:
            return draw_seats(policy), policy
        return chosen_seats(slugs, count=2 if mode == Mode.NAMED else 1), policy

    @database_sync_to_async  # type: ignore[untyped-decorator]  # channels has no types
    def _has_consented(self) -> bool:
        """Perhaps in another tab, where they may have had their data removed as well."""
        sessions = VoterSession.objects.filter(pk=self.visitor.session.pk)
        found = list(sessions.values_list("consented_at", flat=True))
        if not found:
            raise RefusedError("unknown")
        return found[0] is not None

    async def _is_mine(self, room: Room) -> bool:
        """Also where the visitor has signed in since they or the room came here."""
        if room.voter_id == self._voter_id:
            return True
        owner = database_sync_to_async(owner_id)
        try:
            return bool(await owner(room.voter_id) == await owner(self._voter_id))
        except VoterGoneError:
            return False

    def _count_prompt(self) -> VotingPolicy:
        policy = current_policy()
        limits = {
            f"voter:{self._voter_id}": policy.live_prompts_per_minute,
            f"address:{self._address_key}": policy.live_prompts_per_address_and_minute,
        }
        for who, limit in limits.items():
            if who != "address:" and _count_in_minute(f"live-prompts:{who}") > limit:
                raise RefusedError("too_many_prompts")
        return policy

    @database_sync_to_async  # type: ignore[untyped-decorator]  # channels has no types
    def _store_and_reveal(self, room: Room, vote: LiveVote) -> Message:
        battle = store_room(room, vote)
        models = {m.pk: m for m in LanguageModel.objects.filter(pk__in=_ids(room))}
        left, right = (models[pk] for pk in _ids(room))
        context = {"left": left, "right": right, "choice": vote.choice, "battle": battle}
        with override(self.language):
            return {
                "is": "reveal",
                "choice": vote.choice,
                "left": render_to_string("arena/_vote_name.html", {"model": left, "side": "a"}),
                "right": render_to_string("arena/_vote_name.html", {"model": right, "side": "b"}),
                "bar": render_to_string("arena/_live_reveal.html", context),
                "counts": room.mode == Mode.BLIND and not battle.exclusion,
            }


def refusal(code: str, language: str) -> Message:
    """Why something is not done, for the browser to show."""
    with override(language):
        return {"is": "refused", "code": code, "text": str(REFUSALS[code])}


async def welcome(guest: Guest, send: Send) -> Conversation | None:
    """A conversation with a visitor whose socket another process holds, if we know them."""
    visitor = await database_sync_to_async(visitor_of_guest)(
        guest.session_key, guest.user_id, guest.address_key
    )
    return None if visitor is None else Conversation(visitor, guest.language, send)


_exchanges: WeakKeyDictionary[asyncio.AbstractEventLoop, Exchange] = WeakKeyDictionary()


def exchange_here() -> Exchange | None:
    """Of this process and event loop; none where there is no other web process."""
    if not settings.REDIS_URL:
        return None
    loop = asyncio.get_running_loop()
    if loop not in _exchanges:
        _exchanges[loop] = Exchange(settings.REDIS_URL, welcome)
    return _exchanges[loop]


async def close_exchange() -> None:
    """Free this event loop's connections to Redis."""
    exchange = _exchanges.pop(asyncio.get_running_loop(), None)
    if exchange is not None:
        await exchange.aclose()


async def _keep_failure(room: Room) -> None:
    try:
        await database_sync_to_async(store_room)(room)
    except VoterGoneError:
        return  # their prompts are not to be kept
    except DatabaseError:
        logger.exception("a failed live battle could not be stored")


def _count_in_minute(what: str) -> int:
    """How often, with this time, in the present minute; one that just ended counts anew."""
    key = f"{what}:{int(time.time() // 60)}"
    cache.add(key, 0, timeout=120)
    return int(cache.incr(key))


def _texts(value: object) -> list[str]:
    return [str(part) for part in value] if isinstance(value, list) else []


def _ids(room: Room) -> list[int]:
    return [seat.model_id for seat in room.seats]
