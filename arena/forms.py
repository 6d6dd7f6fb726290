"""Forms of the staff console."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from arena.models import LanguageModel, QuestionSet


class GenerationForm(forms.Form):
    """Which models answer which questions, and how."""

    question_set = forms.ModelChoiceField(QuestionSet.objects.all(), label=_("Question set"))
    language_models = forms.ModelMultipleChoiceField(
        LanguageModel.objects.active().callable(),
        label=_("Models"),
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Only models with an endpoint can answer."),
    )
    temperature = forms.FloatField(
        label=_("Temperature"),
        required=False,
        min_value=0,
        max_value=2,
        help_text=_("Empty: by category, as MT-Bench does."),
    )
    max_tokens = forms.IntegerField(
        label=_("Tokens per answer at most"), initial=1024, min_value=1, max_value=200_000
    )
    limit = forms.IntegerField(
        label=_("First questions only"),
        required=False,
        min_value=1,
        help_text=_("Empty: all questions of the set."),
    )

    def arguments(self) -> dict[str, Any]:
        """Keyword arguments for ``start_generation``."""
        data = self.cleaned_data
        settings: dict[str, Any] = {"max_tokens": data["max_tokens"]}
        if data["temperature"] is not None:
            settings["temperature"] = data["temperature"]
        return {
            "question_set": data["question_set"],
            "language_models": list(data["language_models"]),
            "settings": settings,
            "limit": data["limit"],
        }
