"""Does the order shown decide?"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from judging.agreement.estimates import (
    DEFAULT_ROUNDS,
    Clusters,
    Estimate,
    proportion,
    require_same_length,
)
from judging.verdicts.base import Outcome


@dataclass(frozen=True, slots=True)
class PositionEffects:
    """What happens to a pair when its order is swapped; the four shares add up to 1.

    ``consistent`` pairs keep their outcome; ``first`` and ``second`` name a winner by position in
    both games; ``other`` change between a tie and a winner. Zheng et al. 2023, table 2.
    """

    consistent: Estimate
    first: Estimate
    second: Estimate
    other: Estimate


def position_consistency(
    game_1: Sequence[Outcome],
    game_2: Sequence[Outcome],
    clusters: Clusters,
    *,
    seed: int = 0,
    rounds: int = DEFAULT_ROUNDS,
) -> Estimate:
    """The share of pairs with the same outcome in both orders. Outcomes in battle order."""
    require_same_length(game_1=game_1, game_2=game_2, clusters=clusters)
    hits = [first == second for first, second in zip(game_1, game_2, strict=True)]
    return proportion(hits, clusters, seed=seed, rounds=rounds)


def position_effects(
    game_1: Sequence[Outcome],
    game_2: Sequence[Outcome],
    clusters: Clusters,
    *,
    seed: int = 0,
    rounds: int = DEFAULT_ROUNDS,
) -> PositionEffects:
    """How pairs split into consistent, first-, second- and otherwise changing ones."""
    require_same_length(game_1=game_1, game_2=game_2, clusters=clusters)
    kinds = np.array(
        [position_kind(*games) for games in zip(game_1, game_2, strict=True)], dtype=str
    )

    def share(kind: str) -> Estimate:
        return proportion(kinds == kind, clusters, seed=seed, rounds=rounds)

    return PositionEffects(share("consistent"), share("first"), share("second"), share("other"))


def first_position_preference(
    outcomes: Sequence[Outcome],
    games: Sequence[int],
    clusters: Clusters,
    *,
    seed: int = 0,
    rounds: int = DEFAULT_ROUNDS,
) -> Estimate:
    """The share of decided games that the answer shown first wins; 1/2 without a preference.

    Outcomes in battle order, ``games`` 1 or 2. Give both games of each pair: otherwise strong
    models that happen to be shown first look like a preference.
    """
    require_same_length(outcomes=outcomes, games=games, clusters=clusters)
    hits, kept = [], []
    for outcome, game, cluster in zip(outcomes, games, clusters, strict=True):
        if outcome.is_decisive:
            hits.append(outcome is _first_wins(game))
            kept.append(cluster)
    return proportion(hits, kept, seed=seed, rounds=rounds)


def _first_wins(game: int) -> Outcome:
    return Outcome.MODEL_A if game == 1 else Outcome.MODEL_B


def position_kind(game_1: Outcome, game_2: Outcome) -> str:
    """Which share of ``PositionEffects`` a pair belongs to. Outcomes in battle order."""
    if game_1 == game_2:
        return "consistent"
    if (game_1, game_2) == (_first_wins(1), _first_wins(2)):
        return "first"
    if (game_1, game_2) == (_first_wins(2), _first_wins(1)):
        return "second"
    return "other"
