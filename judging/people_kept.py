"""People against judges, kept where working them out takes long; see ``arena.keeping``."""

from __future__ import annotations

from typing import Final

from arena.keeping import Dated, Keeper
from arena.models import Vote, VoteSource
from judging.people_figures import PeopleFigures, people_figures
from judging.people_packed import FORM, packed, unpacked

PEOPLE: Final = Keeper(
    name="judging.people_kept.PEOPLE",
    form=FORM,
    work_out=lambda: people_figures(include_demo=False),
    pack=packed,
    unpack=unpacked,
)
PEOPLE_WITH_DEMO: Final = Keeper(
    name="judging.people_kept.PEOPLE_WITH_DEMO",
    form=FORM,
    work_out=lambda: people_figures(include_demo=True),
    pack=packed,
    unpack=unpacked,
)


def dated_figures(*, include_demo: bool) -> Dated[PeopleFigures] | None:
    """The figures; None while the first ones are being worked out."""
    return (PEOPLE_WITH_DEMO if include_demo else PEOPLE).get()


def is_demo_shown() -> bool:
    """The demo's simulated votes are shown only while nobody has voted here."""
    return not Vote.objects.exclude(source=VoteSource.DEMO).exists()
