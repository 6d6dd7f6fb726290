"""Ratings from columns in memory, side by side with the packages people use, in one run.

    python -m venv yard
    yard/bin/pip install "numpy>=2" scipy pydantic choix scikit-learn arena-rank
    yard/bin/pip install plotly pytz tqdm psutil requests torch transformers
    yard/bin/pip install --no-deps fschat
    yard/bin/python tests/bench/ratings_speed.py [--battles 1000000] [--models 100]

A package that is missing is named and its rows are left out. Each timing is the best of
``--repeats``; our data columns and theirs are built before the clock starts, except arena-rank's
``from_pandas``, which is the only way into it and is timed apart. Behind each wall time stands the
processor time of all threads, which other work on the machine disturbs less. As in the program,
OpenBLAS gets one thread; what the others bring along (XLA) is left as it comes. Sizes are chosen
so that fschat's dense design matrix fits into memory (``--fschat-battles``).

Tolerances of the agreement checks, in points:
    choix          1e-4   ``choix.opt_pairwise`` minimises to its tol; fed the same win matrix
    arena-rank     0.05   L-BFGS stops at a relative change of 1e-9 of the mean loss; at a million
                          battles, in proportion more with fewer
    FastChat BT    0.5    sklearn's lbfgs stops at a gradient of 1e-4; C = 1 penalises ratings, as
                          does our convention "fastchat", which is what it is compared with
    FastChat Elo   0      the same arithmetic in the same order
"""

import argparse
import math
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from leaderboard.ratings import METHODS, Comparisons
from leaderboard.ratings.sufficient import LiveBradleyTerry

FEATURES = ("length", "headers", "lists", "bold")
OUTCOME_NAMES = np.array(["model_a", "model_b", "tie"])


def optional(name: str) -> ModuleType | None:
    """The module, or None with a line that says it is missing."""
    try:
        return import_module(name)
    except ImportError as missing:
        print(f"MISSING  {name}: {missing}; its rows are left out (see the top of this file)")
        return None


@dataclass(frozen=True, slots=True)
class Took:
    """Least wall and least processor seconds of some repeats."""

    wall: float
    processor: float

    def over(self, other: "Took") -> str:
        return (
            f"{self.wall / other.wall:.1f} × ours, "
            f"{self.processor / other.processor:.1f} × its processor time"
        )

    def __add__(self, other: "Took") -> "Took":
        return Took(self.wall + other.wall, self.processor + other.processor)


def best(repeats: int, work: Callable[[], Any]) -> tuple[Took, Any]:
    """Least times, and the last result."""
    wall, processor, result = math.inf, math.inf, None
    for _ in range(repeats):
        start, worked = time.perf_counter(), time.process_time()
        result = work()
        wall = min(wall, time.perf_counter() - start)
        processor = min(processor, time.process_time() - worked)
    return Took(wall, processor), result


