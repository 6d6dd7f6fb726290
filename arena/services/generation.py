"""Models answering question sets: creating the rows, and answering one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q

from arena import __version__
from arena.calling import OpenModels, conversation, endpoint_config, generation_settings
from arena.models import (
    Answer,
    AnswerOrigin,
    GenerationRun,
    LanguageModel,
    Question,
    QuestionSet,
    RunStatus,
    WorkStatus,
)
from arena.services.runs import start_run
from arena.style import style_features
from providers.base import Completion, FailureKind, ProviderError

# FastChat's llm_judge: what a category is sampled at when the run does not say
CATEGORY_TEMPERATURES = {
    "writing": 0.7,
    "roleplay": 0.7,
    "creative_writing": 0.7,
    "persona": 0.7,
    "brainstorming": 0.7,
    "extraction": 0.0,
    "math": 0.0,
    "coding": 0.0,
    "reasoning": 0.0,
    "stem": 0.1,
    "humanities": 0.1,
}
DEFAULT_TEMPERATURE = 0.7
DEFAULT_MAX_TOKENS = 1024
BATCH = 1000


class EmptyRunError(ValueError):
    """Nothing is left to do for what was asked."""


@dataclass(frozen=True, slots=True)
class GenerationPlan:
    """What a run would do: ``missing`` answers to make, ``present`` ones that are there."""

    questions: int
    models: int
    missing: int
    present: int
    failed: int


def answer_settings(question: Question, settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings for one answer; an explicit temperature wins over the category's."""
    chosen = {"max_tokens": DEFAULT_MAX_TOKENS, **settings}
    chosen.setdefault(
        "temperature", CATEGORY_TEMPERATURES.get(question.category, DEFAULT_TEMPERATURE)
    )
    return chosen


def plan_generation(
    *, question_set: QuestionSet, language_models: Sequence[LanguageModel], limit: int | None = None
) -> GenerationPlan:
    """Count what is there and what is missing, without changing anything."""
    questions = _questions(question_set, limit)
    there = Answer.objects.filter(question__in=questions, model__in=language_models, sample_index=0)
    counts = there.status_counts()
    total = len(questions) * len(language_models)
    done = counts[WorkStatus.DONE]
    return GenerationPlan(
        questions=len(questions),
        models=len(language_models),
        missing=total - done,
        present=done,
        failed=counts[WorkStatus.FAILED],
    )


@transaction.atomic
def create_generation_run(
    *,
    question_set: QuestionSet,
    language_models: Sequence[LanguageModel],
    settings: Mapping[str, Any] | None = None,
    limit: int | None = None,
    created_by: User | None = None,
) -> GenerationRun:
    """A run over all answers that are missing; answers that exist are left as they are.

    Raises NotCallableError for a model without a usable endpoint, EmptyRunError when nothing is
    missing.
    """
    for model in language_models:
        endpoint_config(model)
    run = GenerationRun.objects.create(
        label=f"{question_set}: {', '.join(model.slug for model in language_models)}"[:200],
        question_set=question_set,
        settings=dict(settings or {}),
        created_by=created_by,
        software_version=__version__,
    )
    run.language_models.set(language_models)
    questions = _questions(question_set, limit)
    Answer.objects.bulk_create(
        (
            Answer(question=question, model=model, run=run, origin=AnswerOrigin.GENERATED)
            for question in questions
            for model in language_models
        ),
        batch_size=BATCH,
        ignore_conflicts=True,
    )
    _adopt_unfinished(run, questions, language_models)
    if not run.answers.exists():
        raise EmptyRunError(
            f"every model asked for has answered all questions of {question_set.slug!r} already; "
            "choose other models or another set"
        )
    return run


def _questions(question_set: QuestionSet, limit: int | None) -> list[Question]:
    return list(question_set.questions.order_by("id")[:limit])


def _adopt_unfinished(
    run: GenerationRun, questions: Sequence[Question], language_models: Sequence[LanguageModel]
) -> None:
    """Take over waiting and failed rows of runs that nobody works on any more."""
    is_orphan = Q(run__isnull=True) | ~Q(run__status=RunStatus.ACTIVE)
    Answer.objects.filter(
        is_orphan,
        question__in=questions,
        model__in=language_models,
        sample_index=0,
        status__in=(WorkStatus.PENDING, WorkStatus.FAILED),
    ).update(run=run, status=WorkStatus.PENDING, attempts=0, not_before=None)


def start_generation(
    *,
    question_set: QuestionSet,
    language_models: Sequence[LanguageModel],
    settings: Mapping[str, Any] | None = None,
    limit: int | None = None,
    created_by: User | None = None,
) -> GenerationRun:
    """Create a run and set it going."""
    run = create_generation_run(
        question_set=question_set,
        language_models=language_models,
        settings=settings,
        limit=limit,
        created_by=created_by,
    )
    return start_run(run)


@dataclass(slots=True)
class GenerationWorkload:
    """Answers questions turn by turn; one provider per model, opened when first needed."""

    run: GenerationRun
    in_flight: int
    models: OpenModels = field(default_factory=OpenModels)

    @classmethod
    def open(cls, run: GenerationRun) -> GenerationWorkload:
        """As many at once as the endpoints of all models allow together."""
        endpoints = {model.endpoint for model in run.language_models.select_related("endpoint")}
        slots = sum(endpoint.max_concurrency for endpoint in endpoints if endpoint)
        return cls(run=run, in_flight=max(min(slots, 256), 1))

    def load(self, ids: Sequence[int]) -> list[Answer]:
        rows = Answer.objects.filter(pk__in=ids).order_by("id")
        return list(rows.select_related("question", "model__endpoint"))

    async def perform(self, answer: Answer) -> list[Completion]:
        """All turns in order; each sees the replies before it."""
        provider = self.models.provider_of(answer.model)
        values = answer_settings(answer.question, self.run.settings)
        system_prompt = values.pop("system_prompt", "")
        settings = generation_settings(values)
        completions: list[Completion] = []
        for _ in answer.question.turns:
            replies = [completion.text for completion in completions]
            messages = conversation(answer.question, replies, system_prompt=system_prompt)
            completion = await provider.complete(messages, settings)
            if not completion.text.strip():
                raise ProviderError(
                    FailureKind.EMPTY_REPLY,
                    f"turn {len(completions) + 1} came back empty "
                    f"(finish reason {completion.finish_reason or 'not given'})",
                )
            completions.append(completion)
        return completions

    def failure_columns(self, _: Answer) -> dict[str, object]:
        return {}

    def columns(self, answer: Answer, completions: list[Completion]) -> dict[str, object]:
        turns = [completion.text for completion in completions]
        return {
            "turns": turns,
            "reasoning": [completion.reasoning for completion in completions],
            "settings": answer_settings(answer.question, self.run.settings),
            "input_tokens": _total([c.input_tokens for c in completions]),
            "output_tokens": _total([c.output_tokens for c in completions]),
            "latency_s": sum(completion.latency_s for completion in completions),
            "ttft_s": completions[0].ttft_s,
            "finish_reason": completions[-1].finish_reason,
            "style": style_features(turns),
        }

    async def aclose(self) -> None:
        await self.models.aclose()


def _total(counts: Sequence[int | None]) -> int | None:
    """The sum, or None when one turn's count is not known."""
    known = [count for count in counts if count is not None]
    return sum(known) if len(known) == len(counts) else None
