"""Arena-Hard-Auto ``model_answer/<model>.jsonl``: messages, or the older ``choices``."""

from collections.abc import Iterable, Iterator

from pydantic import JsonValue

from arena.dialects import DIALECTS
from arena.dialects.arena_hard_questions import is_list_of_objects
from arena.dialects.conversations import message_rows, read_messages, text_turns
from arena.dialects.dialect import NO, SURE, Dialect, Sample
from arena.dialects.fields import Fields
from arena.dialects.records import AnswerRecord, QuestionRecord, Record, content_hash

ID_CHARACTERS = 32


@DIALECTS.register("arena_hard_answers")
class ArenaHardAnswers(Dialect):
    name = "arena_hard_answers"
    label = "Arena-Hard answers"
    default_set = "arena-hard"
    writes = (AnswerRecord,)

    def detect(self, sample: Sample) -> float:
        if sample.have("uid", "model", "messages"):
            return SURE
        choices = sample.first("choices")
        first = choices[0] if isinstance(choices, list) and choices else None
        is_old = isinstance(first, dict) and is_list_of_objects(first.get("turns"))
        return SURE if sample.have("question_id", "model_id") and is_old else NO

    def read_row(self, fields: Fields) -> Iterable[Record]:
        return [self._from_messages(fields)] if "uid" in fields else self._from_choices(fields)

    def _from_messages(self, fields: Fields) -> AnswerRecord:
        messages = [_with_plain_answer(value) for value in fields.list("messages")]
        conversation = read_messages(messages, fields, "messages")
        return AnswerRecord(
            model=fields.name("model"),
            question=QuestionRecord(fields.identifier("uid"), conversation.turns),
            turns=conversation.replies,
            output_tokens=fields.object_or_empty("metadata").count_or_none("token_len"),
            tstamp=fields.timestamp("tstamp"),
            place=fields.place,
        )

    def _from_choices(self, fields: Fields) -> Iterator[AnswerRecord]:
        for number, choice in enumerate(fields.objects("choices")):
            index = choice.count_or_none("index")
            turns = list(choice.objects("turns"))
            lengths = [turn.count_or_none("token_len") for turn in turns]
            yield AnswerRecord(
                model=fields.name("model_id"),
                question=QuestionRecord(fields.identifier("question_id")),
                turns=tuple(turn.text("content") for turn in turns),
                sample_index=number if index is None else index,
                output_tokens=None if None in lengths else sum(n or 0 for n in lengths),
                tstamp=fields.timestamp("tstamp"),
                place=fields.place,
            )

    def write_records(self, records: Iterable[Record]) -> Iterator[dict[str, JsonValue]]:
        for record in records:
            assert isinstance(record, AnswerRecord)
            question = record.question
            turns = question.turns or text_turns([""] * len(record.turns))
            messages: list[JsonValue] = []
            for message in message_rows(turns, record.turns):
                if isinstance(message, dict) and message["role"] == "assistant":
                    message["content"] = {"answer": message["content"]}
                messages.append(message)
            metadata: JsonValue = (
                {} if record.output_tokens is None else {"token_len": record.output_tokens}
            )
            identity: JsonValue = [question.external_id, record.model, list(record.turns)]
            yield {
                "uid": question.external_id,
                "ans_id": content_hash(identity)[:ID_CHARACTERS],
                "model": record.model,
                "messages": messages,
                "tstamp": record.tstamp,
                "metadata": metadata,
            }


def _with_plain_answer(message: JsonValue) -> JsonValue:
    """The assistant's content is an object whose ``answer`` is the text."""
    if isinstance(message, dict) and isinstance(message.get("content"), dict):
        content = message["content"]
        return message | {"content": content.get("answer") if isinstance(content, dict) else None}
    return message
