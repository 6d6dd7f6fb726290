"""The demo's judges: one that replays its stored verdicts, one that can be run offline."""

from __future__ import annotations

from judging.models import Judge

DEMO_SCRIPT = "demo"


def demo_judge() -> Judge:
    """The scripted judge whose verdicts come with the demo."""
    return Judge.objects.get_or_create(
        slug="demo-judge",
        version=1,
        defaults={
            "name": "Demo judge",
            "kind": "scripted",
            "settings": {"script": DEMO_SCRIPT},
            "description": "Replays verdicts written for the demo; it asks no model.",
            "fingerprint": "demo-judge-1",
            "is_demo": True,
        },
    )[0]
