"""Needle in a haystack: one fact inside a long text, by length and depth.

The score is RULER's (share of the reference found); the grid of lengths and depths is the field's
usual one, so no judge is needed.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.harness.task import reasons_of
from benchmarks.metrics.text import reference_share
from benchmarks.suites import SUITES
from benchmarks.suites_base import (
    ChatFormatter,
    Json,
    OpenTask,
    PreparedSample,
    RequestKind,
    Response,
    SampleRequest,
    SampleScore,
    TaskCard,
    TaskOptions,
    TaskTree,
    limited,
)

LENGTHS = (1000, 2000, 4000, 8000, 16_000, 32_000)
DEPTHS = (0, 25, 50, 75, 100)
# English runs at about three quarters of a word per token in today's vocabularies
WORDS_PER_TOKEN = 0.75
PLACES = ("harbour", "library", "station", "museum", "bakery", "orchard", "lighthouse", "mill")
SUBJECTS = ("The gardener", "A neighbour", "The captain", "Her cousin", "An old friend")
VERBS = ("watered", "described", "painted", "repaired", "remembered", "measured")
OBJECTS = ("the low wall", "a wooden boat", "the quiet street", "two copper bells", "the map")
ENDS = ("before noon", "in late autumn", "after the rain", "without a word", "near the bridge")


class NeedleTask:
    """``lengths`` in tokens (estimated by words) and ``depths`` in percent form the grid."""

    primary_metric = "found,none"

    def __init__(self, name: str, options: TaskOptions) -> None:
        self.name, self.options = name, options
        self.lengths = [int(n) for n in options.settings.get("lengths") or LENGTHS]
        self.depths = [float(d) for d in options.settings.get("depths") or DEPTHS]
        self.repeats = int(options.settings.get("repeats") or 1)

    def build(self, chat: ChatFormatter | None = None) -> list[PreparedSample]:
        cells = [(n, d, r) for n in self.lengths for d in self.depths for r in range(self.repeats)]
        count = limited(len(cells), self.options.limit)
        return [self._sample(index, *cell, chat) for index, cell in enumerate(cells[:count])]

    def _sample(
        self, index: int, length: int, depth: float, repeat: int, chat: ChatFormatter | None
    ) -> PreparedSample:
        rng = random.Random(f"{self.options.seed} {length} {depth} {repeat}")
        place, number = rng.choice(PLACES), str(rng.randrange(100_000, 1_000_000))
        text = _haystack(rng, int(length * WORDS_PER_TOKEN))
        text.insert(round(len(text) * depth / 100), f"The number of the {place} is {number}.")
        question = f"What is the number of the {place}? Answer with the number only."
        body = " ".join(text)
        content = f"Read the text and answer the question after it.\n\n{body}\n\n{question}"
        messages = ({"role": "user", "content": content},)
        context = chat(messages) if chat else f"{content}\nAnswer:"
        decoding = {"max_tokens": 32, "temperature": 0.0, "stop": [], **self.options.generation}
        return PreparedSample(
            index=index,
            requests=(
                SampleRequest(
                    RequestKind.GENERATION, context, decoding=decoding, messages=messages
                ),
            ),
            target=[number],
            doc={"question": question, "length": length, "depth": depth},
            category=f"{length}",
        )

    def score(
        self, index: int, sample: Mapping[str, Json], responses: Sequence[Response]
    ) -> SampleScore:
        text = responses[0].text
        found = {"found,none": reference_share(text, sample["target"])}
        return SampleScore(found, text.strip()[:100], reasons_of(responses, text))

    def aggregate(self, metric: str, values: Sequence[Json]) -> None:
        return None

    def identity(self) -> dict[str, Json]:
        return {"version": 1, "lengths": self.lengths, "depths": self.depths,
                "repeats": self.repeats, "seed": self.options.seed}  # fmt: skip


def _haystack(rng: random.Random, words: int) -> list[str]:
    sentences: list[str] = []
    count = 0
    while count < words:
        parts = (rng.choice(SUBJECTS), rng.choice(VERBS), rng.choice(OBJECTS), rng.choice(ENDS))
        sentences.append(" ".join(parts) + ".")
        count += len(sentences[-1].split())
    return sentences


class NeedleSuite:
    def cards(self, home: Path | None) -> list[TaskCard]:
        return [TaskCard("needle_haystack", "needle", title="Needle in a haystack",
                         description="One fact in a long text, by length and depth",
                         output_type="generate_until")]  # fmt: skip

    def resolve(self, name: str, home: Path | None) -> TaskTree | None:
        return TaskTree((name,)) if name == "needle_haystack" else None

    def open(self, name: str, options: TaskOptions) -> OpenTask:
        return NeedleTask(name, options)


SUITES.register("needle")(NeedleSuite())
