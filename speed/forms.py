"""What can be asked for on the pages about speed."""

from __future__ import annotations

from typing import Any  # form data and specs are JSON

from django import forms
from django.utils.translation import gettext_lazy as _

from arena.models import LanguageModel, QuestionSet
from speed.metrics.slo import PRESETS
from speed.models import SpeedMode, SpeedPhase
from speed.spec import SpecError, SpeedSpec, spec_from_json

WORKLOADS = (
    ("random", _("random words")),
    ("shared_prefix", _("random words behind a shared beginning")),
    ("multi_turn", _("conversations")),
    ("questions", _("a question set")),
    ("prompts", _("own prompts")),
)
# a folder of this machine is named on its command line only: manage.py measure_local
MODES = [(mode.value, mode.label) for mode in SpeedMode if mode is not SpeedMode.IN_PROCESS]
LOADS = (("closed", _("closed: so many at once")), ("open", _("open: so many per second")))


class SpeedRunForm(forms.Form):
    """A run to be started; empty fields leave the choice to the program."""

    mode = forms.ChoiceField(label=_("Mode"), choices=MODES, initial=SpeedMode.LOAD)
    model = forms.ModelChoiceField(
        LanguageModel.objects.callable().active(),
        label=_("Model"),
        required=False,
        help_text=_("A model with an endpoint. Self-calibration needs none."),
    )
    url = forms.CharField(
        label=_("Or an address"),
        required=False,
        help_text=_("Of this machine, or of a registered endpoint: http://127.0.0.1:8801/v1"),
    )
    url_model = forms.CharField(label=_("Model's name there"), required=False)
    other_model = forms.ModelChoiceField(
        LanguageModel.objects.callable().active(),
        label=_("Side B"),
        required=False,
        help_text=_("For an interleaved comparison only."),
    )
    load = forms.ChoiceField(label=_("Load"), choices=LOADS, initial="closed")
    levels = forms.CharField(
        label=_("Levels"),
        initial="1, 4, 16",
        help_text=_("Requests at once, or per second; several levels are a sweep."),
    )
    requests = forms.IntegerField(
        label=_("Requests per level"), required=False, min_value=1, initial=200
    )
    duration_s = forms.FloatField(label=_("Seconds per level"), required=False, min_value=0.1)
    warmup_requests = forms.IntegerField(label=_("Warm-up requests"), min_value=0, initial=0)
    workload = forms.ChoiceField(label=_("What is sent"), choices=WORKLOADS, initial="random")
    question_set = forms.ModelChoiceField(
        QuestionSet.objects.all(), label=_("Question set"), required=False
    )
    prompts = forms.CharField(
        label=_("Own prompts"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("One per line."),
    )
    input_tokens = forms.IntegerField(label=_("Input tokens"), min_value=1, initial=256)
    output_tokens = forms.IntegerField(label=_("Output tokens at most"), min_value=1, initial=128)
    ignore_eos = forms.BooleanField(
        label=_("Answers of exactly that length"),
        required=False,
        help_text=_("vLLM and SGLang understand this; others may refuse the request."),
    )
    is_streamed = forms.BooleanField(label=_("Streamed"), required=False, initial=True)
    is_salted = forms.BooleanField(
        label=_("Fresh salt in every prompt"),
        required=False,
        initial=True,
        help_text=_("So that the server cannot answer from a prefix cache."),
    )
    preset = forms.ChoiceField(
        label=_("Objective to search for"),
        required=False,
        choices=[("", "–"), *((name, name) for name in PRESETS)],
    )
    highest = forms.FloatField(label=_("Search up to"), min_value=1, initial=64)
    label = forms.CharField(label=_("Note"), required=False, max_length=200)

    def clean_levels(self) -> list[float]:
        """Numbers between commas or spaces."""
        parts = str(self.cleaned_data["levels"]).replace(",", " ").split()
        try:
            return [float(part) for part in parts]
        except ValueError:
            raise forms.ValidationError(_("Levels are numbers, such as 1, 4, 16.")) from None

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if not self.errors:
            try:
                self.cleaned_spec = spec_from_json(_spec_values(data))
            except SpecError as error:
                self.add_error(None, str(error))
        return data

    def spec(self) -> SpeedSpec:
        """What was asked for, of a valid form."""
        return self.cleaned_spec


def _spec_values(data: dict[str, Any]) -> dict[str, Any]:
    workload: dict[str, Any] = {
        name: data[name] for name in ("output_tokens", "ignore_eos", "is_streamed", "is_salted")
    }
    workload["name"] = data["workload"]
    if data["workload"] == "prompts":
        workload["prompts"] = [line for line in data["prompts"].splitlines() if line.strip()]
    elif data["workload"] == "questions":
        chosen = data["question_set"]
        workload["question_set"] = chosen.slug if chosen else ""
    else:
        workload["options"] = {"input_tokens": data["input_tokens"]}
    return {
        "mode": data["mode"],
        "targets": _targets(data),
        "load": {
            "kind": data["load"],
            "levels": data["levels"],
            "requests": data["requests"],
            "duration_s": data["duration_s"],
            "warmup_requests": data["warmup_requests"],
        },
        "workload": workload,
        "slo": {"preset": data["preset"]},
        "highest": data["highest"],
        "label": data["label"],
    }


def _targets(data: dict[str, Any]) -> list[dict[str, str]]:
    if data["mode"] == SpeedMode.CALIBRATION:
        return []
    first = (
        {"slug": data["model"].slug}
        if data["model"]
        else {"url": data["url"], "model": data["url_model"]}
    )
    if data["mode"] != SpeedMode.INTERLEAVED:
        return [first]
    return [first, {"slug": data["other_model"].slug}] if data["other_model"] else [first]


class CompareForm(forms.Form):
    """Two levels of any runs."""

    a = forms.ModelChoiceField(
        SpeedPhase.objects.select_related("run").order_by("-run_id", "number"), label="A"
    )
    b = forms.ModelChoiceField(
        SpeedPhase.objects.select_related("run").order_by("-run_id", "number"), label="B"
    )


class SloForm(forms.Form):
    """The calculator: limits in milliseconds, as people say them."""

    preset = forms.ChoiceField(
        label=_("Preset"),
        required=False,
        choices=[("", "–"), *((name, name) for name in PRESETS)],
    )
    ttft_ms = forms.FloatField(label=_("TTFT, ms"), required=False, min_value=0)
    tpot_ms = forms.FloatField(label=_("Per token, ms"), required=False, min_value=0)
    latency_ms = forms.FloatField(label=_("Latency, ms"), required=False, min_value=0)
    percent = forms.FloatField(label=_("Share, %"), required=False, min_value=1, max_value=99.99)
