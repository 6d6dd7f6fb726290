"""Editing what others published; runs and samples are facts and are not edited."""

from __future__ import annotations

from django.contrib import admin

from benchmarks.models import PublishedScore


@admin.register(PublishedScore)
class PublishedScoreAdmin(admin.ModelAdmin[PublishedScore]):
    list_display = ("language_model", "task", "metric", "value", "num_fewshot", "source")
    list_filter = ("language_model",)
    search_fields = ("task", "source")
    autocomplete_fields = ("language_model",)
    list_select_related = ("language_model",)
