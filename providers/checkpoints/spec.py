"""Which checkpoint is meant and how it is run; no torch here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from providers.base import EndpointConfig

PRECISIONS = ("auto", "fp32", "bf16", "fp16")
QUANTIZATIONS = ("", "8bit", "4bit")
# options of every kind of provider, which ``Caller`` reads
SHARED_OPTIONS = frozenset(
    {"limit_key", "longest_wait_s", "circuit_threshold", "circuit_cooldown_s"}
)


@dataclass(frozen=True, slots=True)
class CheckpointSpec:
    """A checkpoint in a folder or on a hub, as ``EndpointConfig.settings`` describe it.

    ``precision`` ``auto`` takes what the checkpoint was saved in. ``batch_tokens`` bounds the
    padded tokens of one forward pass and ``batch_rows`` its rows; 0 chooses by device. After
    ``idle_s`` seconds without a call the model gives its memory back.
    ``chat_template`` stands in for the tokenizer's. ``label`` names the output of a classifier
    with several. ``is_raw`` sends the messages' text as it stands, without a chat template.
    """

    checkpoint: str
    revision: str = "main"
    precision: str = "auto"
    device: str = ""
    device_map: str = ""
    quantization: str = ""
    tokenizer: str = ""
    chat_template: str = ""
    label: str = ""
    max_length: int = 0
    batch_tokens: int = 0
    batch_rows: int = 0
    idle_s: int = 600
    trust_remote_code: bool = False
    is_raw: bool = False


def spec_of(config: EndpointConfig) -> CheckpointSpec:
    """The checkpoint that an endpoint's model names; raises ValueError for a bad option."""
    options = {k: v for k, v in config.settings.items() if k not in SHARED_OPTIONS}
    chosen = str(options.pop("checkpoint", "") or config.model)
    known = {field.name: str(field.type) for field in fields(CheckpointSpec)}
    for name, value in options.items():
        if name not in known or name == "is_raw":
            options_there = ", ".join(sorted(set(known) - {"is_raw"}))
            raise ValueError(f"a local model has no option {name!r}; it has: {options_there}")
        if type(value).__name__ != known[name]:
            raise ValueError(f"option {name!r} is {value!r}; it must be of type {known[name]}")
    _require(options, "precision", PRECISIONS)
    _require(options, "quantization", QUANTIZATIONS)
    return CheckpointSpec(chosen, **options, is_raw=config.api == "completions")


def _require(options: Mapping[str, Any], name: str, choices: tuple[str, ...]) -> None:  # JSON
    if name in options and options[name] not in choices:
        known = ", ".join(choice or "none" for choice in choices)
        raise ValueError(f"{name} is {options[name]!r}; choose one of: {known}")
