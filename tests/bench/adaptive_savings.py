"""Calls that adaptive spending saves against judging everything, simulated on complete verdicts.

    python -m tests.bench.adaptive_savings [--json]

For each data set the adaptive run is asked for the full run's own widest interval, loosened by a
tenth, and, as the cheaper goal, for the order only. Told are the share of calls it made, whether
the models that the full run separates are in its order, both widest intervals in rating points, and
the widest interval of as many verdicts drawn at random.
"""

import argparse
import json

import numpy as np

from judging.adaptive import POINTS_PER_LOGIT, Goal, Verdicts, fit_strengths
from judging.adaptive.looks import Z_95
from tests.judging.adaptive.stored import demo_verdicts, invented_verdicts, simulate

LOOSE = 1.1
DATA = {
    "the demo: 5 models, 64 questions": demo_verdicts,
    "6 models, 100 questions": lambda: invented_verdicts(6, 100, seed=4),
    "10 models, 100 questions": lambda: invented_verdicts(10, 100, seed=2),
    "10 close models, 100 questions": lambda: invented_verdicts(10, 100, spread=0.4, seed=6),
}


def widest(strengths):
    """Half the widest 95 % interval of a gap, in points."""
    return float(Z_95 * POINTS_PER_LOGIT * strengths.gap_deviations().max())


def is_same_order(full, other):
    gaps = full.logits[:, None] - full.logits[None, :]
    own = other.logits[:, None] - other.logits[None, :]
    is_separated = np.abs(gaps) > Z_95 * full.gap_deviations()
    return bool((np.sign(gaps) == np.sign(own))[is_separated].all())


def measure(rows, n_models, goal):
    full = fit_strengths(Verdicts.of(rows), n_models)
    asked, looks = simulate(rows, n_models, goal(full))
    adaptive = fit_strengths(Verdicts.of(asked), n_models)
    drawn = np.random.default_rng(1).permutation(len(rows))[: len(asked)]
    random = fit_strengths(Verdicts.of([rows[place] for place in drawn]), n_models)
    return {
        "calls": len(asked) / len(rows),
        "is_same_order": is_same_order(full, adaptive),
        "widest_full": widest(full),
        "widest_adaptive": widest(adaptive),
        "widest_random": widest(random),
        "looks": len(looks),
    }


GOALS = {
    "interval": lambda full: Goal(LOOSE * widest(full), stop_at_order=False),
    "order": lambda full: Goal(LOOSE * widest(full)),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    told = {
        f"{name}, {goal}": measure(*make(), GOALS[goal])
        for name, make in DATA.items()
        for goal in GOALS
    }
    if options.json:
        print(json.dumps(told))
        return
    print(f"{'':44} {'calls':>6} {'order':>6} {'full':>6} {'adaptive':>9} {'random':>7}")
    for name, row in told.items():
        order = "same" if row["is_same_order"] else "OTHER"
        print(
            f"{name:44} {row['calls']:6.0%} {order:>6} {row['widest_full']:6.0f} "
            f"{row['widest_adaptive']:9.0f} {row['widest_random']:7.0f}"
        )


if __name__ == "__main__":
    main()
