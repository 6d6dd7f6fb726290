"""The choices that narrow a list. They stand in the address, so that a view can be shared."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from arena.models import LanguageModel, Question, QuestionSet
from arena.vocabulary import category_label, dimension_label, language_label

Label = Callable[[str], str | Promise]


def _menu(values: Iterable[str], label_of: Label) -> list[tuple[str, str | Promise]]:
    return [("", _("All")), *((value, label_of(value)) for value in values if value)]


class QuestionFilter(forms.Form):
    """Which questions are listed; the menus offer what is stored."""

    q = forms.CharField(
        label=_("Search"),
        required=False,
        max_length=200,
        widget=forms.SearchInput(attrs={"placeholder": _("Words of the question, or its id")}),
    )
    set = forms.ChoiceField(label=_("Question set"), required=False)
    category = forms.ChoiceField(label=_("Category"), required=False)
    dimension = forms.ChoiceField(label=_("Capability"), required=False)
    language = forms.ChoiceField(label=_("Language"), required=False)
    tag = forms.CharField(required=False, max_length=80, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # Django's own signature
        super().__init__(*args, **kwargs)
        sets = {row.slug: str(row) for row in QuestionSet.objects.only("slug", "name", "is_demo")}
        menus = {
            "set": _menu(sets, sets.__getitem__),
            "category": _menu(_stored("category"), category_label),
            "dimension": _menu(_stored("dimension"), dimension_label),
            "language": _menu(_stored("language"), language_label),
        }
        for name, choices in menus.items():
            self.fields[name].choices = choices  # type: ignore[attr-defined]  # a ChoiceField

    def chosen(self) -> dict[str, str]:
        """What was chosen; a value that is no longer offered counts as not chosen."""
        self.is_valid()
        return {key: value for key, value in self.cleaned_data.items() if value}


def _stored(column: str) -> Iterable[str]:
    return Question.objects.order_by(column).values_list(column, flat=True).distinct()


class ModelFilter(forms.Form):
    q = forms.CharField(
        label=_("Search"),
        required=False,
        max_length=200,
        widget=forms.SearchInput(attrs={"placeholder": _("Model or organisation")}),
    )
    commercial = forms.BooleanField(label=_("Commercially usable"), required=False)
    retired = forms.BooleanField(label=_("Show retired models"), required=False)

    def chosen(self) -> dict[str, Any]:
        self.is_valid()
        return {key: value for key, value in self.cleaned_data.items() if value}


class BattleFilter(forms.Form):
    """Which battles are listed; ``question`` comes from links, not from a menu."""

    model = forms.ChoiceField(label=_("Model"), required=False)
    opponent = forms.ChoiceField(label=_("Opponent"), required=False)
    voted = forms.BooleanField(label=_("Only with votes"), required=False)
    question = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # Django's own signature
        super().__init__(*args, **kwargs)
        names = dict(LanguageModel.objects.values_list("slug", "display_name"))
        for field in ("model", "opponent"):
            choices = _menu(names, lambda slug: names[slug] or slug)
            self.fields[field].choices = choices  # type: ignore[attr-defined]  # a ChoiceField

    def chosen(self) -> dict[str, Any]:
        self.is_valid()
        return {key: value for key, value in self.cleaned_data.items() if value}
