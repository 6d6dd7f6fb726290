"""Rating methods, one module each, found through ``METHODS``."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from leaderboard.ratings.comparisons import Comparisons
from leaderboard.ratings.options import MethodOptions
from leaderboard.ratings.ratings import Ratings
from leaderboard.ratings.scores import Scores
from registry import Registry

Data = TypeVar("Data", Comparisons, Scores)
Options = TypeVar("Options", bound=MethodOptions)
Needs = Literal["comparisons", "scores"]


@dataclass(frozen=True, slots=True)
class RatingMethod(Generic[Data, Options]):
    """A named way from data to ratings.

    ``description``: one plain sentence for a reader of the board. ``options``: the pydantic model
    of the method's settings, with defaults and a description per field. ``needs``: which data
    type ``fit`` takes.
    """

    name: str
    label: str
    description: str
    options: type[Options]
    needs: Needs
    estimate: Callable[[Data, Options, int], Ratings]

    def fit(
        self,
        data: Data,
        options: Options | Mapping[str, Any] | None = None,  # Any: raw JSON, checked here
        seed: int = 0,
    ) -> Ratings:
        """Rate ``data``; ``options`` may be the model, a mapping of its fields, or left out.

        The same data, options and seed give the same numbers. Raises pydantic.ValidationError on
        an unknown or invalid option.
        """
        if not isinstance(options, self.options):
            options = self.options.model_validate({} if options is None else options)
        return self.estimate(data, options, seed)


METHODS: Registry[RatingMethod[Any, Any]] = Registry(  # Any: each method has its own options
    "rating method", "leaderboard.ratings.methods"
)


def rating_method(
    name: str, *, label: str, description: str, options: type[Options], needs: Needs
) -> Callable[[Callable[[Data, Options, int], Ratings]], Callable[[Data, Options, int], Ratings]]:
    """Register the decorated function as the method ``name``; the function stays callable."""

    def remember(
        estimate: Callable[[Data, Options, int], Ratings],
    ) -> Callable[[Data, Options, int], Ratings]:
        METHODS.register(name)(RatingMethod(name, label, description, options, needs, estimate))
        return estimate

    return remember
