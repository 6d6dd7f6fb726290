"""The records of this room: judges, judge prompts, judgments."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Literal, cast

from django.db.models import Q

from arena.dialects.outcomes import mirrored, mirrored_preference
from arena.dialects.records import (
    GameNumber,
    JudgePromptRecord,
    JudgeRecord,
    JudgmentRecord,
    OutcomeName,
    QuestionRecord,
)
from arena.exporting.arena_records import (
    BATTLE_RELATIONS,
    answer_pointer,
    battle_pointer,
    model_name,
    question_pointer,
    seconds,
)
from arena.exporting.exporter import CHUNK, Selection, exports
from arena.models import Answer, WorkStatus
from judging.importing.judgments import EXCHANGED
from judging.models import Judge, JudgePrompt, Judgment
from judging.prompts.imported import CONVENTION_BY_OUTPUT_FORMAT

OUTPUT_FORMATS = {convention: name for name, convention in CONVENTION_BY_OUTPUT_FORMAT.items()}


@exports(JudgePromptRecord)
def judge_prompts(selection: Selection) -> Iterator[JudgePromptRecord]:
    for row in JudgePrompt.objects.order_by("name").iterator(CHUNK):
        yield JudgePromptRecord(
            name=row.name,
            type=row.mode,
            prompt_template=row.template,
            system_prompt=row.system_prompt,
            description=row.description,
            categories=tuple(row.categories),
            output_format=OUTPUT_FORMATS[row.convention],
        )


@exports(JudgeRecord)
def judges(selection: Selection) -> Iterator[JudgeRecord]:
    rows = Judge.objects.select_related("language_model").order_by("slug", "version")
    for row in rows.iterator(CHUNK):
        yield JudgeRecord(
            slug=row.slug,
            version=row.version,
            name=row.name,
            description=row.description,
            kind=row.kind,
            language_model=row.language_model.slug if row.language_model else "",
            convention=row.convention,
            settings=row.settings,
            fingerprint=row.fingerprint,
            is_demo=row.is_demo,
        )


@exports(JudgmentRecord)
def judgments(selection: Selection) -> Iterator[JudgmentRecord]:
    """What judges said; a dry run's random verdicts leave only in a bundle, marked as such."""
    rows = Judgment.objects.filter(_wanted(selection), status=WorkStatus.DONE).select_related(
        "judge",
        "run",
        "answer__model",
        "answer__question__question_set",
        *(f"battle__{relation}" for relation in BATTLE_RELATIONS),
    )
    order = ("mode", "battle_id", "answer_id", "judge_id", "turn", "repeat", "game")
    for row in rows.order_by(*order).iterator(CHUNK):
        record = _record(row, selection)
        yield record if selection.is_whole else _as_in_files(row, record)


def _as_in_files(row: Judgment, record: JudgmentRecord) -> JudgmentRecord:
    """The sides as the file had them, and the baseline of a run first, as all formats have it."""
    metadata = {key: value for key, value in record.metadata.items() if key != EXCHANGED}
    battle, baseline = row.battle, row.run.baseline_id if row.run else None
    is_baseline_second = battle is not None and baseline == battle.model_b_id
    if not (is_baseline_second or row.metadata.get(EXCHANGED)):
        return record
    return replace(
        record,
        model_a=record.model_b,
        model_b=record.model_a,
        answer_a=record.answer_b,
        answer_b=record.answer_a,
        game=1 if record.game == 2 else 2,
        outcome=mirrored(record.outcome) if record.outcome else "",
        preference=None if record.preference is None else mirrored_preference(record.preference),
        metadata=metadata,
    )


def _wanted(selection: Selection) -> Q:
    wanted = Q() if selection.is_whole else Q(is_dry_run=False)
    if selection.judge:
        wanted &= Q(judge__slug=selection.judge)
    if selection.question_set:
        of_battle = Q(battle__question__question_set__slug=selection.question_set)
        wanted &= of_battle | Q(answer__question__question_set__slug=selection.question_set)
    if selection.models:
        of_battle = Q(
            battle__model_a__slug__in=selection.models, battle__model_b__slug__in=selection.models
        )
        wanted &= of_battle | Q(answer__model__slug__in=selection.models)
    return wanted


def _record(row: Judgment, selection: Selection) -> JudgmentRecord:
    battle, answer = row.battle, row.answer
    subject = battle or answer
    if subject is None:
        raise LookupError(f"judgment {row.pk} is about nothing")
    names = [battle.model_a, battle.model_b] if battle else [answer.model] if answer else []
    sides: list[Answer | None] = [battle.answer_a, battle.answer_b] if battle else [answer]
    pointers = [answer_pointer(side, selection) if side else None for side in sides]
    is_pair_in_bundle = selection.is_whole and battle is not None
    return JudgmentRecord(
        judge=row.judge.slug if selection.is_whole else row.judge.name,
        mode=cast(Literal["single", "pairwise"], row.mode),
        question=question_pointer(subject.question, selection)
        if subject.question
        else QuestionRecord(),
        model_a=model_name(names[0], selection),
        model_b=model_name(names[1], selection) if battle else "",
        answer_a=None if is_pair_in_bundle else pointers[0],
        answer_b=None if is_pair_in_bundle or not battle else pointers[1],
        battle=battle_pointer(battle, selection) if is_pair_in_bundle and battle else None,
        judge_version=row.judge.version if selection.is_whole else 1,
        game=cast(GameNumber, row.game),
        turn=row.turn,
        repeat=row.repeat,
        source=cast(Literal["judged", "imported", "demo"], row.source),
        is_dry_run=row.is_dry_run,
        outcome=cast(OutcomeName | Literal[""], row.outcome),
        strength=row.strength,
        score=row.score,
        preference=row.preference,
        is_readable=bool(row.is_readable),
        raw_text=row.raw_text,
        prompt=row.prompt,
        prompt_name=row.prompt_name,
        input_tokens=row.input_tokens,
        output_tokens=row.output_tokens,
        cost_usd=row.cost_usd,
        latency_s=row.latency_s,
        exclusion=row.exclusion,
        tstamp=seconds(row.created_at),
        metadata=row.metadata,
    )
