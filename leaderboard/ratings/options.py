"""Settings that several rating methods share, as pydantic models with documented defaults."""

from collections.abc import Collection
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from leaderboard.ratings.clusters import Clustering

BothBad = Literal["exclude", "tie"]
Prior = Literal["if_unbounded", "always", "none"]


class MethodOptions(BaseModel):
    """What every method can be told."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    level: float = Field(default=0.95, gt=0, lt=1, description="Coverage of each interval.")
    provisional_below: int = Field(
        default=100, ge=0, description="A model with fewer battles is marked provisional."
    )

    def named_questions(self) -> Collection[str]:
        """Questions that the options name, each ``set/external id``."""
        return ()


class ClusteredOptions(MethodOptions):
    """A method whose intervals allow for rows that lean on each other."""

    cluster: Clustering = Field(
        default="auto",
        description="Rows that are not independent: those of one question, one voter, both "
        "(two-way), or none. 'auto' uses every kind the data carry with enough clusters.",
    )


class ScaleOptions(ClusteredOptions):
    """A method on the Elo-like points scale."""

    scale: float = Field(default=400.0, gt=0, description="Points per factor of ten in the odds.")
    init: float = Field(default=1000.0, description="Mean rating of each connected group.")
    anchor_model: str | None = Field(
        default=None, description="A model whose rating is pinned; its group moves along."
    )
    anchor_value: float = Field(default=1114.0, description="The pinned model's rating.")
    prior: Prior = Field(
        default="if_unbounded",
        description="Phantom draw: each model plays extra drawn games against an average "
        "opponent; only where the data leave a rating unbounded, always, or never.",
    )
    prior_games: float = Field(
        default=1.0, gt=0, description="Number of phantom games per model where the prior applies."
    )
    both_bad: BothBad = Field(
        default="exclude",
        description="'Both are bad' prefers neither side: left out and counted, or read as a "
        "tie as FastChat and arena-rank do.",
    )
