"""What every judge takes and gives."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import UnionType
from typing import Any, ClassVar, Protocol, Self, TypeVar, get_args, get_origin, get_type_hints

import orjson

from judging.digests import sha256_hex
from judging.prompts import PromptSet, shipped_prompts
from judging.task import JudgingError, JudgingTask
from judging.verdicts.base import JudgeReply, Mode, ParsedVerdict
from providers.base import Completion, GenerationSettings, Message

Result = TypeVar("Result")
# Any: settings are the JSON object stored with a judge; a judge checks each value it reads.
Settings = Mapping[str, Any]


class JudgeSettingsError(ValueError):
    """Settings that a judge cannot be built from; the sentence names the setting and the remedy."""


@dataclass(frozen=True, slots=True)
class JudgeRequest:
    """One call to a model: what a judge asks.

    ``endpoint`` names whom to ask when a judge has several models (empty: its only one).
    ``sample`` numbers equal requests that are meant to be answered separately. ``is_kept`` has
    the reply kept by itself, for a request that many judgments share.
    """

    messages: tuple[Message, ...]
    settings: GenerationSettings
    endpoint: str = ""
    sample: int = 0
    is_kept: bool = False

    @property
    def fingerprint(self) -> str:
        """A hash over all that is sent: equal requests need to be paid for only once."""
        content = (self.endpoint, self.sample, self.messages, self.settings)
        canonical = orjson.dumps(content, default=dict, option=orjson.OPT_SORT_KEYS)
        return sha256_hex(canonical)


Ask = Callable[[JudgeRequest], Awaitable[Completion]]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a judge decided on a task, in battle order, with all that it rests on.

    ``completions`` are the paid calls, empty for an offline judge. ``convention`` says how the
    text was read, ``prompt_name`` and ``prompt_version`` which template was sent.
    """

    parsed: ParsedVerdict
    raw_text: str = ""
    convention: str = ""
    prompt: tuple[Message, ...] = ()
    prompt_name: str = ""
    prompt_version: str = ""
    completions: tuple[Completion, ...] = ()
    is_dry_run: bool = False
    details: Mapping[str, object] = field(default_factory=dict)

    @property
    def input_tokens(self) -> int | None:
        """Tokens sent over all calls; ``None`` when no endpoint counted them."""
        return _total(completion.input_tokens for completion in self.completions)

    @property
    def output_tokens(self) -> int | None:
        """Tokens received over all calls; ``None`` when no endpoint counted them."""
        return _total(completion.output_tokens for completion in self.completions)

    @property
    def latency_s(self) -> float:
        """Seconds spent in calls, one after the other."""
        return sum(completion.latency_s for completion in self.completions)


class Judge(Protocol):
    """Decides tasks. One instance serves any number of tasks at once.

    ``is_dry_run`` marks verdicts that say nothing about quality; no board counts them.
    """

    is_dry_run: ClassVar[bool]

    def requests(self, task: JudgingTask) -> tuple[JudgeRequest, ...]:
        """The calls that deciding ``task`` takes; empty for an offline judge."""
        ...

    async def judge(self, task: JudgingTask, ask: Ask) -> Verdict:
        """Decide ``task``, asking models through ``ask``, which pays, caches and limits.

        Raises JudgingError for a task that cannot be judged, and lets the provider's errors pass.
        """
        ...


async def all_ended(calls: Iterable[Awaitable[Result]]) -> list[Result]:
    """What all of ``calls``, which run at once, give; the first failure is raised after the last
    has ended, so that whoever pays for them knows what they cost.
    """
    results = await asyncio.gather(*calls, return_exceptions=True)
    return [_or_raise(result) for result in results]


def _or_raise(result: Result | BaseException) -> Result:
    if isinstance(result, BaseException):
        raise result
    return result


def _no_script(name: str) -> Iterable[Mapping[str, Any]]:
    raise JudgingError("no_script", f"there are no stored verdicts named {name!r} to replay")


@dataclass(frozen=True, slots=True)
class JudgeContext:
    """What a judge may draw on beyond its settings.

    ``prompt_set`` finds a set of prompts by name; ``script`` finds the stored verdicts that the
    scripted judge replays.
    """

    prompt_set: Callable[[str], PromptSet] = shipped_prompts
    script: Callable[[str], Iterable[Mapping[str, Any]]] = _no_script


class JudgeFactory(Judge, Protocol):
    """A kind of judge, as registered; ``options`` is the dataclass of its settings."""

    modes: ClassVar[frozenset[Mode]]
    needs_endpoint: ClassVar[bool]
    options: ClassVar[type]

    @classmethod
    def from_settings(cls, settings: Settings, context: JudgeContext) -> Self:
        """Make a judge of this kind; raises JudgeSettingsError."""
        ...


Options = TypeVar("Options")


def read_options(options: type[Options], settings: Settings, kind: str) -> Options:
    """``settings`` as the dataclass ``options``: unknown names and wrong types are refused."""
    hints = get_type_hints(options)
    for name, value in settings.items():
        if name not in hints:
            known = ", ".join(sorted(hints)) or "none"
            raise JudgeSettingsError(f"the {kind} judge has no setting {name!r}; it has: {known}")
        if not _has_type(value, hints[name]):
            wanted = getattr(hints[name], "__name__", str(hints[name]))
            raise JudgeSettingsError(
                f"the {kind} judge's setting {name!r} is {value!r}; it must be {wanted}"
            )
    return options(**settings)


def as_reply(completion: Completion) -> JudgeReply:
    """What a convention sees of a completion."""
    first_token = completion.top_logprobs[0] if completion.top_logprobs else None
    return JudgeReply(
        text=completion.text,
        first_token_logprobs=None
        if first_token is None
        else {candidate.token: candidate.logprob for candidate in first_token},
        is_truncated=completion.finish_reason == "length",
    )


def _has_type(value: object, hint: Any) -> bool:  # Any: a type hint of whatever form
    origin = get_origin(hint) or hint
    if origin is UnionType:
        return any(_has_type(value, part) for part in get_args(hint))
    if isinstance(value, bool):
        return origin is bool
    return isinstance(value, int | float if origin is float else origin)


def _total(counts: Iterable[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if known else None
