"""Scoring conversations with a sequence classifier, many in one forward pass."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from providers.checkpoints.loading import LoadedCheckpoint


@torch.inference_mode()
def score_batch(loaded: LoadedCheckpoint, batch: Sequence[Sequence[int]]) -> list[float]:
    """The score (a logit) of each sequence of token ids.

    Padded on the right and masked, so that a score does not depend on its neighbours but for
    rounding.
    """
    model = loaded.model
    longest = max(len(ids) for ids in batch)
    padded = torch.full((len(batch), longest), model.config.pad_token_id, dtype=torch.long)
    mask = torch.zeros((len(batch), longest), dtype=torch.long)
    for row, ids in enumerate(batch):
        padded[row, : len(ids)] = torch.tensor(ids)
        mask[row, : len(ids)] = 1
    output = model(input_ids=padded.to(loaded.device), attention_mask=mask.to(loaded.device))
    scores: list[float] = output.logits[:, loaded.score_index].float().tolist()
    return scores
