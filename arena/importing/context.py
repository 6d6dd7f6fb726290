"""What the sinks of one file share: its question set, the ids met so far, the time."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field

from django.utils import timezone

from arena.dialects.records import QuestionRecord
from arena.importing.names import slug_of
from arena.models import LanguageModel, QuestionSet

MAX_SET_SLUG = 120
BATCH = 2000  # records looked up and stored at once


def moment(tstamp: float | None) -> dt.datetime | None:
    return None if tstamp is None else dt.datetime.fromtimestamp(tstamp, dt.UTC)


@dataclass(slots=True)
class ImportContext:
    """Ids are remembered for one file only: a file that is refused takes its rows back."""

    question_set: str
    now: dt.datetime = field(default_factory=timezone.now)
    _model_ids: dict[str, int] = field(default_factory=dict)
    _set_ids: dict[str, int] = field(default_factory=dict)
    judge_ids: dict[tuple[str, int], int] = field(default_factory=dict)

    def set_id(self, record: QuestionRecord) -> int:
        """The set a question belongs to: its own, or the one chosen for the file."""
        return self.set_id_of(record.question_set or self.question_set)

    def set_id_of(self, name: str) -> int:
        if name not in self._set_ids:
            slug = slug_of(name, MAX_SET_SLUG)
            chosen, _ = QuestionSet.objects.get_or_create(slug=slug, defaults={"name": name})
            self._set_ids[name] = chosen.pk
        return self._set_ids[name]

    def model_id(self, name: str) -> int:
        return self.model_ids([name])[name]

    def model_ids(self, names: Iterable[str]) -> dict[str, int]:
        """Ids of the models called so, made where there is none yet."""
        unknown = {name for name in names if name not in self._model_ids}
        if unknown:
            slugs = {name: slug_of(name) for name in sorted(unknown)}
            ids = self._ids_of({*slugs, *slugs.values()})
            made = {slug: name for name, slug in slugs.items() if not {name, slug} & set(ids)}
            LanguageModel.objects.bulk_create(
                LanguageModel(slug=slug, display_name=name[:200], provider_model=name[:200])
                for slug, name in made.items()
            )
            ids |= self._ids_of(set(made))
            # a model that somebody gave just this slug comes before one that is merely alike
            self._model_ids |= {name: ids.get(name) or ids[slug] for name, slug in slugs.items()}
        return self._model_ids

    @staticmethod
    def _ids_of(slugs: set[str]) -> dict[str, int]:
        return dict(LanguageModel.objects.filter(slug__in=slugs).values_list("slug", "id"))
