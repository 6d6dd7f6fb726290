"""Is a prompt wanted here? A word list of the arena's own, or an OpenAI-compatible endpoint."""

from __future__ import annotations

import logging
import re
from functools import lru_cache

import aiohttp

from arena.calling import NotCallableError, api_key_of
from arena.models import ModerationMode, VotingPolicy

logger = logging.getLogger(__name__)
TIMEOUT_S = 8.0
_CJK = re.compile(r"[\u3400-\u9fff]")


@lru_cache(maxsize=8)
def _pattern(words: str) -> re.Pattern[str] | None:
    """Whole words; Chinese ones anywhere, as it knows no word boundary."""
    listed = [line.strip().casefold() for line in words.splitlines() if line.strip()]
    if not listed:
        return None
    bounded = (
        re.escape(word)
        if re.search(r"[\u3400-\u9fff]", word)
        else rf"(?<!\w){re.escape(word)}(?!\w)"
        for word in listed
    )
    return re.compile("|".join(bounded))


def is_on_word_list(text: str, words: str) -> bool:
    pattern = _pattern(words)
    return bool(pattern and pattern.search(text.casefold()))


async def is_unwanted(text: str, policy: VotingPolicy) -> bool:
    """Ask whatever the policy names; an endpoint that does not answer lets the prompt pass."""
    if policy.moderation == ModerationMode.WORDS:
        return is_on_word_list(text, policy.moderation_words)
    if policy.moderation == ModerationMode.ENDPOINT and policy.moderation_endpoint is not None:
        return await _is_flagged(text, policy)
    return False


async def _is_flagged(text: str, policy: VotingPolicy) -> bool:
    endpoint = policy.moderation_endpoint
    if endpoint is None:
        return False
    body = {"input": text} | ({"model": policy.moderation_model} if policy.moderation_model else {})
    try:
        key = api_key_of(endpoint)
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT_S)) as session:
            response = await session.post(
                f"{endpoint.base_url.rstrip('/')}/moderations",
                json=body,
                headers={"Authorization": f"Bearer {key}"} if key else {},
            )
            async with response:
                answer = await response.json(content_type=None)
        return bool(answer["results"][0]["flagged"])
    except NotCallableError as error:
        logger.warning("moderation is not set up: %s", error)
        return False
    except (aiohttp.ClientError, TimeoutError, ValueError, LookupError, TypeError) as error:
        logger.warning("moderation at endpoint %s did not answer: %s", endpoint.slug, error)
        return False
