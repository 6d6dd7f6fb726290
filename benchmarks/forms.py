"""Forms of the benchmark pages."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.text import slugify
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from arena.models import LanguageModel, RunStatus
from benchmarks.engine.spec import PRECISIONS, ModelArgsError, parse_pairs
from benchmarks.models import BenchmarkRun, QuestionFile
from benchmarks.models.question_file import QuestionFileKind
from benchmarks.probe_lines import PROBE_LABELS
from benchmarks.suites.probes import PROBES
from benchmarks.suites_base import AskProtocol

PROTOCOLS = (
    (AskProtocol.NATIVE, _("As the task defines")),
    (AskProtocol.GENERATION, _("In writing, the letter is extracted")),
    (AskProtocol.LETTERS, _("Letters by top log-probabilities (approximation)")),
)
HUBS = (("huggingface", "Hugging Face"), ("modelscope", "ModelScope"), ("local", _("Local folder")))


class LaunchForm(forms.Form):
    """A model, what it is to be asked, and how."""

    model = forms.CharField(
        label=_("Model"),
        help_text=_("A model of this arena by its slug, a checkpoint folder, or a hub id."),
        widget=forms.TextInput(attrs={"list": "known-models", "autocomplete": "off"}),
    )
    tasks = forms.CharField(
        label=_("Tasks"),
        required=False,
        help_text=_("Names of tasks, groups or presets, separated by spaces."),
    )
    question_files = forms.ModelMultipleChoiceField(
        QuestionFile.objects.exclude(kind=QuestionFileKind.CORPUS), label=_("Own questions"),
        required=False, widget=forms.CheckboxSelectMultiple,
    )  # fmt: skip
    protocol = forms.ChoiceField(label=_("Protocol"), choices=PROTOCOLS, initial="native")
    num_fewshot = forms.IntegerField(
        label=_("Examples (shots)"), required=False, min_value=0, max_value=64,
        help_text=_("Empty: as the task or preset says."),
    )  # fmt: skip
    limit = forms.FloatField(
        label=_("Samples per task"), required=False, min_value=0,
        help_text=_("Empty: all. A share below 1 is possible."),
    )  # fmt: skip
    precision = forms.ChoiceField(
        label=_("Precision"), choices=[(name, name) for name in PRECISIONS], initial="auto"
    )
    revision = forms.CharField(label=_("Revision"), required=False)
    hub = forms.ChoiceField(label=_("Data from"), choices=HUBS, initial="huggingface")
    dataset_dir = forms.CharField(label=_("Data folder"), required=False)
    probes = forms.MultipleChoiceField(
        label=_("Probes beside each task"), required=False, widget=forms.CheckboxSelectMultiple,
        choices=[(name, PROBE_LABELS[name]) for name in PROBES],
        help_text=_("They cost as much as the task again. Tasks that a probe does not suit are "
                    "asked without it."),
    )  # fmt: skip
    corpus = forms.ModelChoiceField(
        QuestionFile.objects.filter(kind=QuestionFileKind.CORPUS), label=_("Compare with texts"),
        required=False, empty_label="–",
        help_text=_("Questions whose words stand in these texts are counted and scored apart. "
                    "Upload the texts among your own questions."),
    )  # fmt: skip
    judge = forms.ModelChoiceField(
        LanguageModel.objects.active().callable(), label=_("Judge of free answers"),
        required=False, empty_label="–",
        help_text=_("A model that grades answers to own questions and safety prompts."),
    )  # fmt: skip
    apply_chat_template = forms.BooleanField(label=_("Use the chat template"), required=False)
    max_tokens = forms.IntegerField(
        label=_("Tokens per answer at most"), required=False, min_value=1, max_value=200_000
    )
    precision_goal = forms.FloatField(
        label=_("Stop at ± (percentage points)"), required=False, min_value=0.1, max_value=49,
        # xgettext:no-python-format
        help_text=_("A task ends when its 95 % interval is this narrow. Empty: runs whole."),
    )  # fmt: skip
    priority = forms.IntegerField(
        label=_("Priority"), required=False, initial=0, help_text=_("Higher goes first.")
    )
    use_cache = forms.BooleanField(
        label=_("Take over samples that were already asked in just this way"), required=False
    )
    model_args = forms.CharField(
        label=_("Other model arguments"), required=False,
        help_text=_("As on the command line: device_map=auto,quantization=4bit"),
    )  # fmt: skip
    dataset_args = forms.CharField(
        label=_("Arguments of single tasks"), required=False,
        help_text=_('JSON: {"humaneval": {"samples": 5, "k": [1, 5]}}'),
    )  # fmt: skip

    # which fields stand together, under which heading, and whether they are shown from the start
    SECTIONS = (
        (_("Model and tasks"), ("model", "precision", "tasks", "question_files", "limit"), True),
        (_("How it is asked"),
         ("protocol", "num_fewshot", "apply_chat_template", "max_tokens"), True),
        (_("Where the data are"), ("hub", "dataset_dir"), True),
        (_("Probes and judge"), ("probes", "corpus", "judge"), False),
        (_("More"), ("revision", "model_args", "dataset_args", "precision_goal",
                     "use_cache", "priority"), False),
    )  # fmt: skip

    def sections(self) -> list[dict[str, Any]]:
        has_files = QuestionFile.objects.exclude(kind=QuestionFileKind.CORPUS).exists()
        return [
            {
                "title": title,
                "fields": [self[n] for n in names if n != "question_files" or has_files],
                "is_open": is_open or any(self[name].errors for name in names),
            }
            for title, names, is_open in self.SECTIONS
        ]

    def clean_model_args(self) -> dict[str, str]:
        try:
            return parse_pairs(self.cleaned_data["model_args"])
        except ModelArgsError as error:
            raise forms.ValidationError(str(error)) from error

    def clean_dataset_args(self) -> dict[str, Any]:
        text = self.cleaned_data["dataset_args"].strip()
        try:
            found = json.loads(text) if text else {}
        except ValueError as error:
            raise forms.ValidationError(gettext("Not valid JSON: %s") % error) from error
        if not isinstance(found, dict) or not all(isinstance(v, dict) for v in found.values()):
            raise forms.ValidationError(gettext("Give an object of settings for each task."))
        return found

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if not data.get("tasks", "").split() and not data.get("question_files"):
            self.add_error("tasks", gettext("Choose at least one task or a file of own questions."))
        return data

    def configuration(self) -> dict[str, Any]:
        """The form as a task configuration for ``run_from_config``."""
        data = self.cleaned_data
        files = list(data["question_files"])
        arguments = {**data["model_args"], "precision": data["precision"]}
        paths = {f.task_name: {"local_path": f.file.path} for f in files}
        settings = {name: paths.get(name, {}) | data["dataset_args"].get(name, {})
                    for name in paths | data["dataset_args"]}  # fmt: skip
        if data["revision"]:
            arguments["revision"] = data["revision"]
        goal = data["precision_goal"]
        generation = {"max_tokens": data["max_tokens"]} if data["max_tokens"] else {}
        return {
            "model": data["model"],
            "datasets": data["tasks"].split() + [file.task_name for file in files],
            "model_args": arguments,
            "dataset_args": settings,
            "use_cache": data["use_cache"],
            "generation_config": generation,
            "dataset_hub": data["hub"],
            "dataset_dir": data["dataset_dir"],
            "limit": data["limit"],
            "num_fewshot": data["num_fewshot"],
            "protocol": data["protocol"],
            "apply_chat_template": data["apply_chat_template"],
            "priority": data["priority"] or 0,
            "precision_goal": goal / 100 if goal else None,
            "probes": data["probes"],
            "judge": data["judge"].slug if data["judge"] else "",
            "corpus": data["corpus"].file.path if data["corpus"] else "",
        }


class QuestionFileForm(forms.Form):
    """A file of own questions."""

    name = forms.CharField(label=_("Name"), max_length=80)
    kind = forms.ChoiceField(label=_("What it holds"), choices=QuestionFileKind.choices)
    file = forms.FileField(
        label=_("File"),
        help_text=_("CSV or JSONL in UTF-8. Multiple choice: question, A, B, C…, answer, "
                    "category. Otherwise: question, answer. Texts to compare with: TXT, or "
                    "JSONL with one text a row."),
    )  # fmt: skip

    def clean_name(self) -> str:
        name = str(self.cleaned_data["name"])
        slug = slugify(name, allow_unicode=True)
        if not slug:
            raise forms.ValidationError(gettext("Use letters or digits in the name."))
        if QuestionFile.objects.filter(slug=slug).exists():
            raise forms.ValidationError(gettext("There is a file of this name; choose another."))
        return name


def _prepared_runs() -> QuerySet[BenchmarkRun]:
    prepared = BenchmarkRun.objects.filter(prepared_at__isnull=False)
    return prepared.exclude(status=RunStatus.DRAFT).order_by("-id")


class RunChoiceField(forms.ModelChoiceField[BenchmarkRun]):
    def label_from_instance(self, obj: BenchmarkRun) -> str:
        return f"#{obj.pk} · {obj}"


class CompareForm(forms.Form):
    """Two runs to put side by side."""

    a = RunChoiceField(_prepared_runs(), label=_("First run"))
    b = RunChoiceField(_prepared_runs(), label=_("Second run"))
