from __future__ import annotations

from typing import Self

from django.core.validators import MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from arena.models.fields import EncryptedTextField
from arena.models.license import CommercialUse, License
from arena.models.slugs import validate_slug


class Endpoint(models.Model):
    """A place models are called at, with the key and the limits that all its models share.

    ``provider`` is a name in the providers' registry; ``settings`` are that provider's own
    (Azure's API version, extra headers, a scripted provider's rule…).
    """

    slug = models.SlugField(max_length=80, unique=True)
    name = models.CharField(max_length=120)
    provider = models.CharField(max_length=60, default="openai_compatible")
    base_url = models.CharField(max_length=500, blank=True)
    api_key_env = models.CharField(
        max_length=120, blank=True, help_text=_("Environment variable that holds the key.")
    )
    api_key = EncryptedTextField(
        blank=True, help_text=_("Kept encrypted. Prefer the environment variable.")
    )
    settings = models.JSONField(default=dict, blank=True)
    max_concurrency = models.PositiveIntegerField(default=32, validators=[MinValueValidator(1)])
    requests_per_minute = models.PositiveIntegerField(null=True, blank=True)
    tokens_per_minute = models.PositiveIntegerField(null=True, blank=True)
    timeout_s = models.FloatField(default=120.0)
    max_attempts = models.PositiveIntegerField(default=4, validators=[MinValueValidator(1)])
    is_demo = models.BooleanField(default=False)

    class Meta:
        ordering = ("slug",)
        constraints = (
            models.CheckConstraint(
                name="endpoint_has_at_least_one_slot", condition=models.Q(max_concurrency__gte=1)
            ),
            models.CheckConstraint(
                name="endpoint_timeout_is_positive", condition=models.Q(timeout_s__gt=0)
            ),
        )

    def __str__(self) -> str:
        return self.name or self.slug


class LanguageModelQuerySet(models.QuerySet["LanguageModel"]):
    def active(self) -> Self:
        return self.filter(is_active=True)

    def callable(self) -> Self:
        """Those that an endpoint serves, so that answers can be generated."""
        return self.filter(endpoint__isnull=False)

    def commercially_usable(self) -> Self:
        return self.filter(
            license__commercial_use__in=(CommercialUse.ALLOWED, CommercialUse.CONDITIONAL)
        )


class LanguageModel(models.Model):
    """An LLM that competes, judges, or both.

    Prices are US dollars per million tokens; ``parameters_b`` is billions of parameters;
    ``provider_model`` is the name the endpoint knows it by.
    """

    slug = models.CharField(max_length=160, unique=True, validators=[validate_slug])
    display_name = models.CharField(max_length=200)
    organisation = models.CharField(max_length=120, blank=True)
    description = models.TextField(blank=True)
    url = models.URLField(blank=True)
    release_date = models.DateField(null=True, blank=True)
    knowledge_cutoff = models.CharField(max_length=40, blank=True)
    parameters_b = models.FloatField(null=True, blank=True, verbose_name=_("parameters (billions)"))
    context_length = models.PositiveIntegerField(
        null=True, blank=True, verbose_name=_("context length (tokens)")
    )
    price_in_per_mtok = models.FloatField(
        null=True, blank=True, verbose_name=_("price in (USD per million tokens)")
    )
    price_out_per_mtok = models.FloatField(
        null=True, blank=True, verbose_name=_("price out (USD per million tokens)")
    )
    license = models.ForeignKey(License, on_delete=models.PROTECT, null=True, blank=True)
    endpoint = models.ForeignKey(Endpoint, on_delete=models.PROTECT, null=True, blank=True)
    provider_model = models.CharField(max_length=200, blank=True)
    provider_settings = models.JSONField(default=dict, blank=True)
    is_active = models.BooleanField(default=True)
    is_demo = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = LanguageModelQuerySet.as_manager()

    class Meta:
        ordering = ("slug",)
        constraints = (
            models.CheckConstraint(
                name="language_model_prices_are_not_negative",
                condition=(
                    models.Q(price_in_per_mtok__isnull=True) | models.Q(price_in_per_mtok__gte=0)
                )
                & (models.Q(price_out_per_mtok__isnull=True) | models.Q(price_out_per_mtok__gte=0)),
            ),
            models.CheckConstraint(
                name="language_model_size_is_positive",
                condition=models.Q(parameters_b__isnull=True) | models.Q(parameters_b__gt=0),
            ),
            models.CheckConstraint(name="language_model_has_a_slug", condition=~models.Q(slug="")),
        )

    def __str__(self) -> str:
        return self.display_name or self.slug
