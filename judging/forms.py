"""Forms of the console about judges and their runs, and the choices of lists of judgments."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from arena.models import LanguageModel, QuestionSet
from arena.vocabulary import category_label
from judging.form_fields import KindSettings, answering_models, first_questions
from judging.jury_form import JuryFields
from judging.kinds import kinds_of_judge
from judging.models import Judge, JudgeRunMode, JudgmentMode
from judging.probes import PROBES
from judging.report import FIGURES
from judging.selectors import RESULTS
from judging.services.judges import up_to_date
from judging.services.ledger import JudgeRunSpec
from judging.services.local_models import local_model
from judging.services.probing import ProbeSpec, default_mode


class JudgeRunForm(forms.Form):
    """Who judges what, and how."""

    question_set = forms.ModelChoiceField(QuestionSet.objects.all(), label=_("Question set"))
    judge = forms.ModelChoiceField(
        Judge.objects.runnable().current().select_related("language_model__endpoint"),
        label=_("Judge"),
    )
    mode = forms.ChoiceField(label=_("Mode"), choices=JudgeRunMode.choices)
    baseline = forms.ModelChoiceField(
        LanguageModel.objects.all(),
        label=_("Baseline"),
        required=False,
        help_text=_("For pairs against a baseline only: the model all others are compared with."),
    )
    language_models = answering_models(_("Models that have answers."))
    limit = first_questions()
    max_cost = forms.FloatField(
        label=_("Budget (US dollars)"),
        required=False,
        min_value=0.01,
        help_text=_("The run stops before it would exceed this. Empty: no limit."),
    )
    adaptive_within = forms.FloatField(
        label=_("Adaptive: stop when gaps are known to ± rating points"),
        required=False,
        min_value=1,
        help_text=_(
            "Judges only what narrows the board most and stops when every two models are "
            "separated or their gap is known this well. Empty: everything is judged."
        ),
    )
    is_batch = forms.BooleanField(
        label=_("Batch API"),
        required=False,
        help_text=_(
            "Half the price at endpoints that offer it; the verdicts come within a day. The run "
            "can be left alone meanwhile."
        ),
    )
    is_dry_run = forms.BooleanField(
        label=_("Dry run"),
        required=False,
        help_text=_("Random verdicts without calling the judge; no board counts them."),
    )

    def spec(self, *, is_starting: bool = False) -> JudgeRunSpec:
        """What was asked for; raises JudgeRunError when it makes no run.

        When it is about to start, a judge whose prompts have changed gets its next version.
        """
        data = self.cleaned_data
        return JudgeRunSpec(
            judge=up_to_date(data["judge"]) if is_starting else data["judge"],
            mode=JudgeRunMode(data["mode"]),
            question_set=data["question_set"],
            language_models=tuple(data["language_models"]),
            baseline=data["baseline"] if data["mode"] == JudgeRunMode.BASELINE else None,
            is_dry_run=data["is_dry_run"],
            limit=data["limit"],
            settings=self._settings(),
        )

    @property
    def judges(self) -> list[Judge]:
        """The chosen judge, for what the plan has to say about it."""
        return [self.cleaned_data["judge"]] if self.cleaned_data.get("judge") else []

    def _settings(self) -> dict[str, Any]:  # JSON kept with the run
        data = self.cleaned_data
        told: dict[str, Any] = {}
        if data["max_cost"]:
            told["budget"] = {"usd": data["max_cost"]}
        if data["adaptive_within"]:
            told["adaptive"] = {"within": data["adaptive_within"]}
        if data["is_batch"]:
            told["batch"] = True
        return told


class JudgeForm(JuryFields, KindSettings):
    """A judge to be made; an existing name makes its next version."""

    field_order = ("slug", "name", "kind", "language_model", "checkpoint", "settings")
    slug = forms.SlugField(label=_("Short name"), max_length=160, allow_unicode=True)
    name = forms.CharField(label=_("Name"), max_length=200, required=False)
    kind = forms.ChoiceField(label=_("Kind"))
    language_model = forms.ModelChoiceField(
        LanguageModel.objects.callable().select_related("endpoint"),
        label=_("Model"),
        required=False,
        help_text=_("The model that is asked; offline kinds need none."),
    )
    checkpoint = forms.CharField(
        label=_("Checkpoint on this machine"),
        required=False,
        max_length=300,
        help_text=_("Instead of a model: a folder or hub id, run by the workers themselves."),
    )
    description = forms.CharField(
        label=_("Description"), required=False, widget=forms.Textarea(attrs={"rows": 2})
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # Django's own signature
        super().__init__(*args, **kwargs)
        kinds = [(kind.name, kind.label) for kind in kinds_of_judge()]
        self.fields["kind"].choices = kinds  # type: ignore[attr-defined]  # a ChoiceField

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if cleaned.get("language_model") and cleaned.get("checkpoint"):
            self.add_error("checkpoint", _("Choose a model or name a checkpoint, not both."))
        return cleaned

    def arguments(self) -> dict[str, Any]:
        """Keyword arguments for ``create_judge``; a checkpoint becomes a model of this machine."""
        data = {
            name: value
            for name, value in self.cleaned_data.items()
            if name not in JuryFields.base_fields
        }
        data["settings"] = {**data["settings"], **self.jury_settings()}
        checkpoint = data.pop("checkpoint")
        if checkpoint:
            data["language_model"] = local_model(data["slug"], checkpoint)
        return data


class ProbeForm(forms.Form):
    """What a judge is probed with."""

    mode = forms.ChoiceField(label=_("Mode"), choices=JudgmentMode.choices)
    probes = forms.MultipleChoiceField(
        label=_("Probes"), widget=forms.CheckboxSelectMultiple, required=False
    )
    question_set = forms.ModelChoiceField(
        QuestionSet.objects.all(),
        label=_("Question set"),
        required=False,
        help_text=_(
            "With answers of two models to each question. Empty: the twelve questions that come "
            "with the program."
        ),
    )
    limit = first_questions(fewest=2)

    def __init__(self, judge: Judge, *args: Any, **kwargs: Any) -> None:  # Django's own signature
        kwargs["initial"] = {
            "mode": default_mode(judge),
            "probes": PROBES.names(),
            **kwargs.get("initial", {}),
        }
        super().__init__(*args, **kwargs)
        self.judge = judge
        known = [(name, PROBES.get(name).label) for name in PROBES.names()]
        self.fields["probes"].choices = known  # type: ignore[attr-defined]  # a ChoiceField

    def spec(self) -> ProbeSpec:
        """What was asked for; raises ProbeError when it makes no run."""
        data = self.cleaned_data
        return ProbeSpec(
            judge=self.judge,
            mode=JudgmentMode(data["mode"]),
            probes=tuple(data["probes"]),
            question_set=data["question_set"],
            limit=data["limit"],
        )


def _hidden_choice(values: Iterable[str]) -> forms.ChoiceField:
    choices = [("", ""), *((value, value) for value in values)]
    return forms.ChoiceField(choices=choices, required=False, widget=forms.HiddenInput)


def _hidden_text() -> forms.CharField:
    return forms.CharField(required=False, max_length=160, widget=forms.HiddenInput)


class JudgmentFilter(forms.Form):
    """Which judgments of a run or a judge are listed."""

    STATES = (
        ("", _("All")),
        ("readable", _("readable")),
        ("counted", _("counted in results")),
        ("unreadable", _("unreadable")),
        ("failed", _("failed")),
        ("unfinished", _("not finished")),
    )
    state = forms.ChoiceField(label=_("State"), choices=STATES, required=False)
    mode = _hidden_choice(JudgmentMode.values)
    scope = _hidden_choice(["report"])  # of a run: with the judgments that were there before
    result = _hidden_choice(RESULTS)  # of ``model``
    model = _hidden_text()
    rival = _hidden_text()
    category = _hidden_text()
    reason = _hidden_text()
    figure = _hidden_choice(FIGURES)  # of a run's report
    asked = _hidden_text()  # a model that a judge with several asked

    @property
    def narrowed_to(self) -> list[str]:
        """What the list is narrowed to by choices that are not shown as fields, in words."""
        chosen = self.chosen()
        results = {"win": _("Win"), "tie": _("Tie"), "loss": _("Loss")}
        words = [
            chosen.get("model"),
            chosen.get("rival"),
            results.get(chosen.get("result", "")),
            category_label(chosen["category"]) if "category" in chosen else None,
            chosen.get("reason"),
            FIGURES.get(chosen.get("figure", "")),
            chosen.get("asked"),
        ]
        return [str(word) for word in words if word]

    def chosen(self) -> dict[str, str]:
        """What was chosen; an unknown value counts as not chosen."""
        self.is_valid()
        return {key: value for key, value in self.cleaned_data.items() if value}
