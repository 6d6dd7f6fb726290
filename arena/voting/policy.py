"""The voting policy as every request sees it: read from its row, at most once in a few seconds."""

from __future__ import annotations

import time

from arena.models import VotingPolicy

READ_EVERY_S = 5.0
_kept: dict[str, tuple[float, VotingPolicy]] = {}


def current_policy() -> VotingPolicy:
    """Staff changes reach every process within ``READ_EVERY_S``."""
    now = time.monotonic()
    kept = _kept.get("policy")
    if kept is None or now - kept[0] > READ_EVERY_S:
        kept = _kept["policy"] = (now, VotingPolicy.current())
    return kept[1]


def forget_policy() -> None:
    _kept.clear()
