"""Log-likelihoods of many pairs by a plan over their prefix tree."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from benchmarks.engine.encoding import EncodedPair
from benchmarks.engine.forward import Scores, run_rows
from benchmarks.engine.prefix_tree import (
    Row,
    Trunk,
    batches,
    build_tree,
    plain_rows,
    plan_rows,
    split_row,
)
from benchmarks.engine.requests import Likelihood
from benchmarks.engine.shared_cache import KeysAndValues

logger = logging.getLogger(__name__)


class OutOfMemoryError(RuntimeError):
    """One sequence alone does not fit into the accelerator's memory."""


@dataclass(slots=True)
class Counts:
    """What a scoring call ran: for forecasts, benches and the run's page."""

    forward_passes: int = 0
    tokens: int = 0
    padded_tokens: int = 0
    memory_splits: int = 0


@dataclass(slots=True)
class LikelihoodScorer:
    """Scores pairs with one model.

    ``token_budget`` bounds the padded tokens of a forward pass, ``read_budget`` the positions
    whose logits it computes, ``cached_budget`` the prefix and row tokens in its attention.
    ``is_sharing`` False runs every distinct input alone, for models whose attention cannot be
    arranged as a tree.
    """

    model: Any
    token_budget: int
    read_budget: int
    cached_budget: int
    is_sharing: bool = True
    counts: Counts = field(default_factory=Counts)

    def score(self, pairs: Sequence[EncodedPair]) -> list[Likelihood]:
        """One likelihood per pair, in order; a pair with an error keeps it."""
        usable = [pair for pair in pairs if not pair.error]
        scores = Scores([pair.targets for pair in usable])
        plan = plan_rows(build_tree(usable)) if self.is_sharing else plain_rows(usable)
        self._run_trunk(plan, None, scores)
        found = iter(range(len(usable)))
        return [
            Likelihood(float("nan"), False, error=pair.error)
            if pair.error
            else _likelihood(pair, scores, next(found))
            for pair in pairs
        ]

    def _run_trunk(self, trunk: Trunk, above: KeysAndValues | None, scores: Scores) -> None:
        """Depth-first, so that at most one chain of prefixes is kept at a time."""
        prefix = above
        if trunk.row is not None:
            length = trunk.length - len(trunk.row)
            prefix = self._run([trunk.row], scores, above, length, keeps_cache=True)
        budget = self.token_budget
        if trunk.length:
            budget = min(budget, self._tokens_beside(trunk))
        for batch in batches(trunk.rows, token_budget=budget, read_budget=self.read_budget):
            self._run(batch, scores, prefix, trunk.length)
        for child in trunk.children:
            self._run_trunk(child, prefix, scores)

    def _tokens_beside(self, trunk: Trunk) -> int:
        """Row tokens per pass when each row also attends to the trunk."""
        widest = max((len(row) for row in trunk.rows), default=1)
        return max(self.cached_budget // (trunk.length + widest), 1) * widest

    def _run(
        self,
        rows: list[Row],
        scores: Scores,
        prefix: KeysAndValues | None,
        prefix_length: int,
        *,
        keeps_cache: bool = False,
    ) -> KeysAndValues | None:
        try:
            kept = run_rows(
                self.model,
                rows,
                scores,
                prefix=prefix,
                prefix_length=prefix_length,
                keeps_cache=keeps_cache,
            )
        except torch.OutOfMemoryError as error:
            smaller = self._smaller(rows, prefix_length, error)
        else:
            self.counts.forward_passes += 1
            self.counts.tokens += sum(len(row) for row in rows)
            self.counts.padded_tokens += len(rows) * max(len(row) for row in rows)
            return kept
        for part in smaller:
            self._run(part, scores, prefix, prefix_length)
        return None

    def _smaller(
        self, rows: list[Row], prefix_length: int, error: torch.OutOfMemoryError
    ) -> list[list[Row]]:
        """The same work in smaller passes; later passes of the call are made smaller too."""
        self.counts.memory_splits += 1
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        width = max(len(row) for row in rows)
        self.token_budget = max(min(self.token_budget, len(rows) * width) // 2, 1)
        logger.warning(
            "out of memory with %d rows of %d tokens after %d; going on with %d tokens at a time",
            *(len(rows), width, prefix_length, self.token_budget),
        )
        if len(rows) > 1:
            half = len(rows) // 2
            return [rows[:half], rows[half:]]
        parts = [[row] for row in split_row(rows[0])]
        if len(parts) == 1:
            raise OutOfMemoryError(
                f"a single sequence of {prefix_length + width} tokens does not fit in the "
                "accelerator's memory; use a lower precision, a quantised checkpoint, more GPUs "
                "(device_map=auto) or a smaller max_length"
            ) from error
        return parts


def _likelihood(pair: EncodedPair, scores: Scores, index: int) -> Likelihood:
    start, end = int(scores.offsets[index]), int(scores.offsets[index + 1])
    logprobs = scores.logprobs[start:end]
    return Likelihood(
        float(logprobs.sum()),
        bool(scores.is_greedy[start:end].all()),
        tuple(logprobs.tolist()),
        pair.is_boundary_merge,
        pair.is_truncated,
    )
