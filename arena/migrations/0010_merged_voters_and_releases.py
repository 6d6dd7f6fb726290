
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("arena", "0009_more_licenses"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="VoteRelease",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("pending", "waiting"),
                            ("claimed", "in flight"),
                            ("done", "done"),
                            ("failed", "failed"),
                        ],
                        default="pending",
                        max_length=10,
                    ),
                ),
                ("attempts", models.PositiveIntegerField(default=0)),
                ("not_before", models.DateTimeField(blank=True, null=True)),
                ("lease_owner", models.CharField(blank=True, max_length=120)),
                ("lease_expires_at", models.DateTimeField(blank=True, null=True)),
                ("error_kind", models.CharField(blank=True, max_length=60)),
                ("error_detail", models.TextField(blank=True)),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
                ("dialect", models.CharField(max_length=40)),
                ("question_set", models.CharField(blank=True, max_length=200)),
                ("most_per_prompt", models.PositiveIntegerField()),
                ("fewest_askers", models.PositiveIntegerField()),
                ("seed", models.PositiveIntegerField(default=0)),
                ("include_demo", models.BooleanField(default=False)),
                ("battles_done", models.PositiveIntegerField(default=0)),
                ("battles_total", models.PositiveIntegerField(blank=True, null=True)),
                ("report", models.JSONField(blank=True, default=dict)),
                ("file", models.FileField(blank=True, upload_to="releases/")),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "verbose_name": "release of votes",
                "ordering": ("-id",),
            },
        ),
        migrations.AddField(
            model_name="voter",
            name="merged_into",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="merged",
                to="arena.voter",
            ),
        ),
        migrations.AddConstraint(
            model_name="voter",
            constraint=models.CheckConstraint(
                condition=models.Q(("merged_into", models.F("id")), _negated=True),
                name="voter_is_not_merged_into_itself",
            ),
        ),
        migrations.AddField(
            model_name="voterelease",
            name="created_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddConstraint(
            model_name="voterelease",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("status", "done"), _negated=True),
                    models.Q(("file", ""), _negated=True),
                    _connector="OR",
                ),
                name="vote_release_has_its_file_when_done",
            ),
        ),
        migrations.AddConstraint(
            model_name="voterelease",
            constraint=models.CheckConstraint(
                condition=models.Q(("fewest_askers__gte", 1), ("most_per_prompt__gte", 1)),
                name="vote_release_keeps_some_votes_per_prompt",
            ),
        ),
    ]
