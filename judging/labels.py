"""What pages call a kind of judge, and the reasons why a reply could not be read."""

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from judging.verdicts.base import UnreadableReason

_REASONS: dict[str, str | Promise] = {
    UnreadableReason.EMPTY_REPLY: _("the reply was empty"),
    UnreadableReason.TRUNCATED: _("the token limit cut the reply off"),
    UnreadableReason.NO_VERDICT: _("the reply holds no verdict"),
    UnreadableReason.UNKNOWN_LABEL: _("the verdict is a word the convention does not know"),
    UnreadableReason.OUT_OF_SCALE: _("the score lies outside the scale"),
    UnreadableReason.MALFORMED_JSON: _("the JSON is malformed"),
    UnreadableReason.NO_LOGPROBS: _("the endpoint gave no log-probabilities"),
    UnreadableReason.WRONG_MODE: _("the verdict is of the other mode"),
    UnreadableReason.NO_QUORUM: _("too few of the jury could be read"),
}


def kind_words(kind: str) -> str:
    """A kind's registered name as English words: ``length_preferring`` → ``length preferring``."""
    return kind.replace("_", " ")


def kind_label(kind: str) -> str:
    """The kind in the reader's language; one that came without translation in English words."""
    return gettext(kind_words(kind))


def reason_label(reason: str) -> str:
    """Why a reply could not be read, in the reader's language."""
    return str(_REASONS.get(reason) or reason or gettext("no reason was stored"))
