"""What can be asked of a run by name: the same on its page, over HTTP and in the terminal."""

from __future__ import annotations

from collections.abc import Callable

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from arena.models import Run
from arena.services.runs import cancel_run, resume_run, retry_failed, stop_run


def _pause(run: Run) -> str:
    stop_run(run)
    return _("Paused. What was finished is kept; resume at any time.")


def _resume(run: Run) -> str:
    resume_run(run)
    return _("Going on with what is missing.")


def _cancel(run: Run) -> str:
    cancel_run(run)
    return _("Cancelled for good. What was finished is kept; a new run takes over the rest.")


def _retry(run: Run) -> str:
    count = retry_failed(run)
    told = ngettext("%(n)d failed row is tried again.", "%(n)d failed rows are tried again.", count)
    return told % {"n": count}


# each does it and says so in a sentence, or raises RunStateError
RUN_ACTIONS: dict[str, Callable[[Run], str]] = {
    "pause": _pause,
    "resume": _resume,
    "cancel": _cancel,
    "retry": _retry,
}
