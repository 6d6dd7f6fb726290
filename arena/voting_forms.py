"""The staff's forms of blind voting: the policy, and control questions."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db import models
from django.utils.translation import gettext as _

from arena.models import LanguageModel, VotingPolicy
from arena.models.ranges import Within
from arena.models.voting import validate_weights
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
