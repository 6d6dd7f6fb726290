"""The pages that explain each published number: docs/methods, as the site shows them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from django.conf import settings
from django.urls import reverse

FOLDER: Final = Path(settings.BASE_DIR) / "docs" / "methods"
_HEADING = re.compile(r"^#\s+(.+)$", re.MULTILINE)
_LINK = re.compile(r"\]\((?:\./)?([\w-]+)\.md(#[\w-]*)?\)")
# two versions of one convention share a page
_SHARED: Final = {"arena_hard_v0_1": "arena_hard", "arena_hard_v2": "arena_hard"}


@dataclass(frozen=True, slots=True)
class MethodPage:
    """One explained number; ``text`` is Markdown whose links lead to the site's own pages."""

    slug: str
    title: str
    text: str


@cache
def method_pages() -> dict[str, MethodPage]:
    """All pages by slug, in alphabetical order of their titles; read once per process."""
    pages = [_read(path) for path in sorted(FOLDER.glob("*.md"))]
    return {page.slug: page for page in sorted(pages, key=lambda page: page.title)}


def _read(path: Path) -> MethodPage:
    text = path.read_text(encoding="utf-8")
    heading = _HEADING.search(text)
    title = heading.group(1) if heading else path.stem.replace("_", " ")
    body = _HEADING.sub("", text, count=1)
    return MethodPage(path.stem, title, _LINK.sub(r"](/methods/\1/\2)", body))


def method_address(method: str) -> str:
    """The address of the page that explains a rating method; empty where none does."""
    slug = _SHARED.get(method, method)
    return reverse("method_detail", args=[slug]) if slug in method_pages() else ""
