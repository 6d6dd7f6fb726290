"""Setting up what is called: trying a model once, and adding what an endpoint serves."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from asgiref.sync import async_to_sync
from django.db import transaction
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from arena.calling import endpoint_config
from arena.importing.names import slug_of
from arena.models import Endpoint, LanguageModel
from providers import PROVIDERS
from providers.base import (
    Completion,
    EndpointConfig,
    FailureKind,
    GenerationSettings,
    Message,
    ProviderContext,
    ProviderError,
)
from providers.limits import InProcessLimitStore

TRIAL_TIMEOUT_S = 30.0  # somebody is waiting in front of the page
TRIAL_TOKENS = 512  # a reasoning model thinks before it says hello
TRIAL_TEXT = "Say hello in one short sentence."

REMEDIES: dict[FailureKind, str | Promise] = {
    FailureKind.AUTHENTICATION_FAILED: _("The endpoint refuses the key: check it."),
    FailureKind.NOT_FOUND: _("Check the base URL and the model's name at the endpoint."),
    FailureKind.CONNECTION_FAILED: _("Nobody answers there: check the base URL and the network."),
    FailureKind.TIMED_OUT: _("The endpoint took too long: try again, or raise its longest wait."),
    FailureKind.BAD_REQUEST: _("The endpoint does not take the request: check the settings."),
    FailureKind.QUOTA_EXHAUSTED: _("The account has no money or allowance left."),
    FailureKind.RATE_LIMITED: _("Too many requests just now: wait, and lower the limits."),
    FailureKind.MALFORMED_REPLY: _("What answers there does not speak OpenAI's protocol."),
}


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of one call: a completion, or the kind of failure with its detail."""

    completion: Completion | None = None
    failure: str = ""
    detail: str = ""
    remedy: str | Promise = ""


def try_model(*, model: LanguageModel) -> Trial:
    """Ask ``model`` one short question, once; raises NotCallableError without an endpoint."""
    config = _impatient(endpoint_config(model))
    try:
        return Trial(completion=async_to_sync(_say_hello)(config))
    except ProviderError as error:
        return _failed(error)


def offered_models(*, endpoint: Endpoint) -> tuple[list[str], Trial | None]:
    """Names of the models an endpoint serves, or why it does not tell."""
    from providers.openai_sdk import list_models

    config = _impatient(endpoint_config(LanguageModel(slug="-", endpoint=endpoint)))
    try:
        return async_to_sync(list_models)(config), None
    except ProviderError as error:
        return [], _failed(error)


@transaction.atomic
def add_offered_models(*, endpoint: Endpoint, names: Iterable[str]) -> list[LanguageModel]:
    """Models by the names the endpoint gives them; those that are there without one get it."""
    added = []
    for name in names:
        model, is_new = LanguageModel.objects.get_or_create(
            slug=slug_of(name),
            defaults={"display_name": name, "provider_model": name, "endpoint": endpoint},
        )
        if not is_new and model.endpoint_id is None:
            model.endpoint, model.provider_model = endpoint, name
            model.save(update_fields=["endpoint", "provider_model"])
        if model.endpoint_id == endpoint.pk:
            added.append(model)
    return added


def _impatient(config: EndpointConfig) -> EndpointConfig:
    return replace(config, max_attempts=1, timeout_s=min(config.timeout_s, TRIAL_TIMEOUT_S))


async def _say_hello(config: EndpointConfig) -> Completion:
    provider = PROVIDERS.get(config.provider)(config, ProviderContext(InProcessLimitStore()))
    try:
        return await provider.complete(
            [Message("user", TRIAL_TEXT)], GenerationSettings(max_tokens=TRIAL_TOKENS)
        )
    finally:
        await provider.aclose()


def _failed(error: ProviderError) -> Trial:
    return Trial(failure=error.kind, detail=error.detail, remedy=REMEDIES.get(error.kind, ""))
