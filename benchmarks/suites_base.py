"""What a suite is: it lists tasks, builds their samples, and scores what came back.

A task is built once, when a run is prepared: its prompts are stored on rows before any sharding,
so a score cannot depend on how many workers share them. Scoring takes one sample at a time.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol, TypeAlias, runtime_checkable

Json: TypeAlias = Any  # what the json module reads: the shape differs per task
# between a probe and the task it probes: redrawn@mmlu
PROBE_SEPARATOR = "@"


class RequestKind(StrEnum):
    LIKELIHOOD = "likelihood"
    ROLLING = "rolling"
    GENERATION = "generation"
    LETTERS = "letters"
    TOKENS = "tokens"


# what needs the log-probabilities of given texts, which chat endpoints do not tell
LIKELIHOOD_KINDS = frozenset({RequestKind.LIKELIHOOD, RequestKind.ROLLING, RequestKind.TOKENS})


class AskProtocol(StrEnum):
    """How a task is asked. ``NATIVE`` is as its definition says.

    ``GENERATION`` turns a multiple-choice task into a question whose answer is read for a letter;
    ``LETTERS`` reads the letter from the first token's top log-probabilities, an approximation.
    """

    NATIVE = "native"
    GENERATION = "generation"
    LETTERS = "letters"


class Reason(StrEnum):
    """Why a sample deserves a second look."""

    INVALID = "invalid"
    TRUNCATED = "truncated"
    EMPTY = "empty"
    TIED = "tied"
    BOUNDARY_MERGE = "boundary_merge"
    PROMPT_CUT = "prompt_cut"


class TaskError(ValueError):
    """A task that cannot be built: unknown, unsuitable, or without its data."""


class UnsuitableTaskError(TaskError):
    """A task that this model cannot be asked, or a probe that would change none of its questions.

    Where probes are added to a selection, those that do not suit are left out.
    """


class WrittenTaskError(TaskError):
    """A task without choices whose own way is to be answered in writing."""


@dataclass(frozen=True, slots=True)
class SampleRequest:
    """One question to the engine, as stored on a row.

    ``messages`` is the conversation for chat endpoints, where ``context`` is its plain-text form.
    """

    kind: RequestKind
    context: str
    continuation: str = ""
    decoding: Mapping[str, Json] = field(default_factory=dict)
    letters: tuple[str, ...] = ()
    messages: tuple[Mapping[str, str], ...] = ()

    def as_dict(self) -> dict[str, Json]:
        return {name: value for name, value in asdict(self).items() if value}


def sample_request(values: Mapping[str, Json]) -> SampleRequest:
    """A request from its stored form."""
    return SampleRequest(
        RequestKind(values["kind"]),
        values.get("context", ""),
        values.get("continuation", ""),
        values.get("decoding", {}),
        tuple(values.get("letters", ())),
        tuple(values.get("messages", ())),
    )


def pack_requests(requests: Sequence[SampleRequest]) -> dict[str, Json]:
    """Requests for a row, each distinct context once: choices of a question share a long one."""
    contexts = list(dict.fromkeys(request.context for request in requests))
    places = {context: place for place, context in enumerate(contexts)}
    packed = []
    for request in requests:
        values = request.as_dict()
        values["context"] = places[request.context]
        packed.append(values)
    return {"contexts": contexts, "requests": packed}


def unpack_requests(packed: Mapping[str, Json]) -> list[dict[str, Json]]:
    """The requests of a row, each with its whole context."""
    contexts = packed["contexts"]
    return [{**values, "context": contexts[values["context"]]} for values in packed["requests"]]


@dataclass(frozen=True, slots=True)
class Response:
    """What came back for one request; the fields of other kinds stay empty."""

    logprob: float | None = None
    is_greedy: bool = False
    token_logprobs: tuple[float, ...] = ()
    text: str = ""
    reasoning: str = ""
    finish_reason: str = ""
    letters: Mapping[str, float] = field(default_factory=dict)
    tokens: int = 0
    is_prompt_cut: bool = False
    is_boundary_merge: bool = False
    is_rolling: bool = False
    error: str = ""

    def as_dict(self) -> dict[str, Json]:
        kept = {name: value for name, value in asdict(self).items() if value}
        return kept | ({"logprob": self.logprob} if self.logprob is not None else {})


def response(values: Mapping[str, Json]) -> Response:
    """A response from its stored form."""
    known = {name: values[name] for name in Response.__slots__ if name in values}
    return Response(**known | {"token_logprobs": tuple(values.get("token_logprobs", ()))})


@dataclass(frozen=True, slots=True)
class PreparedSample:
    """A question with all that is asked of the engine.

    ``cluster`` is shared by samples about one passage; ``doc`` is for readers.
    """

    index: int
    requests: tuple[SampleRequest, ...]
    target: Json
    doc: Json
    choices: tuple[str, ...] = ()
    category: str = ""
    cluster: str = ""


@dataclass(frozen=True, slots=True)
class SampleScore:
    """Metric values of one sample (numbers, or what the task's aggregation takes)."""

    metrics: Mapping[str, Json]
    extracted: str = ""
    reasons: tuple[str, ...] = ()
    detail: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DataSource:
    """Where data sets come from: ``huggingface``, ``modelscope`` or ``local`` with a directory."""

    hub: str = "huggingface"
    directory: Path | None = None


@dataclass(frozen=True, slots=True)
class TaskOptions:
    """How a task is to be built.

    ``limit`` is a number of samples, or a share below 1 (lm-eval's rule). ``seed`` draws shots
    and shuffles; 1234 is lm-eval's. ``settings`` are a suite's own options for the task.
    """

    num_fewshot: int | None = None
    limit: float | None = None
    protocol: AskProtocol = AskProtocol.NATIVE
    data: DataSource = field(default_factory=DataSource)
    generation: Mapping[str, Json] = field(default_factory=dict)
    extractor: str = ""
    is_chat: bool = False
    system_prompt: str = ""
    seed: int = 1234
    settings: Mapping[str, Json] = field(default_factory=dict)
    home: Path | None = None


class ChatFormatter(Protocol):
    """Turns a conversation into the model's own prompt text."""

    def __call__(
        self, messages: Sequence[Mapping[str, str]], add_generation_prompt: bool = True
    ) -> str: ...


class OpenTask(Protocol):
    """A task whose data are at hand."""

    name: str
    primary_metric: str

    def build(self, chat: ChatFormatter | None = None) -> list[PreparedSample]:
        """All samples within the limit, prompts complete."""

    def score(
        self, index: int, sample: Mapping[str, Json], responses: Sequence[Response]
    ) -> SampleScore:
        """The metrics of sample ``index``; ``sample`` has its stored target, choices and doc."""

    def aggregate(self, metric: str, values: Sequence[Json]) -> tuple[float, float | None] | None:
        """Value and error where the metric is no mean over samples; None for the mean."""

    def identity(self) -> dict[str, Json]:
        """What of the task's definition decides its scores."""


@runtime_checkable
class JudgedTask(Protocol):
    """A task whose answers another model grades; the grade comes as the last response.

    ``judge`` is that model's slug, or empty for a run without one.
    """

    judge: str

    def judge_request(
        self, sample: Mapping[str, Json], responses: Sequence[Response]
    ) -> SampleRequest:
        """What the judge is asked about one sample's responses."""


@dataclass(frozen=True, slots=True)
class TaskCard:
    """A task as it is listed. ``kind`` is ``task`` or ``group``."""

    name: str
    suite: str
    kind: str = "task"
    title: str = ""
    description: str = ""
    output_type: str = ""
    dataset: str = ""
    children: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TaskTree:
    """What a name stands for: tasks in order, and which group is made of which.

    ``plain_groups`` count every task the same; all others weight by size.
    ``shots`` are numbers of examples that the name itself asks for.
    """

    tasks: tuple[str, ...]
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    plain_groups: frozenset[str] = frozenset()
    shots: Mapping[str, int] = field(default_factory=dict)


class Suite(Protocol):
    """A family of tasks."""

    def cards(self, home: Path | None) -> list[TaskCard]:
        """Every task and group; ``home`` is where lists that take long are kept."""

    def resolve(self, name: str, home: Path | None) -> TaskTree | None:
        """The tasks that ``name`` stands for; None when the suite does not know it."""

    def open(self, name: str, options: TaskOptions) -> OpenTask:
        """Load a task's data; raises TaskError saying what is missing and how to get it."""


def digest(value: Json) -> str:
    """A short stable hash of anything that JSON can say."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def limited(count: int, limit: float | None) -> int:
    """How many of ``count`` samples a limit leaves; a share is rounded up, as lm-eval does."""
    if limit is None:
        return count
    if limit < 0:
        raise TaskError(f"limit {limit} is negative; give a number of samples or a share below 1")
    wanted = -(-count * limit // 1) if limit < 1 else limit
    return min(int(wanted), count)
