"""How much memory a checkpoint's weights take, read from its folder without loading it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from benchmarks.suites_base import Json

WEIGHTS = ("*.safetensors", "*.bin", "*.pt", "*.pth")
BYTES = {"fp32": 4.0, "bf16": 2.0, "fp16": 2.0, "8bit": 1.0, "4bit": 0.5}
STORED = {"float32": 4.0, "bfloat16": 2.0, "float16": 2.0}
# weights take their size; a few percent more go to buffers and the first activations
HEADROOM = 1.08


def memory_needed_bytes(model_args: Mapping[str, Json]) -> int | None:
    """Of the weights as they will be loaded; None for a checkpoint that is not on this machine."""
    folder = Path(str(model_args.get("checkpoint", "")))
    if not folder.is_dir():
        return None
    kinds = (list(folder.glob(pattern)) for pattern in WEIGHTS)
    # a folder may hold the same weights in two formats
    files = next((found for found in kinds if found), [])
    stored = sum(file.stat().st_size for file in files)
    wanted = str(model_args.get("quantization") or model_args.get("precision") or "auto")
    factor = BYTES[wanted] / _stored_bytes(folder) if wanted in BYTES else 1.0
    return int(stored * factor * HEADROOM) if stored else None


def _stored_bytes(folder: Path) -> float:
    """Per weight, by the checkpoint's own configuration."""
    try:
        found = json.loads((folder / "config.json").read_text())
    except (OSError, ValueError):
        return 2.0
    name = str(found.get("dtype") or found.get("torch_dtype") or "")
    return STORED.get(name, 2.0)
