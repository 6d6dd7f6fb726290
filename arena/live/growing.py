"""Markdown rendered while it is being written, so that the last picture is the finished one.

The blocks of a text do not change once the next one has begun. They are *sealed*: rendered, sent
and forgotten. Only the block still *open* is rendered again, and only when its new characters mean
something: plain words are added as they are at the place where the renderer would put them.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from markdown_it.token import Token

from arena.live.completing import completed, decided_length, is_pending_formula
from arena.rendering import (
    HIGHLIGHTED,
    HIGHLIGHTED_CHARS,
    MAX_HIGHLIGHT_CHARS,
    REFERENCES,
    TOP_HEADING,
    UNFINISHED,
    is_too_long,
    parse_markdown,
    render_pending_formula,
    render_plain,
    render_tokens,
)

END_MARK: Final = "\ufdd0"  # no character: where the next words come, for the browser to take out
_ENDS_WITH_MARK: Final = re.compile(rf"{END_MARK}(?:\s|<[^>]*>)*\Z")
_LINE_BREAK: Final = re.compile(r"\r\n?")
# what adds nothing but itself to a paragraph, to code, and to a text that is not parsed
_WORDS: Final = re.compile(r"[^*_~`\[\]()<>&$\\|!\n]*+(?:!(?=[^\[])[^*_~`\[\]()<>&$\\|!\n]*+)*+")
_CODE: Final = re.compile(r"[^\n]*(?:\n\s*[^\s`~][^\n]*)*")
_CODE_LINE: Final = re.compile(r"[^\n]*")
_ANYTHING: Final = re.compile(r".*", re.DOTALL)
_FENCE_END: Final = re.compile(r"[ \t>]*(`{3,}|~{3,})[ \t]*\Z")
_CODE_CLOSES: Final = "</code></pre></div>"


@dataclass(frozen=True, slots=True)
class Change:
    """``sealed`` follows what was sealed before, or replaces it if ``is_anew``; ``open`` replaces
    what was open.
    """

    sealed: str
    open: str
    is_anew: bool = False

    def as_message(self) -> dict[str, Any]:  # JSON
        return {"sealed": self.sealed, "open": self.open, "anew": self.is_anew}


@dataclass(slots=True)
class _Sealed:
    """What the open block has to know of those before it, and ``end``, where it begins."""

    end: int = 0
    html: str = ""
    references: dict[str, Any] = field(default_factory=dict)  # as the parser keeps them
    highlighted_chars: int = 0
    top_heading: int = 6

    def context(self) -> dict[str, Any]:
        return {
            REFERENCES: dict(self.references),
            HIGHLIGHTED_CHARS: self.highlighted_chars,
            TOP_HEADING: self.top_heading,
        }


@dataclass(slots=True)
class _Block:
    """A block on the top level: its first token, and the line on which it begins."""

    token: int
    line: int


@dataclass(slots=True)
class GrowingMarkdown:
    """``shown`` characters can be seen; ``rendered`` is the text's length when it was parsed."""

    text: str = ""
    shown: int = 0
    rendered: int = 0
    _sealed: _Sealed = field(default_factory=_Sealed)
    _open: str = ""
    _plain: re.Pattern[str] | None = None
    _is_coloured: bool = False
    _is_raw: bool = False

    def feed(self, piece: str) -> None:
        if "\r" not in piece and not self.text.endswith("\r"):
            self.text += piece
            return
        # a line break of two characters may arrive in two pieces
        if self.text.endswith("\r"):
            piece = "\r" + piece
            self.text = self.text[:-1]
        keeps = piece.endswith("\r")
        self.text += _LINE_BREAK.sub("\n", piece[: len(piece) - keeps]) + "\r" * keeps

    @property
    def open_length(self) -> int:
        return len(self.text) - self._sealed.end

    @property
    def is_behind(self) -> bool:
        """Whether rendering would show more than is shown."""
        if self.rendered == len(self.text):
            return False
        return self._is_raw or (
            self.shown < len(self.text)
            and self.shown < self._sealed.end + decided_length(self.text[self._sealed.end :])
        )

    @property
    def is_uncoloured(self) -> bool:
        """Whether code was added without its colours."""
        return self._is_coloured and self.rendered < len(self.text)

    def plain_words(self) -> str:
        """New characters that can be added as they are."""
        if self._plain is None or self.shown == len(self.text):
            return ""
        found = self._plain.match(self.text, self.shown)
        assert found is not None  # each of the patterns matches nothing as well
        self.shown = found.end()
        return found[0]

    def raw_words(self) -> str:
        """All new characters as they are, for where rendering has to wait for too long."""
        start, self.shown = self.shown, len(self.text)
        self._is_raw, self._plain = True, _ANYTHING
        return self.text[start:]

    def snapshot(self) -> Change:
        """Everything shown so far, for a browser that comes back."""
        self.render()
        return Change(self._sealed.html, self._open, is_anew=True)

    def render(self, *, is_finished: bool = False) -> Change:
        """Bring what is shown up to date."""
        self.rendered = len(self.text)
        if is_too_long(self.text):
            return self._as_plain_text(is_finished=is_finished)
        sealed_before = len(self._sealed.html)
        is_anew = not self._advance(is_finished=is_finished)
        if is_anew:
            sealed_before, self._sealed = 0, _Sealed()
            self._advance(is_finished=is_finished)
        return Change(self._sealed.html[sealed_before:], self._open, is_anew)

    def _as_plain_text(self, *, is_finished: bool) -> Change:
        self._sealed, self.shown = _Sealed(), len(self.text)
        self._plain, self._is_coloured, self._is_raw = _ANYTHING, False, False
        self._open = render_plain(self.text + END_MARK * (not is_finished))
        return Change("", self._open, is_anew=True)

    def _advance(self, *, is_finished: bool) -> bool:
        """Seal what is complete and render what is open; false if what is sealed was sealed too
        early: a later heading of a higher level moves all others, a late address makes links.
        """
        start = self._sealed.end
        part = self.text[start:]
        if not is_finished:
            # in code nothing is undecided, and what was added there stays
            shown = 0 if self._is_raw else self.shown - start
            part = part[: max(decided_length(part), shown)]
        context = self._sealed.context()
        tokens = _parse(part, context, is_finished=is_finished)
        if self._sealed.html and context[TOP_HEADING] < self._sealed.top_heading:
            return False
        lines = _line_starts(part)
        blocks = [
            _Block(index, token.map[0])
            for index, token in enumerate(tokens)
            if token.level == 0 and token.nesting >= 0 and token.map
        ]
        pending = None if is_finished else _pending_formula(part, tokens, blocks, lines)
        last = max(len(blocks) - 1, 0) if pending is None else pending
        end_line = len(lines) if is_finished else blocks[last].line if blocks else 0
        references = self._complete_references(context, end_line)
        if self._sealed.html and len(references) > len(self._sealed.references):
            return False
        if last:
            self._sealed = _Sealed(
                end=start + lines[blocks[last].line],
                html=self._sealed.html + render_tokens(tokens[: blocks[last].token], context),
                references=references,
                highlighted_chars=context[HIGHLIGHTED_CHARS],
                top_heading=context[TOP_HEADING],
            )
        first_open = blocks[last].token if blocks else 0
        rest = part[lines[blocks[last].line] :] if blocks else ""
        if pending is not None:
            self._show(render_pending_formula(rest + END_MARK))
        elif is_finished:
            self._open = render_tokens(tokens[first_open:], context)
        else:
            self._show_open(rest, tokens[first_open:], context)
        self.shown, self._is_raw = start + len(part), False
        return True

    def _complete_references(self, context: dict[str, Any], end_line: int) -> dict[str, Any]:
        """The last one may still be growing."""
        return {
            label: found
            for label, found in context[REFERENCES].items()
            if label in self._sealed.references or found["map"][1] <= end_line
        }

    def _show_open(self, rest: str, tokens: Sequence[Token], context: dict[str, Any]) -> None:
        if tokens and _is_open_fence(tokens[-1] if tokens[-1].nesting == 0 else None, rest):
            self._show_code(tokens, context)
        elif (head := _table_head(rest, tokens)) is not None:
            again = self._sealed.context()
            self._show(render_tokens(_parse(head, again, is_finished=False), again))
        else:
            self._show(render_tokens(tokens, context))

    def _show_code(self, tokens: Sequence[Token], context: dict[str, Any]) -> None:
        code, language = tokens[-1].content, tokens[-1].info.strip().lower()
        before, closes, _ = render_tokens(tokens, context).rpartition(_CODE_CLOSES)
        self._open = f"{before}{END_MARK}{closes}\n" if closes else before
        self._plain = _CODE if tokens[-1].map and tokens[0] is tokens[-1] else _CODE_LINE
        self._is_coloured = language in HIGHLIGHTED and len(code) <= MAX_HIGHLIGHT_CHARS

    def _show(self, rendered: str) -> None:
        self._open, self._is_coloured = rendered, False
        self._plain = _WORDS if _ENDS_WITH_MARK.search(rendered) else None


