"""Creating and editing boards; snapshots are immutable and can only be looked at."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from arena.admin import ReadOnlyAdmin
from leaderboard.board_form import QUERY_FIELDS, BoardForm
from leaderboard.models import Board, Snapshot


@admin.register(Board)
class BoardAdmin(admin.ModelAdmin[Board]):
    form = BoardForm
    list_display = ("slug", "title", "method", "is_public", "is_live", "position")
    prepopulated_fields = {"slug": ("title",)}
    fieldsets = (
        (None, {"fields": ("title", "slug", "description", "is_public", "is_live", "position")}),
        (_("What counts"), {"fields": QUERY_FIELDS}),
        (_("How it is rated"), {"fields": ("method", "options", "seed")}),
    )


@admin.register(Snapshot)
class SnapshotAdmin(ReadOnlyAdmin):
    list_display = ("board", "number", "slice_key", "method", "battles", "created_at")
    list_select_related = ("board",)
