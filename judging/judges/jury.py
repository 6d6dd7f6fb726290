"""Jury: several judges decide, or one decides several times, and their verdicts become one.

A panel of small judges from different families agrees with people better than one large judge at a
fraction of the cost (Verga et al. 2024, "Replacing Judges with Juries").
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import fmean, median
from typing import Any, ClassVar, Literal, Self, TypeAlias, get_args

from judging.judges import JUDGES, build_judge
from judging.judges.base import (
    Ask,
    Judge,
    JudgeContext,
    JudgeRequest,
    JudgeSettingsError,
    Settings,
    Verdict,
    all_ended,
    read_options,
)
from judging.task import JudgingTask
from judging.verdicts.base import (
    Mode,
    Outcome,
    ParsedVerdict,
    UnreadableReason,
    preferred,
)
from providers.base import Completion, ProviderError

Aggregation: TypeAlias = Literal["mean", "median", "majority"]
TieBreak: TypeAlias = Literal["tie", "first"]
_MEMBER_KEYS = frozenset({"name", "kind", "model", "settings"})
_SHARE_OF_A = {Outcome.MODEL_A: 1.0, Outcome.MODEL_B: 0.0}


@dataclass(frozen=True, slots=True)
class JurySettings:
    """``members`` are objects with ``kind`` and, where needed, ``model`` (a slug), ``settings``.

    ``repeats`` asks every member that often. ``quorum`` is how many verdicts must be readable;
    0 means more than half of them. ``tie_break`` decides between equally frequent outcomes:
    ``tie``, or what the ``first`` member that was readable said.
    """

    members: list[Any] = field(default_factory=list)  # JSON objects, checked below
    aggregation: str = "majority"
    repeats: int = 1
    quorum: int = 0
    tie_break: str = "tie"


@dataclass(frozen=True, slots=True)
class Member:
    """A judge on the panel; ``model`` is the slug of whom it asks, empty for an offline judge."""

    name: str
    judge: Judge
    model: str


@dataclass(frozen=True, slots=True)
class Voice:
    """What one member said in one of its repeats, or why it said nothing."""

    member: str
    verdict: Verdict | None
    error: ProviderError | None = None

    @property
    def is_readable(self) -> bool:
        """Whether it counts."""
        return self.verdict is not None and self.verdict.parsed.is_readable


@JUDGES.register("jury")
@dataclass(frozen=True, slots=True)
class Jury:
    """All members decide at once; the verdict holds what each of them said."""

    members: tuple[Member, ...]
    settings: JurySettings
    is_dry_run: ClassVar[bool] = False
    needs_endpoint: ClassVar[bool] = True
    modes: ClassVar[frozenset[Mode]] = frozenset(Mode)
    options: ClassVar[type] = JurySettings

    @classmethod
    def from_settings(cls, settings: Settings, context: JudgeContext) -> Self:
        """Build every member, so that a wrong one fails before any call."""
        chosen = read_options(JurySettings, settings, "jury")
        if not chosen.members:
            raise JudgeSettingsError("a jury needs members: a list of objects with a kind")
        _require("aggregation", chosen.aggregation, get_args(Aggregation))
        _require("tie_break", chosen.tie_break, get_args(TieBreak))
        voices = len(chosen.members) * chosen.repeats
        if chosen.repeats < 1 or not 0 <= chosen.quorum <= voices:
            raise JudgeSettingsError(
                f"a jury of {len(chosen.members)} members and {chosen.repeats} repeats cannot have "
                f"a quorum of {chosen.quorum}; choose 1 to {voices}, or 0 for more than half"
            )
        return cls(tuple(_member(given, context) for given in chosen.members), chosen)

    @property
    def endpoints(self) -> tuple[str, ...]:
        """The models that are asked."""
        return tuple(dict.fromkeys(member.model for member in self.members if member.model))

    @property
    def quorum(self) -> int:
        """How many verdicts must be readable."""
        return self.settings.quorum or len(self.members) * self.settings.repeats // 2 + 1

    def requests(self, task: JudgingTask) -> tuple[JudgeRequest, ...]:
        """Every member's calls, once per repeat."""
        return tuple(
            replace(request, endpoint=member.model, sample=sample)
            for member in self.members
            for sample in range(self.settings.repeats)
            for request in member.judge.requests(task)
        )

    async def judge(self, task: JudgingTask, ask: Ask) -> Verdict:
        """Ask everybody at once, then combine what could be read.

        A member whose endpoint fails is missing; only when the quorum is missed does its failure
        become the jury's.
        """
        voices = await all_ended(
            _hear(member, task, ask, sample)
            for member in self.members
            for sample in range(self.settings.repeats)
        )
        readable = [voice.verdict for voice in voices if voice.verdict and voice.is_readable]
        failure = next((voice.error for voice in voices if voice.error), None)
        if len(readable) < self.quorum and failure is not None:
            raise failure
        return Verdict(
            parsed=self._combine([verdict.parsed for verdict in readable], task.mode),
            raw_text="\n\n".join(_told(voice) for voice in voices),
            convention=f"jury_{self.settings.aggregation}",
            prompt=next((v.verdict.prompt for v in voices if v.verdict), ()),
            prompt_name=next((v.verdict.prompt_name for v in voices if v.verdict), ""),
            completions=tuple(c for v in voices if v.verdict for c in v.verdict.completions),
            details={"members": [_summary(voice) for voice in voices]},
        )

    def _combine(self, readable: Sequence[ParsedVerdict], mode: Mode) -> ParsedVerdict:
        if len(readable) < self.quorum:
            return ParsedVerdict(reason=UnreadableReason.NO_QUORUM)
        if mode is Mode.SINGLE:
            scores = [verdict.score for verdict in readable if verdict.score is not None]
            is_mean = self.settings.aggregation == "mean"
            return ParsedVerdict(score=fmean(scores) if is_mean else float(median(scores)))
        outcomes = [verdict.outcome for verdict in readable if verdict.outcome is not None]
        if self.settings.aggregation == "majority":
            return ParsedVerdict(outcome=self._majority(outcomes))
        shares = [_share_of_a(verdict) for verdict in readable]
        middle = fmean(shares) if self.settings.aggregation == "mean" else median(shares)
        return ParsedVerdict(outcome=preferred(2 - middle), preference=2 - middle)

    def _majority(self, outcomes: Sequence[Outcome]) -> Outcome:
        counts = Counter(outcomes).most_common()
        leaders = [outcome for outcome, count in counts if count == counts[0][1]]
        if len(leaders) == 1:
            return leaders[0]
        return outcomes[0] if self.settings.tie_break == "first" else Outcome.TIE