def draw(n: int, m: int, seed: int = 0) -> Comparisons:
    """Battles with four style features a side, 20 % ties, some 20 per question and 5 per voter."""
    rng = np.random.default_rng(seed)
    a = rng.integers(0, m, n).astype(np.int32)
    b = ((a + rng.integers(1, m, n)) % m).astype(np.int32)
    amounts = np.asfortranarray(rng.lognormal(4, 0.7, size=(n, 8)).round())
    strength = rng.normal(0, 0.8, m)
    gap = (amounts[:, 0] - amounts[:, 1]) / (amounts[:, 0] + amounts[:, 1] + 1)
    chance = 1 / (1 + np.exp(strength[b] - strength[a] - 0.5 * gap))
    outcome = np.where(rng.random(n) < 0.2, 2, np.where(rng.random(n) < chance, 0, 1))
    return Comparisons(
        models=tuple(f"model-{i:03d}" for i in range(m)),
        model_a=a,
        model_b=b,
        outcome=outcome,
        question=rng.integers(0, max(n // 20, 1), n),
        voter=rng.integers(0, max(n // 5, 1), n),
        features=amounts,
        feature_names=tuple(f"{name}_{side}" for name in FEATURES for side in "ab"),
    )


def show(what: str, took: Took, note: str = "") -> None:
    times = f"{1000 * took.wall:>10.1f} ms {1000 * took.processor:>10.1f} ms"
    print(f"{what:<52} {times}  {note}", flush=True)


def ours(rows: Comparisons, repeats: int) -> dict[str, Took]:
    """Our own timings by name."""
    clustered = {"cluster": "question", "both_bad": "tie"}
    runs: dict[str, tuple[str, dict[str, Any]]] = {
        "BT + clustered sandwich": ("bradley_terry", clustered),
        "BT + independent sandwich": ("bradley_terry", {"cluster": "none"}),
        "BT + 100 clustered bootstraps": (
            "bradley_terry",
            {**clustered, "interval": "bootstrap", "rounds": 100},
        ),
        "BT + sandwich two-way (question and voter)": (
            "bradley_terry",
            {"cluster": "both", "both_bad": "tie"},
        ),
        "style control + clustered sandwich": ("style_control", clustered),
        "style control + independent sandwich": ("style_control", {"cluster": "none"}),
    }
    times = {}
    for name, (method, options) in runs.items():
        fit = METHODS.get(method).fit
        times[name], _ = best(repeats, lambda fit=fit, options=options: fit(rows, options))
        show(f"ours: {name}", times[name])
    live = LiveBradleyTerry.of(rows)
    live.ratings()

    def vote() -> None:
        live.add(rows.models[0], rows.models[1], 0)
        live.ratings()

    times["one more vote"], _ = best(5, vote)
    show("ours: one more vote on a live board", times["one more vote"])
    times["elo"], _ = best(1, lambda: METHODS.get("elo").fit(rows))
    show("ours: online Elo", times["elo"])
    return times


def against_choix(rows: Comparisons, repeats: int) -> None:
    choix = optional("choix")
    if choix is None:
        return
    from leaderboard.ratings.cells import HalfWins, PairTable

    points = HalfWins.of(PairTable.of(rows).weight, both_bad_is_tie=True).points
    m = rows.n_models
    seconds, theta = best(repeats, lambda: choix.ilsr_pairwise_dense(points, tol=1e-12))
    own = METHODS.get("bradley_terry").fit(rows, {"both_bad": "tie"}).rating
    gap = np.abs(own - (1000 + 400 / math.log(10) * (theta - theta.mean()))).max()
    show("choix: ilsr on a ready matrix", seconds, f"differs by {gap:.1e} points of 1e-4, m={m}")
    assert gap <= 1e-4, f"choix differs by {gap} points"


def against_arena_rank(rows: Comparisons, repeats: int, own: dict[str, Took]) -> None:
    if optional("arena_rank") is None:
        return
    import pandas as pd
    from arena_rank.models.bradley_terry import BradleyTerry
    from arena_rank.models.contextual_bradley_terry import ContextualBradleyTerry
    from arena_rank.utils.data_utils import ContextualPairDataset, PairDataset

    names, tolerance = np.array(rows.models), 0.05 * max(1.0, 1e6 / len(rows))
    frame = pd.DataFrame(
        {
            "model_a": names[rows.model_a],
            "model_b": names[rows.model_b],
            "winner": OUTCOME_NAMES[rows.outcome],
        }
    )
    for name in FEATURES:
        a, b = rows.feature(f"{name}_a"), rows.feature(f"{name}_b")
        frame[name] = (a - b) / np.where(a + b == 0, 1, a + b)
    load, data = best(1, lambda: PairDataset.from_pandas(frame))
    show("arena-rank: from_pandas", load)
    m = rows.n_models

    def plain() -> Any:
        model = BradleyTerry(m)  # a fitted one would return at once
        return model.compute_ratings_and_cis(data)["ratings"].block_until_ready()

    seconds, result = best(repeats, plain)
    fit = METHODS.get("bradley_terry").fit(rows, {"both_bad": "tie", "cluster": "none"})
    gap = np.abs(np.asarray(result) - fit.rating).max()
    whole = load + seconds
    clustered = own["BT + clustered sandwich"]
    show(
        "arena-rank: BT + sandwich (no clusters)",
        seconds,
        f"{seconds.over(clustered)}; differs by {gap:.1e} points of {tolerance:g}",
    )
    show("arena-rank: from_pandas + BT + sandwich", whole, whole.over(clustered))
    assert gap <= tolerance, f"arena-rank differs by {gap} points"
    load, data = best(1, lambda: ContextualPairDataset.from_pandas(frame, list(FEATURES)))
    show("arena-rank: contextual from_pandas", load)

    def contextual() -> Any:
        model = ContextualBradleyTerry(m, len(FEATURES))
        return model.compute_ratings_and_cis(data)["ratings"].block_until_ready()

    seconds, result = best(repeats, contextual)
    options = {"convention": "arena_rank", "both_bad": "tie", "cluster": "none"}
    gap = np.abs(np.asarray(result) - METHODS.get("style_control").fit(rows, options).rating).max()
    whole = load + seconds
    clustered = own["style control + clustered sandwich"]
    show(
        "arena-rank: style control + sandwich",
        seconds,
        f"{seconds.over(clustered)}; differs by {gap:.1e} points of {tolerance:g}",
    )
    show("arena-rank: from_pandas + style + sandwich", whole, whole.over(clustered))
    assert gap <= tolerance, f"arena-rank's style control differs by {gap} points"


def against_fastchat(rows: Comparisons) -> None:
    fastchat = optional("fastchat.serve.monitor.elo_analysis")
    if fastchat is None:
        return
    import pandas as pd

    names = np.array(rows.models)
    frame = pd.DataFrame(
        {
            "model_a": names[rows.model_a],
            "model_b": names[rows.model_b],
            "winner": OUTCOME_NAMES[rows.outcome],
        }
    )
    n = len(rows)
    seconds, theirs = best(1, lambda: fastchat.compute_elo(frame))
    fit = METHODS.get("elo").fit(rows)
    gap = max(abs(theirs[name] - fit.of(name)) for name in rows.models)
    show(f"FastChat: online Elo, {n:,} battles", seconds, f"differs by {gap} points of 0")
    assert gap == 0, f"FastChat's Elo differs by {gap} points"
    if optional("sklearn") is None:
        return
    seconds, theirs = best(1, lambda: fastchat.compute_elo_mle_with_tie(frame))
    bare = rows.replace(features=np.empty((n, 0)), feature_names=())
    own, fit = best(
        3, lambda: METHODS.get("style_control").fit(bare, {"both_bad": "tie", "cluster": "none"})
    )
    gap = max(abs(theirs[name] - fit.of(name)) for name in rows.models)
    show(f"FastChat: BT by scikit-learn, {n:,} battles", seconds, f"differs by {gap:.1e} of 0.5")
    show(f"ours: the same penalty, {n:,} battles", own)
    assert gap <= 0.5, f"FastChat's BT differs by {gap} points"


def growth(m: int, repeats: int) -> None:
    """Time per battle as the data grow."""
    for n in (1_000_000, 2_000_000, 5_000_000):
        rows = draw(n, m, seed=1)
        for method in ("bradley_terry", "style_control"):
            fit = METHODS.get(method).fit
            took, _ = best(repeats, lambda fit=fit, rows=rows: fit(rows, {"cluster": "question"}))
            note = f"{1e9 * took.processor / n:.0f} ns of processor a battle"
            show(f"ours: {method}, {n:,} battles", took, note)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--battles", type=int, default=1_000_000)
    parser.add_argument("--models", type=int, default=100)
    parser.add_argument("--fschat-battles", type=int, default=50_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--growth", action="store_true")
    given = parser.parse_args()
    rows = draw(given.battles, given.models)
    print(f"{given.battles:,} battles, {given.models} models, best of {given.repeats}")
    print(f"{'':<52} {'wall':>13} {'processor':>13}")
    times = ours(rows, given.repeats)
    bootstrap = times["BT + 100 clustered bootstraps"]
    for name in ("BT + clustered sandwich", "BT + independent sandwich"):
        ratio = bootstrap.processor / times[name].processor
        print(f"100 clustered bootstraps take the processor time of {ratio:.1f} fits of {name}")
    against_choix(rows, given.repeats)
    against_arena_rank(rows, given.repeats, times)
    against_fastchat(draw(given.fschat_battles, min(given.models, 20)))
    if given.growth:
        growth(given.models, given.repeats)


if __name__ == "__main__":
    main()
