"""What can be asked for on the pages about speed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any  # form data and specs are JSON

from django import forms
from django.forms import BoundField
from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from arena.models import LanguageModel, QuestionSet
from speed.metrics.slo import PRESETS
from speed.models import SpeedMode, SpeedPhase
from speed.selectors import target_names
from speed.spec import DEFAULT_ROUNDS, SpecError, SpeedSpec, spec_from_json
from speed.vocabulary import GRADE_LABELS

LEVELS_OFFERED = 200

WORKLOADS = (
    ("random", _("random words")),
    ("shared_prefix", _("random words behind a shared beginning")),
    ("multi_turn", _("conversations")),
    ("questions", _("a question set")),
    ("prompts", _("own prompts")),
)
# a folder of this machine is named on its command line only: manage.py measure_local
MODES = [(mode.value, mode.label) for mode in SpeedMode if mode is not SpeedMode.IN_PROCESS]
APIS = (("chat", _("chat")), ("completions", _("completions")))
DISTRIBUTIONS = (
    ("poisson", _("Poisson: at random")),
    ("constant", _("constant: evenly spaced")),
    ("gamma", _("gamma: as bursty as told")),
)
LOADS = (("closed", _("closed: so many at once")), ("open", _("open: so many per second")))


@dataclass(frozen=True, slots=True)
class FormSection:
    """A group of fields; an optional one is folded away."""

    title: str | Promise
    fields: list[BoundField]
    is_optional: bool
    is_open: bool


SECTIONS: tuple[tuple[str | Promise, tuple[str, ...], bool], ...] = (
    (_("What is measured"), ("mode", "model", "url", "url_model", "label"), False),
    (_("How much"), ("load", "levels", "requests", "duration_s"), False),
    (
        _("What is sent"),
        (
            *("workload", "question_set", "prompts", "input_tokens", "output_tokens"),
            *("ignore_eos", "is_streamed", "is_salted"),
        ),
        False,
    ),
    (
        _("For a search: the objective"),
        ("preset", "slo_ttft_ms", "slo_tpot_ms", "slo_latency_ms", "slo_percent", "highest"),
        True,
    ),
    (
        _("For an interleaved comparison: side B"),
        ("other_model", "other_url", "other_url_model", "rounds"),
        True,
    ),
    (
        _("Details of load and workload"),
        (
            *("api", "warmup_requests", "ramp_s", "distribution", "burstiness", "max_errors"),
            *("timeout_s", "turns", "think_s", "prefix_tokens", "spread"),
        ),
        True,
    ),
)


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
    api = forms.ChoiceField(label=_("Interface"), choices=APIS, initial="chat")
    other_model = forms.ModelChoiceField(
        LanguageModel.objects.callable().active(), label=_("Side B: model"), required=False
    )
    other_url = forms.CharField(label=_("Side B: or an address"), required=False)
    other_url_model = forms.CharField(label=_("Side B: model's name there"), required=False)
    rounds = forms.IntegerField(
        label=_("Rounds"),
        min_value=1,
        max_value=100,
        initial=DEFAULT_ROUNDS,
        help_text=_("In each of them A and B take a turn of the requests above."),
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
    warmup_requests = forms.IntegerField(
        label=_("Warm-up requests"),
        min_value=0,
        initial=0,
        help_text=_("Not counted; measuring begins while they are still under way."),
    )
    distribution = forms.ChoiceField(
        label=_("Arrivals, if open"), choices=DISTRIBUTIONS, initial="poisson"
    )
    burstiness = forms.FloatField(
        label=_("Burstiness of gamma arrivals"),
        min_value=0.01,
        initial=1,
        help_text=_("1 is Poisson; less comes in bursts, more is steadier."),
    )
    ramp_s = forms.FloatField(
        label=_("Ramp, seconds"),
        min_value=0,
        initial=0,
        help_text=_("Closed: over which the slots start. Open: in which the rate climbs."),
    )
    max_errors = forms.IntegerField(
        label=_("Stop after so many errors"), required=False, min_value=1
    )
    timeout_s = forms.FloatField(label=_("Time-out, seconds"), min_value=0.1, initial=120)
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
    turns = forms.IntegerField(label=_("Turns of a conversation"), min_value=1, initial=3)
    think_s = forms.FloatField(label=_("Seconds between turns"), min_value=0, initial=0)
    prefix_tokens = forms.IntegerField(
        label=_("Tokens of the shared beginning"), min_value=1, initial=512
    )
    spread = forms.FloatField(
        label=_("Spread of the lengths"),
        min_value=0,
        max_value=2,
        initial=0,
        help_text=_("Of random words: 0.5 draws lengths around the mean, log-normally."),
    )
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
    slo_ttft_ms = forms.FloatField(label=_("or: TTFT at most, ms"), required=False, min_value=1)
    slo_tpot_ms = forms.FloatField(label=_("per token at most, ms"), required=False, min_value=1)
    slo_latency_ms = forms.FloatField(label=_("latency at most, ms"), required=False, min_value=1)
    slo_percent = forms.FloatField(
        label=_("Share that must keep it, %"), min_value=1, max_value=99.99, initial=99
    )
    highest = forms.FloatField(label=_("Search up to"), min_value=1, initial=64)
    label = forms.CharField(label=_("Note"), required=False, max_length=200)

    def sections(self) -> list[FormSection]:
        """The fields as the page groups them; a group opens when one of its fields is wrong."""
        return [
            FormSection(
                title,
                [self[name] for name in names],
                is_optional,
                any(name in self.errors for name in names) if self.is_bound else False,
            )
            for title, names, is_optional in SECTIONS
        ]

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
    shared = ("output_tokens", "ignore_eos", "is_streamed", "is_salted")
    load = (
        *("levels", "requests", "duration_s", "warmup_requests", "distribution"),
        *("burstiness", "ramp_s", "max_errors"),
    )
    return {
        "mode": data["mode"],
        "targets": _targets(data),
        "load": {"kind": data["load"], **{name: data[name] for name in load}},
        "workload": {**{name: data[name] for name in shared}, **_workload(data)},
        "slo": _objective(data),
        "highest": data["highest"],
        "rounds": data["rounds"],
        "timeout_s": data["timeout_s"],
        "label": data["label"],
    }


def _workload(data: dict[str, Any]) -> dict[str, Any]:
    name = data["workload"]
    if name == "prompts":
        return {
            "name": name,
            "prompts": [line for line in data["prompts"].splitlines() if line.strip()],
        }
    if name == "questions":
        chosen = data["question_set"]
        return {"name": name, "question_set": chosen.slug if chosen else ""}
    options = {"input_tokens": data["input_tokens"]}
    if name == "multi_turn":
        options |= {"turns": data["turns"], "think_s": data["think_s"]}
    elif name == "shared_prefix":
        options["prefix_tokens"] = data["prefix_tokens"]
    elif data["spread"]:
        options |= {"spread": data["spread"], "distribution": "lognormal"}
    return {"name": name, "options": options}


def _objective(data: dict[str, Any]) -> dict[str, Any]:
    if data["mode"] != SpeedMode.SEARCH:
        return {}
    if data["preset"]:
        return {"preset": data["preset"]}
    limits = {
        f"{name}_s": data[f"slo_{name}_ms"] / 1000
        for name in ("ttft", "tpot", "latency")
        if data[f"slo_{name}_ms"] is not None
    }
    return {**limits, "percent": data["slo_percent"]}


def _targets(data: dict[str, Any]) -> list[dict[str, str]]:
    if data["mode"] == SpeedMode.CALIBRATION:
        return []
    sides = [_target(data, "")]
    if data["mode"] == SpeedMode.INTERLEAVED and (data["other_model"] or data["other_url"]):
        sides.append(_target(data, "other_"))
    return sides


def _target(data: dict[str, Any], side: str) -> dict[str, str]:
    chosen = data[f"{side}model"]
    if chosen:
        return {"slug": chosen.slug, "api": data["api"]}
    return {
        "url": data[f"{side}url"],
        "model": data[f"{side}url_model"],
        "api": data["api"],
    }


class LevelChoiceField(forms.ModelChoiceField[SpeedPhase]):
    """A level of a run, told apart by target, day and grade."""

    def label_from_instance(self, obj: SpeedPhase) -> str:
        target = obj.run.label or ", ".join(target_names(obj.run))
        side = f" {'AB'[obj.side]}" if obj.run.mode == SpeedMode.INTERLEAVED else ""
        day = f"{obj.run.created_at:%Y-%m-%d}"
        return f"#{obj.run_id} {target}{side} · {obj.name} · {day} · {GRADE_LABELS[obj.grade]}"


class CompareForm(forms.Form):
    """Two levels of any runs; the newest are offered, older ones are reached from their pages."""

    a = LevelChoiceField(SpeedPhase.objects.none(), label="A")
    b = LevelChoiceField(SpeedPhase.objects.none(), label="B")

    def __init__(self, data: QueryDict | None) -> None:
        super().__init__(data)
        levels = SpeedPhase.objects.select_related("run").order_by("-run_id", "number")
        asked = [key for name in ("a", "b") if data and (key := data.get(name, "")).isdigit()]
        newest = list(levels.values_list("pk", flat=True)[:LEVELS_OFFERED])
        for name in ("a", "b"):
            field = self.fields[name]
            if isinstance(field, forms.ModelChoiceField):
                field.queryset = levels.filter(pk__in=[*newest, *asked])


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
    from_schedule = forms.BooleanField(label=_("waiting for a turn counts"), required=False)


class CostForm(forms.Form):
    """What the hardware costs by the hour, or what a provider asks per million tokens."""

    per_hour = forms.FloatField(label=_("Hardware, per hour"), required=False, min_value=0)
    per_million_input = forms.FloatField(
        label=_("or: per million input tokens"), required=False, min_value=0
    )
    per_million_output = forms.FloatField(
        label=_("per million output tokens"), required=False, min_value=0
    )
    win_share = forms.FloatField(
        label=_("Won battles, %"), required=False, min_value=0, max_value=100
    )
