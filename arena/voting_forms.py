"""The staff's forms of blind voting: the policy, and control questions."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db import models
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from arena.models import Battle, GoldBattle, LanguageModel, VotingPolicy
from arena.models.ranges import Within
from arena.models.voting import validate_weights
from arena.voting.control import why_no_control
from arena.voting.policy_labels import POLICY_LABELS


def _policy_field(column: models.Field[Any, Any], **columns: Any) -> forms.Field | None:
    """Numbers carry their range to the browser; the model refuses what it lets through."""
    limits = next((rule for rule in column.validators if isinstance(rule, Within)), None)
    if limits is None:
        return column.formfield(**columns)
    is_whole = isinstance(column, models.IntegerField)
    made = column.formfield(**columns, min_value=None)
    if made is not None:
        made.widget.attrs |= {
            "min": limits.lowest,
            "max": limits.highest,
            "step": "1" if is_whole else "any",
        }
    return made


class PolicyForm(forms.ModelForm[VotingPolicy]):
    class Meta:
        model = VotingPolicy
        fields = tuple(f.name for f in VotingPolicy._meta.fields if f.name != "id")
        labels = POLICY_LABELS
        formfield_callback = _policy_field

    def clean_model_weights(self) -> object:
        """A slug with a typing error in it would weigh nothing, and nobody would notice."""
        weights = self.cleaned_data["model_weights"]
        if weights in (None, "", []):
            return {}
        validate_weights(weights)
        known = set(LanguageModel.objects.values_list("slug", flat=True))
        unknown = [slug for slug in weights if slug not in known]
        if unknown:
            raise forms.ValidationError(
                _(
                    "No model has the slug %(slugs)s: write it as it stands in the address of the "
                    "model's page, or leave it out."
                ),
                params={"slugs": ", ".join(f"“{slug[:80]}”" for slug in unknown)},
            )
        return weights


class GoldForm(forms.ModelForm[GoldBattle]):
    battle = forms.ModelChoiceField(
        label=gettext_lazy("Battle"),
        queryset=Battle.objects.select_related("question"),
        widget=forms.NumberInput(attrs={"min": 1, "step": 1}),
        error_messages={
            "invalid_choice": gettext_lazy(
                "There is no battle %(value)s: the number stands in the address of its page."
            )
        },
        help_text=gettext_lazy(
            "The number in the address of the battle's page. Not a live battle: others would read "
            "what its visitor asked."
        ),
    )

    class Meta:
        model = GoldBattle
        fields = ("battle", "expected", "note")
        labels = {"expected": gettext_lazy("Expected"), "note": gettext_lazy("Note")}

    def clean_battle(self) -> Battle:
        battle: Battle = self.cleaned_data["battle"]
        if GoldBattle.objects.filter(battle=battle).exists():
            why = _("Battle %(battle)s is a control question already.")
        else:
            why = why_no_control(battle)
        if why:
            reason = battle.get_exclusion_display()
            raise forms.ValidationError(why, params={"battle": battle.pk, "reason": reason})
        return battle
