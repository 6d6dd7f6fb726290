"""Null model: the same empty talk to every question must lose.

A constant answer once stood on top of a published board of automatic judgments (86 % of wins on
AlpacaEval); a judge that lets it win does not read.
"""

from django.utils.translation import gettext_lazy as _

from judging.probes import PROBES
from judging.probes.base import Case, Criterion, JudgeNames, Probe, ProbeItem, by_language

CONSTANT = {
    "en": (
        "Thank you for this thoughtful question. It touches on several important aspects, each of "
        "which deserves careful consideration. A complete answer takes the context, the goals and "
        "the constraints into account and weighs them against each other. With this in mind, the "
        "best approach is the one that fits the situation most closely."
    ),
    "zh": (
        "感谢你提出这个有深度的问题。它涉及多个重要方面，每一个都值得仔细考虑。完整的回答需要结合背景、"
        "目标与限制，并在它们之间加以权衡。因此，最好的做法就是最符合实际情况的做法。"
    ),
}


def plant(item: ProbeItem, number: int, names: JudgeNames) -> Case:
    """The constant answer against an honest one."""
    return Case(item.answer, by_language(CONSTANT, item.language))


PROBES.register("null_model")(
    Probe(
        _("Constant answer"),
        _("The same empty talk to every question has to lose against an honest answer."),
        Criterion.PLANTED_LOSES,
        plant,
    )
)
