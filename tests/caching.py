"""The cache of a test session in a Redis that others use at the same time."""

from uuid import uuid4

from django.core.cache.backends.redis import RedisCache


class OwnRedisCache(RedisCache):
    """Clears what it has stored itself. Django's empties the whole Redis instead, and with it what
    the other round of tests has there at this moment: rooms of live battles, counted calls.
    """

    def clear(self):
        client = self._cache.get_client(write=True)
        keys = list(client.scan_iter(match=f"{self.key_prefix}:*", count=1000))
        return bool(keys and client.delete(*keys))


def own_caches(caches):
    """The setting ``CACHES``, with keys of this session's own where they are in Redis."""
    default = caches["default"]
    if not default["BACKEND"].endswith("RedisCache"):
        return caches
    own = {"BACKEND": "tests.caching.OwnRedisCache", "KEY_PREFIX": f"agon:tests:{uuid4().hex}"}
    return {**caches, "default": {**default, **own}}
