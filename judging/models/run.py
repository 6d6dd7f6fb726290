from __future__ import annotations

from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from arena.models import LanguageModel, QuestionSet, Run
from arena.models.work import WorkQuerySet
from judging.models.judge import Judge


class JudgeRunMode(models.TextChoices):
    SINGLE = "single", _("single score")
    BASELINE = "baseline", _("pairwise against a baseline")
    PAIRS = "pairs", _("all pairs")


class JudgeRun(Run):
    """A batch of judgments.

    Rows that an earlier run has made already are not made again: ``reused`` counts them.
    A dry run gives random verdicts without calling the judge; no board counts them.
    """

    judge = models.ForeignKey(Judge, on_delete=models.PROTECT, related_name="runs")
    mode = models.CharField(max_length=10, choices=JudgeRunMode)
    question_set = models.ForeignKey(QuestionSet, on_delete=models.CASCADE, related_name="+")
    language_models = models.ManyToManyField(LanguageModel, related_name="+")
    baseline = models.ForeignKey(
        LanguageModel, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    is_dry_run = models.BooleanField(default=False)
    seed = models.BigIntegerField(default=0)
    settings = models.JSONField(default=dict, blank=True)
    plan = models.JSONField(default=dict, blank=True)
    reused = models.PositiveIntegerField(default=0)

    class Meta(Run.Meta):
        constraints = (
            models.CheckConstraint(
                name="judge_run_has_a_baseline_exactly_in_baseline_mode",
                condition=models.Q(mode="baseline", baseline__isnull=False)
                | (~models.Q(mode="baseline") & models.Q(baseline__isnull=True)),
            ),
        )

    def items(self) -> WorkQuerySet[Any]:
        return self.judgments.all()
