"""Stored verdicts that the scripted judge replays, by name."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import arena
from judging.task import JudgingError

DEMO_SCRIPT = "demo"
_DEMO_FILES = ("verdicts.jsonl", "scores.jsonl")


def stored_verdicts(name: str) -> Iterator[dict[str, Any]]:  # JSON rows
    """The rows of the script called ``name``; raises JudgingError for an unknown one."""
    if name != DEMO_SCRIPT:
        raise JudgingError(
            "no_script", f"there are no stored verdicts named {name!r}; there is {DEMO_SCRIPT!r}"
        )
    folder = Path(arena.__file__).parent / "demo"
    for file in _DEMO_FILES:
        with (folder / file).open(encoding="utf-8", newline="\n") as lines:
            yield from (json.loads(line) for line in lines)
