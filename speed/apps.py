from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SpeedConfig(AppConfig):
    name = "speed"
    verbose_name = _("Serving speed")
