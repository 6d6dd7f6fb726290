"""Endpoint limits shared by all workers through Redis.

The arithmetic is that of ``limits.py``, run inside Redis so that each step is atomic and uses the
server's clock. Every key expires, so a finished run leaves nothing behind.
"""

import math

from providers.limits import Grant, LimitStoreError

PREFIX = "agon:limits:"
MAX_PAUSE_S = 24 * 3600.0
ANSWER_S = 5.0  # a stuck Redis must become an error that is retried, not a hang

# limits.book; times in seconds with microseconds, as text because Lua replies truncate numbers
BOOK = """
local t = redis.call('TIME')
local now = t[1] + t[2] / 1000000
local amount, per_unit, burst = tonumber(ARGV[1]), 60 / ARGV[2], tonumber(ARGV[3])
local arrival = tonumber(redis.call('GET', KEYS[1]) or now)
local filled, wait
if amount < 0 then
  filled, wait = arrival + amount * per_unit, 0
else
  filled = math.max(arrival, now) + amount * per_unit
  wait = math.max(0, filled - math.max(burst, amount) * per_unit - now)
end
redis.call('SET', KEYS[1], string.format('%.6f', filled), 'EX',
  math.ceil(math.max(1, filled - now)) + 60)
return string.format('%.6f', wait)
"""

# limits.share_slots over a hash of member -> "wanted held expires"
CLAIM = """
local t = redis.call('TIME')
local now = t[1] + t[2] / 1000000
local member = ARGV[1]
local wanted, in_use = tonumber(ARGV[2]), tonumber(ARGV[3])
local limit, ttl = tonumber(ARGV[4]), tonumber(ARGV[5])
local all = redis.call('HGETALL', KEYS[1])
local held, unmet, others = 0, 0, 0
for i = 1, #all, 2 do
  local w, h, expires = string.match(all[i + 1], '(%S+) (%S+) (%S+)')
  if tonumber(expires) <= now then
    redis.call('HDEL', KEYS[1], all[i])
  elseif all[i] ~= member then
    others, held = others + 1, held + h
    unmet = unmet + math.max(0, w - h)
  end
end
local free = math.max(0, limit - held)
local slots = math.min(wanted, free)
if unmet > 0 then
  local fair = math.max(1, math.floor(limit / (others + 1)))
  slots = math.min(slots, math.max(fair, free - unmet))
end
if wanted == 0 and in_use == 0 then
  redis.call('HDEL', KEYS[1], member)
else
  redis.call('HSET', KEYS[1], member, wanted .. ' ' .. math.max(slots, in_use) .. ' '
    .. string.format('%.6f', now + ttl))
  redis.call('EXPIRE', KEYS[1], math.ceil(ttl) + 60)
end
return {slots, redis.call('PTTL', KEYS[2])}
"""

PAUSE = """
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[1]) then
  redis.call('SET', KEYS[1], '1', 'PX', ARGV[1])
end
return 1
"""


class RedisLimitStore:
    """See LimitStore; ``url`` is the installation's REDIS_URL. Belongs to one event loop."""

    def __init__(self, url: str) -> None:
        from redis.asyncio import Redis

        self._redis = Redis.from_url(
            url,
            socket_timeout=ANSWER_S,
            socket_connect_timeout=ANSWER_S,
            decode_responses=True,
        )
        self._book = self._redis.register_script(BOOK)
        self._claim = self._redis.register_script(CLAIM)
        self._pause = self._redis.register_script(PAUSE)

    async def reserve(self, key: str, amount: float, *, per_minute: float, burst: float) -> float:
        """See LimitStore."""
        from redis.exceptions import RedisError

        try:
            wait = await self._book([f"{PREFIX}{key}"], [amount, per_minute, burst])
        except (RedisError, OSError) as error:
            raise _unreachable(error) from error
        return float(wait)

    async def claim_slots(
        self, key: str, member: str, *, wanted: int, in_use: int, limit: int, ttl_s: float
    ) -> Grant:
        """See LimitStore."""
        from redis.exceptions import RedisError

        keys = [f"{PREFIX}{key}:claims", f"{PREFIX}{key}:pause"]
        try:
            slots, pause_ms = await self._claim(keys, [member, wanted, in_use, limit, ttl_s])
        except (RedisError, OSError) as error:
            raise _unreachable(error) from error
        return Grant(int(slots), max(0, pause_ms) / 1000)

    async def pause(self, key: str, seconds: float) -> None:
        """See LimitStore."""
        from redis.exceptions import RedisError

        milliseconds = math.ceil(min(seconds, MAX_PAUSE_S) * 1000)
        if milliseconds <= 0:
            return
        try:
            await self._pause([f"{PREFIX}{key}:pause"], [milliseconds])
        except (RedisError, OSError) as error:
            raise _unreachable(error) from error

    async def aclose(self) -> None:
        """Close the connections to Redis."""
        await self._redis.aclose()


def _unreachable(error: Exception) -> LimitStoreError:
    return LimitStoreError(f"Redis did not count the endpoint's limits ({type(error).__name__})")
