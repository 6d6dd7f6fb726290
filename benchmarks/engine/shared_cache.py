"""Keys and values of a prefix, used by many batches without being copied into each."""

from __future__ import annotations

import inspect
from typing import Any, cast

import torch
from transformers.cache_utils import Cache, DynamicCache, DynamicLayer


class SharedPrefixLayer(DynamicLayer):  # type: ignore[no-untyped-call]  # untyped in transformers
    """A layer that shows the prefix before the new tokens and keeps only the prefix.

    What a batch adds is joined for its own attention and freed after it, so that a batch needs
    memory for one layer's joined keys and not for all layers'.
    """

    def __init__(self, keys: torch.Tensor, values: torch.Tensor) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # untyped in transformers
        self.keys, self.values = keys, values
        self.prefix = (keys, values)
        self.dtype, self.device = keys.dtype, keys.device
        self.is_initialized = True

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *_: object, **__: object
    ) -> tuple[torch.Tensor, torch.Tensor]:
        rows = key_states.shape[0]
        keys, values = self.prefix
        return (
            torch.cat([keys.expand(rows, -1, -1, -1), key_states], dim=-2),
            torch.cat([values.expand(rows, -1, -1, -1), value_states], dim=-2),
        )


KeysAndValues = list[tuple[torch.Tensor, torch.Tensor]]


def shared_cache(prefix: KeysAndValues) -> Cache:
    """A cache that puts ``prefix`` (one row per layer) before any number of rows."""
    return Cache(layers=[SharedPrefixLayer(keys, values) for keys, values in prefix])


def growing_cache(prefix: KeysAndValues | None) -> DynamicCache:
    """A cache that starts with ``prefix`` and keeps what is added."""
    cache = DynamicCache()
    for index, (keys, values) in enumerate(prefix or []):
        cache.update(keys, values, index)
    return cache


def cache_option(model: Any, cache: Cache | None) -> dict[str, Any]:
    """The cache under the name that the model's forward gives it.

    transformers 5.24 renamed ``past_key_values``; code that comes with a checkpoint may be older.
    """
    name = "cache" if "cache" in inspect.signature(model.forward).parameters else "past_key_values"
    return {name: cache, "use_cache": cache is not None}


def keys_and_values(cache: DynamicCache) -> KeysAndValues:
    """What a growing cache holds, layer by layer."""
    layers = cast("list[DynamicLayer]", cache.layers)
    return [
        (layer.keys, layer.values)
        for layer in layers
        if layer.keys is not None and layer.values is not None
    ]
