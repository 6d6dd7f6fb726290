"""The Celery application; a worker is started with ``celery -A config worker``."""

import os
import warnings

from celery import Celery
from celery.exceptions import SecurityWarning

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

# about running as root, which a container does on purpose; messages are JSON, never pickle
warnings.filterwarnings("ignore", category=SecurityWarning)

app = Celery("agon")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
