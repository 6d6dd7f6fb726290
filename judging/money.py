"""Money in words."""

from __future__ import annotations

from django.utils.translation import gettext as _


def shown_usd(usd: float | None) -> str:
    """US dollars: cents where they matter, more decimals where there would be nothing else."""
    if usd is None:
        return _("not known: the judge's model has no prices")
    if usd == 0:
        return "$0"
    return f"${usd:,.2f}" if usd >= 1 else f"${usd:.4f}"
