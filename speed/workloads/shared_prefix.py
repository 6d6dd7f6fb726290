"""Groups of requests that share a long beginning: what a prefix cache is made for.

The shared part carries a salt of the workload's seed only, so that it is common within the run;
the request's own part comes after it with the request's salt.
"""

from collections.abc import Iterator

import numpy as np

from speed.workloads import WORKLOADS, Recipe, Request, salted
from speed.workloads.random_tokens import random_text


@WORKLOADS.register("shared_prefix")
def shared_prefix(recipe: Recipe) -> Iterator[Request]:
    """Options: prefix_tokens, input_tokens (own part), groups (number of different prefixes)."""
    random = np.random.default_rng(recipe.seed)
    groups = max(1, int(recipe.option("groups", 1)))
    prefix_tokens = int(recipe.option("prefix_tokens", 512))
    own_tokens = int(recipe.option("input_tokens", 64))
    run = f"{np.random.SeedSequence().entropy:x}"[:12] if recipe.is_salted else str(recipe.seed)
    prefixes = [f"[{run}-{n}] {random_text(prefix_tokens, random)}" for n in range(groups)]
    for chain in range(recipe.count):
        request = Request(
            [
                {"role": "system", "content": prefixes[chain % groups]},
                {"role": "user", "content": random_text(own_tokens, random)},
            ],
            chain,
        )
        yield salted(request, shared_messages=1) if recipe.is_salted else request
