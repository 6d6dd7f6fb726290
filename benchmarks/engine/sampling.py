"""Choosing the next token from its logits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from benchmarks.engine.encoding import IntArray
from benchmarks.engine.requests import Decoding


@dataclass(slots=True)
class TokenChooser:
    """Greedy, or sampled with temperature, top-k and top-p in that order (transformers' order).

    Each sequence has its own generator, so a sample does not depend on its batch.
    ``repetition_penalty`` is the model's own generation default: logits of tokens that occurred
    are divided (positive) or multiplied (negative) by it (Keskar et al. 2019, CTRL, section 4.1).
    """

    decoding: Decoding
    generator: torch.Generator | None = None
    repetition_penalty: float = 1.0

    def choose(
        self, logits: torch.Tensor, greedy: int, prompt: IntArray, tokens: Sequence[int]
    ) -> int:
        """The next token; ``logits`` is ``[vocab]`` in float32, ``greedy`` its argmax."""
        if self.repetition_penalty != 1.0:
            logits = self._penalised(logits, prompt, tokens)
            greedy = int(logits.argmax())
        if self.decoding.temperature == 0:
            return greedy
        scaled = logits / self.decoding.temperature
        if self.decoding.top_k:
            bound = scaled.topk(min(self.decoding.top_k, len(scaled))).values[-1]
            scaled = scaled.masked_fill(scaled < bound, -torch.inf)
        if self.decoding.top_p < 1:
            scaled = _nucleus(scaled, self.decoding.top_p)
        weights = torch.softmax(scaled, dim=-1).cpu()
        return int(torch.multinomial(weights, 1, generator=self.generator))

    def _penalised(
        self, logits: torch.Tensor, prompt: IntArray, tokens: Sequence[int]
    ) -> torch.Tensor:
        seen = sorted({*prompt.tolist(), *tokens})
        index = torch.tensor(seen, device=logits.device)
        found = logits[index]
        penalty = self.repetition_penalty
        changed = torch.where(found < 0, found * penalty, found / penalty)
        return logits.clone().index_copy_(0, index, changed)


def _nucleus(scaled: torch.Tensor, top_p: float) -> torch.Tensor:
    """Keep the likeliest tokens until their probability reaches ``top_p``."""
    ordered, index = scaled.sort(descending=False)
    below = torch.softmax(ordered, dim=-1).cumsum(-1) <= 1 - top_p
    below[-1] = False
    return scaled.masked_fill(torch.zeros_like(below).scatter(0, index, below), -torch.inf)


def make_chooser(
    decoding: Decoding, *, sample_index: int, repetition_penalty: float
) -> TokenChooser:
    """A chooser whose random numbers depend on the seed and the sample's number only."""
    generator = None
    if decoding.temperature > 0:
        generator = torch.Generator()
        generator.manual_seed((decoding.seed or 0) * 1_000_003 + sample_index)
    return TokenChooser(decoding, generator, repetition_penalty)
