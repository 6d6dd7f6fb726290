"""MT-Bench ``judge_prompts.jsonl``, llmuses' included (there ``category`` may be a list)."""

from collections.abc import Iterable, Iterator

from pydantic import JsonValue

from arena.dialects import DIALECTS
from arena.dialects.dialect import NO, SURE, Dialect, Sample
from arena.dialects.fields import Fields
from arena.dialects.records import JudgePromptRecord, Record


@DIALECTS.register("judge_prompts")
class JudgePrompts(Dialect):
    name = "judge_prompts"
    label = "judge prompts (judge_prompts.jsonl)"
    default_set = "mt-bench"
    writes = (JudgePromptRecord,)

    def detect(self, sample: Sample) -> float:
        return SURE if sample.have("name", "type", "prompt_template") else NO

    def read_row(self, fields: Fields) -> Iterable[Record]:
        category = fields.get("category")
        is_list = isinstance(category, list)
        one = fields.text_or_empty("category") if not is_list else ""
        yield JudgePromptRecord(
            name=fields.name("name"),
            type=fields.name("type"),
            prompt_template=fields.text("prompt_template"),
            system_prompt=fields.text_or_empty("system_prompt"),
            description=fields.text_or_empty("description"),
            categories=fields.texts("category") if is_list else (one,) if one else (),
            output_format=fields.text_or_empty("output_format"),
            place=fields.place,
        )

    def write_records(self, records: Iterable[Record]) -> Iterator[dict[str, JsonValue]]:
        for record in records:
            assert isinstance(record, JudgePromptRecord)
            is_one = len(record.categories) == 1
            yield {
                "name": record.name,
                "type": record.type,
                "system_prompt": record.system_prompt,
                "prompt_template": record.prompt_template,
                "description": record.description,
                "category": record.categories[0] if is_one else list(record.categories),
                "output_format": record.output_format,
            }
