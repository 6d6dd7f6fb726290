"""One conversation on its way through a model's thread."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

from providers.base import Completion, Delta, GenerationSettings, Message


@dataclass(slots=True, eq=False)
class Job:
    """What is asked and where the reply goes.

    ``ids`` are filled in by the model's thread. ``show`` is called from that thread with each
    piece of a streamed reply. ``is_cancelled`` may be set from any thread.
    """

    messages: Sequence[Message]
    settings: GenerationSettings
    show: Callable[[Delta], None] | None = None
    ids: list[int] = field(default_factory=list)
    began_at: float = 0.0
    is_cancelled: bool = False
    future: Future[Completion] = field(default_factory=Future)

    def give(self, completion: Completion) -> None:
        """Hand the reply over, unless the job was given up."""
        if not self.future.done():
            self.future.set_result(completion)

    def fail(self, error: BaseException) -> None:
        """Hand a failure over, unless the job was given up."""
        if not self.future.done():
            self.future.set_exception(error)


def next_batch(waiting: Sequence[Job], *, tokens: int, rows: int) -> list[Job]:
    """The job that has waited longest, with others of about its length.

    ``waiting`` is in order of arrival. Shorter neighbours come first, because they add rows
    without adding padding to the others; then longer ones while rows times longest stays within
    ``tokens``. A job that alone exceeds them runs alone.
    """
    oldest = waiting[0]
    ordered = sorted(waiting, key=lambda job: len(job.ids))
    low = high = next(i for i, job in enumerate(ordered) if job is oldest)
    high += 1
    while low > 0 and high - low < rows and (high - low + 1) * len(oldest.ids) <= tokens:
        low -= 1
    while high < len(ordered) and high - low < rows:
        if (high - low + 1) * len(ordered[high].ids) > tokens:
            break
        high += 1
    return ordered[low:high]
