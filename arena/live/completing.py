r"""Markdown that stops in the middle, so that it can be shown while the rest is being written.

Two questions, both answered from the text alone: which of its last characters mean nothing yet
(``**`` may open or close, ``-`` may be a list or a line), and what would close that which is open.
Neither needs to be right: as soon as the text says otherwise it is rendered anew.
"""

import re
from dataclasses import dataclass
from typing import Final

LONGEST_PENDING_FORMULA: Final = 4_000  # what is longer is no formula, see ``mathematics``
LONGEST_PENDING_DOLLAR: Final = 100  # on one line; beyond it the dollar was money

# a last line that may still become another kind of block
_UNDECIDED_LINE: Final = re.compile(
    r"(?:\A|\n)[ \t>]*(?:[-+*][ \t]+|\d{1,9}[.)][ \t]+)*"
    r"(?:[-+*#=|:`~_. \t]*|\d{1,9}[.)]?[ \t]*|(?:`{3,}|~{3,})[^`\n]*|\|[-|: \t]*)\Z"
)
# characters whose meaning hangs on the next one
_UNDECIDED_END: Final = re.compile(r"(?:[\s*_~`#$\\!\[\]]|&#?\w{0,30}+|<[^\s<>]{0,200}+)++\Z")
_RUN: Final = re.compile(r"\*+|_+|~+")
_TICKS: Final = re.compile(r"`+")
_ENVIRONMENT: Final = re.compile(
    r"\\begin\{((?:equation|multline|gather|align|alignat|flalign|[pbBvV]?matrix|eqnarray)\*?)\}"
)


def decided_length(text: str) -> int:
    """How much of the text can be shown: the rest waits for its next character."""
    end = -1
    while end != len(text):
        end = len(text)
        # without its last characters a line may be undecided again
        if line := _UNDECIDED_LINE.search(text, max(0, text.rfind("\n"))):
            text = text[: line.start()]
        if tail := _UNDECIDED_END.search(text, max(0, len(text) - 256)):
            text = text[: tail.start()]
    return end


def is_pending_formula(text: str) -> bool:
    r"""Whether a text that begins with ``$$``, ``\[`` or ``\begin`` may still become a formula."""
    if len(text) > LONGEST_PENDING_FORMULA:
        return False
    if environment := _ENVIRONMENT.match(text):
        return rf"\end{{{environment[1]}}}" not in text
    closing = {"$$": "$$", r"\[": r"\]"}.get(text[:2])
    return closing is not None and closing not in text[2:] and "\n\n" not in text


@dataclass(slots=True)
class _Emphasis:
    """Runs of ``*``, ``_`` and ``~~`` that wait for their counterpart."""

    text: str
    open: str = ""

    def take(self, start: int, end: int) -> None:
        mark, count = self.text[start], end - start
        before = self.text[start - 1 : start] or " "
        after = self.text[end : end + 1] or " "
        is_inside_word = before.isalnum() and after.isalnum()
        if not before.isspace() and mark in self.open and not (is_inside_word and mark == "_"):
            closed = min(count, self.open.count(mark))
            for _ in range(closed):
                # what stands open within it never closes
                self.open = self.open[: self.open.rindex(mark)]
            count -= closed
        # a lone star within a word is more often a product
        is_opening = not after.isspace() and not (is_inside_word and (count == 1 or mark == "_"))
        if count and is_opening and not (mark == "~" and count != 2):
            self.open += mark * count

    @property
    def closing(self) -> str:
        return self.open[::-1]


def completed(text: str, end_mark: str) -> str:
    """The words of one paragraph with ``end_mark`` where the next ones will come, and what is open
    closed behind it; without the mark where the next ones are not shown, as in an address.
    """
    emphasis, brackets, at = _Emphasis(text), list[int](), 0
    while at < len(text):
        if (run := _RUN.match(text, at)) is not None:
            emphasis.take(at, run.end())
            at = run.end()
        elif (step := _verbatim(text, at)) is not None:
            if step.end < 0:
                return text[:at] + _as_code(text[at:], step.opening, end_mark) + emphasis.closing
            at = step.end
        elif text[at] == "[":
            brackets.append(at)
            at += 1
        elif text[at] == "]" and brackets:
            start = brackets.pop()
            if text[at + 1 : at + 2] != "(":
                at += 1
            elif (end := text.find(")", at)) > 0:
                at = end + 1
            else:
                return _without_address(text, start, at) + emphasis.closing
        else:
            at += 1
    return text + end_mark + emphasis.closing


def _without_address(text: str, start: int, end: int) -> str:
    is_image = text[:start].endswith("!")
    return text[: start - is_image] + text[start + 1 : end]


@dataclass(frozen=True, slots=True)
class _Verbatim:
    """Code or a formula, where stars are stars; ``end`` is −1 while it is open."""

    opening: str
    end: int


def _verbatim(text: str, at: int) -> _Verbatim | None:
    if text[at] == "`":
        opening = _TICKS.match(text, at)
        assert opening is not None
        same = (run for run in _TICKS.finditer(text, opening.end()) if run[0] == opening[0])
        closing = next(same, None)
        return _Verbatim(opening[0], closing.end() if closing else -1)
    if text[at] == "\\":
        opening_bracket = text[at : at + 2]
        closing_bracket = {r"\(": r"\)", r"\[": r"\]"}.get(opening_bracket)
        if closing_bracket is None or len(text) - at > LONGEST_PENDING_FORMULA:
            return _Verbatim(opening_bracket, at + 2)
        end = text.find(closing_bracket, at + 2)
        return _Verbatim(opening_bracket, end + 2 if end > 0 else -1)
    return _dollars(text, at) if text[at] == "$" else None


def _dollars(text: str, at: int) -> _Verbatim:
    opening = "$$" if text.startswith("$$", at) else "$"
    inside = at + len(opening)
    end = text.find(opening, inside)
    if end > 0 and not (opening == "$" and text[end - 1].isspace()):
        return _Verbatim(opening, end + len(opening))
    longest = LONGEST_PENDING_DOLLAR if opening == "$" else LONGEST_PENDING_FORMULA
    first, before = text[inside : inside + 1], text[at - 1 : at]
    is_money = opening == "$" and (first.isdigit() or first.isspace() or before.isalnum())
    is_long = len(text) - inside > longest or (opening == "$" and "\n" in text[inside:])
    return _Verbatim(opening, inside if is_money or is_long else -1)


def _as_code(text: str, opening: str, end_mark: str) -> str:
    inside = text.removeprefix(opening)
    longest = max(map(len, _TICKS.findall(inside)), default=0)
    ticks = opening if opening[0] == "`" else "`" * (longest + 1)
    return f"{ticks}{inside}{end_mark}{ticks}"
