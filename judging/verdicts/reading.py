"""Finding verdicts in prose: hiding thoughts and code without moving any character."""

import re

_OPENED_THOUGHT = re.compile(
    r"\A\s*<(think|thinking|thought)>(?:.*?</\1>|.*\Z)", re.DOTALL | re.IGNORECASE
)
# Some chat templates put the opening tag into the prompt, so that only the closing one is replied.
_UNOPENED_THOUGHT = re.compile(
    r"\A(?:(?!<think(?:ing)?>).)*?</think(?:ing)?>", re.DOTALL | re.IGNORECASE
)
_FENCED_CODE = re.compile(r"^[ \t]*(```|~~~).*?(?:^[ \t]*\1[ \t]*$|\Z)", re.DOTALL | re.MULTILINE)
_INLINE_CODE = re.compile(r"`[^`\n]+`")
_NOT_A_LINE_BREAK = re.compile(r"[^\n]")


def without_thoughts(text: str) -> str:
    """``text`` with a leading ``<think>`` block blanked; positions stay what they were."""
    for pattern in (_OPENED_THOUGHT, _UNOPENED_THOUGHT):
        match = pattern.match(text)
        if match is not None:
            return _blank(match) + text[match.end() :]
    return text


def without_code(text: str) -> str:
    """``text`` with fenced and inline code blanked; positions stay what they were."""
    return _INLINE_CODE.sub(_blank, _FENCED_CODE.sub(_blank, text))


def _blank(match: re.Match[str]) -> str:
    return _NOT_A_LINE_BREAK.sub(" ", match.group())
