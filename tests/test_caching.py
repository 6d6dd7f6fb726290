"""Two rounds of tests use one Redis at the same time."""

import os

import pytest
from django.conf import settings
from django.core.cache import caches
from redis import Redis
from redis.exceptions import RedisError

from tests.caching import OwnRedisCache, own_caches
from tests.skipping import skip_or_fail

REDIS_URL = os.environ.get("TEST_REDIS_URL", "redis://127.0.0.1:6379/9")
IN_REDIS = {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}


@pytest.fixture
def redis():
    with Redis.from_url(REDIS_URL) as server:
        try:
            server.ping()
        except RedisError as error:
            skip_or_fail(f"no Redis at {REDIS_URL}: {error}")
        yield server


def session_cache():
    options = own_caches({"default": IN_REDIS})["default"]
    return OwnRedisCache(options["LOCATION"], {"KEY_PREFIX": options["KEY_PREFIX"]})


def test_clearing_the_cache_takes_nothing_from_others_in_the_same_redis(redis):
    ours, theirs = session_cache(), session_cache()
    foreign = f"{ours.key_prefix}-not"
    redis.set(foreign, "kept", ex=60)
    for each in (ours, theirs):
        each.set("counted", 1, timeout=60)
    ours.clear()
    assert (ours.get("counted"), theirs.get("counted")) == (None, 1)
    assert redis.get(foreign) == b"kept"
    assert redis.delete(foreign) == 1
    theirs.clear()
    assert theirs.get("counted") is None


def test_a_cache_in_memory_stays_as_it_is():
    in_memory = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    assert own_caches(in_memory) == in_memory


@pytest.mark.django_db
def test_the_tests_of_this_round_have_a_cache_of_their_own():
    if not settings.REDIS_URL:
        pytest.skip("the cache is in this process")
    assert isinstance(caches["default"], OwnRedisCache)
