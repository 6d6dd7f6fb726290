"""What must not reach a log."""

from __future__ import annotations

import logging


class WithoutSocketAddresses(logging.Filter):
    """uvicorn tells of every socket with its visitor's address, without an access log as well."""

    def filter(self, record: logging.LogRecord) -> bool:
        return '"WebSocket' not in str(record.msg)
