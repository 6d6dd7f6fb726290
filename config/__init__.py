"""Wiring: settings, URLs, ASGI and Celery. No room imports it except by name."""

import os

# Our matrices have a few hundred rows. OpenBLAS would spread each product over all cores and wait
# for every one of them, which on a machine with other work takes twenty times as long. It reads
# this once, when numpy is imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from config.celery import app as celery_app

__all__ = ["celery_app"]
