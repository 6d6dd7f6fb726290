"""Generating many continuations at once: prefix reuse, per-row stops, refilled batches."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from benchmarks.engine.encoding import IntArray
from benchmarks.engine.forward import reading_only
from benchmarks.engine.requests import Decoding
from benchmarks.engine.sampling import TokenChooser
from benchmarks.engine.shared_cache import (
    KeysAndValues,
    cache_option,
    growing_cache,
    keys_and_values,
)
from providers.checkpoints.weights import input_device

# decoding needs a stop string's tokens and a little more: a tokenizer may cut the same text into
# other tokens than it was trained to
LOOK_BACK_TOKENS = 4
MIN_SHARED_TOKENS = 16


@dataclass(slots=True)
class Stream:
    """One continuation under way."""

    index: int
    prompt: IntArray
    decoding: Decoding
    chooser: TokenChooser
    sample_index: int = 0
    tokens: list[int] = field(default_factory=list)
    is_stopped: bool = False
    is_thinking: bool = False
    position: int = 0


@dataclass(slots=True)
class _Batch:
    """Rows with their joined keys; ``seen`` is the mask of real positions ``[rows, length]``."""

    rows: list[Stream]
    cache: KeysAndValues
    seen: torch.Tensor


@dataclass(slots=True)
class DecodeLoop:
    """Decodes with one model; ``max_rows`` bounds the batch."""

    model: Any
    tokenizer: Any
    max_rows: int
    eos_ids: frozenset[int]
    is_sharing: bool = True
    generated: int = 0
    prefilled: int = 0

    @torch.inference_mode()
    def run(self, sequences: Sequence[Stream]) -> None:
        """Fill every sequence's ``tokens``; long prompts start first."""
        waiting = deque(sorted(sequences, key=lambda row: -len(row.prompt)))
        prefix = self._shared_prefix(sequences)
        batch: _Batch | None = None
        while waiting or batch is not None:
            free = self.max_rows - (len(batch.rows) if batch else 0)
            # refilling in halves amortises the pass over new prompts
            if waiting and (batch is None or free >= max(self.max_rows // 2, 1)):
                new = [waiting.popleft() for _ in range(min(free, len(waiting)))]
                batch = _join(batch, self._prefill(new, prefix))
            if batch is not None:
                batch = self._drop_finished(batch)
            if batch is not None:
                self._step(batch)

    def _shared_prefix(self, sequences: Sequence[Stream]) -> KeysAndValues | None:
        """Keys of what all prompts begin with, leaving each at least one token to run."""
        prompts = [row.prompt for row in sequences]
        length = min(len(prompt) for prompt in prompts) - 1
        for prompt in prompts[1:]:
            differ = (prompt[:length] != prompts[0][:length]).nonzero()[0]
            length = int(differ[0]) if len(differ) else length
        if not self.is_sharing or len(prompts) < 2 or length < MIN_SHARED_TOKENS:
            return None
        cache = growing_cache(None)
        ids = torch.from_numpy(prompts[0][:length]).long()[None].to(self._device)
        with reading_only(self.model, torch.zeros(1, dtype=torch.long)):
            self.model(input_ids=ids, **cache_option(self.model, cache))
        self.prefilled += length
        return keys_and_values(cache)

    @property
    def _device(self) -> torch.device:
        return input_device(self.model)

    def _prefill(self, rows: list[Stream], prefix: KeysAndValues | None) -> _Batch:
        """Run the prompts, padded on the left, and choose each row's first token."""
        shared = prefix[0][0].shape[-2] if prefix else 0
        width = max(len(row.prompt) for row in rows) - shared
        ids = torch.zeros((len(rows), width), dtype=torch.long)
        seen = torch.ones((len(rows), shared + width), dtype=torch.long)
        for i, row in enumerate(rows):
            own = row.prompt[shared:]
            ids[i, width - len(own) :] = torch.from_numpy(own).long()
            seen[i, shared : shared + width - len(own)] = 0
        repeated = [_repeated(pair, len(rows)) for pair in prefix or []]
        positions = (seen.cumsum(-1) - 1).clamp(min=0)[:, shared:]
        batch = _Batch(rows, repeated, seen.to(self._device))
        logits = self._forward(batch, ids, positions)
        self.prefilled += sum(len(row.prompt) - shared for row in rows)
        for row in rows:
            row.position = len(row.prompt)
        self._choose(rows, logits)
        return batch

    def _forward(self, batch: _Batch, ids: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
        """Logits ``[rows, vocab]`` after the last token of each row; the batch's keys grow."""
        cache = growing_cache(batch.cache)
        width = ids.shape[1]
        last = torch.arange(len(batch.rows)) * width + width - 1
        with reading_only(self.model, last):
            logits = self.model(
                input_ids=ids.to(self._device),
                attention_mask=batch.seen,
                position_ids=positions.to(self._device),
                **cache_option(self.model, cache),
            ).logits[0]
        batch.cache = keys_and_values(cache)
        found: torch.Tensor = logits.float()
        return found

    def _step(self, batch: _Batch) -> None:
        ids = torch.tensor([[row.tokens[-1]] for row in batch.rows])
        positions = torch.tensor([[row.position] for row in batch.rows])
        batch.seen = torch.nn.functional.pad(batch.seen, (0, 1), value=1)
        logits = self._forward(batch, ids, positions)
        for row in batch.rows:
            row.position += 1
        self._choose(batch.rows, logits)

    def _choose(self, rows: Sequence[Stream], logits: torch.Tensor) -> None:
        greedy = logits.argmax(dim=-1).tolist()
        for i, row in enumerate(rows):
            token = row.chooser.choose(logits[i], greedy[i], row.prompt, row.tokens)
            row.tokens.append(token)
            self.generated += 1
        self._mark_stopped(rows)

    def _mark_stopped(self, rows: Sequence[Stream]) -> None:
        tails = [row.tokens[-_look_back(row.decoding) :] for row in rows]
        texts = self.tokenizer.batch_decode(tails)
        for row, text in zip(rows, texts, strict=True):
            if row.is_thinking and row.decoding.think_end in text:
                row.is_thinking = False
                continue
            has_stop = not row.is_thinking and any(s in text for s in row.decoding.stop if s)
            row.is_stopped = has_stop or row.tokens[-1] in self.eos_ids

    def _drop_finished(self, batch: _Batch) -> _Batch | None:
        kept = [
            i
            for i, row in enumerate(batch.rows)
            if not row.is_stopped and len(row.tokens) < row.decoding.max_tokens
        ]
        if not kept:
            return None
        if len(kept) < len(batch.rows):
            index = torch.tensor(kept, device=batch.seen.device)
            batch.rows = [batch.rows[i] for i in kept]
            batch.seen = batch.seen[index]
            batch.cache = [(k[index.to(k.device)], v[index.to(v.device)]) for k, v in batch.cache]
        return batch


def _repeated(
    pair: tuple[torch.Tensor, torch.Tensor], rows: int
) -> tuple[torch.Tensor, torch.Tensor]:
    return pair[0].expand(rows, -1, -1, -1), pair[1].expand(rows, -1, -1, -1)


def _look_back(decoding: Decoding) -> int:
    """Tokens that surely cover the longest marker: none is longer than one token per byte."""
    markers = [*decoding.stop, decoding.think_end]
    return max((len(m.encode()) for m in markers), default=0) + LOOK_BACK_TOKENS


def _join(old: _Batch | None, new: _Batch) -> _Batch:
    """One batch of both, the shorter keys padded on the left by positions nobody sees."""
    if old is None:
        return new
    length = max(old.seen.shape[1], new.seen.shape[1])
    parts = [_padded(batch, length) for batch in (old, new)]
    cache = [
        (torch.cat([k1, k2]), torch.cat([v1, v2]))
        for (k1, v1), (k2, v2) in zip(parts[0].cache, parts[1].cache, strict=True)
    ]
    return _Batch(old.rows + new.rows, cache, torch.cat([parts[0].seen, parts[1].seen]))


def _padded(batch: _Batch, length: int) -> _Batch:
    missing = length - batch.seen.shape[1]
    if not missing:
        return batch
    pad = torch.nn.functional.pad
    cache = [(pad(k, (0, 0, missing, 0)), pad(v, (0, 0, missing, 0))) for k, v in batch.cache]
    return _Batch(batch.rows, cache, pad(batch.seen, (missing, 0)))
