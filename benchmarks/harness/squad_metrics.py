"""SQuAD's metrics under the name that lm-eval's tasks import them by.

ReCoRD, CoQA, XQuAD and others import ``transformers.data.metrics.squad_metrics``, which
transformers 5 has no more. Same functions, same arguments (Rajpurkar et al., SQuAD 2.0's script).
"""

from __future__ import annotations

import sys
from collections import Counter
from importlib.util import find_spec
from types import ModuleType

from benchmarks.metrics.text import normalise_answer as normalize_answer

PACKAGE = "transformers.data.metrics"


def get_tokens(text: str) -> list[str]:
    return normalize_answer(text).split()


def compute_exact(a_gold: str, a_pred: str) -> int:
    return int(normalize_answer(a_gold) == normalize_answer(a_pred))


def compute_f1(a_gold: str, a_pred: str) -> float:
    """Of two empty answers 1, of one 0."""
    wanted, given = get_tokens(a_gold), get_tokens(a_pred)
    if not wanted or not given:
        return float(wanted == given)
    shared = sum((Counter(wanted) & Counter(given)).values())
    return 2 * shared / (len(wanted) + len(given))


def provide_squad_metrics() -> None:
    """Let tasks import what their version of transformers still had."""
    if PACKAGE in sys.modules or find_spec(PACKAGE) is not None:
        return
    package = ModuleType(PACKAGE)
    package.squad_metrics = sys.modules[__name__]  # type: ignore[attr-defined]  # a module made here
    sys.modules[PACKAGE] = package
    sys.modules[f"{PACKAGE}.squad_metrics"] = sys.modules[__name__]
