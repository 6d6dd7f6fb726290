from __future__ import annotations

from typing import Self

from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from arena.models import LanguageModel
from arena.models.slugs import validate_slug


class PromptMode(models.TextChoices):
    SINGLE = "single", _("single score")
    PAIRWISE = "pairwise", _("pairwise")


class JudgePrompt(models.Model):
    """A prompt that came in a file (MT-Bench's ``judge_prompts.jsonl`` shape).

    The shipped prompts are files under ``judging/prompts``; this table holds only what users
    import. ``convention`` names how the reply is read.
    """

    name = models.CharField(max_length=120, unique=True)
    mode = models.CharField(max_length=10, choices=PromptMode)
    system_prompt = models.TextField(blank=True)
    template = models.TextField()
    convention = models.CharField(max_length=60)
    description = models.TextField(blank=True)
    categories = models.JSONField(default=list, blank=True)
    is_multi_turn = models.BooleanField(default=False)
    uses_reference = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class JudgeQuerySet(models.QuerySet["Judge"]):
    def current(self) -> Self:
        """The newest version of each judge."""
        newer = Judge.objects.filter(
            slug=models.OuterRef("slug"), version__gt=models.OuterRef("version")
        )
        return self.filter(~models.Exists(newer))

    def runnable(self) -> Self:
        """Judges that can be asked, as opposed to those that only came with imported verdicts."""
        return self.exclude(kind="imported")


class Judge(models.Model):
    """One version of a judge: kind, model, prompts and settings together.

    A judge that has judged is never edited; a change makes a new row with the next ``version``,
    so that each judgment says exactly what made it. ``fingerprint`` is a hash over everything
    that can change a verdict. ``kind`` is a name in the registry of judges, or ``imported``.
    """

    slug = models.CharField(max_length=160, validators=[validate_slug])
    version = models.PositiveIntegerField(default=1)
    name = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    kind = models.CharField(max_length=60)
    language_model = models.ForeignKey(
        LanguageModel, on_delete=models.PROTECT, null=True, blank=True, related_name="judges"
    )
    convention = models.CharField(max_length=60, blank=True)
    settings = models.JSONField(default=dict, blank=True)
    fingerprint = models.CharField(max_length=64)
    is_demo = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = JudgeQuerySet.as_manager()

    class Meta:
        ordering = ("slug", "-version")
        constraints = (
            models.UniqueConstraint(
                name="judge_version_is_numbered_once", fields=("slug", "version")
            ),
            models.UniqueConstraint(
                name="judge_version_differs_from_its_others", fields=("slug", "fingerprint")
            ),
        )

    def __str__(self) -> str:
        name = gettext(self.name) if self.is_demo else self.name
        return name if self.version == 1 else f"{name} v{self.version}"
