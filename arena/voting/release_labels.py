"""What a release says it held back and removed, in the reader's language."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from arena.models import Exclusion
from arena.voting.personal_data import ACCOUNT, BANK, EMAIL, NETWORK, PAPER, PHONE, POSTAL

HELD_BACK: dict[str, str | Promise] = {
    **{choice.value: choice.label for choice in Exclusion},
    "demo": _("simulated demo vote"),
    "frequent_prompt": _("a prompt with more votes than wanted"),
    "rare_prompt": _("a live prompt that too few sent"),
    "personal_prompt": _("one person's live prompt with personal data"),
}
REMOVED: dict[str, str | Promise] = {
    EMAIL: _("e-mail addresses"),
    PHONE: _("telephone numbers"),
    POSTAL: _("postal addresses"),
    NETWORK: _("network addresses"),
    PAPER: _("numbers of papers and plates"),
    BANK: _("bank cards and accounts"),
    ACCOUNT: _("accounts at messengers"),
}
