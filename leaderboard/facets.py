"""What a reader may narrow a board by, counted once per snapshot: no page scans the questions."""

from __future__ import annotations

from collections import Counter
from typing import Final, get_args

from django.db.models import Count, Q

from leaderboard.query import BoardQuery, Trait, questions_of

Facets = dict[str, dict[str, int]]
TRAITS: Final[tuple[str, ...]] = get_args(Trait)
MOST_TAGS: Final = 40


def question_facets(query: BoardQuery) -> Facets:
    """Questions by category, language, dimension, tag and trait; empty values left out."""
    questions = questions_of(query)
    facets: Facets = {}
    for name, column in (
        ("category", "category"),
        ("language", "facts__language"),
        ("dimension", "dimension"),
    ):
        counted = questions.order_by().values_list(column).annotate(n=Count("id")).order_by(column)
        facets[name] = {value: n for value, n in counted if value}
    facets["trait"] = questions.aggregate(
        **{trait: Count("id", filter=Q(**{f"facts__is_{trait}": True})) for trait in TRAITS}
    )
    facets["tag"] = _tags(questions.exclude(tags=[]).values_list("tags", flat=True))
    return facets


def _tags(lists: object) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for tags in lists.iterator(chunk_size=5000):  # type: ignore[attr-defined]  # a flat queryset
        counts.update(tag for tag in tags if isinstance(tag, str))
    return dict(sorted(counts.most_common(MOST_TAGS)))
