"""Who won, in the many spellings of the field.

An unknown spelling is an error and never a tie.
"""

from dataclasses import dataclass
from typing import Literal

from arena.dialects.fields import Fields
from arena.dialects.records import GameNumber, OutcomeName

# FastChat, Hugging Face preference sets, llmuses, MT-Bench; compared in lower case
SPELLINGS: dict[str, OutcomeName] = {
    "model_a": "model_a",
    "model_1": "model_a",
    "a": "model_a",
    "model_b": "model_b",
    "model_2": "model_b",
    "b": "model_b",
    "tie": "tie",
    "draw": "tie",
    "tie (inconsistent)": "tie",  # MT-Bench: two games that disagree count as a tie
    "both_bad": "both_bad",
    "bothbad": "both_bad",
    "both bad": "both_bad",
    "tie (bothbad)": "both_bad",
    "tie (both_bad)": "both_bad",
    "tie(bothbad)": "both_bad",
}
UNREADABLE = frozenset({"error", "unknown", ""})  # MT-Bench; llmuses

MIRRORED: dict[OutcomeName, OutcomeName] = {"model_a": "model_b", "model_b": "model_a"}


def mirrored(outcome: OutcomeName) -> OutcomeName:
    """The same outcome with the sides exchanged."""
    return MIRRORED.get(outcome, outcome)


def read_outcome(fields: Fields, key: str) -> OutcomeName:
    """A winner that must be known."""
    spelled = fields.text(key).strip().lower()
    if spelled not in SPELLINGS:
        raise fields.error(key, f"unknown winner; write one of: {', '.join(SPELLINGS)}")
    return SPELLINGS[spelled]


def read_verdict(fields: Fields, key: str) -> OutcomeName | Literal[""]:
    """A judge's winner, empty where the verdict could not be read."""
    if fields.get(key) is None or fields.text(key).strip().lower() in UNREADABLE:
        return ""
    return read_outcome(fields, key)


def read_one_hot(fields: Fields, columns: dict[str, OutcomeName]) -> OutcomeName:
    """The outcome whose column holds 1 while all others hold 0."""
    chosen = [outcome for key, outcome in columns.items() if fields.whole(key) == 1]
    if len(chosen) != 1:
        key = next(iter(columns))
        raise fields.error(key, f"exactly one of {', '.join(columns)} must be 1")
    return chosen[0]


@dataclass(frozen=True, slots=True)
class BracketVerdict:
    """An Arena-Hard verdict: ``strength`` 3 for ``>>``, 1 otherwise (the field's weights)."""

    outcome: OutcomeName
    strength: int


STRONG = 3
# in terms of the places shown; A<B and A<<B occur in stored judgments as well
BRACKETS: dict[str, BracketVerdict] = {
    "A>>B": BracketVerdict("model_a", STRONG),
    "A>B": BracketVerdict("model_a", 1),
    "A=B": BracketVerdict("tie", 1),
    "B=A": BracketVerdict("tie", 1),
    "B>A": BracketVerdict("model_b", 1),
    "B>>A": BracketVerdict("model_b", STRONG),
    "A<B": BracketVerdict("model_b", 1),
    "A<<B": BracketVerdict("model_b", STRONG),
    "B<A": BracketVerdict("model_a", 1),
    "B<<A": BracketVerdict("model_a", STRONG),
}


def read_bracket(fields: Fields, key: str, game: GameNumber) -> BracketVerdict | None:
    """The verdict in terms of the battle's sides; None where the judge gave none.

    Game 2 shows side b in place A, so its verdict is mirrored.
    """
    if fields.get(key) is None:
        return None
    verdict = BRACKETS.get(fields.text(key).strip().upper())
    if verdict is None:
        raise fields.error(key, f"unknown verdict; write one of: {', '.join(BRACKETS)} or null")
    if game == 2:
        return BracketVerdict(mirrored(verdict.outcome), verdict.strength)
    return verdict


def bracket_of(outcome: OutcomeName, strength: int | None, game: GameNumber) -> str:
    """The Arena-Hard spelling of an outcome, in terms of the places shown in ``game``."""
    shown = mirrored(outcome) if game == 2 else outcome
    sign = ">>" if strength == STRONG else ">"
    if shown == "model_a":
        return f"A{sign}B"
    if shown == "model_b":
        return f"B{sign}A"
    return "A=B"


def mirrored_preference(preference: float) -> float:
    """The same preference with the sides exchanged; rounded, so that twice gives the original."""
    return round(3 - preference, 12)


def preference_outcome(preference: float) -> OutcomeName:
    """AlpacaEval's scale: 1 is side a, 2 side b, 1.5 (formerly also 0) a draw."""
    if preference in (0, 1.5):
        return "tie"
    return "model_a" if preference < 1.5 else "model_b"
