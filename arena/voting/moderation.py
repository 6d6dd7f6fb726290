"""Is a prompt wanted here? A word list of the arena's own, or an OpenAI-compatible endpoint."""

from __future__ import annotations

import logging
import re
import unicodedata
from functools import lru_cache

import aiohttp

from arena.calling import NotCallableError, api_key_of
from arena.models import ModerationMode, VotingPolicy

logger = logging.getLogger(__name__)
TIMEOUT_S = 8.0
_CJK = re.compile(r"[\u3400-\u9fff]")
_HIDDEN = re.compile(
    r"[\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]"
)
_SPACE = re.compile(r"\s+")


def _plain(text: str) -> str:
    """Width, capitals, hidden characters and line breaks make no other word of it."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return _SPACE.sub(" ", _HIDDEN.sub("", folded))


@lru_cache(maxsize=8)
def _pattern(words: str) -> re.Pattern[str] | None:
    """Whole words; Chinese ones anywhere, as it knows no word boundary."""
    listed = [_plain(line).strip() for line in words.splitlines() if _plain(line).strip()]
    if not listed:
        return None
    bounded = (
        re.escape(word) if _CJK.search(word) else rf"(?<!\w){re.escape(word)}(?!\w)"
        for word in listed
    )
    return re.compile("|".join(bounded))


def is_on_word_list(text: str, words: str) -> bool:
    pattern = _pattern(words)
    return bool(pattern and pattern.search(_plain(text)))


async def is_unwanted(text: str, policy: VotingPolicy) -> bool:
    """Ask whatever the policy names; an endpoint that does not answer lets the prompt pass."""
    if policy.moderation == ModerationMode.WORDS:
        return is_on_word_list(text, policy.moderation_words)
    if policy.moderation == ModerationMode.ENDPOINT:
        return await _is_flagged(text, policy)
    return False


async def _is_flagged(text: str, policy: VotingPolicy) -> bool:
    endpoint = policy.moderation_endpoint
    if endpoint is None:
        logger.warning("moderation is not set up: the endpoint that moderates is gone")
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
        return answer["results"][0]["flagged"] is True
    except NotCallableError as error:
        logger.warning("moderation is not set up: %s", error)
        return False
    except (aiohttp.ClientError, TimeoutError, ValueError, LookupError, TypeError) as error:
        logger.warning("moderation at endpoint %s did not answer: %s", endpoint.slug, error)
        return False
