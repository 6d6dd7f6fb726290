from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class ArenaConfig(AppConfig):
    name = "arena"

    def ready(self) -> None:
        autodiscover_modules("runs", "panels")
