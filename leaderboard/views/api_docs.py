"""The API explained on a page of our own: no script and no address outside this site."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing that can be asked."""

    method: str
    path: str
    summary: str
    parameters: list[dict[str, Any]]  # OpenAPI's own JSON
    answer: str


@dataclass(frozen=True, slots=True)
class Answer:
    """The fields of one kind of answer."""

    name: str
    description: str
    fields: list[tuple[str, str]]


@require_safe
def api_docs(request: HttpRequest) -> HttpResponse:
    operations, answers = _described()
    context = {"operations": operations, "answers": answers}
    return render(request, "leaderboard/api_docs.html", context)


@require_safe
def api_missing(request: HttpRequest, path: str) -> JsonResponse:
    """An address that the API does not have, answered as the API answers."""
    return JsonResponse({"detail": f"there is no {path!r} in version 1"}, status=404)


@cache
def _described() -> tuple[list[Operation], list[Answer]]:
    from leaderboard.api import api

    schema: dict[str, Any] = api.get_openapi_schema()
    operations = [
        Operation(
            method.upper(),
            path,
            told.get("summary", ""),
            told.get("parameters", []),
            _answer_of(told),
        )
        for path, methods in schema["paths"].items()
        for method, told in methods.items()
    ]
    answers = [
        Answer(
            name,
            told.get("description", ""),
            [(field, _type_of(kind)) for field, kind in told.get("properties", {}).items()],
        )
        for name, told in schema["components"]["schemas"].items()
        if name.endswith("Out") and "Paged" not in name
    ]
    return operations, answers


def _answer_of(told: dict[str, Any]) -> str:
    body = told["responses"].get(200, told["responses"].get("200", {}))
    return _type_of(body.get("content", {}).get("application/json", {}).get("schema", {}))


def _type_of(kind: dict[str, Any]) -> str:
    if "$ref" in kind:
        return str(kind["$ref"]).rsplit("/", 1)[-1]
    if "anyOf" in kind:
        return " | ".join(_type_of(part) for part in kind["anyOf"])
    if kind.get("type") == "array":
        return f"[{_type_of(kind.get('items', {}))}]"
    return str(kind.get("format") or kind.get("type") or "any")
