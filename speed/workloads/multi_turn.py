"""Conversations: each turn sends the whole history again and waits for the turn before it.

The assistant's past replies are prepared text of the asked-for length. The generator must not
read answers while it measures, and scripted histories keep every run's prompts alike.
"""

from collections.abc import Iterator

import numpy as np

from speed.workloads import WORKLOADS, Message, Recipe, Request
from speed.workloads.random_tokens import random_text


@WORKLOADS.register("multi_turn")
def multi_turn(recipe: Recipe) -> Iterator[Request]:
    """``count`` conversations; options turns, input_tokens (per turn), think_s between turns."""
    random = np.random.default_rng(recipe.seed)
    turns = max(1, int(recipe.option("turns", 3)))
    question_tokens = int(recipe.option("input_tokens", 64))
    think_s = float(recipe.option("think_s", 0.0))
    answer_tokens = recipe.output_tokens or 128
    for chain in range(recipe.count):
        history: list[Message] = []
        for turn in range(turns):
            history.append({"role": "user", "content": random_text(question_tokens, random)})
            yield Request(list(history), chain, answer_tokens, think_s if turn else 0.0)
            history.append({"role": "assistant", "content": random_text(answer_tokens, random)})
