"""Rows as read from a file, and typed access to their fields.

Every accessor either returns the promised type or raises FieldError, which says where, what was
found and what to do; a dialect is then a plain list of fields without checks of its own.
"""

import datetime as dt
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from pydantic import JsonValue

from arena.dialects.records import MAX_COUNT, Place

SHOWN_CHARACTERS = 120  # of a bad value, in a message


def shortened(value: object) -> str:
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= SHOWN_CHARACTERS else text[: SHOWN_CHARACTERS - 1] + "…"


@dataclass(frozen=True, slots=True)
class BadRow:
    """What cannot be imported: where it stands, what it says and what to do about it.

    ``ends_file`` says that nothing after this place could be read.
    """

    place: Place
    field: str
    value: str
    remedy: str
    ends_file: bool = False

    def __str__(self) -> str:
        what = f"field {self.field}: " if self.field else ""
        shown = f"{self.value!r}: " if self.value else ""
        return f"{self.place}: {what}{shown}{self.remedy}"


class FieldError(ValueError):
    """A field that does not hold what the format promises."""

    def __init__(self, field: str, value: object, remedy: str) -> None:
        super().__init__(f"{field}: {remedy}")
        self.field = field
        self.value = "" if value is None else shortened(value)
        self.remedy = remedy

    def at(self, place: Place) -> BadRow:
        return BadRow(place, self.field, self.value, self.remedy)


@dataclass(frozen=True, slots=True)
class Row:
    """One row as parsed: a JSON value, or a mapping of column to cell."""

    value: JsonValue
    place: Place


SourceRow: TypeAlias = Row | BadRow
SURROGATE_ESCAPE, NUL_ESCAPE = "\\ud", "\\u0000"


def check_storable(value: JsonValue, raw: str) -> None:
    """Refuse what no database stores as text; ``raw`` is only used to skip the search."""
    lowered = raw.lower() if "\\u" in raw else ""
    if NUL_ESCAPE in lowered or SURROGATE_ESCAPE in lowered or "\0" in raw:
        _check_texts(value, "")


def _check_texts(value: JsonValue, path: str) -> None:
    if isinstance(value, str):
        if "\0" in value:
            raise FieldError(path, value, "the text holds a NUL character; remove it")
        try:
            value.encode()
        except UnicodeEncodeError:
            shown = value.encode(errors="backslashreplace").decode()
            raise FieldError(path, shown, "half of a surrogate pair; remove it") from None
    elif isinstance(value, list):
        for index, item in enumerate(value):
            _check_texts(item, f"{path}[{index}]")
    elif isinstance(value, dict):
        for key, item in value.items():
            _check_texts(key, f"{path}.{key}".lstrip("."))
            _check_texts(item, f"{path}.{key}".lstrip("."))


