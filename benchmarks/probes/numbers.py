"""Numbers of a question in another form, or other numbers with their answer worked out anew.

The second follows the idea of I. Mirzadeh et al., "GSM-Symbolic" (2024), without its hand-made
templates: GSM8K's answers carry their arithmetic between ``<<`` and ``>>``, so a problem whose
numbers can be traced through it is drawn again. What cannot be traced for certain is left alone.
"""

from __future__ import annotations

import ast
import operator
import random
import re
from collections.abc import Callable, Mapping
from fractions import Fraction

ONES = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
    "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
TENS = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
HAN_DIGITS = "零一二三四五六七八九"
# what stands beside these is part of a formula, a date, a name or a longer number
_BOUND = r"A-Za-z0-9_.,:/%$€£¥^*+=<>{}\\#°-"
DIGITS = re.compile(rf"(?<![{_BOUND}])(\d{{1,3}})(?![{_BOUND}]*\d|[%:/^*+=<>°-]|[A-Za-z])")
# "one" is more often a pronoun than a number
WORDS = re.compile(rf"\b({'|'.join([*ONES[2:], *TENS[2:]])})\b(?!-)", re.IGNORECASE)
HAN = re.compile(r"[\u4e00-\u9fff]")
_VALUES = {word: value for value, word in enumerate(ONES)} | {
    word: 10 * ten for ten, word in enumerate(TENS) if word
}


def rewrite_numbers(text: str) -> str:
    """Digits as words and words as digits, where they stand alone; values stay as they are.

    Texts with formulas are left alone.
    """
    if "\\" in text or text.count("$") > 1:
        return text
    spell = in_chinese if HAN.search(text) else in_english
    parts = DIGITS.split(text)
    # every second part is a number; words are sought in the text between only
    return "".join(
        spell(int(part)) if at % 2 and not _has_zeros(part) else part if at % 2 else _digits(part)
        for at, part in enumerate(parts)
    )


def _has_zeros(digits: str) -> bool:
    return len(digits) > 1 and digits[0] == "0"


def _digits(text: str) -> str:
    return WORDS.sub(lambda found: str(_VALUES[found[0].lower()]), text)