async def _hear(member: Member, task: JudgingTask, ask: Ask, sample: int) -> Voice:
    async def ask_member(request: JudgeRequest) -> Completion:
        return await ask(replace(request, endpoint=member.model, sample=sample))

    try:
        return Voice(member.name, await member.judge.judge(task, ask_member))
    except ProviderError as error:
        return Voice(member.name, None, error)


def _member(given: object, context: JudgeContext) -> Member:
    if not isinstance(given, Mapping) or "kind" not in given:
        raise JudgeSettingsError(f"a jury's member is {given!r}; it must be an object with a kind")
    unknown = sorted(set(given) - _MEMBER_KEYS)
    if unknown:
        raise JudgeSettingsError(
            f"a jury's member has no {unknown[0]!r}; it has: {', '.join(sorted(_MEMBER_KEYS))}"
        )
    kind, model = str(given["kind"]), str(given.get("model", ""))
    if kind == "jury":
        raise JudgeSettingsError("a jury cannot sit on a jury; list its members instead")
    if JUDGES.get(kind).needs_endpoint and not model:
        raise JudgeSettingsError(f"a jury's member of kind {kind!r} needs a model, by its slug")
    judge = build_judge(kind, given.get("settings", {}), context)
    return Member(str(given.get("name") or model or kind), judge, model)


def _require(name: str, value: str, known: Iterable[str]) -> None:
    choices = list(known)
    if value not in choices:
        raise JudgeSettingsError(f"{name} is {value!r}; choose one of: {', '.join(choices)}")


def _share_of_a(verdict: ParsedVerdict) -> float:
    if verdict.preference is not None:
        return 2 - verdict.preference
    return 0.5 if verdict.outcome is None else _SHARE_OF_A.get(verdict.outcome, 0.5)


def _told(voice: Voice) -> str:
    said = voice.verdict.raw_text if voice.verdict else f"({voice.error})"
    return f"{voice.member}:\n{said}"


def _summary(voice: Voice) -> dict[str, object]:
    if voice.verdict is None:
        return {"name": voice.member, "failed": str(voice.error)}
    parsed = voice.verdict.parsed
    return {
        "name": voice.member,
        "outcome": parsed.outcome.value if parsed.outcome else None,
        "score": parsed.score,
        "reason": parsed.reason.value if parsed.reason else None,
    }
