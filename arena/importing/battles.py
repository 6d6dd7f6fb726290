"""Storing battles that came with their votes."""

from collections.abc import Sequence

from arena.dialects.records import AnswerRecord, BattleRecord, QuestionRecord
from arena.importing.answers import (
    AnswerKey,
    Placed,
    find_answers,
    is_pointer,
    make_answers,
    place_answer,
)
from arena.importing.bulk import Columns, insert_rows
from arena.importing.context import ImportContext, moment
from arena.importing.prepared import KEY_PREFIX, Prepared, battle_key
from arena.importing.questions import find_or_make, not_there
from arena.importing.sinks import StoreResult, refused, stores
from arena.importing.votes import store_votes, vote_key
from arena.models import Battle


@stores(BattleRecord)
def store_battles(records: Sequence[BattleRecord], context: ImportContext) -> StoreResult:
    result = StoreResult()
    prepared = prepare_battles(records, context, result)
    resolve_battles(prepared, context)
    votes_stored = store_votes(prepared, context)
    for one in prepared:
        votes = {vote_key(one.key, vote) for vote in one.record.votes}
        is_stored = one.is_new or bool(votes & votes_stored)
        votes_stored -= votes  # an equal row further down was already there
        result.stored += is_stored
        result.already_there += not is_stored
    return result


def prepare_battles(
    records: Sequence[BattleRecord], context: ImportContext, result: StoreResult
) -> list[Prepared]:
    """Find or make models, questions and answers; records that cannot be stored are refused."""
    model_ids = context.model_ids(
        name for record in records for name in (record.model_a, record.model_b)
    )
    prepared = []
    for record in records:
        sides = (model_ids[record.model_a], model_ids[record.model_b])
        if sides[0] == sides[1]:
            remedy = "both sides are the same model; a model cannot battle itself"
            result.bad.append(refused(record, "model_b", record.model_b, remedy))
        else:
            prepared.append(Prepared(record, battle_key(record), sides))
    prepared = _with_questions(prepared, context, result)
    return _with_answers(prepared, context, result)


def _with_questions(
    prepared: Sequence[Prepared], context: ImportContext, result: StoreResult
) -> list[Prepared]:
    asking = [(one, one.record.question) for one in prepared if one.record.question]
    found = find_or_make([question for _, question in asking], context)
    kept = []
    for (one, _), question_id in zip(asking, found.ids, strict=True):
        one.question_id = question_id
    for one in prepared:
        question: QuestionRecord | None = one.record.question
        if question is not None and one.question_id is None:
            result.bad.append(not_there(one.record, question, context))
        else:
            kept.append(one)
    return kept


def _with_answers(
    prepared: Sequence[Prepared], context: ImportContext, result: StoreResult
) -> list[Prepared]:
    for one in prepared:
        record = one.record
        if one.question_id is not None and record.answer_a and record.answer_b:
            one.answers = (
                place_answer(record.answer_a, one.question_id, context),
                place_answer(record.answer_b, one.question_id, context),
            )
    placed = [answer for one in prepared if one.answers for answer in one.answers]
    there = find_answers(placed)
    missing = [
        answer for answer in placed if answer.key not in there and not is_pointer(answer.record)
    ]
    there |= make_answers(missing)
    kept = []
    for one in prepared:
        if one.answers is None:
            kept.append(one)
            continue
        ids = [there[answer.key].id for answer in one.answers if answer.key in there]
        if len(ids) == len(one.answers):
            one.stand_on((ids[0], ids[1]))
            kept.append(one)
        else:
            lacking = _lacking(one.answers, set(there))
            remedy = "this model's answer to the question is not there; import the answers first"
            result.bad.append(refused(one.record, "answer", lacking.model, remedy))
    return kept


def _lacking(answers: tuple[Placed, Placed], there: set[AnswerKey]) -> AnswerRecord:
    return next(answer.record for answer in answers if answer.key not in there)


def resolve_battles(prepared: Sequence[Prepared], context: ImportContext) -> None:
    """Give every battle its row: by its key, by its pair of answers, or a new one."""
    keys = {one.key for one in prepared}
    ids = dict(
        Battle.objects.order_by().filter(external_key__in=keys).values_list("external_key", "id")
    )
    by_answers = _battles_by_answers([one for one in prepared if one.record.origin != "imported"])
    new: dict[str, Prepared] = {}
    for one in prepared:
        pair = (one.record.origin, one.answer_ids)
        if one.key not in ids and pair in by_answers:
            ids[one.key] = by_answers[pair]
        if one.key not in ids and one.key not in new:
            new[one.key] = one
            one.is_new = True
    made = insert_rows(Battle, [_columns(one, context) for one in new.values()])
    ids |= dict(zip(new, made, strict=True))
    for one in prepared:
        one.battle_id = ids[one.key]


def _battles_by_answers(
    prepared: Sequence[Prepared],
) -> dict[tuple[str, tuple[int, int] | None], int]:
    """Battles fought here carry no key; their two answers tell them apart."""
    answer_ids = [one.answer_ids[0] for one in prepared if one.answer_ids]
    if not answer_ids:
        return {}
    rows = Battle.objects.order_by().filter(answer_a_id__in=answer_ids).exclude(origin="imported")
    return {
        (origin, (answer_a, answer_b)): pk
        for origin, answer_a, answer_b, pk in rows.values_list(
            "origin", "answer_a_id", "answer_b_id", "id"
        )
    }


def _columns(one: Prepared, context: ImportContext) -> Columns:
    record = one.record
    answer_ids = one.answer_ids or (None, None)
    metadata = record.metadata
    if record.external_id and not record.external_id.startswith(KEY_PREFIX):
        metadata = metadata | {"external_id": record.external_id}
    return {
        "model_a_id": one.model_ids[0],
        "model_b_id": one.model_ids[1],
        "question_id": one.question_id,
        "answer_a_id": answer_ids[0],
        "answer_b_id": answer_ids[1],
        "origin": record.origin,
        "is_anonymous": record.is_anonymous,
        "language": record.language,
        "turn_count": record.turn_count,
        "exclusion": record.exclusion,
        "external_key": None if record.origin == "stored" else one.key,
        "metadata": metadata,
        "created_at": moment(record.tstamp) or context.now,
    }
