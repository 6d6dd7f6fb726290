"""Storing judges and judge prompts."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import Max

from arena.dialects.records import JudgePromptRecord, JudgeRecord, content_hash
from arena.importing.context import ImportContext
from arena.importing.names import slug_of
from arena.importing.sinks import StoreResult, refused, stores
from judging.models import Judge, JudgePrompt, PromptMode
from judging.prompts.imported import template_from_row
from judging.prompts.template import PromptError
from judging.verdicts.base import Mode

IMPORTED = "imported"


@stores(JudgePromptRecord)
def store_judge_prompts(
    records: Sequence[JudgePromptRecord], context: ImportContext
) -> StoreResult:
    result = StoreResult()
    for record in records:
        try:
            prompt = _prompt(record)
        except PromptError as error:
            result.bad.append(refused(record, "prompt_template", record.name, str(error)))
            continue
        there = JudgePrompt.objects.filter(name=record.name).first()
        if there is None:
            prompt.save()
            result.stored += 1
        elif (there.system_prompt, there.template) == (prompt.system_prompt, prompt.template):
            result.already_there += 1
        else:
            remedy = "another prompt of this name is there; rename one of them"
            result.bad.append(refused(record, "name", record.name, remedy))
    return result


def _prompt(record: JudgePromptRecord) -> JudgePrompt:
    template = template_from_row(
        {
            "name": record.name,
            "type": record.type,
            "system_prompt": record.system_prompt,
            "prompt_template": record.prompt_template,
            "category": list(record.categories),
            "output_format": record.output_format,
        }
    )
    is_single = template.mode == Mode.SINGLE
    return JudgePrompt(
        name=record.name[:120],
        mode=PromptMode.SINGLE if is_single else PromptMode.PAIRWISE,
        system_prompt=record.system_prompt,
        template=record.prompt_template,
        convention=template.convention,
        description=record.description,
        categories=list(record.categories),
        is_multi_turn=template.scope.name == "LAST_TURN",
        uses_reference=bool(template.reference_turns),
    )


@stores(JudgeRecord)
def store_judges(records: Sequence[JudgeRecord], context: ImportContext) -> StoreResult:
    """Versions are numbered anew where this installation has given the number to another."""
    result = StoreResult()
    for record in records:
        slug = slug_of(record.slug)
        there = Judge.objects.filter(slug=slug, fingerprint=record.fingerprint).first()
        judge = there or _make_judge(record, slug, context)
        context.judge_ids[(record.slug, record.version)] = judge.pk
        result.stored += there is None
        result.already_there += there is not None
    return result


def _make_judge(record: JudgeRecord, slug: str, context: ImportContext) -> Judge:
    versions = Judge.objects.filter(slug=slug)
    is_taken = versions.filter(version=record.version).exists()
    newest = versions.aggregate(newest=Max("version"))["newest"] or 0
    return Judge.objects.create(
        slug=slug,
        version=newest + 1 if is_taken else record.version,
        name=(record.name or record.slug)[:200],
        description=record.description,
        kind=record.kind,
        language_model_id=context.model_id(record.language_model)
        if record.language_model
        else None,
        convention=record.convention,
        settings=record.settings,
        fingerprint=record.fingerprint,
        is_demo=record.is_demo,
    )


def imported_judge_id(name: str, version: int, context: ImportContext) -> int:
    """The judge that a file only names; never one that is set up here to be asked."""
    key = (name, version)
    if key not in context.judge_ids:
        slug = slug_of(name)
        if Judge.objects.filter(slug=slug).exclude(kind=IMPORTED).exists():
            slug = slug_of(f"{name} imported")
        judge, _ = Judge.objects.get_or_create(
            slug=slug,
            kind=IMPORTED,
            defaults={"name": name[:200], "fingerprint": content_hash([IMPORTED, slug])},
        )
        context.judge_ids[key] = judge.pk
    return context.judge_ids[key]
