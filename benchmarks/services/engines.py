"""Loaded models of this process: kept between runs of the same model, given back for another.

A process has one turn to give at its accelerator. Whoever works on local runs holds it, so two
threads never use one model, and loading a second model never takes the first from under a run.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import Lock, RLock, Timer
from typing import TYPE_CHECKING

from benchmarks.engine.spec import model_spec
from benchmarks.services.libraries import import_libraries
from benchmarks.suites_base import Json

if TYPE_CHECKING:
    from benchmarks.engine.local import LocalEngine

logger = logging.getLogger(__name__)
_TURN = Lock()
_LOCK = RLock()
_loaded: dict[str, LocalEngine] = {}
_timers: list[Timer] = []


@contextmanager
def turn_at_accelerator(*, waits: bool = False) -> Iterator[bool]:
    """Whether the block has this process's turn; False when another thread has it.

    ``waits`` until the other is done, for a caller that has nothing else to do.
    """
    is_mine = _TURN.acquire(blocking=waits)
    try:
        yield is_mine
    finally:
        if is_mine:
            _TURN.release()


def engine_for(model_args: Mapping[str, Json]) -> LocalEngine:
    """The engine of a checkpoint; loading one gives the memory of any other back first."""
    key = _key(model_args)
    with _LOCK:
        if key not in _loaded:
            release_engines()
            import_libraries()
            _use_all_cores()
            from benchmarks.engine.loading import load_model
            from benchmarks.engine.local import LocalEngine

            spec = model_spec(_spread(model_args))
            logger.info("loading %s (%s)", spec.checkpoint, spec.precision)
            _loaded[key] = LocalEngine(load_model(spec))
        return _loaded[key]


def _key(model_args: Mapping[str, Json]) -> str:
    return json.dumps(dict(model_args), sort_keys=True)


def _spread(model_args: Mapping[str, Json]) -> dict[str, Json]:
    """A worker that was given several GPUs spreads a model over them unless the run says where."""
    import torch

    spread = dict(model_args)
    if torch.cuda.device_count() > 1 and not (spread.get("device_map") or spread.get("device")):
        spread["device_map"] = "auto"
    return spread


def _use_all_cores() -> None:
    """The supervisor holds the numerical libraries of its workers to one thread; a model that runs
    on the processor needs the others too. ``BENCHMARK_THREADS`` says how many."""
    import torch

    wanted = os.environ.get("BENCHMARK_THREADS", "")
    torch.set_num_threads(int(wanted) if wanted else len(os.sched_getaffinity(0)))


def release_engines() -> None:
    """Give back the memory of every loaded model."""
    with _LOCK:
        for engine in _loaded.values():
            engine.close()
        _loaded.clear()


def release_later(after_s: float) -> None:
    """Give the memory back after so long a time without work; asked again, the time begins anew."""
    with _LOCK:
        while _timers:
            _timers.pop().cancel()
        if _loaded:
            timer = Timer(after_s, release_if_idle)
            timer.daemon = True
            timer.start()
            _timers.append(timer)


def release_if_idle() -> bool:
    """Give the memory back unless somebody is at work; True when it was."""
    with turn_at_accelerator() as is_mine:
        if is_mine:
            release_engines()
        return is_mine


def is_loaded(model_args: Mapping[str, Json]) -> bool:
    """Whether this process holds the model, loaded in just this way."""
    return _key(model_args) in _loaded


def loaded_checkpoint() -> str:
    """Which checkpoint this process holds, or an empty string."""
    return next((str(json.loads(key)["checkpoint"]) for key in list(_loaded)), "")
