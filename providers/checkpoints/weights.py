"""A model's weights and tokenizer in memory: which precision, where they lie, what is missing."""

from __future__ import annotations

import json
from importlib import import_module
from typing import Any, Protocol

import torch

DTYPES: dict[str, Any] = {  # a torch type, or the word that transformers takes
    "auto": "auto",
    "fp32": torch.float32,
    "bf16": torch.bfloat16,
    "fp16": torch.float16,
}
NAMED_MISSING = 3


class CheckpointError(ValueError):
    """A checkpoint that cannot be used as it was asked to; the sentence says what to change."""


class WeightsSpec(Protocol):
    """What says which weights are meant and how they are loaded; docs/providers.md explains it."""

    @property
    def checkpoint(self) -> str:
        """A folder or a hub id."""

    @property
    def revision(self) -> str:
        """Of a hub id."""

    @property
    def precision(self) -> str:
        """A name of ``DTYPES``."""

    @property
    def device(self) -> str:
        """Where all of it goes; empty for the GPU, else the CPU."""

    @property
    def device_map(self) -> str:
        """A strategy of transformers, or a map of modules as JSON."""

    @property
    def quantization(self) -> str:
        """``8bit``, ``4bit`` or empty."""

    @property
    def tokenizer(self) -> str:
        """Empty for the checkpoint's own."""

    @property
    def trust_remote_code(self) -> bool:
        """Whether code of the checkpoint may run."""


def load_config(spec: WeightsSpec) -> Any:  # a transformers configuration
    return _from_pretrained(spec, "AutoConfig", spec.checkpoint, {})


def load_tokenizer(spec: WeightsSpec) -> Any:  # a transformers tokenizer
    return _from_pretrained(spec, "AutoTokenizer", spec.tokenizer or spec.checkpoint, {})


def load_weights(spec: WeightsSpec, kind: str) -> Any:  # a transformers model
    """The model of the class ``kind``, where ``spec`` wants it.

    Raises CheckpointError when it cannot be loaded; a checkpoint without some of the model's
    weights is refused too, which transformers would fill with random numbers.
    """
    options: dict[str, Any] = {"dtype": DTYPES[spec.precision], "output_loading_info": True}
    if spec.quantization:
        options["quantization_config"] = _quantization(spec.quantization)
    if spec.device_map:
        options["device_map"] = read_device_map(spec.device_map)
    model, info = _from_pretrained(spec, kind, spec.checkpoint, options)
    _require_weights(spec, model, info)
    # what is spread lies where it was put, and so does a checkpoint that is quantised already
    if not spec.device_map and not getattr(model, "is_quantized", False):
        model = model.to(spec.device or ("cuda" if torch.cuda.is_available() else "cpu"))
    return model


def _from_pretrained(spec: WeightsSpec, kind: str, name: str, options: dict[str, Any]) -> Any:
    loader: Any = getattr(import_module("transformers"), kind)
    try:
        return loader.from_pretrained(
            name, revision=spec.revision, trust_remote_code=spec.trust_remote_code, **options
        )
    except ModuleNotFoundError as error:
        reason = (
            f"it needs the package {error.name}, which is not installed; pip install {error.name}"
        )
    except (OSError, ValueError, ImportError) as error:
        reason = str(error)
    raise CheckpointError(f"checkpoint {name!r} cannot be loaded: {reason}") from None


def _quantization(name: str) -> Any:  # a transformers configuration object
    configuration: Any = import_module("transformers").BitsAndBytesConfig
    if name == "8bit":
        return configuration(load_in_8bit=True)
    return configuration(load_in_4bit=True, bnb_4bit_compute_dtype=torch.bfloat16)


def _require_weights(spec: WeightsSpec, model: Any, info: dict[str, Any]) -> None:
    parameters = {name for name, _ in model.named_parameters()}
    missing = sorted(parameters & set(info["missing_keys"]))
    if missing:
        more = f" and {len(missing) - NAMED_MISSING} more" if len(missing) > NAMED_MISSING else ""
        raise CheckpointError(
            f"checkpoint {spec.checkpoint!r} lacks weights that {type(model).__name__} needs: "
            f"{', '.join(missing[:NAMED_MISSING])}{more}; its files are incomplete, or "
            "are those of another kind of model"
        )


def read_device_map(text: str) -> str | dict[str, Any]:
    """A strategy's name as it is, a map of modules from its JSON; raises CheckpointError."""
    if not text.lstrip().startswith("{"):
        return text
    try:
        found: dict[str, Any] = json.loads(text)
    except ValueError as error:
        raise CheckpointError(
            f"device_map {text!r} is not valid JSON ({error}); give auto, balanced, sequential or "
            'a map such as {"": "cpu"}'
        ) from error
    return found


def input_device(model: Any) -> torch.device:  # a transformers model
    """Where token ids go: to the embedding, or to the device that runs what is kept on disk."""
    device: torch.device = model.get_input_embeddings().weight.device
    if device.type != "meta":
        return device
    places = getattr(model, "hf_device_map", {}).values()
    return torch.device(next((place for place in places if place not in ("cpu", "disk")), "cpu"))


def end_tokens(model: Any, tokenizer: Any) -> frozenset[int]:  # transformers objects
    """Every token that ends a reply, by the tokenizer and by the model's own settings."""
    settings = getattr(model, "generation_config", None)
    named = getattr(settings, "eos_token_id", None)
    ids = [tokenizer.eos_token_id, *(named if isinstance(named, list) else [named])]
    return frozenset(int(token) for token in ids if token is not None)
