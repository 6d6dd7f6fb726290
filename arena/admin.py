"""Editing what is stored. Facts (answers, battles, votes) can be looked at, never rewritten."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest

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
from arena.setup_forms import EndpointForm
from arena.sign_in_limits import LimitedAdminSignIn
from arena.voting.voters import free_browsers

admin.site.site_header = "Agon"
admin.site.site_title = "Agon"
admin.site.login_form = LimitedAdminSignIn


admin.site.unregister(User)


@admin.register(User)
class AccountAdmin(UserAdmin[User]):
    """Django's own; an account's votes outlive it, and its browsers must not speak for them."""

    def delete_model(self, request: HttpRequest, obj: User) -> None:
        free_browsers([obj])
        super().delete_model(request, obj)

    @transaction.atomic
    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        free_browsers(list(queryset))
        super().delete_queryset(request, queryset)


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
