"""How to talk to a model: one module per kind of provider, found by name in ``PROVIDERS``."""

from providers.base import (
    Completion,
    CompletionStream,
    ContentPart,
    Delta,
    EndpointConfig,
    FailureKind,
    GenerationSettings,
    ImagePart,
    Message,
    Provider,
    ProviderContext,
    ProviderError,
    ProviderFactory,
    ScoredToken,
    TextPart,
    TokenLogprob,
)
from registry import Registry

PROVIDERS: Registry[ProviderFactory] = Registry("provider", "providers")

__all__ = [
    "PROVIDERS",
    "Completion",
    "CompletionStream",
    "ContentPart",
    "Delta",
    "EndpointConfig",
    "FailureKind",
    "GenerationSettings",
    "ImagePart",
    "Message",
    "Provider",
    "ProviderContext",
    "ProviderError",
    "ProviderFactory",
    "ScoredToken",
    "TextPart",
    "TokenLogprob",
]
