"""Storing judgments, and finding the battles and answers they are about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from arena.dialects.outcomes import mirrored, mirrored_preference
from arena.dialects.records import (
    AnswerRecord,
    BattleRecord,
    JudgmentRecord,
    Metadata,
    content_hash,
)
from arena.importing.answers import (
    AnswerKey,
    Placed,
    find_answers,
    is_pointer,
    make_answers,
    place_answer,
)
from arena.importing.battles import prepare_battles, resolve_battles
from arena.importing.context import ImportContext, moment
from arena.importing.names import slug_of
from arena.importing.prepared import KEY_CHARACTERS, KEY_PREFIX
from arena.importing.questions import find_or_make, not_there
from arena.importing.sinks import StoreResult, refused, stores
from arena.models import Answer, Battle, WorkStatus
from arena.services.battles import stored_battles
from judging.importing.judges import imported_judge_id
from judging.models import Judgment

EXCHANGED = "sides_exchanged"


@dataclass(frozen=True, slots=True)
class _Subject:
    """What a judgment is about; ``is_exchanged``: the battle has the record's sides swapped."""

    record: JudgmentRecord
    battle_id: int | None = None
    answer_id: int | None = None
    is_exchanged: bool = False


@stores(JudgmentRecord)
def store_judgments(records: Sequence[JudgmentRecord], context: ImportContext) -> StoreResult:
    result = StoreResult()
    sound = [record for record in records if _is_sound(record, result)]
    with_battle = [record for record in sound if record.battle is not None]
    without = [record for record in sound if record.battle is None]
    subjects = _subjects_with_battle(with_battle, context, result)
    subjects += _subjects_by_answers(without, context, result)
    judgments = [(one.record, _judgment(one, context)) for one in subjects]
    there = _existing([judgment for _, judgment in judgments])
    new: list[Judgment] = []
    for record, judgment in judgments:
        earlier = there.setdefault(_identity(judgment), judgment)
        if earlier is judgment:
            new.append(judgment)
        elif _said(earlier) == _said(judgment):
            result.already_there += 1
        else:
            remedy = "this judge has another verdict on the same game already; keep one of them"
            result.bad.append(refused(record, "judge", record.judge, remedy))
    Judgment.objects.bulk_create(new)
    result.stored += len(new)
    return result


def _is_sound(record: JudgmentRecord, result: StoreResult) -> bool:
    says = bool(record.outcome) or record.score is not None
    if record.is_readable and not says:
        result.bad.append(refused(record, "outcome", "", "a readable verdict needs one"))
    elif not record.is_readable and (says or record.preference is not None):
        remedy = "an unreadable verdict has neither outcome nor score"
        result.bad.append(refused(record, "outcome", record.outcome, remedy))
    else:
        return True
    return False


def _subjects_with_battle(
    records: Sequence[JudgmentRecord], context: ImportContext, result: StoreResult
) -> list[_Subject]:
    """Judgments that bring their battle along, as bundles and conversation files do."""
    subjects: list[_Subject] = []
    battles = [replace(r.battle, place=r.place) for r in records if r.battle is not None]
    prepared = prepare_battles(battles, context, result)
    resolve_battles(prepared, context)
    found = {id(one.record): one for one in prepared}
    for record, battle in zip(records, battles, strict=True):
        if one := found.get(id(battle)):
            subjects.append(_Subject(record, one.row_id, is_exchanged=one.is_exchanged))
    return subjects


def _subjects_by_answers(
    records: Sequence[JudgmentRecord], context: ImportContext, result: StoreResult
) -> list[_Subject]:
    """Judgments that name question and models; their answers are looked up or come along."""
    context.model_ids(n for r in records for n in (r.model_a, r.model_b) if n)
    found = find_or_make([record.question for record in records], context)
    asked = []
    for record, question_id in zip(records, found.ids, strict=True):
        if question_id is None:
            result.bad.append(not_there(record, record.question, context))
        else:
            asked.append((record, _place_sides(record, question_id, context)))
    answer_ids = _answer_ids([one for _, sides in asked for one in sides])
    subjects: list[_Subject] = []
    pairs: list[tuple[JudgmentRecord, list[Placed]]] = []
    for record, sides in asked:
        if record.mode == "pairwise":
            pairs.append((record, sides))
        elif answer_id := answer_ids.get(id(sides[0])):
            subjects.append(_Subject(record, answer_id=answer_id))
        else:
            remedy = "this model's answer to the question is not there; import the answers first"
            result.bad.append(refused(record, "model", record.model_a, remedy))
    return subjects + _pair_subjects(pairs, answer_ids, context, result)


def _place_sides(record: JudgmentRecord, question_id: int, context: ImportContext) -> list[Placed]:
    names = [record.model_a] if record.mode == "single" else [record.model_a, record.model_b]
    given = (record.answer_a, record.answer_b)
    return [
        place_answer(answer or AnswerRecord(name, record.question, ()), question_id, context)
        for name, answer in zip(names, given, strict=False)
    ]


def _answer_ids(placed: Sequence[Placed]) -> dict[int, int]:
    """Ids by ``id()`` of the placed answers; those that came with a text are stored if need be.

    A text that differs from the model's answer in the set is kept beside it, outside the set.
    """
    there = find_answers(placed)
    brought: dict[AnswerKey, Placed] = {}
    taken = set(there)
    for one in placed:
        if is_pointer(one.record) or one.key_by_content in taken:
            continue
        record = replace(one.record, sample_index=None) if one.key in taken else one.record
        brought[one.key_by_content] = replace(one, record=record)
        taken |= {one.key, one.key_by_content}
    there |= make_answers(list(brought.values()))
    ids: dict[int, int] = {}
    for one in placed:
        is_pointing = is_pointer(one.record)
        stored = there.get(one.key if is_pointing else one.key_by_content)
        if stored and not (is_pointing and stored.status != WorkStatus.DONE):
            ids[id(one)] = stored.id
    return ids


