"""Rao and Kupper's tie model: a win needs a lead beyond a threshold."""

from leaderboard.ratings.comparisons import Comparisons
from leaderboard.ratings.methods import rating_method
from leaderboard.ratings.outcome_kernels import rao_kupper_kernel
from leaderboard.ratings.ratings import Ratings
from leaderboard.ratings.tie_models import TieModelOptions, fit_tie_model


@rating_method(
    "rao_kupper",
    label="Rao–Kupper",
    description="Like Bradley–Terry, but a voter sees a winner only when the lead passes a "
    "threshold; below it they call a tie, or both bad where both fall short.",
    options=TieModelOptions,
    needs="comparisons",
)
def fit_rao_kupper(rows: Comparisons, options: TieModelOptions, seed: int) -> Ratings:
    """Win πa/(πa + ηπb + κ), both bad κ/(πa + πb + κ), tie the rest (Rao & Kupper 1967; P2L).

    ``diagnostics["log_tie_factor"]`` is ln(η - 1), so η ≥ 1 holds by construction. Without ties
    and both-bad it is Bradley–Terry. Each is None where never seen.
    """
    return fit_tie_model(rows, options, seed, method="rao_kupper", kernel=rao_kupper_kernel)
