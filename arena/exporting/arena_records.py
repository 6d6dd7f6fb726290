"""The records of this room: models, questions, answers, battles."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any, Literal, TypeAlias, cast

from django.db.models import Q, QuerySet

from arena.dialects.conversations import read_content
from arena.dialects.records import (
    AnswerRecord,
    BattleRecord,
    LanguageModelRecord,
    LicenseRecord,
    OutcomeName,
    QuestionRecord,
    QuestionSetRecord,
    ReferenceAnswerRecord,
    SideName,
    VoteRecord,
    content_hash,
)
from arena.exporting.exporter import CHUNK, Selection, exports
from arena.importing.names import slug_of
from arena.importing.prepared import KEY_CHARACTERS, KEY_PREFIX
from arena.models import (
    Answer,
    Battle,
    BattleOrigin,
    LanguageModel,
    License,
    Question,
    QuestionSet,
    Vote,
    WorkStatus,
)

Origin: TypeAlias = Literal["stored", "live", "imported"]
FINISHED = (WorkStatus.DONE, WorkStatus.FAILED)


def seconds(moment: dt.datetime | None) -> float | None:
    return None if moment is None else moment.timestamp()


def model_name(model: LanguageModel, selection: Selection) -> str:
    """The name files know a model by, as long as it leads back to the same model."""
    is_name = slug_of(model.display_name) == model.slug
    return model.display_name if is_name and not selection.is_whole else model.slug


def of_set(selection: Selection, path: str) -> Q:
    return Q(**{f"{path}__slug": selection.question_set}) if selection.question_set else Q()


@exports(LicenseRecord)
def licenses(selection: Selection) -> Iterator[LicenseRecord]:
    used = Q(languagemodel__isnull=False) | Q(questionset__isnull=False)
    for row in License.objects.filter(used).distinct().iterator(CHUNK):
        yield LicenseRecord(
            spdx_id=row.spdx_id,
            name=row.name,
            family=row.family,
            commercial_use=row.commercial_use,
            condition=row.condition,
            url=row.url,
        )


@exports(LanguageModelRecord)
def language_models(selection: Selection) -> Iterator[LanguageModelRecord]:
    models = LanguageModel.objects.select_related("license").order_by("slug")
    if selection.models:
        models = models.filter(slug__in=selection.models)
    for row in models.iterator(CHUNK):
        yield LanguageModelRecord(
            name=model_name(row, selection),
            display_name=row.display_name,
            organisation=row.organisation,
            description=row.description,
            license=row.license.spdx_id if row.license else "",
            url=row.url,
            release_date=row.release_date.isoformat() if row.release_date else "",
            knowledge_cutoff=row.knowledge_cutoff,
            parameters_b=row.parameters_b,
            context_length=row.context_length,
            price_in_per_mtok=row.price_in_per_mtok,
            price_out_per_mtok=row.price_out_per_mtok,
            provider_model=row.provider_model,
            provider_settings=row.provider_settings,
            is_active=row.is_active,
            is_demo=row.is_demo,
        )


@exports(QuestionSetRecord)
def question_sets(selection: Selection) -> Iterator[QuestionSetRecord]:
    sets = QuestionSet.objects.select_related("license").order_by("slug")
    if selection.question_set:
        sets = sets.filter(slug=selection.question_set)
    for row in sets.iterator(CHUNK):
        yield QuestionSetRecord(
            slug=row.slug,
            name=row.name,
            description=row.description,
            license=row.license.spdx_id if row.license else "",
            is_demo=row.is_demo,
        )


def question_record(row: Question, *, is_whole: bool) -> QuestionRecord:
    return QuestionRecord(
        external_id=row.external_id,
        turns=tuple(read_content(cast(Any, turn), "turns") for turn in row.turns),
        question_set=row.question_set.slug if is_whole else "",
        category=row.category,
        dimension=row.dimension,
        language=row.language,
        references=tuple(row.references),
        tags=tuple(row.tags),
        metadata=row.metadata,
    )


def question_pointer(row: Question, selection: Selection) -> QuestionRecord:
    """What a record says about its question: in a bundle its id, elsewhere its text."""
    if selection.is_whole:
        return QuestionRecord(row.external_id, question_set=row.question_set.slug)
    return question_record(row, is_whole=False)


def _questions(selection: Selection) -> QuerySet[Question]:
    questions = Question.objects.filter(of_set(selection, "question_set"))
    return questions.select_related("question_set").order_by("question_set__slug", "id")


@exports(QuestionRecord)
def questions(selection: Selection) -> Iterator[QuestionRecord]:
    for row in _questions(selection).iterator(CHUNK):
        yield question_record(row, is_whole=selection.is_whole)


@exports(ReferenceAnswerRecord)
def reference_answers(selection: Selection) -> Iterator[ReferenceAnswerRecord]:
    if selection.is_whole:
        return  # a bundle's questions carry their references
    for row in _questions(selection).exclude(references=[]).iterator(CHUNK):
        yield ReferenceAnswerRecord(
            question=QuestionRecord(row.external_id),
            turns=tuple(row.references),
            author=str(row.metadata.get("reference_author", "")),
        )


def answer_record(row: Answer, selection: Selection) -> AnswerRecord:
    return AnswerRecord(
        model=model_name(row.model, selection),
        question=question_pointer(row.question, selection),
        turns=tuple(row.turns),
        sample_index=row.sample_index,
        origin=cast(Literal["generated", "imported", "live"], row.origin),
        reasoning=tuple(text or "" for text in row.reasoning),
        settings=row.settings,
        input_tokens=row.input_tokens,
        output_tokens=row.output_tokens,
        latency_s=row.latency_s,
        ttft_s=row.ttft_s,
        finish_reason=row.finish_reason,
        error_kind=row.error_kind if row.status == WorkStatus.FAILED else "",
        error_detail=row.error_detail if row.status == WorkStatus.FAILED else "",
        tstamp=seconds(row.finished_at),
    )


def answer_pointer(row: Answer, selection: Selection) -> AnswerRecord:
    """In a bundle a numbered answer is only pointed at; any other comes with its text."""
    if not selection.is_whole or row.sample_index is None:
        return answer_record(row, selection)
    question = question_pointer(row.question, selection)
    return AnswerRecord(model_name(row.model, selection), question, (), row.sample_index)


@exports(AnswerRecord)
def answers(selection: Selection) -> Iterator[AnswerRecord]:
    rows = Answer.objects.filter(
        of_set(selection, "question__question_set"),
        sample_index__isnull=False,
        status__in=FINISHED if selection.is_whole else (WorkStatus.DONE,),
    )
    if selection.models:
        rows = rows.filter(model__slug__in=selection.models)
    rows = rows.select_related("model", "question__question_set")
    # a bundle keeps the order of the ids, on which the sides of battles rest; answer files are
    # sorted by model
    order = ("id",) if selection.is_whole else ("model__slug", "question_id", "sample_index")
    for row in rows.order_by(*order).iterator(CHUNK):
        yield answer_record(row, selection)


def battle_identity(row: Battle) -> str:
    """The key of a battle in a bundle: its own, or one over what makes it."""
    if row.external_key:
        return row.external_key
    texts = [answer.turns if answer else None for answer in (row.answer_a, row.answer_b)]
    made = [row.model_a.slug, row.model_b.slug, *texts, seconds(row.created_at)]
    return f"{KEY_PREFIX}{row.origin}:{content_hash(made)[:KEY_CHARACTERS]}"


def battle_record(
    row: Battle, selection: Selection, votes: tuple[VoteRecord, ...] = ()
) -> BattleRecord:
    metadata = dict(row.metadata)
    external_id = battle_identity(row)
    if not selection.is_whole:
        external_id = str(metadata.pop("external_id", "") or row.external_key or row.pk)
    return BattleRecord(
        model_a=model_name(row.model_a, selection),
        model_b=model_name(row.model_b, selection),
        question=question_pointer(row.question, selection) if row.question else None,
        answer_a=answer_pointer(row.answer_a, selection) if row.answer_a else None,
        answer_b=answer_pointer(row.answer_b, selection) if row.answer_b else None,
        votes=votes,
        external_id=external_id,
        origin=cast(Origin, row.origin),
        is_anonymous=row.is_anonymous,
        language=row.language,
        turn_count=row.turn_count,
        exclusion=row.exclusion,
        tstamp=seconds(row.created_at),
        metadata=metadata,
    )


BATTLE_RELATIONS = (
    "model_a",
    "model_b",
    "question__question_set",
    "answer_a__model",
    "answer_a__question__question_set",
    "answer_b__model",
    "answer_b__question__question_set",
)


@exports(BattleRecord)
def battles(selection: Selection) -> Iterator[BattleRecord]:
    """In a bundle every battle; elsewhere those that people voted on, since a row is a vote."""
    rows = Battle.objects.filter(of_set(selection, "question__question_set"))
    if selection.models:
        rows = rows.filter(model_a__slug__in=selection.models, model_b__slug__in=selection.models)
    if not selection.is_whole:
        rows = rows.voted()
    rows = rows.select_related(*BATTLE_RELATIONS).prefetch_related("votes__voter").order_by("id")
    for row in rows.iterator(CHUNK):
        votes = tuple(_vote_record(vote) for vote in row.votes.all())
        yield battle_record(row, selection, votes)


def _vote_record(vote: Vote) -> VoteRecord:
    return VoteRecord(
        outcome=cast(OutcomeName, vote.outcome),
        voter=vote.voter.key if vote.voter else "",
        is_expert=bool(vote.voter and vote.voter.is_expert),
        source=cast(Literal["human", "imported", "demo"], vote.source),
        shown_first=cast(SideName | Literal[""], vote.shown_first),
        draw_probability=vote.draw_probability,
        strength=vote.strength,
        reasons=tuple(vote.reasons),
        exclusion=vote.exclusion,
        tstamp=seconds(vote.created_at),
    )


def battle_pointer(row: Battle, selection: Selection) -> BattleRecord:
    """What leads a judgment back to its battle."""
    if row.origin == BattleOrigin.IMPORTED:
        return BattleRecord(
            model_a=model_name(row.model_a, selection),
            model_b=model_name(row.model_b, selection),
            external_id=battle_identity(row),
        )
    return battle_record(row, selection)
