"""Totals of live boards are kept compressed; the next look at a board makes them anew."""

from django.db import migrations


def forget_totals(apps, schema_editor):
    apps.get_model("leaderboard", "LiveState").objects.all().delete()


class Migration(migrations.Migration):
    dependencies = [("leaderboard", "0006_peer_examination")]

    operations = [migrations.RunPython(forget_totals, migrations.RunPython.noop)]
