"""Complete sets of verdicts from which an adaptive run can be simulated."""

import json
from itertools import combinations
from pathlib import Path

import numpy as np

from judging.adaptive import (
    Candidates,
    Verdicts,
    batch_size,
    choose_judgments,
    fit_strengths,
    look_at,
)

DEMO = Path(__file__).parents[3] / "arena" / "demo" / "verdicts.jsonl"
SHARES = {"A>>B": 1.0, "A>B": 1.0, "A=B": 0.5, "B>A": 0.0, "B>>A": 0.0}


def demo_verdicts():
    """The demo's verdicts: every pair of five models on 64 questions in both orders."""
    rows = [json.loads(line) for line in DEMO.read_text(encoding="utf-8").splitlines()]
    rows = [row for row in rows if row["verdict"] in SHARES]
    models = sorted({row[side] for row in rows for side in ("model_a", "model_b")})
    questions = sorted({row["question_id"] for row in rows})
    found = []
    for row in rows:
        shown_first = SHARES[row["verdict"]]
        found.append(
            (
                questions.index(row["question_id"]),
                models.index(row["model_a"]),
                models.index(row["model_b"]),
                row["game"],
                shown_first if row["game"] == 1 else 1 - shown_first,
            )
        )
    return found, len(models)


def invented_verdicts(n_models, n_questions, *, spread=1.0, seed=0):
    """Strengths from -spread to spread; on each question every answer is better or worse."""
    draw = np.random.default_rng(seed)
    strengths = np.linspace(-spread, spread, n_models)
    found = []
    for question in range(n_questions):
        quality = strengths + draw.standard_normal(n_models)
        for a, b in combinations(range(n_models), 2):
            wins = 1 / (1 + np.exp(-4 * (quality[a] - quality[b])))
            for game in (1, 2):
                found.append((question, a, b, game, float(draw.random() < wins)))
    return found, n_models


def simulate(rows, n_models, goal, seed=0):
    """Judge adaptively by looking verdicts up; the rows that were asked for, and the looks."""
    left, asked, looks = list(range(len(rows))), [], []
    while left:
        judged = Verdicts.of([rows[place] for place in asked])
        strengths = fit_strengths(judged, n_models)
        looks.append(look_at(strengths, goal, len(asked)))
        if asked and looks[-1].is_reached:
            break
        chosen = choose_judgments(
            strengths,
            judged,
            Candidates.of([rows[place][:4] for place in left]),
            open_gaps=list(looks[-1].open_gaps),
            size=batch_size(len(rows), len(asked)),
            seed=seed,
        )
        asked += [left[position] for position in chosen]
        left = [place for position, place in enumerate(left) if position not in set(chosen)]
    return [rows[place] for place in asked], looks
