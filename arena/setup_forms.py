"""Forms for what is called: endpoints and the models they serve."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from django import forms
from django.forms.boundfield import BoundField
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _

from arena.models import Endpoint, LanguageModel
from providers import PROVIDERS

REACHED_BY = ("endpoint", "provider_model", "provider_settings")


class EndpointForm(forms.ModelForm[Endpoint]):
    """The key can be set and replaced here; it is never shown again."""

    field_order = ("name", "slug", "provider", "base_url", "api_key_env", "api_key")

    provider = forms.ChoiceField(
        choices=lambda: [(name, name) for name in PROVIDERS],
        label=_("Kind"),
        initial="openai_compatible",
    )
    slug = forms.SlugField(
        label=_("Short name"), required=False, help_text=_("Empty: made from the name.")
    )
    api_key = forms.CharField(
        required=False,
        widget=forms.PasswordInput(render_value=False),
        label=_("API key"),
        help_text=_("Kept encrypted and never shown. Leave empty to keep the stored key."),
    )

    class Meta:
        model = Endpoint
        fields = (
            "name",
            "slug",
            "provider",
            "base_url",
            "api_key_env",
            "max_concurrency",
            "requests_per_minute",
            "tokens_per_minute",
            "timeout_s",
            "max_attempts",
            "settings",
        )
        labels = {
            "name": _("Name"),
            "base_url": _("Base URL"),
            "api_key_env": _("Variable that holds the key"),
            "max_concurrency": _("Calls at once"),
            "requests_per_minute": _("Requests per minute"),
            "tokens_per_minute": _("Tokens per minute"),
            "timeout_s": _("Longest wait (s)"),
            "max_attempts": _("Attempts"),
            "settings": _("Settings"),
        }
        help_texts = {
            "base_url": _("As its vendor's page shows it; empty for OpenAI."),
            "api_key_env": _("An environment variable of the web and worker processes."),
            "requests_per_minute": _("Empty: no limit."),
            "tokens_per_minute": _("Empty: no limit."),
            "settings": _(
                'JSON, for example {"api_version": "2024-10-21"} for Azure or '
                '{"max_tokens_field": "max_completion_tokens"} for reasoning models.'
            ),
        }

    def clean_settings(self) -> dict[str, Any]:
        return _json_object(self.cleaned_data["settings"])

    def clean(self) -> dict[str, Any]:
        """A stored key stays with the address it was entered for.

        It is neither read nor written unless a new one is given, so that a key made with another
        SECRET_KEY can be replaced.
        """
        data = super().clean() or self.cleaned_data
        if data.get("api_key"):
            self.instance.api_key = data["api_key"]
        elif "base_url" in self.changed_data and self._has_stored_key():
            self.add_error(
                "api_key",
                _("The address has changed: enter the key again, so that it goes nowhere else."),
            )
        return data

    def _has_stored_key(self) -> bool:
        stored = Endpoint.objects.filter(pk=self.instance.pk).exclude(api_key="")
        return self.instance.pk is not None and stored.exists()

    def clean_slug(self) -> str:
        slug = self.cleaned_data["slug"] or slugify(self.cleaned_data.get("name", ""))
        if not slug:
            raise forms.ValidationError(_("Give a short name in letters and digits."))
        if Endpoint.objects.filter(slug=slug).exclude(pk=self.instance.pk).exists():
            raise forms.ValidationError(_("Another endpoint has this short name."))
        return str(slug)


class LanguageModelForm(forms.ModelForm[LanguageModel]):
    """Everything that is known about a model, and how it is called."""

    class Meta:
        model = LanguageModel
        fields = (
            "slug",
            "display_name",
            "organisation",
            "license",
            "release_date",
            "knowledge_cutoff",
            "parameters_b",
            "context_length",
            "price_in_per_mtok",
            "price_out_per_mtok",
            "url",
            "description",
            "is_active",
            *REACHED_BY,
        )
        # a web address typed without its scheme is taken for https
        field_classes = {"url": partial(forms.URLField, assume_scheme="https")}
        widgets = {
            "release_date": forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        }
        labels = {
            "slug": _("Identifier"),
            "display_name": _("Name"),
            "organisation": _("Organisation"),
            "license": _("Licence"),
            "release_date": _("Released"),
            "knowledge_cutoff": _("Knowledge until"),
            "parameters_b": _("Parameters (billions)"),
            "context_length": _("Context (tokens)"),
            "price_in_per_mtok": _("Price in ($ per million tokens)"),
            "price_out_per_mtok": _("Price out ($ per million tokens)"),
            "url": _("Web page"),
            "description": _("Description"),
            "is_active": _("Takes part"),
            "endpoint": _("Endpoint"),
            "provider_model": _("Name at the endpoint"),
            "provider_settings": _("Settings"),
        }
        help_texts = {
            "slug": _("How commands and files call it, such as qwen2.5-7b."),
            "is_active": _("A retired model keeps its ratings and is asked nothing more."),
            "endpoint": _("Empty: its answers are imported."),
            "provider_model": _("Empty: as the identifier."),
            "provider_settings": _(
                'JSON, for example {"extra_body": {"reasoning_effort": "low"}}.'
            ),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # as ModelForm takes them
        super().__init__(*args, **kwargs)
        self.fields["display_name"].required = False
        self.fields["display_name"].help_text = _("Empty: as the identifier.")

    def clean_provider_settings(self) -> dict[str, Any]:
        return _json_object(self.cleaned_data["provider_settings"])

    def clean_display_name(self) -> str:
        return str(self.cleaned_data["display_name"] or self.cleaned_data.get("slug", ""))

    @property
    def reached_by(self) -> Sequence[BoundField]:
        return [self[name] for name in REACHED_BY]

    @property
    def described_by(self) -> Sequence[BoundField]:
        return [field for field in self if field.name not in REACHED_BY]


def _json_object(value: Any) -> dict[str, Any]:  # whatever was typed
    if not value:
        return {}
    if not isinstance(value, dict):
        raise forms.ValidationError(_("Write a JSON object: {…}."))
    return value
