"""The highest load that holds an objective, each level measured as a part of the run."""

from __future__ import annotations

from dataclasses import replace

from speed.metrics.search import SloSearch
from speed.metrics.slo import Goodput, goodput, requests_needed
from speed.models import SpeedRun
from speed.services.comparing import open_timeline
from speed.services.driving import Driver
from speed.services.planning import resolve_sides


def search_highest(driver: Driver) -> None:
    """Climb, halve, ask again where in doubt; every trial and the answer end in the summary."""
    spec = driver.spec
    slo = spec.slo.slo()
    search = SloSearch(spec.load.levels[0], spec.highest, is_whole=spec.load.kind == "closed")
    sides = resolve_sides(spec)
    needed = requests_needed(slo.percent)
    trials: list[dict[str, object]] = []
    while (level := search.next_level()) is not None:
        if driver.stop_reason or driver.is_stop_wanted():
            break
        name = f"{level:g} #{len(trials) + 1}"
        phase = spec.load.phase(level, name=name)
        if phase.duration_s is None and (phase.requests or 0) < needed:
            # fewer requests could never prove the objective, however good every one of them is
            phase = replace(phase, requests=needed)
        part = driver.measure(sides, [phase])
        row = driver.run.phases.filter(stamps__part=part).select_related("stamps").first()
        if row is None:
            break
        result = goodput(open_timeline(row), slo)
        search.record(result.holds)
        trials.append(_trial(level, row.number, result))
    SpeedRun.objects.filter(pk=driver.run.pk).update(
        summary={"search": {"best": search.best, "trials": trials, "needed": needed}}
    )


def _trial(level: float, number: int, result: Goodput) -> dict[str, object]:
    return {
        "level": level,
        "phase": number,
        "holds": result.holds.value,
        "share": result.share,
        "share_lower": result.share_lower,
        "share_upper": result.share_upper,
        "good_per_s": result.good_per_s,
    }
