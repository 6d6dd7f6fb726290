"""Wiring: settings, URLs, ASGI and Celery. No room imports it except by name."""

from config.celery import app as celery_app

__all__ = ["celery_app"]
