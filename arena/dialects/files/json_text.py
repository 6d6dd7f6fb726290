"""Rows as JSON that every reader takes."""

import json
from typing import Final

from pydantic import JsonValue

# JSON allows them bare, but readers that split a text into lines also split at these
_LINE_ENDS: Final = {"\x85": "\\u0085", "\u2028": "\\u2028", "\u2029": "\\u2029"}


def json_text(row: dict[str, JsonValue]) -> str:
    """On one line, and UTF-8 can hold it: half of a surrogate pair becomes U+FFFD."""
    text = json.dumps(row, ensure_ascii=False)
    for bare, escaped in _LINE_ENDS.items():
        if bare in text:
            text = text.replace(bare, escaped)
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text
