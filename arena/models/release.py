from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from arena.models.work import WorkItem, WorkQuerySet


class VoteRelease(WorkItem):
    """A file of votes for the public: what was asked for, how far it is, what it left out.

    ``report`` counts votes released, held back by reason, and personal data removed by kind.
    ``question_set`` is a slug, empty for all. Only staff are served the file.
    """

    dialect = models.CharField(max_length=40)
    question_set = models.CharField(max_length=200, blank=True)
    most_per_prompt = models.PositiveIntegerField()
    fewest_askers = models.PositiveIntegerField()
    seed = models.PositiveIntegerField(default=0)
    include_demo = models.BooleanField(default=False)
    battles_done = models.PositiveIntegerField(default=0)
    battles_total = models.PositiveIntegerField(null=True, blank=True)
    report = models.JSONField(default=dict, blank=True)
    file = models.FileField(upload_to="releases/", blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = WorkQuerySet["VoteRelease"].as_manager()

    class Meta:
        ordering = ("-id",)
        verbose_name = _("release of votes")
        constraints = (
            models.CheckConstraint(
                name="vote_release_has_its_file_when_done",
                condition=~models.Q(status="done") | ~models.Q(file=""),
            ),
            models.CheckConstraint(
                name="vote_release_keeps_some_votes_per_prompt",
                condition=models.Q(most_per_prompt__gte=1, fewest_askers__gte=1),
            ),
        )

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.pk}"
