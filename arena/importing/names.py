"""From the names that files use to the slugs that addresses use.

A slug is the name itself wherever an address can hold it, case and dots included, so that a model
is found under the name its publisher and every file use. Separators that an address cannot hold
("meta-llama/Llama-3", "my model") become hyphens.
"""

import hashlib
import re

_SEPARATORS = re.compile(r"[\s/\\,;()\[\]]+")
_OTHERS = re.compile(r"[^\w.+:@-]+")
MAX_SLUG = 160  # LanguageModel.slug, Judge.slug
HASH_CHARACTERS = 8


def slug_of(name: str, max_length: int = MAX_SLUG) -> str:
    """``name`` as a slug; names that differ in more than separators get different slugs."""
    plain = _SEPARATORS.sub("-", name.strip()).strip("-")
    slug = _OTHERS.sub("-", plain).strip("-")
    if slug == plain and len(slug) <= max_length and slug:
        return slug
    # what a slug cannot hold still tells names apart: "x#1" is not "x-1"
    mark = hashlib.sha256((plain or name).encode()).hexdigest()[:HASH_CHARACTERS]
    return f"{slug[: max_length - HASH_CHARACTERS - 1]}-{mark}".strip("-")
