"""Storing licences, models and question sets."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from arena.dialects.records import LanguageModelRecord, LicenseRecord, QuestionSetRecord
from arena.importing.context import MAX_SET_SLUG, ImportContext
from arena.importing.names import slug_of
from arena.importing.sinks import StoreResult, refused, stores
from arena.models import CommercialUse, LanguageModel, License, QuestionSet

# how model tables abbreviate licences that SPDX names otherwise
LICENSE_ALIASES = {
    "apache 2.0": "Apache-2.0",
    "apache-2": "Apache-2.0",
    "bsd": "BSD-3-Clause",
    "cc by-nc 4.0": "CC-BY-NC-4.0",
    "cc-by-nc": "CC-BY-NC-4.0",
    "cc-by-nc-nd": "CC-BY-NC-ND-4.0",
    "cc-by-nc-sa": "CC-BY-NC-SA-4.0",
    "gpl": "GPL-3.0-only",
    "gpl-3.0": "GPL-3.0-only",
    "lgpl-3.0": "LGPL-3.0-only",
    "agpl-3.0": "AGPL-3.0-only",
    "mpl": "MPL-2.0",
    "proprietary": "LicenseRef-Proprietary",
    "proprietary api": "LicenseRef-Proprietary",
    "non-commercial": "LicenseRef-Non-commercial",
    "openrail": "LicenseRef-OpenRAIL-M",
    "openrail-m": "LicenseRef-OpenRAIL-M",
    "bigscience-openrail-m": "LicenseRef-BigScience-OpenRAIL-M",
    "llama 2 community": "LicenseRef-Llama-2",
    "llama2": "LicenseRef-Llama-2",
    "llama 3 community": "LicenseRef-Llama-3",
    "llama3": "LicenseRef-Llama-3",
    "llama 3.1 community": "LicenseRef-Llama-3.1",
    "llama-3.1": "LicenseRef-Llama-3.1",
    "llama3.1": "LicenseRef-Llama-3.1",
    "llama 3.2 community": "LicenseRef-Llama-3.2",
    "llama 3.2": "LicenseRef-Llama-3.2",
    "llama3.2": "LicenseRef-Llama-3.2",
    "llama 3.3 community": "LicenseRef-Llama-3.3",
    "llama-3.3": "LicenseRef-Llama-3.3",
    "llama3.3": "LicenseRef-Llama-3.3",
    "llama 4": "LicenseRef-Llama-4",
    "llama4": "LicenseRef-Llama-4",
    "dbrx license": "LicenseRef-DBRX",
    "deepseek license": "LicenseRef-DeepSeek",
    "deepseek": "LicenseRef-DeepSeek",
    "falcon-180b tii license": "LicenseRef-Falcon-180B",
    "gemma license": "LicenseRef-Gemma",
    "gemma": "LicenseRef-Gemma",
    "jamba open": "LicenseRef-Jamba-Open",
    "mistral research": "LicenseRef-Mistral-Research",
    "qianwen license": "LicenseRef-Qwen",
    "qwen": "LicenseRef-Qwen",
    "yi license": "LicenseRef-Yi",
}


def is_web_address(url: str) -> bool:
    """Pages link to these; no other scheme may get there from a file."""
    return not url or url.startswith(("https://", "http://"))


def license_named(name: str) -> License | None:
    """The licence a file means; one that is not known is kept under its own name."""
    if not name:
        return None
    spdx_id = LICENSE_ALIASES.get(name.casefold(), name)
    known = (
        License.objects.filter(spdx_id__iexact=spdx_id).first()
        or License.objects.filter(name__iexact=name).first()
    )
    if known:
        return known
    own, _ = License.objects.get_or_create(
        spdx_id=f"LicenseRef-{slug_of(name, 60)}", defaults={"name": name[:200]}
    )
    return own


@stores(LicenseRecord)
def store_licenses(records: Sequence[LicenseRecord], context: ImportContext) -> StoreResult:
    result = StoreResult()
    for record in records:
        if not is_web_address(record.url):
            result.bad.append(refused(record, "url", record.url, "expected an http(s) address"))
            continue
        if record.commercial_use == CommercialUse.CONDITIONAL and not record.condition:
            result.bad.append(refused(record, "condition", "", "state the condition of use"))
            continue
        _, is_new = License.objects.get_or_create(
            spdx_id=record.spdx_id,
            defaults={
                "name": record.name,
                "family": record.family,
                "commercial_use": record.commercial_use,
                "condition": record.condition,
                "url": record.url,
            },
        )
        result.stored += is_new
        result.already_there += not is_new
    return result


@stores(QuestionSetRecord)
def store_question_sets(
    records: Sequence[QuestionSetRecord], context: ImportContext
) -> StoreResult:
    result = StoreResult()
    for record in records:
        _, is_new = QuestionSet.objects.get_or_create(
            slug=slug_of(record.slug, MAX_SET_SLUG),
            defaults={
                "name": record.name or record.slug,
                "description": record.description,
                "license": license_named(record.license),
                "is_demo": record.is_demo,
            },
        )
        result.stored += is_new
        result.already_there += not is_new
    return result


@stores(LanguageModelRecord)
def store_language_models(records: Sequence[LanguageModelRecord], _: ImportContext) -> StoreResult:
    """New models in full; of a model that is there, only what is still empty is filled in."""
    result = StoreResult()
    for record in records:
        try:
            columns = _columns(record)
        except ValueError:
            remedy = "write the date as YYYY-MM-DD"
            result.bad.append(refused(record, "release_date", record.release_date, remedy))
            continue
        if not is_web_address(record.url):
            result.bad.append(refused(record, "url", record.url, "expected an http(s) address"))
            continue
        if bad := _first_negative(record):
            result.bad.append(refused(record, bad, getattr(record, bad), "expected 0 or more"))
            continue
        model, is_new = LanguageModel.objects.get_or_create(
            slug=slug_of(record.name), defaults=columns
        )
        is_changed = is_new or _fill_in(model, columns)
        result.stored += is_changed
        result.already_there += not is_changed
    return result


def _columns(record: LanguageModelRecord) -> dict[str, Any]:
    return {
        "display_name": (record.display_name or record.name)[:200],
        "organisation": record.organisation,
        "description": record.description,
        "url": record.url,
        "license": license_named(record.license),
        "release_date": dt.date.fromisoformat(record.release_date) if record.release_date else None,
        "knowledge_cutoff": record.knowledge_cutoff,
        "parameters_b": record.parameters_b or None,
        "context_length": record.context_length,
        "price_in_per_mtok": record.price_in_per_mtok,
        "price_out_per_mtok": record.price_out_per_mtok,
        "provider_model": record.provider_model or record.name[:200],
        "provider_settings": record.provider_settings,
        "is_active": record.is_active,
        "is_demo": record.is_demo,
    }


NOT_NEGATIVE = ("parameters_b", "context_length", "price_in_per_mtok", "price_out_per_mtok")


def _first_negative(record: LanguageModelRecord) -> str:
    return next((name for name in NOT_NEGATIVE if (getattr(record, name) or 0) < 0), "")


def _fill_in(model: LanguageModel, columns: dict[str, Any]) -> bool:
    """What someone has written here is never overwritten by a file."""
    empty = {
        name: value
        for name, value in columns.items()
        if value not in (None, "", {}) and getattr(model, name) in (None, "", {})
    }
    # a model first met as a bare name in an answer file goes by that name until a table tells more
    if model.display_name == model.provider_model != columns["display_name"]:
        empty["display_name"] = columns["display_name"]
    if empty:
        LanguageModel.objects.filter(pk=model.pk).update(**empty)
    return bool(empty)
