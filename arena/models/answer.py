from __future__ import annotations

from typing import Any, Self

from django.db import models
from django.utils.translation import gettext_lazy as _

from arena.models.language_model import LanguageModel
from arena.models.question import Question, QuestionSet
from arena.models.work import Run, WorkItem, WorkQuerySet, WorkStatus


class AnswerOrigin(models.TextChoices):
    GENERATED = "generated", _("generated here")
    IMPORTED = "imported", _("imported")
    LIVE = "live", _("live battle")


class GenerationRun(Run):
    """Models answering a question set; ``settings`` holds temperature, max_tokens and the like."""

    question_set = models.ForeignKey(QuestionSet, on_delete=models.CASCADE, related_name="+")
    language_models = models.ManyToManyField(LanguageModel, related_name="+")
    settings = models.JSONField(default=dict, blank=True)

    def items(self) -> WorkQuerySet[Any]:
        return self.answers.all()


class AnswerQuerySet(WorkQuerySet["Answer"]):
    def done(self) -> Self:
        return self.filter(status=WorkStatus.DONE)

    def in_answer_set(self) -> Self:
        """Each model's first stored answer to a question, the one that is judged and voted on."""
        return self.filter(sample_index=0)

    def to_set(self, question_set: QuestionSet) -> Self:
        return self.filter(question__question_set=question_set)


class Answer(WorkItem):
    """A model's stored reply to all turns of a question.

    ``turns`` is a list of texts, one per user turn. ``sample_index`` numbers the answers of the
    model's answer set; it is empty for conversations that came with a battle. Times are seconds.
    Failed answers keep ``error_kind`` and never count as empty text.
    """

    question = models.ForeignKey(Question, on_delete=models.CASCADE, related_name="answers")
    model = models.ForeignKey(LanguageModel, on_delete=models.CASCADE, related_name="answers")
    sample_index = models.PositiveSmallIntegerField(null=True, blank=True, default=0)
    origin = models.CharField(max_length=10, choices=AnswerOrigin, default=AnswerOrigin.GENERATED)
    run = models.ForeignKey(
        GenerationRun, on_delete=models.SET_NULL, null=True, blank=True, related_name="answers"
    )
    turns = models.JSONField(default=list, blank=True)
    reasoning = models.JSONField(default=list, blank=True)
    settings = models.JSONField(default=dict, blank=True)
    input_tokens = models.PositiveIntegerField(null=True, blank=True)
    output_tokens = models.PositiveIntegerField(null=True, blank=True)
    latency_s = models.FloatField(null=True, blank=True)
    ttft_s = models.FloatField(null=True, blank=True)
    finish_reason = models.CharField(max_length=40, blank=True)
    content_hash = models.CharField(max_length=64, blank=True)
    style = models.JSONField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = AnswerQuerySet.as_manager()

    class Meta:
        ordering = ("id",)
        constraints = (
            models.UniqueConstraint(
                name="answer_set_has_one_answer_per_model_and_question",
                fields=("question", "model", "sample_index"),
                condition=models.Q(sample_index__isnull=False),
            ),
            models.UniqueConstraint(
                name="answer_of_a_battle_is_stored_once",
                fields=("question", "model", "content_hash"),
                condition=models.Q(sample_index__isnull=True) & ~models.Q(content_hash=""),
            ),
        )
        indexes = (
            models.Index(name="answer_work", fields=("run", "status")),
            models.Index(name="answer_by_model", fields=("model", "status")),
            models.Index(name="answer_finished", fields=("finished_at",)),
        )

    def __str__(self) -> str:
        return f"{self.model_id} → {self.question_id}"

    @property
    def text(self) -> str:
        """All turns as one text."""
        return "\n\n".join(self.turns)
