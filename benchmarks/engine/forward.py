"""One forward pass that computes logits only where they are read."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from benchmarks.engine.prefix_tree import Row
from benchmarks.engine.shared_cache import (
    KeysAndValues,
    cache_option,
    growing_cache,
    keys_and_values,
    shared_cache,
)
from providers.checkpoints.weights import input_device

logger = logging.getLogger(__name__)

# elements of float32 logits held at once while they are reduced (64 MiB)
LOGITS_AT_ONCE = 1 << 24


@contextmanager
def reading_only(model: Any, index: torch.Tensor) -> Iterator[None]:
    """Let the output head see only the positions ``index`` of the flattened batch.

    A hook on the head works for every architecture, and whatever the model does to its logits
    afterwards (soft capping, scaling) still happens. The logits come out as ``[1, reads, vocab]``.
    """

    def pick(_: object, arguments: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
        hidden = arguments[0]
        return (hidden.flatten(0, 1)[index.to(hidden.device)].unsqueeze(0), *arguments[1:])

    handle = model.get_output_embeddings().register_forward_pre_hook(pick)
    try:
        yield
    finally:
        handle.remove()


class BatchInputs:
    """Rows padded on the right, with the mask under which each token sees its ancestors only."""

    def __init__(self, rows: Sequence[Row], *, prefix_length: int, model: Any) -> None:
        device = input_device(model)
        self.width = max(len(row) for row in rows)
        tokens = np.zeros((len(rows), self.width), dtype=np.int64)
        positions = np.zeros((len(rows), self.width), dtype=np.int64)
        for index, row in enumerate(rows):
            tokens[index, : len(row)] = row.tokens
            positions[index, : len(row)] = row.positions
        self.tokens = torch.from_numpy(tokens).to(device, non_blocking=True)
        is_plain = prefix_length == 0 and all(row.is_chain for row in rows)
        self.options: dict[str, torch.Tensor] = {}
        if not is_plain:
            self.options = {
                "position_ids": torch.from_numpy(positions).to(device, non_blocking=True),
                "attention_mask": _mask(rows, self.width, prefix_length, model.dtype, device),
            }


def _mask(
    rows: Sequence[Row], width: int, prefix_length: int, dtype: torch.dtype, device: torch.device
) -> torch.Tensor:
    """Additive mask ``[rows or 1, 1, width, prefix_length + width]``; the prefix is always seen."""
    causal = np.tri(width, dtype=bool)
    if all(row.is_chain for row in rows):
        seen = causal[None]
    else:
        seen = np.stack([causal if row.is_chain else _ancestors(row, width) for row in rows])
    mask = torch.zeros((len(seen), 1, width, prefix_length + width), dtype=dtype, device=device)
    hidden = torch.from_numpy(~seen).to(device).unsqueeze(1)
    mask[..., prefix_length:].masked_fill_(hidden, torch.finfo(dtype).min)
    return mask


def _ancestors(row: Row, width: int) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    seen = np.eye(width, dtype=bool)  # padding sees itself, so that no softmax is empty
    for piece in row.pieces:
        if piece.parent >= 0:
            seen[piece.start : piece.end] = seen[row.pieces[piece.parent].end - 1]
        length = piece.end - piece.start
        seen[piece.start : piece.end, piece.start : piece.end] = np.tri(length, dtype=bool)
    return seen


class Scores:
    """Where log-probabilities of target tokens are collected, pair by pair.

    ``offsets[pair]`` is where a pair's tokens start in the flat arrays.
    """

    def __init__(self, targets: Sequence[np.ndarray[Any, np.dtype[np.int32]]]) -> None:
        lengths = [len(target) for target in targets]
        self.offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        self.targets = np.concatenate([*targets, np.zeros(0, dtype=np.int32)]).astype(np.int64)
        self.logprobs = np.full(len(self.targets), np.nan)
        self.is_greedy = np.zeros(len(self.targets), dtype=bool)


def reads_of(rows: Sequence[Row], width: int, scores: Scores) -> tuple[np.ndarray[Any, Any], ...]:
    """Flat positions in the padded batch, and the score slots that read them."""
    positions, slots = [], []
    for index, row in enumerate(rows):
        for read in row.reads:
            start = index * width + read.offset
            positions.append(np.arange(start, start + read.count))
            slot = scores.offsets[read.pair] + read.first_target
            slots.append(np.arange(slot, slot + read.count))
    if not positions:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    return np.concatenate(positions), np.concatenate(slots)


@torch.inference_mode()
def run_rows(
    model: Any,
    rows: Sequence[Row],
    scores: Scores,
    *,
    prefix: KeysAndValues | None = None,
    prefix_length: int = 0,
    keeps_cache: bool = False,
) -> KeysAndValues | None:
    """Run the rows after ``prefix`` and store what they read; returns all keys when kept."""
    inputs = BatchInputs(rows, prefix_length=prefix_length, model=model)
    positions, slots = reads_of(rows, inputs.width, scores)
    unique, inverse = np.unique(positions, return_inverse=True)
    index = torch.from_numpy(unique if len(unique) else np.zeros(1, dtype=np.int64))
    growing = growing_cache(prefix) if keeps_cache else None
    cache = shared_cache(prefix) if growing is None and prefix is not None else growing
    with reading_only(model, index):
        logits = model(
            input_ids=inputs.tokens,
            **cache_option(model, cache),
            **inputs.options,
        ).logits[0]
    if len(slots):
        _store(logits, inverse, slots, scores)
    return None if growing is None else keys_and_values(growing)


def _store(
    logits: torch.Tensor,
    inverse: np.ndarray[Any, Any],
    slots: np.ndarray[Any, Any],
    scores: Scores,
) -> None:
    """Reduce ``[reads, vocab]`` in float32, in pieces, and bring the results over in one copy."""
    step = max(LOGITS_AT_ONCE // logits.shape[-1], 1)
    norms, best = [], []
    for start in range(0, len(logits), step):
        piece = logits[start : start + step].float()
        norms.append(torch.logsumexp(piece, dim=-1))
        best.append(piece.argmax(dim=-1))
    rows = torch.from_numpy(inverse).to(logits.device)
    targets = torch.from_numpy(scores.targets[slots]).to(logits.device)
    found = logits[rows, targets].float() - torch.cat(norms)[rows]
    greedy = torch.cat(best)[rows] == targets
    both = torch.stack([found, greedy.float()]).cpu().numpy()
    scores.logprobs[slots] = both[0]
    scores.is_greedy[slots] = both[1] > 0.5
