"""The socket of a live battle: who speaks, and which conversation hears them."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import orjson
from channels.auth import get_user
from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer
from django.conf import settings
from django.contrib.auth.models import User
from django.utils.translation import get_supported_language_variant

from arena.live.conversation import Conversation, exchange_here, refusal
from arena.live.exchange import GoneError, Guest, Partner, Relay
from arena.live.rooms import ROOMS
from arena.voting.voters import COOKIE, Visitor, visitor_of_cookie

UNKNOWN_BROWSER = 4401
COME_BACK = 1012  # RFC 6455's registry: service restart


class StrangerError(Exception):
    """The browser is not the visitor's any more who opened the socket; it has to come back."""


class LiveConsumer(AsyncJsonWebsocketConsumer):  # type: ignore[misc]  # channels has no types
    """One socket of a browser that we know; ``relay`` is set while its room is elsewhere."""

    conversation: Conversation | None = None
    relay: Relay | None = None

    async def connect(self) -> None:
        visitor = await self._find_visitor()
        await self.accept()
        if visitor is None:
            await self.send_json(refusal("unknown", self._language()))
            await self.close(UNKNOWN_BROWSER)
            return
        self.conversation = Conversation(visitor, self._language(), self.send_json)

    async def disconnect(self, code: int) -> None:
        await self._end_relay()
        if self.conversation is not None:
            await self.conversation.leave()

    async def receive_json(self, content: object, **_kwargs: object) -> None:
        if self.conversation is None:
            await self.send_json(refusal("unknown", self._language()))
            return
        try:
            partner = await self._partner_for(content, self.conversation)
            await partner.receive(content)
        except StrangerError:
            await self._hang_up()
        except GoneError:
            await self._end_relay()
            await self.send_json(refusal("expired", self._language()))

    async def _partner_for(self, content: object, here: Conversation) -> Partner:
        """Rooms are opened here; the one to come back to may be in another process."""
        do = content.get("do") if isinstance(content, dict) else None
        if do in ("open", "resume"):
            await self._end_relay()
        if do == "open" and not await self._is_still(here.visitor):
            if here.room is not None:
                here.room.close()
            raise StrangerError
        exchange = exchange_here()
        if isinstance(content, dict) and do == "resume" and exchange is not None:
            key = str(content.get("key"))
            if key not in ROOMS:
                await here.leave()
                guest = self._as_guest(here.visitor)
                self.relay = await exchange.relay_to(key, guest, self.send_json, self._hang_up)
        return self.relay or here

    def _as_guest(self, visitor: Visitor) -> Guest:
        user = self.scope.get("user")
        return Guest(
            session_key=visitor.session.key,
            user_id=user.pk if isinstance(user, User) else None,
            address_key=visitor.address_key,
            language=self._language(),
        )

    async def _hang_up(self) -> None:
        await self.close(COME_BACK)

    async def _end_relay(self) -> None:
        relay, self.relay = self.relay, None
        if relay is not None:
            await relay.leave()

    # -- what arrives -------------------------------------------------------------------------

    @classmethod
    async def encode_json(cls, content: object) -> str:
        return orjson.dumps(content).decode()

    @classmethod
    async def decode_json(cls, text_data: str) -> object:
        """Nothing instead of an exception, which would close the socket."""
        try:
            return await super().decode_json(text_data)
        except (ValueError, RecursionError):
            return None

    async def receive(
        self, text_data: str | None = None, bytes_data: bytes | None = None, **kwargs: object
    ) -> None:
        """Bytes are no message of ours, and read as an empty one."""
        await super().receive(text_data=text_data or "null", **kwargs)

    # -- who speaks ---------------------------------------------------------------------------

    async def _find_visitor(self) -> Visitor | None:
        """As of now: the user in the scope is who was signed in when the socket was opened."""
        session = import_module(settings.SESSION_ENGINE).SessionStore
        now = {"session": session(self.scope["session"].session_key)}
        address = (self.scope.get("client") or ("",))[0]
        found: Visitor | None = await database_sync_to_async(visitor_of_cookie)(
            self.scope["cookies"].get(COOKIE, ""), await get_user(now), address
        )
        return found

    async def _is_still(self, visitor: Visitor) -> bool:
        """Not when somebody has signed in or out since, or has had their data removed."""
        found = await self._find_visitor()
        return found is not None and found.voter.pk == visitor.voter.pk

    def _language(self) -> str:
        """One of the interface's; anything else in the cookie would be looked for and kept."""
        try:
            return get_supported_language_variant(
                self.scope["cookies"].get(settings.LANGUAGE_COOKIE_NAME, "")
            )
        except LookupError:
            return self._accepted_language()

    def _accepted_language(self) -> str:
        headers: dict[bytes, Any] = dict(self.scope.get("headers") or [])
        return "zh-hans" if headers.get(b"accept-language", b"").startswith(b"zh") else "en"
