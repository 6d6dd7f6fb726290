"""Storing answers, and finding those that battles and judgments speak of."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from django.db.models import Q

from arena.dialects.records import AnswerRecord, content_hash
from arena.importing.bulk import Columns, insert_rows
from arena.importing.context import ImportContext, moment
from arena.importing.questions import find_or_make, not_there
from arena.importing.sinks import StoreResult, refused, stores
from arena.models import Answer, WorkStatus
from arena.style import style_features

AnswerKey: TypeAlias = tuple[int, int, int | str]  # question, model, sample index or content hash


@dataclass(frozen=True, slots=True)
class Placed:
    """An answer whose question and model are known by id."""

    record: AnswerRecord
    question_id: int
    model_id: int
    digest: str

    @property
    def key(self) -> AnswerKey:
        index = self.record.sample_index
        return (self.question_id, self.model_id, self.digest if index is None else index)

    @property
    def key_by_content(self) -> AnswerKey:
        return (self.question_id, self.model_id, self.digest)


@dataclass(frozen=True, slots=True)
class Stored:
    id: int
    digest: str
    status: str


def is_pointer(record: AnswerRecord) -> bool:
    """Without text and without an error it only points at an answer that is there."""
    return not record.turns and not record.error_kind


def place_answer(record: AnswerRecord, question_id: int, context: ImportContext) -> Placed:
    digest = content_hash(list(record.turns)) if record.turns else ""
    return Placed(record, question_id, context.model_id(record.model), digest)


def find_answers(placed: Sequence[Placed]) -> dict[AnswerKey, Stored]:
    """Answers that are there, under their number in the answer set and under their content."""
    question_ids = {one.question_id for one in placed}
    digests = {one.digest for one in placed if one.record.sample_index is None}
    wanted = Q(sample_index__isnull=False)
    if digests:
        wanted |= Q(sample_index__isnull=True, content_hash__in=digests)
    # narrowed by question alone: given the models too, SQLite prefers their index, under which
    # it finds nearly every answer there is
    rows = Answer.objects.filter(wanted, question_id__in=question_ids).order_by()
    columns = ("question_id", "model_id", "sample_index", "content_hash", "id", "status")
    found: dict[AnswerKey, Stored] = {}
    for question_id, model_id, index, digest, pk, status in rows.values_list(*columns):
        stored = Stored(pk, digest, status)
        found.setdefault((question_id, model_id, digest), stored)
        if index is not None:
            found[(question_id, model_id, index)] = stored
    return found


def make_answers(placed: Sequence[Placed]) -> dict[AnswerKey, Stored]:
    """Store answers that are not there; of equal ones the first."""
    unique = {one.key: one for one in placed}
    made = insert_rows(Answer, [_columns(one) for one in unique.values()])
    found: dict[AnswerKey, Stored] = {}
    for one, pk in zip(unique.values(), made, strict=True):
        stored = Stored(pk, one.digest, _status(one.record))
        found[one.key] = stored
        found.setdefault(one.key_by_content, stored)
    return found


def _status(record: AnswerRecord) -> str:
    return WorkStatus.FAILED.value if record.error_kind else WorkStatus.DONE.value


def _columns(placed: Placed) -> Columns:
    record = placed.record
    return {
        "question_id": placed.question_id,
        "model_id": placed.model_id,
        "sample_index": record.sample_index,
        "origin": record.origin,
        "status": _status(record),
        "error_kind": record.error_kind,
        "error_detail": record.error_detail,
        "finished_at": moment(record.tstamp),
        "turns": record.turns,
        "reasoning": record.reasoning,
        "settings": record.settings,
        "input_tokens": record.input_tokens,
        "output_tokens": record.output_tokens,
        "latency_s": record.latency_s,
        "ttft_s": record.ttft_s,
        "finish_reason": record.finish_reason,
        "content_hash": placed.digest,
        "style": style_features(record.turns),
    }


@stores(AnswerRecord)
def store_answers(records: Sequence[AnswerRecord], context: ImportContext) -> StoreResult:
    result = StoreResult()
    context.model_ids(record.model for record in records)
    found = find_or_make([record.question for record in records], context)
    placed: list[Placed] = []
    for record, question_id in zip(records, found.ids, strict=True):
        if question_id is None:
            result.bad.append(not_there(record, record.question, context))
        else:
            placed.append(place_answer(record, question_id, context))
    there = find_answers(placed)
    new: dict[AnswerKey, Placed] = {}
    for one in placed:
        earlier = new[one.key].digest if one.key in new else None
        if (stored := there.get(one.key)) is not None:
            earlier = stored.digest if stored.status == WorkStatus.DONE or stored.digest else ""
        if earlier is None:
            new[one.key] = one
        elif earlier == one.digest:
            result.already_there += 1
        else:
            remedy = "another answer of this model to this question is there; use another set"
            result.bad.append(refused(one.record, "turns", one.record.turns, remedy))
    make_answers(list(new.values()))
    result.stored += len(new)
    return result
