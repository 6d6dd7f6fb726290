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


def next_batch(waiting: Sequence[Job], *, tokens: int, rows: int, padding: float) -> list[Job]:
    """The job that has waited longest, with others of about its length.

    ``waiting`` is in order of arrival. The next shorter or the next longer job joins, whichever
    adds less padding, while all padding stays within ``padding`` tokens and rows times longest
    within ``tokens``. A job that alone exceeds them runs alone.
    """
    ordered = sorted(waiting, key=lambda job: len(job.ids))
    lengths = [len(job.ids) for job in ordered]
    low = next(i for i, job in enumerate(ordered) if job is waiting[0])
    high, read = low + 1, lengths[low]
    while high - low < rows:
        options = []
        for place in (low - 1, high):
            if 0 <= place < len(lengths):
                padded = (high - low + 1) * max(lengths[high - 1], lengths[place])
                if padded <= tokens:
                    options.append((padded - read - lengths[place], place))
        if not options or min(options)[0] > padding:
            break
        _, place = min(options)
        read += lengths[place]
        low, high = min(low, place), max(high, place + 1)
    return ordered[low:high]
