from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from arena.models import Question


class QuestionFacts(models.Model):
    """What a question's text says about itself, for boards to narrow by; see ``traits``.

    ``language`` is the one the question set gives, else the detected one. ``version`` is that of
    the rules, so that a change of rules finds what to classify again.
    """

    question = models.OneToOneField(
        Question, on_delete=models.CASCADE, primary_key=True, related_name="facts"
    )
    language = models.CharField(max_length=20, blank=True, db_index=True)
    is_short = models.BooleanField(default=False, verbose_name=_("short"))
    is_long = models.BooleanField(default=False, verbose_name=_("long"))
    is_code = models.BooleanField(default=False, verbose_name=_("code"))
    is_mathematics = models.BooleanField(default=False, verbose_name=_("mathematics"))
    is_two_turn = models.BooleanField(default=False, verbose_name=_("two turns"))
    is_hard = models.BooleanField(default=False, verbose_name=_("hard"))
    version = models.PositiveSmallIntegerField()

    class Meta:
        verbose_name_plural = _("question facts")
        constraints = (
            models.CheckConstraint(
                name="question_facts_are_not_short_and_long_at_once",
                condition=~models.Q(is_short=True, is_long=True),
            ),
        )

    def __str__(self) -> str:
        return f"{self.question_id}: {self.language}"
