"""Ship the licences that were added since; what somebody has written under a name stays."""

from importlib import import_module

from django.db import migrations

ship = import_module("arena.migrations.0002_licenses").ship


class Migration(migrations.Migration):
    dependencies = [("arena", "0008_stored_battles_have_answers")]
    operations = [migrations.RunPython(ship, migrations.RunPython.noop)]