def _pair_subjects(
    pairs: Sequence[tuple[JudgmentRecord, list[Placed]]],
    answer_ids: dict[int, int],
    context: ImportContext,
    result: StoreResult,
) -> list[_Subject]:
    subjects: list[_Subject] = []
    known: list[tuple[JudgmentRecord, tuple[int, int]]] = []
    bare: list[JudgmentRecord] = []
    for record, (a, b) in pairs:
        if a.model_id == b.model_id:
            remedy = "both sides are the same model"
            result.bad.append(refused(record, "model_b", record.model_b, remedy))
        elif id(a) in answer_ids and id(b) in answer_ids:
            known.append((record, (answer_ids[id(a)], answer_ids[id(b)])))
        else:
            bare.append(record)
    wanted = {answer_id for _, pair in known for answer_id in pair}
    answers = Answer.objects.select_related("question").defer("turns", "reasoning").in_bulk(wanted)
    battles = stored_battles((answers[first], answers[second]) for _, (first, second) in known)
    for record, (first, second) in known:
        is_exchanged = first > second
        battle = battles[(second, first) if is_exchanged else (first, second)]
        subjects.append(_Subject(record, battle.pk, is_exchanged=is_exchanged))
    return subjects + _bare_subjects(bare, context, result)


def _bare_subjects(
    records: Sequence[JudgmentRecord], context: ImportContext, result: StoreResult
) -> list[_Subject]:
    """Pairs whose answers nobody has: the battle is kept without them."""
    battles = [_bare_battle(record, context) for record in records]
    prepared = prepare_battles(battles, context, result)
    resolve_battles(prepared, context)
    sides = dict(
        Battle.objects.filter(id__in=[one.row_id for one in prepared]).values_list(
            "id", "model_a_id"
        )
    )
    ids = {id(one.record): one.row_id for one in prepared}
    subjects: list[_Subject] = []
    for record, battle in zip(records, battles, strict=True):
        battle_id = ids[id(battle)]
        is_exchanged = sides[battle_id] != context.model_id(record.model_a)
        subjects.append(_Subject(record, battle_id, is_exchanged=is_exchanged))
    return subjects


def _bare_battle(record: JudgmentRecord, context: ImportContext) -> BattleRecord:
    question = record.question
    digest = content_hash(
        [
            context.set_id(question),
            question.external_id or question.turns_as_json,
            *sorted((slug_of(record.model_a), slug_of(record.model_b))),
        ]
    )
    return BattleRecord(
        model_a=record.model_a,
        model_b=record.model_b,
        question=question,
        external_id=f"{KEY_PREFIX}pair:{digest[:KEY_CHARACTERS]}",
        turn_count=max(record.turn, 1),
        place=record.place,
    )


def _judgment(subject: _Subject, context: ImportContext) -> Judgment:
    record, swap = subject.record, subject.is_exchanged
    preference = record.preference
    when = moment(record.tstamp) or context.now
    return Judgment(
        judge_id=imported_judge_id(record.judge, record.judge_version, context),
        mode=record.mode,
        source=record.source,
        battle_id=subject.battle_id,
        answer_id=subject.answer_id,
        game=3 - record.game if swap else record.game,
        turn=record.turn,
        repeat=record.repeat,
        is_dry_run=record.is_dry_run,
        status=WorkStatus.DONE,
        finished_at=when,
        created_at=when,
        outcome=mirrored(record.outcome) if swap and record.outcome else record.outcome,
        strength=record.strength,
        score=record.score,
        preference=mirrored_preference(preference)
        if swap and preference is not None
        else preference,
        is_readable=record.is_readable,
        raw_text=record.raw_text,
        prompt=record.prompt,
        prompt_name=record.prompt_name[:120],
        input_tokens=record.input_tokens,
        output_tokens=record.output_tokens,
        cost_usd=record.cost_usd,
        latency_s=record.latency_s,
        exclusion=record.exclusion,
        metadata=_marked(record.metadata) if swap else record.metadata,
    )


def _marked(metadata: Metadata) -> Metadata:
    """Remember that the sides stand the other way round than in the file, for exporting."""
    if metadata.get(EXCHANGED):
        return {key: value for key, value in metadata.items() if key != EXCHANGED}
    return metadata | {EXCHANGED: True}


Identity: TypeAlias = tuple[int | None, int | None, int, int, int, int, bool]


def _identity(judgment: Judgment) -> Identity:
    return (
        judgment.battle_id,
        judgment.answer_id,
        judgment.judge_id,
        judgment.game,
        judgment.turn,
        judgment.repeat,
        judgment.is_dry_run,
    )


def _said(judgment: Judgment) -> tuple[object, ...]:
    return (judgment.outcome, judgment.score, judgment.preference, judgment.raw_text)


def _existing(judgments: Sequence[Judgment]) -> dict[Identity, Judgment]:
    """What was said before about the same battles and answers.

    Narrowed by those alone: given the judge too, SQLite goes through all that the judge ever said.
    """
    rows = Judgment.objects.order_by()
    by_battle = rows.filter(battle_id__in={j.battle_id for j in judgments if j.battle_id})
    by_answer = rows.filter(answer_id__in={j.answer_id for j in judgments if j.answer_id})
    return {_identity(judgment): judgment for found in (by_battle, by_answer) for judgment in found}
