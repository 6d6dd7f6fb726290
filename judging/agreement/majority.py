"""What most raters said."""

from collections import Counter
from collections.abc import Iterable

from judging.verdicts.base import Outcome


def majority(outcomes: Iterable[Outcome]) -> Outcome | None:
    """The outcome that more than half of the raters named.

    None where opinions are split: a draw of raters is not the outcome "tie", and says nothing
    that a judge could agree with.
    """
    counts = Counter(outcomes)
    for outcome, count in counts.items():
        if 2 * count > counts.total():
            return outcome
    return None
