"""Python's collector of cyclic garbage, in processes that live long."""

from __future__ import annotations

import gc
from functools import cache


@cache
def spare_the_collector() -> None:
    """Once per process: what has been loaded by now lives as long as the process does.

    A full collection would walk all of it again and again, a tenth of a second in which no call
    of a run and no request gets on. What they make goes when its last reference does, so that
    looking for cycles can wait for more of it.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)
