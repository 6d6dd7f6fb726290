from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class QuestionFileKind(models.TextChoices):
    CHOICES = "general_mcq", _("multiple choice")
    ANSWERS = "general_qa", _("questions with reference answers")
    CODE = "general_code", _("programming problems")
    SAFETY = "general_safety", _("safety prompts")
    CORPUS = "corpus", _("texts to compare questions with")


class QuestionFile(models.Model):
    """A file of questions that a user uploaded; it was read without an error before it was kept."""

    slug = models.SlugField(max_length=80, unique=True, allow_unicode=True)
    name = models.CharField(max_length=200)
    kind = models.CharField(max_length=20, choices=QuestionFileKind)
    file = models.FileField(upload_to="benchmark-questions/")
    rows = models.PositiveIntegerField()
    uploaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    uploaded_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-id",)
        constraints = (
            models.CheckConstraint(name="question_file_has_rows", condition=models.Q(rows__gt=0)),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def task_name(self) -> str:
        return f"{self.kind}:{self.slug}"
