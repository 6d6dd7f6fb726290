"""Which checkpoint is meant, and how it is to be loaded; no torch here."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal, cast, get_args

from providers.checkpoints.spec import QUANTIZATIONS

Precision = Literal["fp32", "bf16", "fp16", "auto"]
PRECISIONS: tuple[Precision, ...] = get_args(Precision)
_ALIASES = {
    "float32": "fp32",
    "bfloat16": "bf16",
    "float16": "fp16",
    "torch.float32": "fp32",
    "torch.bfloat16": "bf16",
    "torch.float16": "fp16",
}
_NAME_ALIASES = {"pretrained": "checkpoint", "model": "checkpoint", "dtype": "precision"}


class ModelArgsError(ValueError):
    """Model arguments that cannot be used."""


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """A checkpoint on disk or on a hub.

    ``precision`` ``auto`` takes what the checkpoint was saved in. ``device_map`` (``auto``,
    ``balanced``…, or a map of modules as JSON) spreads the model over several accelerators, memory
    and disk. ``token_budget`` 0 lets the engine choose from the memory that is free.
    """

    checkpoint: str
    revision: str = "main"
    precision: Precision = "auto"
    device: str = ""
    device_map: str = ""
    quantization: str = ""
    tokenizer: str = ""
    add_bos_token: bool | None = None
    max_length: int = 0
    token_budget: int = 0
    trust_remote_code: bool = False
    think_end: str = ""

    def __post_init__(self) -> None:
        if self.precision not in PRECISIONS:
            raise ModelArgsError(
                f"precision {self.precision!r} is unknown; use one of {', '.join(PRECISIONS)}"
            )
        if self.quantization not in QUANTIZATIONS:
            raise ModelArgsError(f"quantization {self.quantization!r} is unknown; use 8bit or 4bit")

    def as_dict(self) -> dict[str, Any]:  # JSON for a row
        return asdict(self)


def model_spec(values: Mapping[str, Any]) -> ModelSpec:  # from JSON or a command line
    """A spec from loosely typed values, in llmuses' and lm-eval's spellings too."""
    known = {field.name: field for field in fields(ModelSpec)}
    made: dict[str, Any] = {}
    for given, value in values.items():
        name = _NAME_ALIASES.get(given, given)
        if name not in known:
            raise ModelArgsError(
                f"model argument {given!r} is unknown; known are: {', '.join(sorted(known))}"
            )
        made[name] = _converted(name, value)
    if not made.get("checkpoint"):
        raise ModelArgsError("no checkpoint is given; name a local folder or a hub id")
    return ModelSpec(**made)


def _converted(name: str, value: Any) -> Any:
    if name == "precision":
        return cast(Precision, _ALIASES.get(str(value), str(value)))
    if name == "device_map" and isinstance(value, Mapping):
        return json.dumps(value)
    if name in ("max_length", "token_budget"):
        try:
            return int(value)
        except ValueError as error:
            raise ModelArgsError(f"{name} is {value!r}; give a whole number") from error
    if name in ("add_bos_token", "trust_remote_code") and isinstance(value, str):
        if value.lower() not in ("true", "false"):
            raise ModelArgsError(f"{name} is {value!r}; give true or false")
        return value.lower() == "true"
    return value


def saved_precision(spec: ModelSpec) -> str:
    """The precision that ``auto`` will mean, from a checkpoint on disk; ``auto`` where unknown."""
    settings = Path(spec.checkpoint) / "config.json"
    if spec.precision != "auto" or not settings.is_file():
        return spec.precision
    values = json.loads(settings.read_text())
    name = str(values.get("dtype") or values.get("torch_dtype") or "")
    return _ALIASES.get(name, name) or spec.precision


def parse_pairs(text: str) -> dict[str, Any]:
    """``a=1,b=two`` as a mapping, or a JSON object, whose values may hold commas."""
    if text.lstrip().startswith("{"):
        try:
            found: dict[str, Any] = json.loads(text)
        except ValueError as error:
            raise ModelArgsError(f"{text!r} is not a JSON object ({error})") from error
        return found
    pairs: dict[str, str] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, sign, value = part.partition("=")
        if not sign:
            raise ModelArgsError(f"{part!r} is not of the form name=value")
        pairs[name.strip()] = value.strip()
    return pairs
