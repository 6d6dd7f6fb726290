"""Forms of the console about boards."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from arena.models import LanguageModel, QuestionSet
from judging.form_fields import KindSettings, answering_models, first_questions
from judging.judges import JUDGES
from judging.labels import kind_label
from judging.models import Judge
from judging.services.judges import up_to_date
from judging.services.peers import FEWEST_PEERS, PeerSpec
from judging.verdicts.base import Mode


class PeerExaminationForm(KindSettings):
    """Which models examine each other, on what and how."""

    question_set = forms.ModelChoiceField(QuestionSet.objects.all(), label=_("Question set"))
    language_models = answering_models(
        _("Each judges all pairs of the others. At least three, with answers.")
    )
    kind = forms.ChoiceField(label=_("Judge kind"), initial="chat")
    central_judge = forms.ModelChoiceField(
        Judge.objects.runnable().current().select_related("language_model__endpoint"),
        label=_("Central judge"),
        required=False,
        help_text=_("Judges the same pairs; its ranking stands beside the peers'."),
    )
    limit = first_questions()
    field_order = ("question_set", "language_models", "kind", "settings")
    max_cost = forms.FloatField(
        label=_("Budget of each examiner (US dollars)"), required=False, min_value=0.01
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # Django's own signature
        super().__init__(*args, **kwargs)
        kinds = [
            (name, kind_label(name))
            for name, kind in JUDGES.items()
            if Mode.PAIRWISE in kind.modes and name not in ("random", "jury", "scripted")
        ]
        self.fields["kind"].choices = kinds  # type: ignore[attr-defined]  # a ChoiceField

    def clean_language_models(self) -> list[LanguageModel]:
        chosen = list(self.cleaned_data["language_models"])
        if len(chosen) < FEWEST_PEERS:
            raise forms.ValidationError(_("Choose at least three models."))
        return chosen

    def spec(self) -> PeerSpec:
        """What was asked for."""
        data = self.cleaned_data
        return PeerSpec(
            question_set=data["question_set"],
            language_models=tuple(data["language_models"]),
            kind=data["kind"],
            settings=data["settings"],
            limit=data["limit"],
            budget={"usd": data["max_cost"]} if data["max_cost"] else {},
        )

    def central(self, *, is_starting: bool = True) -> Judge | None:
        """The central judge; when it is about to start, in the version of its prompts now."""
        chosen: Judge | None = self.cleaned_data["central_judge"]
        return up_to_date(chosen) if chosen and is_starting else chosen

    @property
    def judges(self) -> list[Judge]:
        """The chosen central judge, for what the plan has to say about it."""
        chosen = self.cleaned_data.get("central_judge")
        return [chosen] if chosen else []
