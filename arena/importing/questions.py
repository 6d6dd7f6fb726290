"""Storing questions and their reference answers, and finding those that records speak of."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from arena.dialects.fields import BadRow
from arena.dialects.records import (
    QuestionRecord,
    Record,
    ReferenceAnswerRecord,
    content_hash,
)
from arena.importing.bulk import Columns, insert_rows
from arena.importing.context import ImportContext
from arena.importing.sinks import StoreResult, refused, stores
from arena.models import Question

OWN_ID_CHARACTERS = 24


@dataclass(slots=True)
class FoundQuestions:
    """``ids`` runs parallel to the records asked for; None stands for a question not there."""

    ids: list[int | None] = field(default_factory=list)
    hashes: list[str] = field(default_factory=list)
    new: set[int] = field(default_factory=set)


def own_id(digest: str) -> str:
    """The id of a question that came without one: the same text, the same id."""
    return f"q-{digest[:OWN_ID_CHARACTERS]}"


def find_or_make(records: Sequence[QuestionRecord], context: ImportContext) -> FoundQuestions:
    """Questions by their id within the set, or by their text where the file gives no id."""
    keyed = [_key(record, context) for record in records]
    existing = _existing({key for key, _ in keyed})
    missing: dict[tuple[int, str], Columns] = {}
    for (key, digest), record in zip(keyed, records, strict=True):
        if key not in existing and key not in missing and not record.is_pointer:
            missing[key] = _columns(record, key, digest)
    made = insert_rows(Question, list(missing.values()))
    existing |= {
        key: (pk, columns["content_hash"])
        for (key, columns), pk in zip(missing.items(), made, strict=True)
    }
    found = FoundQuestions(new=set(made))
    for key, _ in keyed:
        question_id, digest = existing.get(key, (None, ""))
        found.ids.append(question_id)
        found.hashes.append(digest)
    return found


def _key(record: QuestionRecord, context: ImportContext) -> tuple[tuple[int, str], str]:
    digest = content_hash(record.turns_as_json) if record.turns else ""
    external_id = record.external_id or own_id(digest)
    return (context.set_id(record), external_id), digest


def _existing(keys: set[tuple[int, str]]) -> dict[tuple[int, str], tuple[int, str]]:
    ids_of_sets: dict[int, list[str]] = {}
    for set_id, external_id in keys:
        ids_of_sets.setdefault(set_id, []).append(external_id)
    found: dict[tuple[int, str], tuple[int, str]] = {}
    for set_id, external_ids in ids_of_sets.items():
        rows = (
            Question.objects.order_by()
            .filter(question_set_id=set_id, external_id__in=external_ids)
            .values_list("external_id", "id", "content_hash")
        )
        found |= {(set_id, external_id): (pk, digest) for external_id, pk, digest in rows}
    return found


def _columns(record: QuestionRecord, key: tuple[int, str], digest: str) -> Columns:
    return {
        "question_set_id": key[0],
        "external_id": key[1],
        "turns": record.turns_as_json,
        "category": record.category,
        "dimension": record.dimension,
        "language": record.language,
        "references": record.references,
        "tags": record.tags,
        "metadata": record.metadata,
        "content_hash": digest,
    }


def not_there(record: Record, question: QuestionRecord, context: ImportContext) -> BadRow:
    name = question.question_set or context.question_set
    remedy = f"the set {name!r} has no question with this id; import its questions first"
    return refused(record, "question_id", question.external_id, remedy)


@stores(QuestionRecord)
def store_questions(records: Sequence[QuestionRecord], context: ImportContext) -> StoreResult:
    result = StoreResult()
    fitting: list[QuestionRecord] = []
    for record in records:
        if len(record.references) not in (0, len(record.turns)):
            remedy = f"give one reference for each of the {len(record.turns)} turns, or none"
            result.bad.append(refused(record, "references", len(record.references), remedy))
        else:
            fitting.append(record)
    found = find_or_make(fitting, context)
    counted: set[int] = set()
    for record, pk, digest in zip(fitting, found.ids, found.hashes, strict=True):
        if pk is None:
            result.bad.append(not_there(record, record, context))
        elif digest and digest != content_hash(record.turns_as_json):
            remedy = "the set has another text under this id; import into another set (--set)"
            result.bad.append(refused(record, "question_id", record.external_id, remedy))
        elif pk in found.new and pk not in counted:
            counted.add(pk)
            result.stored += 1
        else:
            result.already_there += 1
    return result


@stores(ReferenceAnswerRecord)
def store_reference_answers(
    records: Sequence[ReferenceAnswerRecord], context: ImportContext
) -> StoreResult:
    result = StoreResult()
    found = find_or_make([record.question for record in records], context)
    questions = Question.objects.in_bulk([pk for pk in found.ids if pk])
    for record, pk in zip(records, found.ids, strict=True):
        question = questions.get(pk) if pk else None
        if question is None:
            result.bad.append(not_there(record, record.question, context))
        elif question.references == list(record.turns):
            result.already_there += 1
        elif question.references:
            remedy = "the question has another reference answer already; remove that one first"
            result.bad.append(refused(record, "choices", record.turns, remedy))
        elif len(record.turns) != len(question.turns):
            remedy = f"the question has {len(question.turns)} turns; give one text for each"
            result.bad.append(refused(record, "choices", len(record.turns), remedy))
        else:
            question.references = list(record.turns)
            if record.author:
                question.metadata = question.metadata | {"reference_author": record.author}
            question.save(update_fields=["references", "metadata"])
            result.stored += 1
    return result
