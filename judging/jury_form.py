"""The fields of the form for a new judge that only a jury has."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from judging.judges.jury import JurySettings
from judging.models import Judge
from judging.turns import TURN_SETTINGS

JURY = "jury"
MOST_REPEATS = 50


class JuryFields(forms.Form):
    """Who sits on the jury and how its verdicts become one; left empty for every other kind.

    What is not asked for here, such as members that are no judges of their own, can be given in
    the settings; a setting given in both places is refused.
    """

    members = forms.ModelMultipleChoiceField(
        Judge.objects.runnable()
        .current()
        .exclude(kind__in=(JURY, "random"))
        .select_related("language_model"),
        label=_("Members"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Judges as they are now; a later version of one does not change the jury."),
    )
    repeats = forms.IntegerField(
        label=_("Repeats"),
        required=False,
        min_value=1,
        max_value=MOST_REPEATS,
        help_text=_("How often each member is asked. Empty: once."),
    )
    aggregation = forms.ChoiceField(
        label=_("How verdicts become one"),
        required=False,
        choices=(
            ("", _("Default: the majority")),
            ("majority", _("majority (the median of scores)")),
            ("mean", _("mean")),
            ("median", _("median")),
        ),
    )
    quorum = forms.IntegerField(
        label=_("Quorum"),
        required=False,
        min_value=1,
        help_text=_("How many verdicts must be readable. Empty: more than half."),
    )
    tie_break = forms.ChoiceField(
        label=_("Between equally frequent verdicts"),
        required=False,
        choices=(
            ("", _("Default: a tie")),
            ("tie", _("a tie")),
            ("first", _("what the first readable member said")),
        ),
        help_text=_(
            "Only where the majority decides. Members count in the order of the list above."
        ),
    )

    def clean(self) -> dict[str, Any]:  # JSON of fields
        cleaned = super().clean() or {}
        given = self._given()
        if cleaned.get("kind") == JURY:
            self._check(given, cleaned.get("settings") or {})
        elif given and cleaned.get("kind"):
            labels = ", ".join(str(self.fields[name].label) for name in given)
            told = _("Only a jury has: %(fields)s. Leave them empty, or choose the kind jury.")
            self.add_error(None, forms.ValidationError(told, params={"fields": labels}))
        return cleaned

    @property
    def jury_fields(self) -> list[forms.BoundField]:
        """The jury's fields, for the template."""
        return [self[name] for name in JuryFields.base_fields]

    @property
    def common_fields(self) -> list[forms.BoundField]:
        """Those that every kind has."""
        return [field for field in self if field.name not in JuryFields.base_fields]

    def jury_settings(self) -> dict[str, Any]:  # JSON of a jury
        """What was filled in, as settings of a jury; nothing for what was left empty."""
        given = self._given()
        if "members" in given:
            given["members"] = [_member(judge) for judge in given["members"]]
        return given

    def _given(self) -> dict[str, Any]:
        named = {name: self.cleaned_data.get(name) for name in JuryFields.base_fields}
        return {name: value for name, value in named.items() if value}

    def _check(self, given: dict[str, Any], settings: dict[str, Any]) -> None:
        for name in sorted(given.keys() & settings.keys()):
            told = _("This is given here and in the settings; leave one of them out.")
            self.add_error(name, told)
        if "members" not in given and not settings.get("members") and "members" not in self.errors:
            told = _("A jury needs members: choose some, or list them in the settings.")
            self.add_error("members", told)
        if self.cleaned_data.get("language_model") or self.cleaned_data.get("checkpoint"):
            asked = "language_model" if self.cleaned_data.get("language_model") else "checkpoint"
            self.add_error(asked, _("A jury asks its members' models; leave this empty."))
        whole = {**settings, **given}
        if given.get("tie_break") and whole.get("aggregation", "majority") != "majority":
            self.add_error("tie_break", _("The mean and the median have no ties to break."))
        self._check_quorum(given, whole)

    def _check_quorum(self, given: dict[str, Any], whole: dict[str, Any]) -> None:
        members, repeats = whole.get("members") or (), whole.get("repeats", JurySettings().repeats)
        if not members or "quorum" not in given or not isinstance(repeats, int):
            return
        voices = len(members) * repeats
        if given["quorum"] > voices:
            told = _(
                "Members (%(members)d) times repeats (%(repeats)d) give %(voices)d verdicts at "
                "most; a quorum of %(quorum)d is never met."
            )
            counts = {"members": len(members), "repeats": repeats, "voices": voices}
            params = counts | {"quorum": given["quorum"]}
            self.add_error("quorum", forms.ValidationError(told, params=params))


def _member(judge: Judge) -> dict[str, Any]:  # JSON of a jury's member
    """A judge as a member; on which turns it is asked is the jury's setting, not its own."""
    own = {name: value for name, value in judge.settings.items() if name not in TURN_SETTINGS}
    told: dict[str, Any] = {"name": f"{judge.slug}@{judge.version}", "kind": judge.kind}
    if judge.language_model is not None:
        told["model"] = judge.language_model.slug
    return told | ({"settings": own} if own else {})
