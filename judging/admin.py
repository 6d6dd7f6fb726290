"""Creating judges; a judge that has judged is never edited, a change makes a new version."""

from __future__ import annotations

from django.contrib import admin

from arena.admin import ReadOnlyAdmin
from judging.models import JudgePrompt, JudgeRun, Judgment, ProbeRun, ProbeTrial


@admin.register(JudgePrompt)
class JudgePromptAdmin(admin.ModelAdmin[JudgePrompt]):
    list_display = ("name", "mode", "convention", "uses_reference", "is_multi_turn")


@admin.register(JudgeRun)
class JudgeRunAdmin(ReadOnlyAdmin):
    list_display = ("id", "label", "judge", "mode", "status", "is_dry_run", "created_at")
    list_select_related = ("judge",)


@admin.register(Judgment)
class JudgmentAdmin(ReadOnlyAdmin):
    list_display = ("id", "judge", "mode", "game", "outcome", "score", "status", "is_dry_run")
    list_filter = ("mode", "status", "is_readable", "is_dry_run")
    list_select_related = ("judge",)


@admin.register(ProbeRun)
class ProbeRunAdmin(ReadOnlyAdmin):
    list_display = ("id", "label", "judge", "mode", "status", "created_at")
    list_select_related = ("judge",)


@admin.register(ProbeTrial)
class ProbeTrialAdmin(ReadOnlyAdmin):
    list_display = ("id", "judge", "probe", "case", "game", "outcome", "score", "status")
    list_filter = ("probe", "mode", "status", "is_readable")
    list_select_related = ("judge",)
