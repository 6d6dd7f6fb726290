from __future__ import annotations

from typing import Self, TypedDict

from django.db import models
from django.db.models.functions import Cast
from django.utils.translation import gettext

from arena.models.license import License
from arena.models.slugs import validate_slug
from arena.voting.personal_data import remove_personal_data

LIVE_SET, LIVE_TAG = "live", "live"  # where live battles keep what visitors asked


class ContentPart(TypedDict, total=False):
    """One piece of a turn: ``{"type": "text", "text": …}`` or ``{"type": "image", "url": …}``."""

    type: str
    text: str
    url: str


class QuestionSet(models.Model):
    """Questions that belong together and are run as one."""

    slug = models.CharField(max_length=120, unique=True, validators=[validate_slug])
    name = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    license = models.ForeignKey(License, on_delete=models.SET_NULL, null=True, blank=True)
    is_demo = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("slug",)

    def __str__(self) -> str:
        name = gettext(self.name) if self.is_demo else self.name
        return name or self.slug


class QuestionQuerySet(models.QuerySet["Question"]):
    def tagged(self, tag: str) -> Self:
        """Those that carry ``tag``; a text match on the stored JSON, alike on both databases."""
        return self.annotate(_tags_text=Cast("tags", models.TextField())).filter(
            _tags_text__contains=f'"{tag}"'
        )


class Question(models.Model):
    """What every model is asked.

    ``turns`` is a list of user turns, each a list of content parts. ``references`` holds one
    reference answer per turn, or nothing. ``external_id`` is the id in the file it came from and
    is unique within the set.
    """

    question_set = models.ForeignKey(
        QuestionSet, on_delete=models.CASCADE, related_name="questions"
    )
    external_id = models.CharField(max_length=200)
    turns = models.JSONField()
    category = models.CharField(max_length=80, blank=True, db_index=True)
    dimension = models.CharField(max_length=80, blank=True)
    language = models.CharField(max_length=20, blank=True)
    references = models.JSONField(default=list, blank=True)
    tags = models.JSONField(default=list, blank=True)
    metadata = models.JSONField(default=dict, blank=True)
    content_hash = models.CharField(max_length=64, blank=True, db_index=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = QuestionQuerySet.as_manager()

    class Meta:
        ordering = ("question_set", "id")
        constraints = (
            models.UniqueConstraint(
                name="question_external_id_is_unique_in_its_set",
                fields=("question_set", "external_id"),
            ),
            models.CheckConstraint(
                name="question_has_an_external_id", condition=~models.Q(external_id="")
            ),
        )

    def __str__(self) -> str:
        return self.first_line

    @property
    def turn_texts(self) -> list[str]:
        """The text of every turn, images left out."""
        return [
            "\n".join(part["text"] for part in turn if part.get("type") == "text")
            for turn in self.turns
        ]

    @property
    def is_live(self) -> bool:
        """A visitor's own words, from a live battle."""
        return LIVE_TAG in self.tags

    @property
    def first_line(self) -> str:
        """For lists that everybody reads: a visitor's line comes without personal data."""
        texts = self.turn_texts
        line = texts[0].strip().split("\n", 1)[0] if texts else ""
        return (remove_personal_data(line)[0] if self.is_live else line)[:160]

    @property
    def is_multi_turn(self) -> bool:
        return len(self.turns) > 1
