"""Judges as rows: making versions of them, and building what can be asked from a row."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

from django.db import transaction
from django.db.models import Max

from arena.models import LanguageModel
from judging.judges import JUDGES, JudgeContext, JudgeSettingsError, build_judge
from judging.judges import Judge as BuiltJudge
from judging.models import Judge
from judging.prompt_sets import prompt_set
from judging.prompts import PromptSet
from judging.scripts import stored_verdicts
from judging.turns import TURN_SETTINGS, check_turn_settings

IMPORTED = "imported"
PLANNED_PK = 0  # no row has it
RESERVED_SLUGS = frozenset({"new", "compare"})
Settings = Mapping[str, Any]  # JSON; each kind of judge checks its own


class UnknownJudgeError(LookupError):
    """There is no such judge."""


@runtime_checkable
class AsksNamedModels(Protocol):
    """A judge with several models; each of its requests says which one it is for."""

    @property
    def endpoints(self) -> tuple[str, ...]:
        """Slugs of the models it asks; an empty one stands for the judge row's own model."""
        ...


def judge_from_row(row: Judge) -> BuiltJudge:
    """What decides, built from a stored version; raises JudgeSettingsError or PromptError."""
    return _build(row.kind, row.settings)


def _build(kind: str, settings: Settings, prompts: list[PromptSet] | None = None) -> BuiltJudge:
    if kind == IMPORTED:
        raise JudgeSettingsError(
            "this judge came with imported verdicts and cannot be asked; set up a judge of your own"
        )

    def remembered(name: str) -> PromptSet:
        chosen = prompt_set(name)
        if prompts is not None:
            prompts.append(chosen)
        return chosen

    own = {name: value for name, value in settings.items() if name not in TURN_SETTINGS}
    return build_judge(kind, own, JudgeContext(prompt_set=remembered, script=stored_verdicts))


def models_of(row: Judge, judge: BuiltJudge) -> dict[str, LanguageModel]:
    """The models that a judge asks, by the name its requests use; empty for an offline judge."""
    named = judge.endpoints if isinstance(judge, AsksNamedModels) else ("",)
    if not JUDGES.get(row.kind).needs_endpoint:
        return {}
    slugs = [name for name in named if name]
    found = {
        model.slug: model
        for model in LanguageModel.objects.filter(slug__in=slugs).select_related("endpoint")
    }
    for slug in slugs:
        if slug not in found:
            raise JudgeSettingsError(
                f"judge {row.slug!r} asks the model {slug!r}, which is unknown"
            )
    if "" in named:
        if row.language_model is None:
            raise JudgeSettingsError(
                f"judge {row.slug!r} of kind {row.kind!r} needs a model to ask; choose one"
            )
        found[""] = row.language_model
    return found


def prompt_sets_of(kind: str, settings: Settings) -> list[PromptSet]:
    """The prompts that a judge of this kind and these settings uses."""
    prompts: list[PromptSet] = []
    _build(kind, settings, prompts)
    return prompts


def fingerprint_of(kind: str, settings: Settings, language_model: LanguageModel | None) -> str:
    """A hash over all that can change a verdict: kind, settings, model, the prompts' texts."""
    prompts = prompt_sets_of(kind, settings)
    model = language_model and [
        language_model.slug,
        language_model.provider_model,
        language_model.provider_settings,
    ]
    versions = [[t.name, t.version] for chosen in prompts for t in chosen.templates]
    canonical = json.dumps([kind, settings, model, versions], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


@transaction.atomic
def create_judge(
    *,
    slug: str,
    kind: str,
    name: str = "",
    settings: Settings | None = None,
    language_model: LanguageModel | None = None,
    description: str = "",
    is_demo: bool = False,
) -> Judge:
    """The judge, in a new version when one of this slug differs, or the version that is equal.

    Raises UnknownPartError, JudgeSettingsError or PromptError for what cannot be built.
    """
    judge = planned_judge(
        slug=slug, kind=kind, name=name, settings=settings, language_model=language_model
    )
    if judge.pk == PLANNED_PK:
        judge.pk, judge.description, judge.is_demo = None, description, is_demo
        judge.save(force_insert=True)
    return judge


def planned_judge(
    *,
    slug: str,
    kind: str,
    name: str = "",
    settings: Settings | None = None,
    language_model: LanguageModel | None = None,
) -> Judge:
    """What ``create_judge`` would return, and nothing is stored.

    A version that is not there yet has the primary key ``PLANNED_PK``, so that queries about its
    judgments find none. Raises as ``create_judge`` does.
    """
    chosen = dict(settings or {})
    check_turn_settings(chosen)
    if slug in RESERVED_SLUGS:
        raise JudgeSettingsError(f"a judge cannot be called {slug!r}: a page has that address")
    fingerprint = fingerprint_of(kind, chosen, language_model)
    versions = Judge.objects.filter(slug=slug)
    there = versions.filter(fingerprint=fingerprint).first()
    if there is not None:
        return there
    judge = Judge(
        pk=PLANNED_PK,
        slug=slug,
        version=(versions.aggregate(last=Max("version"))["last"] or 0) + 1,
        name=name or slug,
        kind=kind,
        settings=chosen,
        language_model=language_model,
        convention=_convention(kind, chosen),
        fingerprint=fingerprint,
    )
    models_of(judge, judge_from_row(judge))
    return judge


def _convention(kind: str, settings: Settings) -> str:
    """How its replies are read, where that is one way."""
    if settings.get("convention"):
        return str(settings["convention"])
    prompts = prompt_sets_of(kind, settings)
    names = {template.convention for chosen in prompts for template in chosen.templates}
    return names.pop() if len(names) == 1 else ""


def new_version(
    judge: Judge,
    *,
    settings: Settings | None = None,
    language_model: LanguageModel | None = None,
) -> Judge:
    """``judge`` with other settings or another model; rows that have judged are never edited."""
    return create_judge(
        slug=judge.slug,
        kind=judge.kind,
        name=judge.name,
        settings=judge.settings if settings is None else settings,
        language_model=language_model or judge.language_model,
        description=judge.description,
        is_demo=judge.is_demo,
    )


def runnable_judge(name: str) -> Judge:
    """The judge called ``slug`` in its newest version, or ``slug@2`` in its second.

    When its prompts or its model have changed since the newest version, that makes the next one.
    """
    slug, _, version = name.partition("@")
    versions = Judge.objects.filter(slug=slug).select_related("language_model__endpoint")
    if version:
        found = versions.filter(version=int(version) if version.isdigit() else 0).first()
    else:
        found = versions.order_by("-version").first()
    if found is None:
        known = ", ".join(Judge.objects.runnable().current().values_list("slug", flat=True))
        raise UnknownJudgeError(
            f"there is no judge {name!r}; there are: {known or 'none yet, make one in the console'}"
        )
    return found if version else up_to_date(found)


def up_to_date(judge: Judge) -> Judge:
    """``judge`` itself, or its next version when prompts or model are not what they were."""
    if judge.kind == IMPORTED:
        judge_from_row(judge)
    return new_version(judge)
