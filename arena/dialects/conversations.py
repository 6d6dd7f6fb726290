"""Conversations as lists of messages, into user turns and replies and back."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from arena.dialects.fields import FieldError, Fields
from arena.dialects.records import ImagePart, TextPart, Turn

SAFE_IMAGE = re.compile(r"(https?://|data:image/(png|jpe?g|gif|webp);base64,)", re.IGNORECASE)
USER_ROLES = frozenset({"user", "human"})
REPLY_ROLES = frozenset({"assistant", "gpt", "model"})


@dataclass(frozen=True, slots=True)
class Conversation:
    """``replies`` holds one text per turn; an unanswered last turn is replied to by ""."""

    turns: tuple[Turn, ...]
    replies: tuple[str, ...]
    system: str = ""
    output_tokens: int | None = None


def text_turns(texts: Sequence[str]) -> tuple[Turn, ...]:
    return tuple((TextPart(text),) for text in texts)


def read_content(value: JsonValue, where: str) -> Turn:
    """A message's content: a text, null (nothing), or a list of text and image parts."""
    if value is None:
        return (TextPart(""),)
    if isinstance(value, str):
        return (TextPart(value),)
    if not isinstance(value, list):
        raise FieldError(where, value, "expected a text or a list of parts")
    return tuple(_read_part(part, f"{where}[{index}]") for index, part in enumerate(value))


def _read_part(value: JsonValue, where: str) -> TextPart | ImagePart:
    if isinstance(value, str):
        return TextPart(value)
    if not isinstance(value, dict):
        raise FieldError(where, value, 'expected {"type": "text" | "image", …}')
    address = _image_address(value)
    if address is None:
        text = value.get("text")
        return TextPart(text if isinstance(text, str) else "")
    if not SAFE_IMAGE.match(address):
        raise FieldError(where, address, "an image must be an http(s) or a data:image address")
    return ImagePart(address)


def _image_address(part: dict[str, JsonValue]) -> str | None:
    """The address in any of the shapes in use: OpenAI's, the preference sets', our own."""
    for key in ("image_url", "image", "url"):
        value = part.get(key)
        if isinstance(value, dict):
            value = value.get("url")
        if isinstance(value, str) and value:
            mime = part.get("mimeType")
            is_bare = isinstance(mime, str) and not SAFE_IMAGE.match(value)
            return f"data:{mime};base64,{value}" if is_bare else value
    return None


def plain_text(content: Turn) -> str:
    return "\n".join(part.text for part in content if isinstance(part, TextPart))


class _Turns:
    """Messages gathered into turns: user messages in a row form one turn, replies likewise."""

    def __init__(self) -> None:
        self.asked: list[list[TextPart | ImagePart]] = []
        self.replied: list[list[str]] = []
        self.system: list[str] = []
        self.is_reply_due = False

    def ask(self, content: Turn) -> None:
        if not self.is_reply_due:
            self.asked.append([])
            self.replied.append([])
        self.asked[-1].extend(content)
        self.is_reply_due = True

    def reply(self, text: str, where: str) -> None:
        if not self.asked:
            raise FieldError(where, text, "a conversation must start with the user's message")
        self.replied[-1].append(text)
        self.is_reply_due = False

    def conversation(self, output_tokens: int | None) -> Conversation:
        return Conversation(
            turns=tuple(tuple(parts) for parts in self.asked),
            replies=tuple("\n\n".join(texts) for texts in self.replied),
            system="\n\n".join(self.system),
            output_tokens=output_tokens,
        )


def read_messages(messages: list[JsonValue], fields: Fields, key: str) -> Conversation:
    """``[{"role", "content", "num_tokens"?}, …]`` with any of the usual names of the roles."""
    gathered, tokens = _Turns(), 0
    is_counted = False
    for index, value in enumerate(messages):
        where = f"{key}[{index}]"
        message = Fields.of(value, fields.place, where)
        role = message.text("role").lower()
        content = read_content(message.get("content"), f"{where}.content")
        if role in USER_ROLES:
            gathered.ask(content)
        elif role in REPLY_ROLES:
            gathered.reply(plain_text(content), where)
            if (count := message.count_or_none("num_tokens")) is not None:
                tokens, is_counted = tokens + count, True
        elif role == "system":
            gathered.system.append(plain_text(content))
        else:
            raise message.error("role", "expected user, assistant or system")
    if not gathered.asked:
        raise FieldError(key, messages, "the conversation is empty")
    return gathered.conversation(tokens if is_counted else None)


def message_rows(turns: Sequence[Turn], replies: Sequence[str]) -> list[JsonValue]:
    """The messages of a conversation, plain text where a turn is text alone."""
    rows: list[JsonValue] = []
    for turn, reply in zip(turns, replies, strict=True):
        rows.append({"role": "user", "content": content_value(turn)})
        rows.append({"role": "assistant", "content": reply})
    return rows


def content_value(turn: Turn) -> JsonValue:
    """A turn as OpenAI's message content."""
    if len(turn) == 1 and isinstance(turn[0], TextPart):
        return turn[0].text
    parts: list[JsonValue] = []
    for part in turn:
        if isinstance(part, TextPart):
            parts.append({"type": "text", "text": part.text})
        else:
            parts.append({"type": "image_url", "image_url": {"url": part.url}})
    return parts
