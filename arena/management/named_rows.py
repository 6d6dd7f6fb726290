"""Rows that a command's arguments name; a wrong name is a usage error that lists the right ones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from django.core.management import CommandError
from django.db.models import QuerySet

from arena.models import LanguageModel, QuestionSet

USAGE = 2
SHOWN = 20


def named_question_set(slug: str) -> QuestionSet:
    """The question set called ``slug``."""
    found = QuestionSet.objects.filter(slug=slug).first()
    if found is None:
        slugs = QuestionSet.objects.values_list("slug", flat=True)
        raise CommandError(unknown("question set", slug, slugs), returncode=USAGE)
    return found


def named_models(slugs: Sequence[str]) -> list[LanguageModel]:
    """The models called so, in that order; several may stand in one argument, with commas."""
    wanted = [slug for given in slugs for slug in given.split(",") if slug]
    known: QuerySet[LanguageModel] = LanguageModel.objects.select_related("endpoint")
    found = {model.slug: model for model in known.filter(slug__in=wanted)}
    for slug in wanted:
        if slug not in found:
            all_slugs = known.values_list("slug", flat=True)
            raise CommandError(unknown("model", slug, all_slugs), returncode=USAGE)
    return [found[slug] for slug in dict.fromkeys(wanted)]


def unknown(kind: str, name: str, known: Iterable[str]) -> str:
    """The sentence about a name that nothing has."""
    names = sorted(known)
    shown = ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" * (len(names) > SHOWN))
    close = get_close_matches(name, names, n=1)
    hint = f"did you mean {close[0]!r}? " if close else ""
    return f"there is no {kind} {name!r}; {hint}there are: {shown or 'none yet'}"
