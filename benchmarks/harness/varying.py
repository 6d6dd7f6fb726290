"""Changing the documents of an lm-eval task before its prompts are built."""

from __future__ import annotations

from typing import Any

from benchmarks.probes.variation import Variation
from benchmarks.suites_base import UnsuitableTaskError


def vary_documents(task: Any, variation: Variation) -> None:  # an lm_eval Task, which has no types
    """Exchange the rows of the split that is scored; few-shot examples come from another one."""
    import datasets

    config = task.config
    split = config.test_split or config.validation_split
    rows = task.dataset[split] if split and task.dataset is not None else None
    if not isinstance(rows, datasets.Dataset):
        raise UnsuitableTaskError("its documents are made by a program, so none can be changed")
    changed = [variation.document(row, index) for index, row in enumerate(rows)]
    task.dataset[split] = datasets.Dataset.from_list(changed, features=rows.features)
