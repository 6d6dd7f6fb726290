"""Editing what is stored. Facts (answers, battles, votes) can be looked at, never rewritten."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from arena.models import (
    Answer,
    Battle,
    Endpoint,
    GenerationRun,
    LanguageModel,
    License,
    Question,
    QuestionSet,
    Vote,
    Voter,
)
from providers import PROVIDERS

admin.site.site_header = "Agon"
admin.site.site_title = "Agon"


class EndpointForm(forms.ModelForm[Endpoint]):
    """The key can be set and replaced here; it is never shown again."""

    provider = forms.ChoiceField(choices=lambda: [(name, name) for name in PROVIDERS])
    api_key = forms.CharField(
        required=False,
        widget=forms.PasswordInput(render_value=False),
        label=_("API key"),
        help_text=_("Kept encrypted and never shown. Leave empty to keep the stored key."),
    )

    class Meta:
        model = Endpoint
        fields = (
            "slug",
            "name",
            "provider",
            "base_url",
            "api_key_env",
            "api_key",
            "settings",
            "max_concurrency",
            "requests_per_minute",
            "tokens_per_minute",
            "timeout_s",
            "max_attempts",
        )

    def clean_api_key(self) -> str:
        return self.cleaned_data["api_key"] or self.instance.api_key or ""


@admin.register(Endpoint)
class EndpointAdmin(admin.ModelAdmin[Endpoint]):
    form = EndpointForm
    list_display = ("slug", "name", "provider", "base_url", "max_concurrency")


@admin.register(License)
class LicenseAdmin(admin.ModelAdmin[License]):
    list_display = ("spdx_id", "name", "family", "commercial_use")
    list_filter = ("family", "commercial_use")
    search_fields = ("spdx_id", "name")


@admin.register(LanguageModel)
class LanguageModelAdmin(admin.ModelAdmin[LanguageModel]):
    list_display = ("slug", "display_name", "organisation", "license", "endpoint", "is_active")
    list_filter = ("is_active", "organisation", "license")
    search_fields = ("slug", "display_name", "organisation")
    list_select_related = ("license", "endpoint")


@admin.register(QuestionSet)
class QuestionSetAdmin(admin.ModelAdmin[QuestionSet]):
    list_display = ("slug", "name", "license", "is_demo")
    search_fields = ("slug", "name")


@admin.register(Question)
class QuestionAdmin(admin.ModelAdmin[Question]):
    list_display = ("external_id", "question_set", "category", "dimension", "language")
    list_filter = ("question_set", "category", "language")
    search_fields = ("external_id",)
    list_select_related = ("question_set",)


class ReadOnlyAdmin(admin.ModelAdmin[Any]):  # Any: serves several models
    """Rows that are facts: they can be looked at and marked elsewhere, not edited here."""

    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Answer)
class AnswerAdmin(ReadOnlyAdmin):
    list_display = ("id", "model", "question", "status", "origin", "error_kind")
    list_filter = ("status", "origin")
    list_select_related = ("model", "question")


@admin.register(Battle)
class BattleAdmin(ReadOnlyAdmin):
    list_display = ("id", "model_a", "model_b", "origin", "exclusion")
    list_filter = ("origin", "exclusion")
    list_select_related = ("model_a", "model_b")


@admin.register(Vote)
class VoteAdmin(ReadOnlyAdmin):
    list_display = ("id", "battle", "outcome", "source", "exclusion", "created_at")
    list_filter = ("source", "outcome", "exclusion")
    list_select_related = ("battle",)


@admin.register(Voter)
class VoterAdmin(ReadOnlyAdmin):
    list_display = ("key", "is_expert", "created_at")


@admin.register(GenerationRun)
class GenerationRunAdmin(ReadOnlyAdmin):
    list_display = ("id", "label", "status", "created_at")
