"""Fields that several forms about judging have."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from arena.models import LanguageModel


class KindSettings(forms.Form):
    """The settings of a judge's kind, as JSON."""

    settings = forms.JSONField(
        label=_("Settings"),
        required=False,
        initial=dict,
        help_text=_("The kind's own settings as JSON; empty for its defaults."),
        widget=forms.Textarea(attrs={"rows": 5, "spellcheck": "false"}),
    )

    def clean_settings(self) -> dict[str, Any]:  # JSON
        settings = self.cleaned_data["settings"] or {}
        if not isinstance(settings, dict):
            raise forms.ValidationError(_("Settings are a JSON object: {…}."))
        return settings


def first_questions(*, fewest: int = 1) -> forms.IntegerField:
    """How many questions of a set are asked."""
    return forms.IntegerField(
        label=_("First questions only"),
        required=False,
        min_value=fewest,
        help_text=_("Empty: all questions of the set."),
    )


def answering_models(help_text: str | Promise) -> forms.ModelMultipleChoiceField[LanguageModel]:
    """Models that have answers, to be ticked."""
    return forms.ModelMultipleChoiceField(
        LanguageModel.objects.filter(answers__isnull=False).distinct(),
        label=_("Models"),
        widget=forms.CheckboxSelectMultiple,
        help_text=help_text,
    )
