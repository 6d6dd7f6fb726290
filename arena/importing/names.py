"""From the names that files use to the slugs that addresses use.

The same model is written ``GPT-3.5-Turbo`` here and ``gpt-3.5 turbo`` there: neither case nor the
separators that a slug cannot hold tell models apart; every other character does.
"""

import hashlib
import re

_SEPARATORS = re.compile(r"[\s./:,;()\[\]]+")
_OTHERS = re.compile(r"[^\w-]+")
MAX_SLUG = 160  # LanguageModel.slug, Judge.slug
HASH_CHARACTERS = 8


def slug_of(name: str, max_length: int = MAX_SLUG) -> str:
    """A slug that is the same for all spellings of ``name``, and different for other names."""
    plain = _SEPARATORS.sub("-", name.casefold()).strip("-")
    slug = _OTHERS.sub("-", plain).strip("-")
    if slug == plain and len(slug) <= max_length and slug:
        return slug
    # what a slug cannot hold still tells names apart: "x+1" is not "x-1"
    mark = hashlib.sha256((plain or name).encode()).hexdigest()[:HASH_CHARACTERS]
    return f"{slug[: max_length - HASH_CHARACTERS - 1]}-{mark}".strip("-")
