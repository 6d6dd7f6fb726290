"""Loaded models of this process: kept between runs of the same model, given back for another."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from threading import RLock
from typing import TYPE_CHECKING

from benchmarks.engine.spec import model_spec
from benchmarks.suites_base import Json

if TYPE_CHECKING:
    from benchmarks.engine.local import LocalEngine

logger = logging.getLogger(__name__)
_LOCK = RLock()
_loaded: dict[str, LocalEngine] = {}


def engine_for(model_args: Mapping[str, Json]) -> LocalEngine:
    """The engine of a checkpoint; loading one gives the memory of any other back first."""
    key = json.dumps(dict(model_args), sort_keys=True)
    with _LOCK:
        if key not in _loaded:
            release_engines()
            from benchmarks.engine.loading import load_model
            from benchmarks.engine.local import LocalEngine

            spec = model_spec(model_args)
            logger.info("loading %s (%s)", spec.checkpoint, spec.precision)
            _loaded[key] = LocalEngine(load_model(spec))
        return _loaded[key]


def release_engines() -> None:
    """Give back the memory of every loaded model."""
    with _LOCK:
        for engine in _loaded.values():
            engine.close()
        _loaded.clear()


def loaded_checkpoint() -> str:
    """Which checkpoint this process holds, or an empty string."""
    with _LOCK:
        return next((str(json.loads(key)["checkpoint"]) for key in _loaded), "")
