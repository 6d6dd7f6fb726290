"""Which models sit in a live battle, and the providers that reach them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np

from arena.calling import OpenModels, endpoint_config
from arena.models import LanguageModel, SamplingMethod, VotingPolicy
from arena.models.language_model import LanguageModelQuerySet
from arena.voting import sampling
from arena.voting.pool import RECORD
from arena.voting.weights import boost_of, weights_of
from providers.base import Provider

_RANDOM = np.random.default_rng()


class NobodyToAskError(ValueError):
    """Fewer models can be called than the room has seats."""


class SameModelError(ValueError):
    """One model was chosen for both seats."""


@dataclass(frozen=True, slots=True)
class Seating:
    """Models from left to right; ``draw_probability`` is that of the pair, if drawn."""

    models: tuple[LanguageModel, ...]
    draw_probability: float | None = None


def live_models() -> LanguageModelQuerySet:
    """Models that an endpoint serves; the demo's only while there are no others."""
    models = LanguageModel.objects.active().callable().select_related("endpoint").order_by("id")
    own = models.filter(is_demo=False)
    return own if own.count() > 1 else models


def draw_seats(policy: VotingPolicy, random: np.random.Generator = _RANDOM) -> Seating:
    """Two hidden models on random sides, by the arena's sampling rule."""
    models = list(live_models())
    if len(models) < 2:
        raise NobodyToAskError("fewer than two models have an endpoint")
    probabilities = _probabilities(models, policy)
    draw = sampling.draw_pair(probabilities, random)
    pair = [models[draw.first], models[draw.second]]
    if random.random() < 0.5:
        pair.reverse()
    return Seating(tuple(pair), draw.probability)


def _probabilities(models: Sequence[LanguageModel], policy: VotingPolicy) -> sampling.Matrix:
    everybody = np.ones((len(models), len(models)), dtype=bool)
    if policy.sampling == SamplingMethod.UNIFORM:
        return sampling.uniform(everybody)
    record = RECORD.matrix(tuple(model.pk for model in models))
    if policy.sampling == SamplingMethod.ACTIVE:
        return sampling.active(everybody, record)
    weights = weights_of([model.slug for model in models], policy.model_weights)
    if policy.sampling == SamplingMethod.WEIGHTED:
        return sampling.weighted(everybody, weights)
    return sampling.boosted(
        everybody,
        weights,
        record.votes_per_model(),
        factor=boost_of(policy.boost_factor),
        until_votes=policy.boost_until_votes,
    )


def chosen_seats(slugs: Sequence[str], *, count: int) -> Seating:
    """The named models, in the order given."""
    if len(set(slugs)) < len(slugs):
        raise SameModelError(f"{slugs[0]} on both sides")
    by_slug = {model.slug: model for model in live_models().filter(slug__in=slugs)}
    if len(slugs) != count or len(by_slug) != count:
        raise NobodyToAskError("the chosen models cannot be called")
    return Seating(tuple(by_slug[slug] for slug in slugs))


_open: WeakKeyDictionary[asyncio.AbstractEventLoop, OpenModels] = WeakKeyDictionary()


def provider_of(model: LanguageModel) -> Provider:
    """One provider per model and event loop, made anew when the endpoint was changed."""
    opened = _open.setdefault(asyncio.get_running_loop(), OpenModels())
    known = opened.providers.get(model.pk)
    if known is not None and known.config != endpoint_config(model):
        del opened.providers[model.pk]
    return opened.provider_of(model)


async def close_providers() -> None:
    """Free the connections of this event loop's providers."""
    opened = _open.pop(asyncio.get_running_loop(), None)
    if opened is not None:
        await opened.aclose()
