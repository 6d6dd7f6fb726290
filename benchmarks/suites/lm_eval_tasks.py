"""Every task and group of lm-evaluation-harness."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from benchmarks.harness.catalogue import catalogue
from benchmarks.suites import SUITES
from benchmarks.suites_base import OpenTask, TaskCard, TaskError, TaskOptions, TaskTree


class LmEvalSuite:
    """lm-eval's definitions as they are."""

    def cards(self, home: Path | None) -> list[TaskCard]:
        if find_spec("lm_eval") is None:
            return []
        return [
            TaskCard(
                name=entry.name,
                suite="lm-eval",
                kind="task" if entry.kind == "task" else "group",
                description=entry.description,
                output_type=entry.output_type,
                dataset=entry.dataset,
                children=entry.children,
            )
            for entry in catalogue(home).entries.values()
        ]

    def resolve(self, name: str, home: Path | None) -> TaskTree | None:
        from benchmarks.harness.groups import SEPARATOR, tree

        if find_spec("lm_eval") is None:
            return None
        known = catalogue(home)
        if SEPARATOR in name and name.partition(SEPARATOR)[0] in known.entries:
            return TaskTree((name,))
        return tree(known, name) if name in known.entries else None

    def open(self, name: str, options: TaskOptions) -> OpenTask:
        if find_spec("lm_eval") is None:
            raise TaskError("lm-eval is not installed; install the extra 'benchmarks'")
        from benchmarks.harness.loading import load_task
        from benchmarks.harness.multiple_choice import open_harness_task
        from benchmarks.harness.varying import vary_documents
        from benchmarks.probes.variation import variation_of

        task = load_task(name, source=options.data, home=options.home)
        variation = variation_of(options.settings, options.seed)
        if variation is not None:
            vary_documents(task, variation)
        return open_harness_task(name, task, options)


SUITES.register("lm-eval")(LmEvalSuite())
