"""Work that a web process does beside its requests."""

from __future__ import annotations

import threading
from collections.abc import Callable

from django.db import connection

Work = Callable[[], None]


def start_thread(work: Work, name: str) -> None:
    """With a database connection of its own, given back at the end; it ends with the process."""

    def run() -> None:
        try:
            work()
        finally:
            connection.close()

    threading.Thread(target=run, name=name, daemon=True).start()
