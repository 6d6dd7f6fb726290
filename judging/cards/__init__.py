"""How far a judge can be believed: figures over stored judgments and votes, and their rows."""

from judging.cards.card import Card, CardFigure, bin_ids, judge_card, peer_ids, slice_basis
from judging.cards.data import CardData, read_card_data
from judging.cards.figures import FIGURES, Basis, basis_of, model_cost_per_1000

__all__ = [
    "FIGURES",
    "Basis",
    "Card",
    "CardData",
    "CardFigure",
    "basis_of",
    "bin_ids",
    "judge_card",
    "model_cost_per_1000",
    "peer_ids",
    "read_card_data",
    "slice_basis",
]
