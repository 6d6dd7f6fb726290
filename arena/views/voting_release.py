"""Staff publish votes: what is asked for, how far it is, the file, and taking it back."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from django import forms
from django.contrib import messages
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from arena.access import signed_in_user, staff_only
from arena.models import QuestionSet, VoteRelease, WorkStatus
from arena.tasks import make_vote_release
from arena.voting.release import DEFAULT_MOST_PER_PROMPT, ReleaseOptions
from arena.voting.release_labels import HELD_BACK, REMOVED
from arena.voting.releasing import ask_for_release, release_formats, remove_release


class ReleaseForm(forms.Form):
    dialect = forms.ChoiceField(label=gettext_lazy("Format"), initial="fastchat_battles")
    question_set = forms.ModelChoiceField(
        QuestionSet.objects.all(),
        required=False,
        to_field_name="slug",
        label=gettext_lazy("Question set"),
        empty_label=gettext_lazy("all"),
    )
    most_per_prompt = forms.IntegerField(
        min_value=1,
        initial=DEFAULT_MOST_PER_PROMPT,
        label=gettext_lazy("Votes at most on one prompt"),
        help_text=gettext_lazy("Of more, as many are chosen at random, so that none dominates."),
    )
    fewest_askers = forms.IntegerField(
        min_value=1,
        initial=1,
        label=gettext_lazy("Senders at least of a live prompt"),
        help_text=gettext_lazy(
            "Rarer prompts are held back. At 1, those of one person with personal data in them."
        ),
    )
    seed = forms.IntegerField(
        min_value=0, max_value=2**31 - 1, initial=0, label=gettext_lazy("Seed")
    )
    include_demo = forms.BooleanField(
        required=False, label=gettext_lazy("Include the demo's simulated votes")
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["dialect"].choices = list(release_formats().items())  # type: ignore[attr-defined]  # a ChoiceField

    def options(self) -> ReleaseOptions:
        values = {k: v for k, v in self.cleaned_data.items() if k != "dialect"}
        chosen = values.pop("question_set")
        return ReleaseOptions(question_set=chosen.slug if chosen else "", **values)


@never_cache
@staff_only
def release_list(request: HttpRequest) -> HttpResponse:
    """The form, and the releases so far; htmx asks for these while one is being written."""
    if request.headers.get("HX-Request"):
        return render(request, "arena/_vote_releases.html", _releases())
    form = ReleaseForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        release = ask_for_release(
            dialect=form.cleaned_data["dialect"],
            options=form.options(),
            by=signed_in_user(request),
        )
        make_vote_release.delay_on_commit(release.pk)
        return redirect("release_list")
    return render(request, "arena/vote_releases.html", {"form": form, **_releases()})


def _releases() -> dict[str, Any]:
    formats = release_formats()
    releases = list(VoteRelease.objects.select_related("created_by"))
    rows = [
        {
            "release": release,
            "format": formats.get(release.dialect, release.dialect),
            "size": _size(release),
            "held_back": _counts(release, "held_back", HELD_BACK),
            "removed": _counts(release, "removed", REMOVED),
        }
        for release in releases
    ]
    unfinished = (WorkStatus.PENDING, WorkStatus.CLAIMED)
    return {"rows": rows, "is_busy": any(release.status in unfinished for release in releases)}


def _size(release: VoteRelease) -> int | None:
    """Bytes; None while there is no file, or none any more."""
    with suppress(OSError, ValueError):
        return release.file.size
    return None


def _counts(release: VoteRelease, kind: str, labels: dict[str, Any]) -> list[tuple[str, int]]:
    counts: dict[str, int] = release.report.get(kind, {})
    return [
        (str(labels.get(reason, reason)), n)
        for reason, n in sorted(counts.items(), key=lambda item: -item[1])
    ]


@never_cache
@staff_only
@require_safe
def release_file(request: HttpRequest, pk: int) -> FileResponse:
    """The file, for staff to read through and publish."""
    release = get_object_or_404(VoteRelease, pk=pk, status=WorkStatus.DONE)
    try:
        return FileResponse(release.file.open("rb"), as_attachment=True)
    except FileNotFoundError:
        raise Http404(_("The file of this release is gone.")) from None


@staff_only
@require_POST
def release_remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a release back here; what has been downloaded is beyond reach."""
    remove_release(get_object_or_404(VoteRelease, pk=pk))
    messages.success(request, _("Removed."))
    return redirect("release_list")
