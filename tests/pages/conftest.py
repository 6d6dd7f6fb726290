import pytest


@pytest.fixture(autouse=True)
def uncollected_static_files(settings, tmp_path):
    """Pages are tested without collectstatic, in production settings too."""
    settings.STATIC_ROOT = tmp_path
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }
