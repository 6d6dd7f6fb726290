from __future__ import annotations

from typing import Any

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from arena.models import QuestionSet, Run
from arena.models.work import WorkQuerySet
from judging.models.judge import Judge
from judging.models.judgment import JudgmentMode
from judging.models.verdict_row import VerdictRow


class ProbeRun(Run):
    """A judge put to the test on answers whose right verdict is known.

    ``question_set`` is where the cases come from; without one they are those that come with the
    program.
    """

    judge = models.ForeignKey(Judge, on_delete=models.PROTECT, related_name="probe_runs")
    mode = models.CharField(max_length=10, choices=JudgmentMode)
    question_set = models.ForeignKey(
        QuestionSet, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    seed = models.BigIntegerField(default=0)
    settings = models.JSONField(default=dict, blank=True)

    is_dry_run = False

    class Meta(Run.Meta):
        verbose_name = _("probe run")

    def items(self) -> WorkQuerySet[Any]:
        return self.trials.all()


class ProbeTrialQuerySet(WorkQuerySet["ProbeTrial"]):
    pass


class ProbeTrial(VerdictRow):
    """One question to a judge within a probe.

    Pairwise: ``honest`` is side a and ``planted`` side b; game 2 shows the planted answer first.
    Single: game 1 asks about the honest answer, game 2 about the planted one. ``case`` names the
    question; all rows of a case are judged together.
    """

    run = models.ForeignKey(ProbeRun, on_delete=models.CASCADE, related_name="trials")
    judge = models.ForeignKey(Judge, on_delete=models.PROTECT, related_name="probe_trials")
    probe = models.CharField(max_length=40)
    case = models.CharField(max_length=120)
    mode = models.CharField(max_length=10, choices=JudgmentMode)
    game = models.PositiveSmallIntegerField()
    language = models.CharField(max_length=20, blank=True)
    question = models.TextField()
    honest = models.TextField()
    planted = models.TextField()
    created_at = models.DateTimeField(default=timezone.now)

    objects = ProbeTrialQuerySet.as_manager()

    class Meta:
        ordering = ("id",)
        constraints = (
            models.UniqueConstraint(
                name="probe_trial_is_made_once_per_case_and_game",
                fields=("run", "probe", "case", "game"),
            ),
            models.CheckConstraint(
                name="probe_trial_game_is_one_or_two", condition=models.Q(game__in=(1, 2))
            ),
        )
        indexes = (
            models.Index(name="probe_trial_work", fields=("run", "status")),
            models.Index(name="probe_trial_by_judge", fields=("judge", "probe")),
        )

    def __str__(self) -> str:
        return f"{self.probe} {self.case} {self.game}"
