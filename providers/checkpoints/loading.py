"""Loading a checkpoint; its architecture says whether it scores conversations or continues them."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import Any

import torch

from providers.checkpoints.spec import CheckpointSpec
from providers.checkpoints.weights import (
    CheckpointError,
    input_device,
    load_config,
    load_tokenizer,
    load_weights,
)

CPU_BATCH = (4_096, 64)  # padded tokens and rows of one forward pass
GPU_BATCH = (32_768, 256)
# padded tokens that cost as much as one pass more: with n rows evenly apart in length, passes and
# padding together cost least where each pass has as much padding
PASS_TOKENS = {"cpu": 60.0, "cuda": 1_024.0}
MOST_DECODED_ROWS = {"cpu": 16, "cuda": 128}
# tokenizers without a limit say 10**30
LONGEST_BELIEVED = 10_000_000


@dataclass(slots=True)
class LoadedCheckpoint:
    """A model in memory. ``model`` and ``tokenizer`` are transformers objects, without types.

    ``score_index`` is the output that is the score; ``None`` for a model that generates. The
    padded tokens of one pass are at most ``batch_tokens``, ``padding`` of them padding.
    """

    spec: CheckpointSpec
    model: Any
    tokenizer: Any
    max_length: int
    score_index: int | None
    batch_tokens: int
    batch_rows: int
    padding: float

    @property
    def device(self) -> torch.device:
        """Where the inputs go."""
        return input_device(self.model)

    @property
    def is_scoring(self) -> bool:
        """Whether it replies with a score of the conversation."""
        return self.score_index is not None


def load_checkpoint(spec: CheckpointSpec) -> LoadedCheckpoint:
    """Load ``spec``; raises CheckpointError when it cannot be found or used."""
    config = load_config(spec)
    tokenizer = load_tokenizer(spec)
    kind = "SequenceClassification" if _is_classifier(config) else "CausalLM"
    return prepare(spec, load_weights(spec, f"AutoModelFor{kind}"), tokenizer)


def prepare(spec: CheckpointSpec, model: Any, tokenizer: Any) -> LoadedCheckpoint:
    """Make a transformers model ready to be asked."""
    model.eval()
    if spec.chat_template:
        tokenizer.chat_template = spec.chat_template
    is_scoring = _is_classifier(model.config)
    if is_scoring:
        _set_padding(model, tokenizer)
    kind = input_device(model).type
    tokens, rows = CPU_BATCH if kind == "cpu" else GPU_BATCH
    if not is_scoring:
        rows = MOST_DECODED_ROWS["cpu" if kind == "cpu" else "cuda"]
    return LoadedCheckpoint(
        spec=spec,
        model=model,
        tokenizer=tokenizer,
        max_length=spec.max_length or _max_length(model.config, tokenizer),
        score_index=_score_index(spec, model.config) if is_scoring else None,
        batch_tokens=spec.batch_tokens or tokens,
        batch_rows=spec.batch_rows or rows,
        # rows that are decoded together share every step: the more the better
        padding=PASS_TOKENS["cpu" if kind == "cpu" else "cuda"] if is_scoring else inf,
    )


def _is_classifier(config: Any) -> bool:
    named = getattr(config, "architectures", None) or []
    return any("ForSequenceClassification" in name or "RewardModel" in name for name in named)


def _set_padding(model: Any, tokenizer: Any) -> None:
    """A causal classifier reads its score at the last token that is not padding."""
    if model.config.pad_token_id is not None:
        return
    padding = tokenizer.pad_token_id
    if padding is None or padding == tokenizer.eos_token_id:
        # the end token may well be the last real one, so another has to stand for padding
        padding = model.config.get_text_config().vocab_size - 1
    model.config.pad_token_id = padding


def _max_length(config: Any, tokenizer: Any) -> int:
    positions = getattr(config.get_text_config(), "max_position_embeddings", None) or 0
    believed = tokenizer.model_max_length or 0
    known = [int(n) for n in (positions, believed) if 0 < n < LONGEST_BELIEVED]
    return min(known, default=LONGEST_BELIEVED)


def _score_index(spec: CheckpointSpec, config: Any) -> int:
    names = {int(index): str(name) for index, name in config.id2label.items()}
    if len(names) == 1:
        return 0
    for index, name in names.items():
        if spec.label in (name, str(index)) and spec.label:
            return index
    raise CheckpointError(
        f"checkpoint {spec.checkpoint!r} has the outputs {', '.join(names.values())}; name the one "
        f"that is the score as the option label (it is {spec.label!r})"
    )
