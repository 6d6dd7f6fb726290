"""Random words of a wanted length: no content, exact control.

Lengths are fixed, uniform or log-normal around a mean. Words are common English ones that most
tokenizers keep in one piece; the true prompt length is the one the server reports.
"""

from collections.abc import Iterator

import numpy as np

from speed.workloads import WORKLOADS, Recipe, Request, WorkloadError, user

WORDS = (
    *("time", "year", "people", "way", "day", "man", "thing", "woman", "life", "child"),
    *("world", "school", "state", "family", "student", "group", "country", "problem", "hand"),
    *("part", "place", "case", "week", "company", "system", "program", "question", "work"),
    *("number", "night", "point", "home", "water", "room", "mother", "area", "money", "story"),
    *("fact", "month", "lot", "right", "study", "book", "eye", "job", "word", "business"),
    *("issue", "side", "kind", "head", "house", "service", "friend", "father", "power", "hour"),
    *("game", "line", "end", "member", "law", "car", "city", "community", "name", "team"),
)
DISTRIBUTIONS = ("fixed", "uniform", "lognormal")


@WORKLOADS.register("random")
def random_tokens(recipe: Recipe) -> Iterator[Request]:
    """``count`` prompts; options input_tokens, output_tokens, distribution, spread (relative)."""
    random = np.random.default_rng(recipe.seed)
    spread = float(recipe.option("spread", 0.0))
    kind = str(recipe.option("distribution", "fixed"))
    inputs = draw_lengths(
        int(recipe.option("input_tokens", 256)), recipe.count, kind, spread, random
    )
    mean_output = recipe.output_tokens or int(recipe.option("output_tokens", 128))
    outputs = draw_lengths(mean_output, recipe.count, kind, spread, random)
    for chain, (length, answer) in enumerate(zip(inputs, outputs, strict=True)):
        yield Request(user(random_text(length, random)), chain, answer)


def draw_lengths(
    mean: int, count: int, distribution: str, spread: float, random: np.random.Generator
) -> list[int]:
    """``count`` lengths of at least 1; ``spread`` is half-width or deviation over the mean."""
    if mean < 1:
        raise WorkloadError(f"a mean length of {mean} tokens is too short; give at least 1")
    if distribution == "fixed" or spread == 0:
        return [mean] * count
    if distribution == "uniform":
        low, high = max(1, round(mean * (1 - spread))), round(mean * (1 + spread))
        return [int(length) for length in random.integers(low, high + 1, size=count)]
    if distribution == "lognormal":
        sigma = float(np.sqrt(np.log1p(spread**2)))
        drawn = random.lognormal(np.log(mean) - sigma**2 / 2, sigma, size=count)
        return [max(1, round(length)) for length in drawn.tolist()]
    raise WorkloadError(
        f"unknown length distribution {distribution!r}; choose from {', '.join(DISTRIBUTIONS)}"
    )


def random_text(words: int, random: np.random.Generator) -> str:
    """That many words."""
    return " ".join(WORDS[i] for i in random.integers(len(WORDS), size=words))
