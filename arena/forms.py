"""Forms of the staff console."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy as _

from arena.dialects import DIALECTS
from arena.models import LanguageModel, QuestionSet
from arena.uploading import UPLOAD_MAX_BYTES


class GenerationForm(forms.Form):
    """Which models answer which questions, and how."""

    question_set = forms.ModelChoiceField(QuestionSet.objects.all(), label=_("Question set"))
    language_models = forms.ModelMultipleChoiceField(
        LanguageModel.objects.active().callable(),
        label=_("Models"),
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Only models with an endpoint can answer."),
    )
    temperature = forms.FloatField(
        label=_("Temperature"),
        required=False,
        min_value=0,
        max_value=2,
        help_text=_("Empty: by category, as MT-Bench does."),
    )
    max_tokens = forms.IntegerField(
        label=_("Tokens per answer at most"), initial=1024, min_value=1, max_value=200_000
    )
    limit = forms.IntegerField(
        label=_("First questions only"),
        required=False,
        min_value=1,
        help_text=_("Empty: all questions of the set."),
    )

    def arguments(self) -> dict[str, Any]:
        """Keyword arguments for ``start_generation``."""
        data = self.cleaned_data
        settings: dict[str, Any] = {"max_tokens": data["max_tokens"]}
        if data["temperature"] is not None:
            settings["temperature"] = data["temperature"]
        return {
            "question_set": data["question_set"],
            "language_models": list(data["language_models"]),
            "settings": settings,
            "limit": data["limit"],
        }


class ManyFilesInput(forms.ClearableFileInput):
    allow_multiple_selected = True


class ManyFilesField(forms.FileField):
    """One or more files, each checked for its size."""

    widget = ManyFilesInput

    def clean(
        self, data: Any, initial: Any = None
    ) -> list[UploadedFile[bytes]]:  # as FileField.clean
        given = data if isinstance(data, (list, tuple)) else [data]
        files = [super(ManyFilesField, self).clean(item, initial) for item in given]
        for file in files:
            if file.size > UPLOAD_MAX_BYTES:
                raise forms.ValidationError(
                    _("%(name)s has %(size)d MB; the browser takes %(most)d MB. Import it with "
                      "`manage.py import_data` instead.")
                    % {
                        "name": file.name,
                        "size": file.size // 2**20,
                        "most": UPLOAD_MAX_BYTES // 2**20,
                    }
                )  # fmt: skip
        return files


def _formats() -> list[tuple[str, Any]]:
    named = [(name, dialect.label) for name, dialect in DIALECTS.items()]
    return [("", _("Recognise by content")), *named]


class UploadForm(forms.Form):
    """Files to import, and into which set."""

    uploads = ManyFilesField(
        label=_("Files"), help_text=_("JSON, JSONL, CSV or Parquet, also as .gz; or a bundle.")
    )
    question_set = forms.CharField(
        label=_("Question set"),
        required=False,
        max_length=120,
        help_text=_("The set that questions go into and answers refer to; made when it is new."),
    )
    format = forms.ChoiceField(label=_("Format"), choices=_formats, required=False)
    skip_bad = forms.BooleanField(
        label=_("Store the good rows of a file with bad ones"), required=False
    )

    def arguments(self) -> dict[str, Any]:
        """Keyword arguments for ``import_uploads``."""
        data = self.cleaned_data
        return {
            "uploads": data["uploads"],
            "question_set": data["question_set"],
            "format": data["format"],
            "skip_bad": data["skip_bad"],
        }
