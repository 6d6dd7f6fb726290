"""Davidson's tie model: ties have a probability of their own."""

from leaderboard.ratings.comparisons import Comparisons
from leaderboard.ratings.methods import rating_method
from leaderboard.ratings.outcome_kernels import davidson_kernel
from leaderboard.ratings.ratings import Ratings
from leaderboard.ratings.tie_models import TieModelOptions, fit_tie_model


@rating_method(
    "davidson",
    label="Davidson",
    description="Like Bradley–Terry, but ties and 'both are bad' are outcomes with their own "
    "probability instead of half a win.",
    options=TieModelOptions,
    needs="comparisons",
)
def fit_davidson(rows: Comparisons, options: TieModelOptions, seed: int) -> Ratings:
    """πa : πb : ν√(πaπb) : κ for A wins, B wins, tie, both bad (Davidson 1970; κ is ours).

    ``diagnostics["log_tie_factor"]`` is ln ν, ``["log_both_bad_weight"]`` ln κ against a model of
    average strength. Without ties it is Bradley–Terry. Each is None where never seen.
    """
    return fit_tie_model(rows, options, seed, method="davidson", kernel=davidson_kernel)
