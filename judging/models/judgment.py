from __future__ import annotations

from typing import Self

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from arena.models import Answer, Battle, WorkStatus
from arena.models.battle import Exclusion
from arena.models.work import WorkQuerySet
from judging.models.judge import Judge
from judging.models.run import JudgeRun
from judging.models.verdict_row import VerdictRow


class JudgmentMode(models.TextChoices):
    SINGLE = "single", _("single score")
    PAIRWISE = "pairwise", _("pairwise")


class JudgmentSource(models.TextChoices):
    JUDGED = "judged", _("judged here")
    IMPORTED = "imported", _("imported")
    DEMO = "demo", _("scripted demo verdict")


class JudgmentQuerySet(WorkQuerySet["Judgment"]):
    def readable(self) -> Self:
        return self.filter(status=WorkStatus.DONE, is_readable=True)

    def unreadable(self) -> Self:
        return self.filter(status=WorkStatus.DONE, is_readable=False)

    def counted(self) -> Self:
        """What a board may count: read, real, and not excluded."""
        return self.counted_in_reports().filter(is_dry_run=False)

    def counted_in_reports(self) -> Self:
        """Read and not excluded; a dry run has a report as well."""
        return self.readable().filter(exclusion="")


class Judgment(VerdictRow):
    """One question to a judge and what it said.

    Pairwise: about a battle; ``game`` 1 shows the battle's side a first, ``game`` 2 side b.
    ``outcome`` names the battle's sides, never the shown positions. ``strength`` 3 marks a strong
    verdict (Arena-Hard's ``>>``). ``preference`` is AlpacaEval's, 1 (side a) to 2 (side b).
    Single: about an answer; ``score`` on the convention's own scale.
    ``turn`` 0 covers the whole conversation, otherwise the verdict is about that turn.
    An unreadable reply is done, kept, and neither a tie nor a zero.
    """

    run = models.ForeignKey(
        JudgeRun, on_delete=models.SET_NULL, null=True, blank=True, related_name="judgments"
    )
    judge = models.ForeignKey(Judge, on_delete=models.PROTECT, related_name="judgments")
    mode = models.CharField(max_length=10, choices=JudgmentMode)
    source = models.CharField(max_length=10, choices=JudgmentSource, default=JudgmentSource.JUDGED)
    battle = models.ForeignKey(
        Battle, on_delete=models.CASCADE, null=True, blank=True, related_name="judgments"
    )
    answer = models.ForeignKey(
        Answer, on_delete=models.CASCADE, null=True, blank=True, related_name="judgments"
    )
    game = models.PositiveSmallIntegerField(default=1)
    turn = models.PositiveSmallIntegerField(default=0)
    repeat = models.PositiveSmallIntegerField(default=0)
    is_dry_run = models.BooleanField(default=False)

    exclusion = models.CharField(max_length=20, choices=Exclusion, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    objects = JudgmentQuerySet.as_manager()

    class Meta:
        ordering = ("id",)
        constraints = (
            models.UniqueConstraint(
                name="judgment_is_made_once_per_battle_judge_and_game",
                fields=("battle", "judge", "game", "turn", "repeat", "is_dry_run"),
                condition=models.Q(battle__isnull=False),
            ),
            models.UniqueConstraint(
                name="judgment_is_made_once_per_answer_and_judge",
                fields=("answer", "judge", "turn", "repeat", "is_dry_run"),
                condition=models.Q(answer__isnull=False),
            ),
            models.CheckConstraint(
                name="judgment_is_about_a_battle_or_an_answer",
                condition=models.Q(mode="pairwise", battle__isnull=False, answer__isnull=True)
                | models.Q(mode="single", answer__isnull=False, battle__isnull=True),
            ),
            models.CheckConstraint(
                name="judgment_game_is_one_or_two", condition=models.Q(game__in=(1, 2))
            ),
            models.CheckConstraint(
                name="judgment_verdict_only_when_readable",
                # not yet known (NULL) is not readable: a CHECK that comes out NULL would pass
                condition=models.Q(is_readable=True, is_readable__isnull=False)
                | models.Q(outcome="", score__isnull=True, preference__isnull=True),
            ),
            models.CheckConstraint(
                name="judgment_readable_says_something",
                condition=~models.Q(is_readable=True)
                | ~models.Q(outcome="")
                | models.Q(score__isnull=False),
            ),
        )
        indexes = (
            models.Index(name="judgment_work", fields=("run", "status")),
            models.Index(name="judgment_by_judge", fields=("judge", "mode", "status")),
            models.Index(
                name="judgment_cache", fields=("cache_key",), condition=~models.Q(cache_key="")
            ),
        )

    def __str__(self) -> str:
        return f"{self.mode} {self.outcome or self.score or self.status}"
