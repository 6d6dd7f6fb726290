"""A new installation has a board to fill: everything that people and judges decide."""

from django.db import migrations


def make_overall_board(apps, schema_editor):
    board = apps.get_model("leaderboard", "Board")
    if not board.objects.filter(is_demo=False).exists():
        board.objects.create(
            slug="overall",
            title="Overall",
            description="All models, on everything people voted for and judges decided.",
            query={"source": "combined"},
            method="bradley_terry",
        )


class Migration(migrations.Migration):
    dependencies = [("leaderboard", "0003_evidence")]
    operations = [migrations.RunPython(make_overall_board, migrations.RunPython.noop)]
