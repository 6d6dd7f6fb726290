"""What pages call a kind of judge."""

from django.utils.translation import gettext


def kind_words(kind: str) -> str:
    """A kind's registered name as English words: ``length_preferring`` → ``length preferring``."""
    return kind.replace("_", " ")


def kind_label(kind: str) -> str:
    """The kind in the reader's language; one that came without translation in English words."""
    return gettext(kind_words(kind))