def in_english(number: int) -> str:
    """0 to 999 in words."""
    if number >= 100:
        rest = f" and {in_english(number % 100)}" if number % 100 else ""
        return f"{ONES[number // 100]} hundred{rest}"
    if number < 20:
        return ONES[number]
    return TENS[number // 10] + (f"-{ONES[number % 10]}" if number % 10 else "")


def in_chinese(number: int) -> str:
    """0 to 999 in Chinese numerals."""
    if number >= 100:
        rest = number % 100
        middle = "" if not rest else in_chinese(rest) if rest >= 20 else _after_hundred(rest)
        return f"{HAN_DIGITS[number // 100]}百{middle}"
    if number < 10:
        return HAN_DIGITS[number]
    tens = "" if number < 20 else HAN_DIGITS[number // 10]
    return f"{tens}十" + (HAN_DIGITS[number % 10] if number % 10 else "")


def _after_hundred(rest: int) -> str:
    return f"零{HAN_DIGITS[rest]}" if rest < 10 else f"一{in_chinese(rest)}"


STEP = re.compile(r"<<([^<>=]+)=([^<>=]+)>>")
NUMBER = re.compile(r"\d+(?:\.\d+)?|\.\d+")
# a number of a question: not a part of a longer one, a share, a time or a fraction
ASKED = re.compile(r"(?<![\w.,/:])(\d{1,5})(?![\w%/:]|[.,]\d)")
FINAL = re.compile(r"(####\s*)(-?[\d.,]+)")
# days, months, hours, percent…: in the arithmetic they may be a unit and not the question's number
UNITS = frozenset({7, 10, 12, 24, 30, 31, 52, 60, 100, 365, 1000})
# a small number that the arithmetic has twice may be the question's once and a constant once
LARGEST_UNCLEAR, MAX_USES = 12, 3
LEAST, SHARE, TRIES = 3, 0.4, 40
_OPERATORS: Mapping[type[ast.operator], Callable[[Fraction, Fraction], Fraction]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


def redraw_problem(question: str, answer: str, rng: random.Random) -> tuple[str, str] | None:
    """A worked problem with other numbers, and its new answer; None where that is not certain.

    A number is drawn again when the question has it once, the arithmetic uses it, and it is no
    result in between. New results stay whole where the old ones were, and keep their sign.
    """
    steps = [(left.strip(), right.strip()) for left, right in STEP.findall(answer)]
    final = FINAL.search(answer)
    try:
        results = [Fraction(right.replace(",", "")) for _, right in steps]
        holds = all(_evaluate(s[0], {}) == r for s, r in zip(steps, results, strict=True))
        wanted = Fraction(final[2].replace(",", "")) if final else None
    except (ValueError, ZeroDivisionError, SyntaxError):
        return None
    if not steps or not holds or wanted != results[-1]:
        return None
    free = _free_numbers(question, steps, results)
    for _ in range(TRIES if free else 0):
        drawn = {number: _draw(number, rng) for number in free}
        changed = _rework(steps, results, drawn)
        if changed is not None:
            return _write(question, drawn), _write(answer, changed)
    return None


def _free_numbers(
    question: str, steps: list[tuple[str, str]], results: list[Fraction]
) -> list[Fraction]:
    asked = [Fraction(number) for number in ASKED.findall(question)]
    used = [Fraction(n) for left, _ in steps for n in NUMBER.findall(left)]
    spelled = {_VALUES[word.lower()] for word in WORDS.findall(question)}
    return [
        number
        for number in dict.fromkeys(asked)
        if number >= LEAST
        and number not in UNITS
        and number not in spelled
        and asked.count(number) == 1
        and 1 <= used.count(number) <= (1 if number <= LARGEST_UNCLEAR else MAX_USES)
        and number not in results
    ]


def _draw(number: Fraction, rng: random.Random) -> Fraction:
    reach = max(int(number * Fraction(SHARE)), 2)
    found = int(number) + rng.choice([-1, 1]) * rng.randint(1, reach)
    return Fraction(max(found, 2))


def _rework(
    steps: list[tuple[str, str]], results: list[Fraction], drawn: Mapping[Fraction, Fraction]
) -> dict[Fraction, Fraction] | None:
    """Every old number with its new value, or None where the new ones make no sense."""
    values = dict(drawn)
    for (left, _), old in zip(steps, results, strict=True):
        try:
            new = _evaluate(left, values)
        except ZeroDivisionError:
            return None
        is_whole_alike = old.denominator != 1 or new.denominator == 1
        if not is_whole_alike or (new > 0) != (old > 0) or values.get(old, new) != new:
            return None
        if 100 % new.denominator:
            return None  # more than two decimals
        values[old] = new
    return values if values[results[-1]] != results[-1] else None


def _evaluate(text: str, values: Mapping[Fraction, Fraction]) -> Fraction:
    """The value of an arithmetic expression, each literal exchanged by ``values``."""

    def value(node: ast.AST) -> Fraction:
        if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
            return _OPERATORS[type(node.op)](value(node.left), value(node.right))
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            return -value(node.operand)
        if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
            literal = Fraction(str(node.value))
            return values.get(literal, literal)
        raise ValueError(f"{text!r} is no plain arithmetic")

    return value(ast.parse(text.replace(",", "").strip(), mode="eval").body)


def _write(text: str, values: Mapping[Fraction, Fraction]) -> str:
    def exchanged(found: re.Match[str]) -> str:
        number = Fraction(found[0].replace(",", ""))
        return _shown(values[number]) if number in values else found[0]

    return re.sub(r"\d[\d,]*(?:\.\d+)?", exchanged, text)


def _shown(number: Fraction) -> str:
    return str(number.numerator) if number.denominator == 1 else f"{float(number):g}"