class Fields:
    """The fields of one JSON object; ``path`` leads from the row to it, for messages."""

    __slots__ = ("path", "place", "values")

    def __init__(self, values: dict[str, JsonValue], place: Place, path: str = "") -> None:
        self.values = values
        self.place = place
        self.path = path

    @classmethod
    def of(cls, value: JsonValue, place: Place, path: str = "") -> "Fields":
        if not isinstance(value, dict):
            raise FieldError(path, value, "expected an object {…} here")
        return cls(value, place, path)

    def __contains__(self, key: str) -> bool:
        return self.values.get(key) is not None

    def get(self, key: str) -> JsonValue:
        return self.values.get(key)

    def error(self, key: str, remedy: str) -> FieldError:
        return FieldError(self._name(key), self.values.get(key), remedy)

    def text(self, key: str) -> str:
        """A string that may be empty but must be there."""
        value = self.values.get(key)
        if not isinstance(value, str):
            raise self.error(key, "expected a text")
        return value

    def text_or_empty(self, key: str) -> str:
        """A string; missing and null read as empty."""
        return self.text(key) if self.values.get(key) is not None else ""

    def name(self, key: str) -> str:
        """A string that names something: not empty, without outer blanks."""
        value = self.text(key).strip()
        if not value:
            raise self.error(key, "expected a name; it is empty")
        return value

    def identifier(self, key: str) -> str:
        """An id, which files write as a number or as a text."""
        value = self.values.get(key)
        if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
            raise self.error(key, "expected an id: a whole number or a text")
        return str(value)

    def identifier_or_empty(self, key: str) -> str:
        return self.identifier(key) if self.values.get(key) is not None else ""

    def number(self, key: str) -> float:
        """A finite number, also when a CSV cell spells it as a text."""
        value = self.values.get(key)
        if isinstance(value, str):
            try:
                value = float(value)
            except ValueError:
                raise self.error(key, "expected a number") from None
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.error(key, "expected a number")
        try:
            number = float(value)
        except OverflowError:
            raise self.error(key, "the number is too large") from None
        if not math.isfinite(number):
            raise self.error(key, "expected a finite number; leave the field out or write null")
        return number

    def number_or_none(self, key: str) -> float | None:
        return None if self.values.get(key) in (None, "") else self.number(key)

    def whole(self, key: str) -> int:
        value = self.number(key)
        if value != int(value):
            raise self.error(key, "expected a whole number")
        return int(value)

    def count_or_none(self, key: str) -> int | None:
        """A whole number from 0 to what a database column holds, or None where it is missing."""
        if self.values.get(key) in (None, ""):
            return None
        value = self.whole(key)
        if not 0 <= value <= MAX_COUNT:
            raise self.error(key, f"expected a whole number from 0 to {MAX_COUNT}")
        return value

    def flag(self, key: str, default: bool) -> bool:
        value = self.values.get(key)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise self.error(key, "expected true or false")
        return value

    def timestamp(self, key: str) -> float | None:
        """Unix seconds, from a number or from an ISO 8601 text; None where it is missing."""
        value = self.values.get(key)
        if isinstance(value, str) and value and not _is_number(value):
            try:
                moment = dt.datetime.fromisoformat(value)
            except ValueError:
                raise self.error(key, "expected Unix seconds or an ISO 8601 time") from None
            return moment.replace(tzinfo=moment.tzinfo or dt.UTC).timestamp()
        seconds = self.number_or_none(key)
        if seconds is not None and not 0 <= seconds < MAX_TIMESTAMP:
            raise self.error(key, "expected Unix time in seconds (not milliseconds)")
        return seconds

    def object(self, key: str) -> "Fields":
        return Fields.of(self.values.get(key), self.place, self._name(key))

    def object_or_empty(self, key: str) -> "Fields":
        return self.object(key) if self.values.get(key) is not None else Fields({}, self.place)

    def list(self, key: str) -> list[JsonValue]:
        value = self.values.get(key)
        if not isinstance(value, list):
            raise self.error(key, "expected a list […]")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts."""
        for index, item in enumerate(self.list(key)):
            if not isinstance(item, str):
                raise FieldError(f"{self._name(key)}[{index}]", item, "expected a text")
        return tuple(item for item in self.list(key) if isinstance(item, str))

    def texts_or_empty(self, key: str) -> tuple[str, ...]:
        return self.texts(key) if self.values.get(key) is not None else ()

    def objects(self, key: str) -> "Iterator[Fields]":
        for index, item in enumerate(self.list(key)):
            yield Fields.of(item, self.place, f"{self._name(key)}[{index}]")

    def json(self, key: str) -> JsonValue:
        """A value that the file spells as JSON inside a text."""
        text = self.text(key)
        try:
            value: JsonValue = json.loads(text)
        except (json.JSONDecodeError, RecursionError):
            raise self.error(key, "expected JSON inside this text") from None
        check_storable(value, text)
        return value

    def rest(self, *used: str) -> dict[str, JsonValue]:
        """Every present field that is not among ``used``: kept as metadata, not thrown away."""
        return {k: v for k, v in self.values.items() if k not in used and v is not None}

    def _name(self, key: str) -> str:
        return f"{self.path}.{key}" if self.path else key


MAX_TIMESTAMP = 253_402_300_800  # 10000-01-01, the end of Python's calendar


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
