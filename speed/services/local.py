"""A transformers model measured inside a process: no server, no network, a run like the others."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings

from speed.inprocess_child import LocalPlan
from speed.runner import LocalRun
from speed.services.driving import Driver
from speed.services.finishing import store_part
from speed.services.planning import check_local
from speed.spec import DEFAULT_REPEATS, PRECISIONS


def measure_locally(driver: Driver) -> None:
    """All batch sizes in one child, so that the model is loaded once."""
    spec, local = driver.spec, check_local(driver.spec)
    folder = driver.folder / "0"
    folder.mkdir(parents=True)
    plan = LocalPlan(
        folder=local.folder,
        batch_sizes=tuple(int(level) for level in spec.load.levels),
        settings={
            "prompt_tokens": int(spec.workload.options.get("input_tokens", 128)),
            "output_tokens": spec.workload.output_tokens or 128,
            "repeats": spec.load.requests or DEFAULT_REPEATS,
            "force_length": spec.workload.ignore_eos,
            "threads": local.threads,
            "seed": spec.seed,
        },
        output_path=str(folder / "run.stamps"),
        progress_path=str(folder / "progress"),
        device=local.device,
        precision=PRECISIONS[local.dtype],
        lease_s=settings.SPEED_MAX_DURATION_S,
    )
    with LocalRun(plan) as child:
        driver.follow(child)
    driver.parts += 1
    store_part(run=driver.run, part=0, path=Path(plan.output_path))
