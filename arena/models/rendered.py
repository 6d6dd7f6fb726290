"""Questions and answers as voters see them, worked out once and shared by every process."""

from __future__ import annotations

from typing import Final

from django.db import models

from arena.models.answer import Answer
from arena.models.battle import Exclusion
from arena.models.question import Question

LEAK_CHARACTERS: Final = 200  # of the words found


class Rendered(models.Model):
    """``turns`` holds the HTML of each turn. It is valid while ``renderer`` names the code that
    would render now and ``source`` is the digest of the texts that are stored now.
    """

    renderer = models.CharField(max_length=32)
    source = models.CharField(max_length=32)
    turns = models.JSONField(default=list)

    class Meta:
        abstract = True


class RenderedQuestion(Rendered):
    """A question without images; those with images are rendered when they are shown."""

    question = models.OneToOneField(
        Question, on_delete=models.CASCADE, primary_key=True, related_name="rendered"
    )

    def __str__(self) -> str:
        return f"question {self.question_id}"


class RenderedAnswer(Rendered):
    """``doubt`` is what speaks against voting on the answer, or empty, whatever staff said of it
    since; ``leak`` has the words by which it names its model.
    """

    answer = models.OneToOneField(
        Answer, on_delete=models.CASCADE, primary_key=True, related_name="rendered"
    )
    doubt = models.CharField(max_length=20, choices=Exclusion, blank=True)
    leak = models.CharField(max_length=LEAK_CHARACTERS, blank=True)
    reading_weight = models.FloatField()

    def __str__(self) -> str:
        return f"answer {self.answer_id}"
