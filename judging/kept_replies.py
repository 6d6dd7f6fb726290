"""Replies kept by themselves, because many judgments share them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from judging.models import KeptReply
from providers.base import Completion

WRITTEN_AT_ONCE = 500
_ASKED_AT_ONCE = 900  # SQLite's limit of values in a query was 999 for long


@dataclass(slots=True)
class KeptReplies:
    """Those received since the last write; they are written in batches and never changed."""

    fresh: dict[str, Completion] = field(default_factory=dict)

    def add(self, key: str, completion: Completion) -> None:
        """Keep a reply that was just paid for."""
        self.fresh[key] = completion

    def write_when_many(self) -> None:
        """Write once there is a batch of them."""
        if len(self.fresh) >= WRITTEN_AT_ONCE:
            self.write()

    def write(self) -> None:
        """Write all; what another worker has written meanwhile stays."""
        fresh, self.fresh = self.fresh, {}
        rows = [
            KeptReply(
                key=key,
                text=reply.text,
                input_tokens=reply.input_tokens,
                output_tokens=reply.output_tokens,
            )
            for key, reply in fresh.items()
        ]
        KeptReply.objects.bulk_create(rows, ignore_conflicts=True)


def kept_replies(keys: Collection[str]) -> dict[str, Completion]:
    """The kept replies among ``keys``."""
    wanted, found = sorted(keys), {}
    for start in range(0, len(wanted), _ASKED_AT_ONCE):
        rows = KeptReply.objects.filter(key__in=wanted[start : start + _ASKED_AT_ONCE])
        for key, text, sent, received in rows.values_list(
            "key", "text", "input_tokens", "output_tokens"
        ):
            found[key] = Completion(text, "", "stop", sent, received)
    return found
