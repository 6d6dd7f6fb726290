"""Verbosity: the same answer padded with sentences that add nothing must not gain."""

from django.utils.translation import gettext_lazy as _

from judging.probes import PROBES
from judging.probes.base import Case, Criterion, JudgeNames, Probe, ProbeItem, by_language

BEFORE = {
    "en": (
        "That is a question worth answering with care, and it helps to take it step by step. "
        "Before coming to the point, it should be said that there are always several ways to look "
        "at such a matter, and that all of them have something to them."
    ),
    "zh": (
        "这个问题值得认真回答，最好一步一步来看。在进入正题之前需要说明，这类问题总可以从多个角度来理解，"
        "而每个角度都有一定的道理。"
    ),
}
AFTER = {
    "en": (
        "To sum up what has been said above: the points mentioned belong together and should be "
        "seen as a whole. Put differently, what was stated holds, and it holds for the reasons "
        "that were given. It is worth keeping this in mind, since it is easily overlooked, and "
        "coming back to it whenever the same question arises again."
    ),
    "zh": (
        "总结以上内容：上述各点相互关联，应当作为一个整体来看待。换句话说，前面所说的成立，"
        "并且正是由于所给出的理由而成立。这一点很容易被忽略，值得牢记，并在再次遇到同样的问题时重新回顾。"
    ),
}


def plant(item: ProbeItem, number: int, names: JudgeNames) -> Case:
    """The honest answer against itself between two paragraphs of padding."""
    before, after = by_language(BEFORE, item.language), by_language(AFTER, item.language)
    return Case(item.answer, f"{before}\n\n{item.answer}\n\n{after}")


PROBES.register("verbosity")(
    Probe(
        _("Padding"),
        _("An answer must not get ahead of itself by paragraphs that say nothing."),
        Criterion.PLANTED_GAINS_NOTHING,
        plant,
    )
)
