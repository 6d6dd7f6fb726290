"""A verdict as columns of its row, and the replies in a row as completions again."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from judging.judges import Verdict
from judging.models import Judgment
from judging.receipt import Receipt
from judging.stored_reply import reply_as_json, reply_from_json, storable
from providers.base import Completion, Message, TextPart


def verdict_columns(
    verdict: Verdict, receipt: Receipt, *, unreadable: Sequence[Verdict] = (), cache_key: str = ""
) -> dict[str, object]:
    """Everything a verdict says and rests on; what it cost is in ``receipt``.

    ``unreadable`` are the replies that could not be read; the last one is the verdict itself when
    the second try failed as well.
    """
    parsed = verdict.parsed
    return {
        "outcome": parsed.outcome.value if parsed.outcome else "",
        "strength": parsed.strength,
        "score": parsed.score,
        "preference": parsed.preference,
        "is_readable": parsed.is_readable,
        "raw_text": storable(verdict.raw_text),
        "prompt": stored_prompt(verdict.prompt),
        "prompt_name": verdict.prompt_name[:120],
        "cache_key": cache_key,
        **receipt.columns(),
        "metadata": _metadata(verdict, receipt, unreadable),
    }


def stored_prompt(messages: Sequence[Message]) -> list[dict[str, Any]]:  # JSON
    """Messages as they are kept and shown."""
    return [{"role": message.role, "content": _content(message)} for message in messages]


def _content(message: Message) -> str | list[dict[str, str]]:
    if isinstance(message.content, str):
        return storable(message.content)
    return [
        {"type": "text", "text": storable(part.text)}
        if isinstance(part, TextPart)
        else {"type": "image", "url": part.url}
        for part in message.content
    ]


def _metadata(
    verdict: Verdict, receipt: Receipt, unreadable: Sequence[Verdict]
) -> dict[str, Any]:  # JSON
    parsed = verdict.parsed
    told: dict[str, Any] = {
        "convention": verdict.convention,
        "prompt_version": verdict.prompt_version,
        "reason": parsed.reason.value if parsed.reason else None,
        "scores": list(parsed.scores) if parsed.scores else None,
        "confidence": parsed.confidence,
        "label": parsed.label,
        "span": list(parsed.span) if parsed.span else None,
        "details": dict(verdict.details),
        "replies": [reply_as_json(completion) for completion in verdict.completions],
        **receipt.notes(),
        "unreadable_replies": [_unreadable(each) for each in unreadable],
        "reasoning": storable("\n\n".join(c.reasoning for c in verdict.completions if c.reasoning)),
    }
    if len(verdict.completions) == 1 and verdict.completions[0].text == verdict.raw_text:
        told["replies"][0].pop("text")  # it stands in raw_text
    return {name: value for name, value in told.items() if value not in (None, "", [], {})}


def _unreadable(verdict: Verdict) -> dict[str, str]:
    reason = verdict.parsed.reason
    return {"raw_text": storable(verdict.raw_text), "reason": reason.value if reason else ""}


def stored_replies(keys: Collection[str]) -> dict[str, tuple[Completion, ...]]:
    """Replies of readable judgments by their ``cache_key``, one per request and in that order."""
    rows = (
        Judgment.objects.readable()
        # the index covers rows with a key only, and is used only where the query says so
        .exclude(cache_key="")
        .filter(cache_key__in=list(keys), is_dry_run=False)
        .order_by("id")
        .values_list("cache_key", "raw_text", "metadata")
    )
    return {key: _completions(text, metadata) for key, text, metadata in rows}


def _completions(raw_text: str, metadata: Mapping[str, Any]) -> tuple[Completion, ...]:
    replies = metadata.get("replies", ())
    return tuple(reply_from_json(reply, raw_text=raw_text) for reply in replies)
