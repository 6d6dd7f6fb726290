"""Creating and editing boards; snapshots are immutable and can only be looked at."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from pydantic import ValidationError

from arena.admin import ReadOnlyAdmin
from leaderboard.models import Board, Snapshot
from leaderboard.query import BoardQuery
from leaderboard.ratings import METHODS


class BoardForm(forms.ModelForm[Board]):
    """Checks the query and the method's options before they are saved."""

    method = forms.ChoiceField(
        choices=lambda: [(name, method.label) for name, method in METHODS.items()]
    )

    class Meta:
        model = Board
        fields = (
            "slug",
            "title",
            "description",
            "query",
            "method",
            "options",
            "seed",
            "is_public",
            "is_live",
            "position",
        )

    def clean_query(self) -> dict[str, Any]:  # JSON
        query: dict[str, Any] = self.cleaned_data["query"] or {}
        try:
            BoardQuery.model_validate(query)
        except ValidationError as error:
            raise forms.ValidationError(_problems(error)) from None
        return query

    def clean(self) -> dict[str, Any] | None:  # JSON
        values = super().clean()
        method, options = self.cleaned_data.get("method"), self.cleaned_data.get("options")
        if method:
            try:
                METHODS.get(method).options.model_validate(options or {})
            except ValidationError as error:
                self.add_error("options", forms.ValidationError(_problems(error)))
        return values


def _problems(error: ValidationError) -> list[str]:
    return [f"{'.'.join(map(str, part['loc']))}: {part['msg']}" for part in error.errors()]


@admin.register(Board)
class BoardAdmin(admin.ModelAdmin[Board]):
    form = BoardForm
    list_display = ("slug", "title", "method", "is_public", "is_live", "position")
    prepopulated_fields = {"slug": ("title",)}


@admin.register(Snapshot)
class SnapshotAdmin(ReadOnlyAdmin):
    list_display = ("board", "number", "slice_key", "method", "battles", "created_at")
    list_select_related = ("board",)
