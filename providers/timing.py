"""The clock, sleep and dice that calls use, injectable so that tests neither wait nor guess."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Timing:
    """``now`` is monotonic seconds, ``wall`` seconds since 1970 (only to read HTTP dates),
    ``random`` a number in [0, 1).
    """

    now: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    random: Callable[[], float] = random.random
