"""The form of a board: what it counts as fields and toggles, its method with options, its seed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final, get_args

from django import forms
from django.contrib.admin.widgets import AdminSplitDateTime
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop
from pydantic import ValidationError

from arena.models import Exclusion, LanguageModel, Question, QuestionSet
from arena.vocabulary import category_label, dimension_label, language_label
from judging.models import Judge
from leaderboard.filters import SOURCE_LABELS, TRAIT_LABELS
from leaderboard.fitting import unknown_questions
from leaderboard.models import Board
from leaderboard.query import BoardQuery, Source, Trait, Voters
from leaderboard.ratings import METHODS

Choices = list[tuple[str, str]]

QUERY_FIELDS: Final = (
    "source", "voters", "judges", "models", "question_sets", "categories", "dimensions",
    "languages", "tags", "traits", "since", "until", "include", "include_demo",
)  # fmt: skip
"""Keys of a board's query that have a field; any other key stays as it is."""

NUMBERED: Final = gettext_noop(
    "Numbers name no question. Give difficulties by question set and the question's id in it, "
    'such as {"difficulty": {"alpaca": {"17": 0.3}}}.'
)

VOTERS_LABELS: Final = {
    "all": _("everybody"),
    "experts": _("experts"),
    "accounts": _("signed-in accounts"),
}


def _distinct(column: str, name_of: Callable[[str], object] = str) -> Callable[[], Choices]:
    def choices() -> Choices:
        values = Question.objects.exclude(**{column: ""}).order_by(column)
        known: Iterable[str] = values.values_list(column, flat=True).distinct()
        return [(value, str(name_of(value))) for value in known]

    return choices


def _several(choices: Callable[[], Choices], help_text: object = "") -> forms.MultipleChoiceField:
    return forms.MultipleChoiceField(choices=choices, required=False, help_text=str(help_text))


class BoardForm(forms.ModelForm[Board]):
    """Puts the query together from its fields; checks it and the method's options."""

    method = forms.ChoiceField(
        choices=lambda: [(name, method.label) for name, method in METHODS.items()]
    )
    source = forms.ChoiceField(
        choices=[(name, SOURCE_LABELS["" if name == "combined" else name])
                 for name in get_args(Source)]
    )  # fmt: skip
    voters = forms.ChoiceField(choices=[(name, VOTERS_LABELS[name]) for name in get_args(Voters)])
    judges = _several(lambda: list(Judge.objects.values_list("slug", "name")))
    models = _several(lambda: list(LanguageModel.objects.values_list("slug", "display_name")))
    question_sets = _several(lambda: list(QuestionSet.objects.values_list("slug", "name")))
    categories = _several(_distinct("category", category_label))
    dimensions = _several(_distinct("dimension", dimension_label))
    languages = _several(_distinct("language", language_label))
    tags = forms.CharField(required=False, help_text=_("Separated by commas; all must be there."))
    traits = forms.MultipleChoiceField(
        choices=[(name, TRAIT_LABELS[name]) for name in get_args(Trait)],
        widget=forms.CheckboxSelectMultiple,
        required=False,
        help_text=_("Read off the question's text; all that are ticked must hold."),
    )
    since = forms.SplitDateTimeField(widget=AdminSplitDateTime, required=False)
    until = forms.SplitDateTimeField(widget=AdminSplitDateTime, required=False)
    include = forms.MultipleChoiceField(
        choices=Exclusion.choices,
        widget=forms.CheckboxSelectMultiple,
        required=False,
        help_text=_("Marked rows are left out and counted by reason; tick what shall count."),
    )
    include_demo = forms.BooleanField(required=False)

    class Meta:
        model = Board
        fields = ("slug", "title", "description", "method", "options", "seed", "is_public",
                  "is_live", "position")  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # Django's own signature
        super().__init__(*args, **kwargs)
        try:
            kept = BoardQuery.model_validate(self.instance.query or {})
        except ValidationError:
            kept = BoardQuery()  # what cannot be read is to be chosen anew
        for name in QUERY_FIELDS:
            value, field = getattr(kept, name), self.fields[name]
            self.initial.setdefault(name, ", ".join(value) if name == "tags" else value)
            if isinstance(field, forms.MultipleChoiceField):
                # what was chosen stays a choice even if nothing carries it any more
                offered: Any = field.choices  # Django's own type allows for groups, too
                known = dict(offered)
                gone = [(each, each) for each in value if each not in known]
                field.choices = [*known.items(), *gone]

    def clean(self) -> dict[str, Any] | None:  # JSON
        values = super().clean()
        self._check_query()
        method, options = self.cleaned_data.get("method"), self.cleaned_data.get("options")
        if method:
            self._check_options(method, options or {})
        return values

    def _check_options(self, method: str, given: dict[str, Any]) -> None:  # JSON
        try:
            options = METHODS.get(method).options.model_validate(given)
        except ValidationError as error:
            self.add_error("options", forms.ValidationError(_problems(error)))
            return
        if problem := unknown_questions(options):
            self.add_error("options", problem)
        elif getattr(options, "is_numbered", False) and "options" in self.changed_data:
            self.add_error("options", _(NUMBERED))

    def _check_query(self) -> None:
        given = {
            name: self.cleaned_data[name] for name in QUERY_FIELDS if name in self.cleaned_data
        }
        given["tags"] = [tag for part in given.get("tags", "").split(",") if (tag := part.strip())]
        untouched = {k: v for k, v in (self.instance.query or {}).items() if k not in QUERY_FIELDS}
        since, until = given.get("since"), given.get("until")
        if since and until and since >= until:
            self.add_error("until", _("The end must come after the beginning."))
        try:
            query = BoardQuery.model_validate({**untouched, **given})
        except ValidationError as error:
            raise forms.ValidationError(_problems(error)) from None
        self.instance.query = query.model_dump(mode="json", exclude_defaults=True)


def _problems(error: ValidationError) -> list[str]:
    return [f"{'.'.join(map(str, part['loc']))}: {part['msg']}" for part in error.errors()]
