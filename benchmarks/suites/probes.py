"""Probes of other tasks: ``shuffled@TASK``, ``redrawn@TASK`` and ``min_k@TASK``.

The first two ask a variant of the questions, so that the drop against the original shows how much
of a score hangs on having seen them. ``min_k`` asks how expected the questions' own texts are
(Min-K% Prob: W. Shi et al., "Detecting Pretraining Data from Large Language Models", 2024).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks.metrics.choices import min_k_percent
from benchmarks.probes.variation import VERSION
from benchmarks.suites import SUITES
from benchmarks.suites.presets import find
from benchmarks.suites_base import (
    PROBE_SEPARATOR,
    AskProtocol,
    ChatFormatter,
    Json,
    OpenTask,
    PreparedSample,
    Reason,
    RequestKind,
    Response,
    SampleRequest,
    SampleScore,
    TaskCard,
    TaskError,
    TaskOptions,
    TaskTree,
    UnsuitableTaskError,
)

VARIANTS = ("shuffled", "redrawn")
MIN_K = "min_k"
PROBES = (*VARIANTS, MIN_K)
# so many prompts are compared to find out whether a probe changes any
COMPARED = 25


class VariantTask:
    """A task whose questions are changed, scored by the task's own rules."""

    def __init__(self, name: str, inner: OpenTask, original: OpenTask) -> None:
        self.name, self.inner, self.original = name, inner, original
        self.primary_metric = inner.primary_metric
        self.is_thread_safe = getattr(inner, "is_thread_safe", False)

    def build(self, chat: ChatFormatter | None = None) -> list[PreparedSample]:
        samples = self.inner.build(chat)
        before = {sample.index: _asked(sample) for sample in self.original.build(chat)}
        compared = [sample for sample in samples if sample.index in before]
        if compared and all(_asked(sample) == before[sample.index] for sample in compared):
            raise UnsuitableTaskError(
                f"{self.name!r} would ask the very same prompts as the task itself: it shows no "
                "options, or none of its numbers can be written in another way"
            )
        return samples

    def score(
        self, index: int, sample: Mapping[str, Json], responses: Sequence[Response]
    ) -> SampleScore:
        return self.inner.score(index, sample, responses)

    def aggregate(self, metric: str, values: Sequence[Json]) -> tuple[float, float | None] | None:
        return self.inner.aggregate(metric, values)

    def identity(self) -> dict[str, Json]:
        return {**self.inner.identity(), "probe": VERSION}


class MinKTask:
    """Mean log-probability of the least expected fifth of each question's tokens, in nats.

    ``gap`` is that of the question less that of one with its options in another order or with
    other numbers: to a model that saw neither, both are as expected, and the mean gap is 0.
    """

    primary_metric = "min_k,none"

    def __init__(self, name: str, original: OpenTask, exchanged: OpenTask | None) -> None:
        self.name, self.original, self.exchanged = name, original, exchanged

    def build(self, chat: ChatFormatter | None = None) -> list[PreparedSample]:
        others = {}
        if self.exchanged is not None:
            others = {sample.index: _text(sample) for sample in self.exchanged.build()}
        samples = []
        for sample in self.original.build():
            texts = [_text(sample)]
            other = others.get(sample.index, texts[0])
            texts += [other] if other != texts[0] else []
            requests = tuple(SampleRequest(RequestKind.TOKENS, text) for text in texts)
            samples.append(replace(sample, requests=requests, target=None, choices=()))
        return samples

    def score(
        self, index: int, sample: Mapping[str, Json], responses: Sequence[Response]
    ) -> SampleScore:
        values = [min_k_percent(found.token_logprobs) for found in responses]
        if any(math.isnan(value) for value in values):
            return SampleScore({}, reasons=(Reason.EMPTY,))
        metrics: dict[str, Json] = {"min_k,none": values[0]}
        if len(values) > 1:
            metrics["gap,none"] = values[0] - values[1]
        return SampleScore(metrics)

    def aggregate(self, metric: str, values: Sequence[Json]) -> None:
        return None

    def identity(self) -> dict[str, Json]:
        return {**self.original.identity(), "probe": VERSION, "share": 0.2}


def _asked(sample: PreparedSample) -> set[tuple[str, str]]:
    """What is asked, in whatever order: choices that a prompt does not show have none."""
    return {(request.context, request.continuation) for request in sample.requests}


def _text(sample: PreparedSample) -> str:
    """The question as it is put without examples."""
    return sample.requests[0].context if sample.requests else ""


class ProbeSuite:
    def cards(self, home: Path | None) -> list[TaskCard]:
        return []  # one per task of all other suites: told on the page of every task instead

    def resolve(self, name: str, home: Path | None) -> TaskTree | None:
        kind, separator, below = name.partition(PROBE_SEPARATOR)
        if not separator or kind not in PROBES:
            return None
        _, found = find(below, home)

        def probed(names: Sequence[str]) -> tuple[str, ...]:
            return tuple(f"{kind}{PROBE_SEPARATOR}{part}" for part in names)

        return TaskTree(
            probed(found.tasks),
            {f"{kind}{PROBE_SEPARATOR}{g}": probed(parts) for g, parts in found.groups.items()},
            frozenset(probed(sorted(found.plain_groups))),
            dict(zip(probed(list(found.shots)), found.shots.values(), strict=True)),
        )

    def open(self, name: str, options: TaskOptions) -> OpenTask:
        kind, _, below = name.partition(PROBE_SEPARATOR)
        suite = SUITES.get(find(below, options.home)[0])
        few = replace(options, limit=_few(options.limit))
        if kind in VARIANTS:
            inner = suite.open(below, _varied(options, kind))
            return VariantTask(name, inner, suite.open(below, few))
        bare = replace(options, num_fewshot=0, protocol=AskProtocol.NATIVE, system_prompt="")
        try:
            exchanged = suite.open(below, _varied(bare, "exchanged"))
        except UnsuitableTaskError:
            return MinKTask(name, suite.open(below, bare), None)
        return MinKTask(name, suite.open(below, bare), exchanged)


def _varied(options: TaskOptions, kind: str) -> TaskOptions:
    return replace(options, settings={**options.settings, "variant": kind})


def _few(limit: float | None) -> float | None:
    return COMPARED if limit is None else limit if limit < 1 else min(limit, COMPARED)


def probe_kinds(names: Sequence[str]) -> tuple[str, ...]:
    """Checked names of probes; raises TaskError for an unknown one."""
    for name in names:
        if name not in PROBES:
            raise TaskError(f"there is no probe named {name!r}; use {', '.join(PROBES)}")
    return tuple(dict.fromkeys(names))


SUITES.register("probe")(ProbeSuite())
