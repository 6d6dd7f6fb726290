"""Chat judge: any model that answers messages, asked in words and read by a named convention."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Self

from judging.judges import JUDGES
from judging.judges.base import (
    Ask,
    JudgeContext,
    JudgeRequest,
    JudgeSettingsError,
    Settings,
    Verdict,
    as_reply,
    read_options,
)
from judging.prompts import FOLLOW_QUESTION, PromptSet, PromptTemplate, RenderedPrompt, render
from judging.task import JudgingTask
from judging.verdicts import VERDICTS
from judging.verdicts.base import Mode, ParsedVerdict, UnreadableReason, VerdictConvention
from providers.base import (
    Completion,
    FailureKind,
    GenerationSettings,
    ImagePart,
    Message,
    ProviderError,
    TextPart,
)

KEPT_REQUESTS = 1_024  # more than a worker claims ahead

_REASONS = {"type": "string"}
_CONFIDENCE = {"type": "number", "minimum": 0, "maximum": 1}
_SCHEMAS: dict[Mode, dict[str, Any]] = {  # Any: JSON schema
    Mode.SINGLE: {
        "reasons": _REASONS,
        "score": {"type": "number", "minimum": 1, "maximum": 10},
        "confidence": _CONFIDENCE,
    },
    Mode.PAIRWISE: {
        "reasons": _REASONS,
        "verdict": {"type": "string", "enum": ["A>>B", "A>B", "A=B", "B>A", "B>>A"]},
        "confidence": _CONFIDENCE,
    },
}


@dataclass(frozen=True, slots=True)
class ChatSettings:
    """What is stored with a chat judge.

    ``language`` is ``auto``, ``en`` or ``zh``. ``is_structured`` holds the endpoint to a JSON
    schema and takes the JSON prompts; an endpoint that refuses the schema is asked in brackets
    instead. ``convention`` overrides the templates' own and takes
    ``convention_options``, such as the scale. ``extra`` goes to the endpoint as is.
    """

    single_prompts: str = ""
    pair_prompts: str = ""
    language: str = FOLLOW_QUESTION
    is_structured: bool = False
    convention: str = ""
    convention_options: Mapping[str, Any] = field(default_factory=dict)  # Any: per convention
    temperature: float | None = 0.0
    top_p: float | None = None
    max_tokens: int | None = 2_048
    seed: int | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)  # Any: whatever the endpoint takes

    @property
    def prompts_by_mode(self) -> dict[Mode, str]:
        """The names of the prompt sets, ours unless others are named."""
        suffix = "_json" if self.is_structured else ""
        return {
            Mode.SINGLE: self.single_prompts or f"agon_single{suffix}",
            Mode.PAIRWISE: self.pair_prompts or f"agon_pair{suffix}",
        }


@JUDGES.register("chat")
@dataclass(frozen=True, slots=True)
class ChatJudge:
    """One call per task; the reply is read by the convention that the prompt asks for."""

    prompts: Mapping[Mode, PromptSet]
    settings: ChatSettings
    prepared: dict[JudgingTask, tuple[PromptTemplate, JudgeRequest]] = field(
        default_factory=dict, repr=False, compare=False
    )
    plain: ChatJudge | None = None
    refusals: list[str] = field(default_factory=list, repr=False, compare=False)
    is_dry_run: ClassVar[bool] = False
    needs_endpoint: ClassVar[bool] = True
    modes: ClassVar[frozenset[Mode]] = frozenset(Mode)
    options: ClassVar[type] = ChatSettings

    @classmethod
    def from_settings(cls, settings: Settings, context: JudgeContext) -> Self:
        """Look the prompts and the convention up, so that a misspelt name fails before any call."""
        chosen = read_options(ChatSettings, settings, "chat")
        if chosen.convention:
            _convention(chosen.convention, chosen.convention_options)
        prompts = {mode: context.prompt_set(name) for mode, name in chosen.prompts_by_mode.items()}
        plain = None
        if chosen.is_structured:
            without = {name: value for name, value in settings.items() if name != "is_structured"}
            plain = ChatJudge.from_settings(without, context)
        return cls(prompts=prompts, settings=chosen, plain=plain)

    def requests(self, task: JudgingTask) -> tuple[JudgeRequest, ...]:
        """The one call."""
        if self.plain is not None and self.refusals:
            return self.plain.requests(task)
        _, request = self.prepared[task] = self._prepared(task)
        if len(self.prepared) > KEPT_REQUESTS:
            self.prepared.pop(next(iter(self.prepared)), None)
        return (request,)

    async def judge(self, task: JudgingTask, ask: Ask) -> Verdict:
        """Ask once and read the reply; an endpoint that takes no schema is asked without one."""
        if self.plain is not None and self.refusals:
            return await self.plain.judge(task, ask)
        # what was planned a moment ago is written already
        planned = self.prepared.pop(task, None)
        template, request = planned or self._prepared(task)
        try:
            completion = await ask(request)
        except ProviderError as error:
            if self.plain is None or error.kind is not FailureKind.BAD_REQUEST:
                raise
            self.refusals.append(error.detail)
            verdict = await self.plain.judge(task, ask)
            told = {**verdict.details, "schema_refused": error.detail}
            return replace(verdict, details=told)
        return self.read(task, template, request, completion)

    def read(
        self,
        task: JudgingTask,
        template: PromptTemplate,
        request: JudgeRequest,
        completion: Completion,
    ) -> Verdict:
        """The verdict in a reply; pure, so that a stored reply can be read again."""
        name = self.settings.convention or template.convention
        parsed = _convention(name, self.settings.convention_options).parse(as_reply(completion))
        return Verdict(
            parsed=of_mode(parsed, task.mode).in_battle_order(task.game),
            raw_text=completion.text,
            convention=name,
            prompt=request.messages,
            prompt_name=template.name,
            prompt_version=template.version,
            completions=(completion,),
        )

    def _prepared(self, task: JudgingTask) -> tuple[PromptTemplate, JudgeRequest]:
        settings = self.settings
        template = self.prompts[task.mode].choose(task, settings.language)
        request = JudgeRequest(
            messages=as_messages(render(template, task)),
            settings=GenerationSettings(
                temperature=settings.temperature,
                top_p=settings.top_p,
                max_tokens=settings.max_tokens,
                seed=settings.seed,
                response_format=_response_format(task.mode) if settings.is_structured else None,
                extra=settings.extra,
            ),
        )
        return template, request


def as_messages(rendered: RenderedPrompt) -> tuple[Message, ...]:
    """A rendered prompt as messages; an empty system text is left out."""
    content: str | tuple[TextPart | ImagePart, ...] = rendered.user
    if rendered.images:
        images = tuple(ImagePart(url) for url in rendered.images)
        content = (TextPart(rendered.user), *images)
    user = Message("user", content)
    return (Message("system", rendered.system), user) if rendered.system else (user,)


def of_mode(parsed: ParsedVerdict, mode: Mode) -> ParsedVerdict:
    """``parsed``, reduced to what ``mode`` asks for; unreadable when it answers the other one."""
    if not parsed.is_readable:
        return parsed
    answers_mode = parsed.score if mode is Mode.SINGLE else parsed.outcome
    if answers_mode is None:
        return ParsedVerdict(reason=UnreadableReason.WRONG_MODE)
    if mode is Mode.SINGLE:
        return replace(parsed, outcome=None, strength=None, scores=None, preference=None)
    return replace(parsed, score=None)


def _convention(name: str, options: Mapping[str, Any]) -> VerdictConvention:
    try:
        return VERDICTS.get(name)(**options)
    except TypeError as error:
        raise JudgeSettingsError(
            f"the verdict convention {name!r} does not take the options {dict(options)!r}: {error}"
        ) from None


def _response_format(mode: Mode) -> dict[str, Any]:  # Any: JSON schema
    properties = _SCHEMAS[mode]
    schema = {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
    return {
        "type": "json_schema",
        "json_schema": {"name": "verdict", "strict": True, "schema": schema},
    }
