"""Two games of one pair become one result, by convention.

Both games are given in battle order (``ParsedVerdict.in_battle_order``). What each convention makes
of a disagreement differs, and so do its numbers: name the convention with every number.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import fmean

from judging.verdicts.arena_hard import STRONG, WEAK
from judging.verdicts.base import Outcome, ParsedVerdict, preferred

ARENA_HARD_STRONG_WEIGHT = 3  # Arena-Hard's published choice; intervals depend on it
_GRADES = {STRONG: (1.0, 0.0), WEAK: (0.75, 0.25)}  # evalscope: win, loss by strength


@dataclass(frozen=True, slots=True)
class CombinedVerdict:
    """What two games say together about one battle.

    ``model_a_scores`` are the pair's entries in side a's win rate, 1 for a win and 0 for a loss:
    one entry, or several where a convention repeats strong verdicts. ``is_consistent`` tells
    whether both games named the same outcome; ``None`` when one is missing. ``reason`` is set
    exactly when there is no result.
    """

    outcome: Outcome | None
    model_a_scores: tuple[float, ...] = ()
    strength: int | None = None
    is_consistent: bool | None = None
    reason: str = ""

    @property
    def is_readable(self) -> bool:
        """Whether there is a result."""
        return not self.reason

    @property
    def model_b_scores(self) -> tuple[float, ...]:
        """The pair's entries in side b's win rate."""
        return tuple(1 - score for score in self.model_a_scores)


Combination = Callable[[ParsedVerdict, ParsedVerdict], CombinedVerdict]


def combine_mt_bench(game_1: ParsedVerdict, game_2: ParsedVerdict) -> CombinedVerdict:
    """A win only when both games agree on it, else a tie; an unreadable game drops the pair."""
    dropped = _drop_unreadable(game_1, game_2)
    if dropped is not None:
        return dropped
    first, second = _outcomes(game_1, game_2)
    is_consistent = first == second
    outcome = first if is_consistent else Outcome.TIE
    return CombinedVerdict(
        outcome=outcome, model_a_scores=(_win_share(outcome),), is_consistent=is_consistent
    )


def combine_arena_hard(game_1: ParsedVerdict, game_2: ParsedVerdict) -> CombinedVerdict:
    """Both games' entries, a strong verdict three times; a null game drops the pair.

    The list holds game 2 before game 1, as in Arena-Hard, whose game 1 shows the baseline first.
    Arena-Hard names no outcome for the pair; here it is the side with the larger mean.
    """
    dropped = _drop_unreadable(game_1, game_2)
    if dropped is not None:
        return dropped
    scores = (*_exploded(game_2), *_exploded(game_1))
    first, second = _outcomes(game_1, game_2)
    return CombinedVerdict(
        outcome=preferred(2 - fmean(scores)),
        model_a_scores=scores,
        is_consistent=first == second,
    )


def combine_alpaca_eval(game_1: ParsedVerdict, game_2: ParsedVerdict) -> CombinedVerdict:
    """The mean of the two preferences, as a share of a win.

    AlpacaEval itself asks in one order only, drawn per instruction; with both
    orders asked, the mean removes what the order adds.
    """
    dropped = _drop_unreadable(game_1, game_2)
    if dropped is not None:
        return dropped
    first, second = _outcomes(game_1, game_2)
    preference = fmean((_preference(game_1), _preference(game_2)))
    return CombinedVerdict(
        outcome=preferred(preference),
        model_a_scores=(2 - preference,),
        is_consistent=first == second,
    )


def combine_evalscope(game_1: ParsedVerdict, game_2: ParsedVerdict) -> CombinedVerdict:
    """Agreeing games win, strongly (1.0) if either was strong, else weakly (0.75); others tie."""
    dropped = _drop_unreadable(game_1, game_2)
    if dropped is not None:
        return dropped
    first, second = _outcomes(game_1, game_2)
    if first != second or not first.is_decisive:
        return CombinedVerdict(
            outcome=first if first == second else Outcome.TIE,
            model_a_scores=(0.5,),
            is_consistent=first == second,
        )
    strength = max(game_1.strength or WEAK, game_2.strength or WEAK)
    win, loss = _GRADES[strength]
    score = win if first is Outcome.MODEL_A else loss
    return CombinedVerdict(
        outcome=first, model_a_scores=(score,), strength=strength, is_consistent=True
    )


COMBINATIONS: Mapping[str, Combination] = {
    "mt_bench": combine_mt_bench,
    "arena_hard": combine_arena_hard,
    "alpaca_eval": combine_alpaca_eval,
    "evalscope": combine_evalscope,
}


def adjusted_win_rate(results: list[CombinedVerdict]) -> float:
    """MT-Bench's (wins + half the ties) / all for side a, over the readable results.

    Raises ValueError when none is readable.
    """
    scores = [score for result in results for score in result.model_a_scores]
    if not scores:
        raise ValueError("no readable result to take a win rate of")
    return fmean(scores)


def _drop_unreadable(game_1: ParsedVerdict, game_2: ParsedVerdict) -> CombinedVerdict | None:
    for number, game in ((1, game_1), (2, game_2)):
        if game.outcome is None:
            reason = game.reason.value if game.reason is not None else "no_outcome"
            return CombinedVerdict(outcome=None, reason=f"game_{number}_{reason}")
    return None


def _outcomes(game_1: ParsedVerdict, game_2: ParsedVerdict) -> tuple[Outcome, Outcome]:
    if game_1.outcome is None or game_2.outcome is None:
        raise ValueError("an unreadable game has no outcome to combine")
    return game_1.outcome, game_2.outcome


def _win_share(outcome: Outcome | None) -> float:
    if outcome is Outcome.MODEL_A:
        return 1.0
    return 0.0 if outcome is Outcome.MODEL_B else 0.5


def _exploded(game: ParsedVerdict) -> tuple[float, ...]:
    is_strong = game.strength == STRONG
    return (_win_share(game.outcome),) * (ARENA_HARD_STRONG_WEIGHT if is_strong else 1)


def _preference(game: ParsedVerdict) -> float:
    return 2 - _win_share(game.outcome) if game.preference is None else game.preference
