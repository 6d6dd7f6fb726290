"""The demo's judges: one that replays its stored verdicts, one that can be run offline."""

from __future__ import annotations

from django.utils.translation import gettext_noop

from judging.models import Judge
from judging.scripts import DEMO_SCRIPT
from judging.services.judges import create_judge
from judging.turns import WHOLE


def demo_judge() -> Judge:
    """The scripted judge whose verdicts come with the demo; its offline companion is made too."""
    create_judge(
        slug="demo-length-judge",
        name=gettext_noop("Longest answer wins"),
        kind="length_preferring",
        settings={"tie_within": 20},
        description=gettext_noop(
            "Prefers the longer answer; needs no model, so it runs anywhere at no cost."
        ),
        is_demo=True,
    )
    return create_judge(
        slug="demo-judge",
        name=gettext_noop("Demo judge"),
        kind="scripted",
        settings={"script": DEMO_SCRIPT, "pair_turns": WHOLE},
        description=gettext_noop("Replays verdicts written for the demo; it asks no model."),
        is_demo=True,
    )
