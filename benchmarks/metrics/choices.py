"""Scores of a multiple-choice question from the log-likelihoods of its choices."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def best_choice(logprobs: Sequence[float]) -> int:
    """The likeliest choice; equal ones go to the first, as numpy and lm-eval have it."""
    return int(np.argmax(logprobs))


def best_per_character(logprobs: Sequence[float], choices: Sequence[str]) -> int:
    """``acc_norm``: per character of the choice without its delimiter (lm-eval's code; its paper
    says bytes)."""
    lengths = [max(len(choice), 1) for choice in choices]
    return int(np.argmax(np.asarray(logprobs) / lengths))


def best_per_byte(logprobs: Sequence[float], choices: Sequence[str]) -> int:
    lengths = [max(len(choice.encode()), 1) for choice in choices]
    return int(np.argmax(np.asarray(logprobs) / lengths))


def is_tied(logprobs: Sequence[float]) -> bool:
    """Whether the decision fell between equals, so that the first won by its place."""
    ordered = sorted(logprobs, reverse=True)
    return len(ordered) > 1 and ordered[0] == ordered[1]


def true_share(logprobs: Sequence[float], labels: Sequence[int]) -> float:
    """TruthfulQA's ``mc2``: probability of the true choices among all, not normalised by length.

    The largest log-probability is taken out first: exp(-800) would be 0 for every choice.
    """
    weights = np.exp(np.asarray(logprobs) - max(logprobs))
    return float(weights[np.asarray(labels) == 1].sum() / weights.sum())


def min_k_percent(token_logprobs: Sequence[float], share: float = 0.2) -> float:
    """Mean log-probability of the least likely ``share`` of tokens (Shi et al. 2023, Min-K% Prob).

    High values say that even the rarest tokens were expected: the text may have been seen in
    training. Returns NaN for no tokens.
    """
    if not token_logprobs:
        return float("nan")
    count = max(int(len(token_logprobs) * share), 1)
    return float(np.mean(np.sort(np.asarray(token_logprobs))[:count]))