def _parse(text: str, context: dict[str, Any], *, is_finished: bool) -> list[Token]:
    if not is_finished:
        context[UNFINISHED] = partial(_complete_last, ends_cell=text.endswith("|"))
    return parse_markdown(text, context)


def _complete_last(tokens: Sequence[Token], *, ends_cell: bool) -> None:
    """Close what stands open in the last words, unless another block follows them."""
    for token in reversed(tokens):
        if token.type == "inline" and token.content:
            token.content = completed(token.content, "" if ends_cell else END_MARK)
            return
        if token.nesting >= 0 and token.type not in ("inline", "td_open", "th_open"):
            return


def _line_starts(text: str) -> list[int]:
    return [0, *(found.end() for found in re.finditer("\n", text))]


def _pending_formula(
    text: str, tokens: Sequence[Token], blocks: Sequence[_Block], lines: Sequence[int]
) -> int | None:
    """The first block that would be part of a formula, were its end there already."""
    for number, block in enumerate(blocks):
        if tokens[block.token].type == "paragraph_open" and is_pending_formula(
            text[lines[block.line] :].lstrip(" ")
        ):
            return number
    return None


def _is_open_fence(token: Token | None, text: str) -> bool:
    if token is None or token.type != "fence":
        return False
    first, _, rest = text.partition("\n")
    closing = _FENCE_END.match(rest.rpartition("\n")[2]) if rest or not first else None
    return closing is None or not closing[1].startswith(token.markup)


def _table_head(text: str, tokens: Sequence[Token]) -> str | None:
    """A paragraph that ends like the head of a table, with the line that makes it one."""
    row = text[text.rfind("\n") + 1 :]
    if not row.startswith("|") or len(tokens) != 3 or tokens[0].type != "paragraph_open":
        return None
    cells = len(re.findall(r"(?<!\\)\|", row.rstrip().removesuffix("|")))
    return f"{text}\n|{'---|' * cells}"
