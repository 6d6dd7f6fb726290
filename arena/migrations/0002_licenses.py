from django.db import migrations

from arena.licenses import SHIPPED_LICENSES


def ship(apps, schema_editor):
    License = apps.get_model("arena", "License")
    for shipped in SHIPPED_LICENSES:
        License.objects.get_or_create(spdx_id=shipped.spdx_id, defaults=shipped._asdict())


class Migration(migrations.Migration):
    dependencies = [("arena", "0001_initial")]
    operations = [migrations.RunPython(ship, migrations.RunPython.noop)]
