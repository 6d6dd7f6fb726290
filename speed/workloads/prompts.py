"""The user's own prompts: a text file of one prompt per line, or JSONL in the common spellings."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any  # lines of JSON of unknown shape

import orjson

from speed.workloads import WORKLOADS, Message, Recipe, Request, WorkloadError, user

TEXT_FIELDS = ("prompt", "question", "instruction", "text", "input")


@WORKLOADS.register("prompts")
def prompts(recipe: Recipe) -> Iterator[Request]:
    """Up to ``count`` prompts of the file named by the option ``path``."""
    path = Path(str(recipe.option("path", "")))
    if not path.is_file():
        raise WorkloadError(f"there is no prompt file {str(path)!r}; give its path")
    with path.open(encoding="utf-8") as lines:
        kept = ((number, line.strip()) for number, line in enumerate(lines, 1) if line.strip())
        for chain, (number, line) in enumerate(islice(kept, recipe.count)):
            if path.suffix in (".jsonl", ".json"):
                yield from _turns(line, f"{path}, line {number}", chain)
            else:
                yield Request(user(line), chain)


def _turns(line: str, place: str, chain: int) -> Iterator[Request]:
    try:
        entry = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise WorkloadError(f"{place} is not JSON: {error}") from error
    if isinstance(entry, str):
        yield Request(user(entry), chain)
        return
    if not isinstance(entry, dict):
        raise WorkloadError(f"{place} is neither an object nor a text")
    length = entry.get("output_tokens") or entry.get("max_tokens")
    yield Request(messages_of(entry, place), chain, int(length) if length else None)


def messages_of(entry: dict[str, Any], place: str) -> list[Message]:
    """The messages of an entry: ``messages``, the first of ``turns``, or a text field."""
    if isinstance(entry.get("messages"), list):
        return [
            {"role": str(message["role"]), "content": str(message["content"])}
            for message in entry["messages"]
        ]
    if isinstance(entry.get("turns"), list) and entry["turns"]:
        return user(str(entry["turns"][0]))
    for name in TEXT_FIELDS:
        if isinstance(entry.get(name), str) and entry[name]:
            return user(entry[name])
    raise WorkloadError(
        f"{place} has no prompt; give one of messages, turns, {', '.join(TEXT_FIELDS)}"
    )
