"""Order swap: two good answers must get the same verdict whichever is shown first."""

from django.utils.translation import gettext_lazy as _

from judging.probes import PROBES
from judging.probes.base import Case, Criterion, JudgeNames, Probe, ProbeItem
from judging.verdicts.base import Mode


def plant(item: ProbeItem, number: int, names: JudgeNames) -> Case:
    """Two honest answers; nothing is planted but the order."""
    return Case(item.answer, item.other_answer)


PROBES.register("order_swap")(
    Probe(
        _("Order swap"),
        _("Two good answers get the same verdict in both orders."),
        Criterion.ORDERS_AGREE,
        plant,
        modes=frozenset({Mode.PAIRWISE}),
    )
)
