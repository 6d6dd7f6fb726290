"""From texts to token ids, exactly as lm-eval's Hugging Face backend does it.

A pair is encoded twice, whole and context alone, and cut at the context's length; where a merge
crosses the boundary the model therefore sees a tokenisation that no text has. That is how the
field's published numbers were made, so it is reproduced and marked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.engine.requests import LikelihoodRequest

IntArray = npt.NDArray[np.int32]
DEFAULT_MAX_LENGTH = 2048  # lm-eval's value for models that name none
# transformers marks "no limit" by int(1e30)
NO_LIMIT = int(1e30)
ENCODE_AT_ONCE = 512


@dataclass(frozen=True, slots=True)
class EncodedPair:
    """``inputs[i]`` predicts the token after it; the last ``len(targets)`` of them are read."""

    inputs: IntArray
    targets: IntArray
    is_boundary_merge: bool = False
    is_truncated: bool = False
    error: str = ""


@dataclass(frozen=True, slots=True)
class TextEncoder:
    """A tokenizer with the model's limits.

    ``add_bos_token`` None leaves special tokens to the tokenizer's own default. ``tokenizer`` is a
    transformers tokenizer, which carries no types.
    """

    tokenizer: Any
    max_length: int
    add_bos_token: bool | None = None
    prefix_token: int | None = None

    @property
    def prefix_token_id(self) -> int:
        """What stands before a text without context: BOS, else EOS."""
        if self.prefix_token is not None:
            return self.prefix_token
        bos = self.tokenizer.bos_token_id
        return int(self.tokenizer.eos_token_id if bos is None else bos)

    def encode(
        self, texts: Sequence[str], *, add_special_tokens: bool | None = None
    ) -> list[IntArray]:
        """Token ids of each text; equal texts are encoded once."""
        unique = list(dict.fromkeys(texts))
        bare = [text for text in unique if self._is_bare(text, add_special_tokens)]
        bare_set = set(bare)
        default = [text for text in unique if text not in bare_set]
        ids = dict(zip(bare, self._encode_all(bare, False), strict=True))
        flag = self.add_bos_token if add_special_tokens is None else add_special_tokens
        ids |= dict(zip(default, self._encode_all(default, flag), strict=True))
        return [ids[text] for text in texts]

    def _is_bare(self, text: str, add_special_tokens: bool | None) -> bool:
        """A text that brings its own BOS (from a chat template) gets no second one."""
        if add_special_tokens is not None:
            return add_special_tokens is False
        return text.startswith(self.tokenizer.decode(self.prefix_token_id))

    def _encode_all(self, texts: Sequence[str], add_special: bool | None) -> list[IntArray]:
        flags = {} if add_special is None else {"add_special_tokens": add_special}
        encoded: list[IntArray] = []
        for start in range(0, len(texts), ENCODE_AT_ONCE):
            chunk = list(texts[start : start + ENCODE_AT_ONCE])
            ids = self.tokenizer(chunk, return_attention_mask=False, verbose=False, **flags)
            encoded += [np.asarray(row, dtype=np.int32) for row in ids["input_ids"]]
        return encoded

    def encode_pairs(self, requests: Sequence[LikelihoodRequest]) -> list[EncodedPair]:
        """Encode every pair; a pair that cannot be scored carries an ``error``."""
        moved = [_move_spaces(request) for request in requests]
        filled = [pair for pair in moved if pair[0]]
        texts = [c for c, _ in filled] + [c + t for c, t in filled]
        with_context = self.encode(texts)
        contexts, wholes = with_context[: len(filled)], with_context[len(filled) :]
        alone = self.encode([t for c, t in moved if not c], add_special_tokens=False)
        filled_ids, alone_ids = iter(zip(contexts, wholes, strict=True)), iter(alone)
        return [
            self._cut(*next(filled_ids)) if context else self._without_context(next(alone_ids))
            for context, _ in moved
        ]

    def _cut(self, context: IntArray, whole: IntArray) -> EncodedPair:
        shared = whole[: len(context)]
        is_merge = not np.array_equal(shared, context)
        return self._fit(context, whole[len(context) :], is_merge=is_merge)

    def _without_context(self, continuation: IntArray) -> EncodedPair:
        prefix = np.asarray([self.prefix_token_id], dtype=np.int32)
        if len(continuation) and continuation[0] == prefix[0]:
            return self._fit(continuation[:1], continuation[1:])
        return self._fit(prefix, continuation)

    def _fit(
        self, context: IntArray, continuation: IntArray, *, is_merge: bool = False
    ) -> EncodedPair:
        empty = np.zeros(0, dtype=np.int32)
        if not len(continuation):
            return EncodedPair(empty, empty, error="the continuation has no tokens of its own")
        if not len(context):
            return EncodedPair(empty, empty, error="the context has no tokens")
        if len(continuation) > self.max_length:
            return EncodedPair(
                empty,
                empty,
                error=f"the continuation has {len(continuation)} tokens and the model reads "
                f"{self.max_length}; shorten it or raise max_length",
            )
        joined = np.concatenate([context, continuation])
        inputs = joined[-(self.max_length + 1) :][:-1]
        is_truncated = len(joined) > self.max_length + 1
        return EncodedPair(inputs, continuation, is_merge, is_truncated)

    def encode_window_pairs(self, text: str) -> list[EncodedPair]:
        """A long text as disjoint windows, each token predicted once.

        The first window is predicted from the prefix token, later ones from as much left context
        as fits beside them (lm-eval's ``get_rolling_token_windows`` with ``context_len`` 1).
        """
        ids = self.encode([text])[0]
        if not len(ids):
            return []
        prefix = np.asarray([self.prefix_token_id], dtype=np.int32)
        size = self.max_length
        first = ids[:size]
        windows = [EncodedPair(np.concatenate([prefix, first[:-1]]), first)]
        for start in range(size, len(ids), size):
            end = min(start + size, len(ids))
            left = max(end - size - 1, 0)
            windows.append(EncodedPair(ids[left : end - 1], ids[start:end]))
        return windows


def _move_spaces(request: LikelihoodRequest) -> tuple[str, str]:
    """White space at the end of the context belongs to the continuation's first token."""
    context = request.context.rstrip()
    if not request.context or len(context) == len(request.context):
        return request.context, request.continuation
    return context, request.context[len(context) :] + request.continuation


# the places where configurations of transformers models keep their length
_LENGTH_NAMES = ("n_positions", "max_position_embeddings", "n_ctx")


def model_max_length(config: Any, tokenizer: Any) -> int:  # both untyped in transformers
    """How many tokens the model reads, from its configuration, else its tokenizer, else 2048."""
    text_config = getattr(config, "get_text_config", lambda: config)()
    for holder in (text_config, config):
        for name in _LENGTH_NAMES:
            length = getattr(holder, name, None)
            if isinstance(length, int):
                return length
    limit = int(getattr(tokenizer, "model_max_length", NO_LIMIT))
    return DEFAULT_MAX_LENGTH if limit >= NO_LIMIT else limit
