from __future__ import annotations

from typing import Final, Self

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from arena.models.answer import Answer
from arena.models.language_model import LanguageModel
from arena.models.question import Question


class Outcome(models.TextChoices):
    MODEL_A = "model_a", _("A is better")
    MODEL_B = "model_b", _("B is better")
    TIE = "tie", _("tie")
    BOTH_BAD = "both_bad", _("both are bad")


class Side(models.TextChoices):
    A = "a", "A"
    B = "b", "B"


class BattleOrigin(models.TextChoices):
    STORED = "stored", _("stored answers")
    LIVE = "live", _("live battle")
    IMPORTED = "imported", _("imported")


class VoteSource(models.TextChoices):
    HUMAN = "human", _("voted here")
    IMPORTED = "imported", _("imported vote")
    DEMO = "demo", _("simulated demo vote")


class Exclusion(models.TextChoices):
    """Why a battle or a vote is kept but not counted."""

    IDENTITY_LEAK = "identity_leak", _("an answer names its model")
    NAMED = "named", _("the models' names were shown")
    ERROR = "error", _("an answer failed")
    EMPTY_ANSWER = "empty_answer", _("an answer is empty")
    DUPLICATE = "duplicate", _("duplicate")
    OUTLIER_VOTER = "outlier_voter", _("outlier voter")
    RATE_LIMITED = "rate_limited", _("too many votes from one voter")
    TOO_FAST = "too_fast", _("voted faster than the answers can be read")
    CONTROL = "control", _("a control question")
    GOLD_FAILED = "gold_failed", _("failed control questions")
    MODERATED = "moderated", _("removed by moderation")
    WITHDRAWN = "withdrawn", _("taken back by its voter within a day")
    STAFF = "staff", _("excluded by staff")


LIFTABLE: Final = (Exclusion.IDENTITY_LEAK, Exclusion.STAFF, Exclusion.MODERATED)
"""A battle's reasons that are judgements, which staff may think better of; the rest are facts."""


class BattleQuerySet(models.QuerySet["Battle"]):
    def between(self, first: LanguageModel, second: LanguageModel) -> Self:
        return self.filter(
            models.Q(model_a=first, model_b=second) | models.Q(model_a=second, model_b=first)
        )

    def counted(self) -> Self:
        return self.filter(exclusion="")

    def voted(self) -> Self:
        return self.filter(models.Exists(Vote.objects.filter(battle=models.OuterRef("pk"))))

    def held_by(self, voters: models.QuerySet[Voter]) -> Self:
        """Live battles that these voters had themselves, not those of others they were shown: as
        control questions, or in closed rounds.
        """
        with_ballot = self.model.objects.filter(
            ballots__voter__in=voters, ballots__is_gold=False, ballots__round__isnull=True
        )
        # of votes from before live battles had ballots there are none
        without_ballot = Vote.objects.filter(voter__in=voters, ballot__isnull=True)
        return self.filter(
            models.Q(pk__in=with_ballot.values("pk"))
            | models.Q(pk__in=without_ballot.values("battle")),
            origin=BattleOrigin.LIVE,
        )


class Battle(models.Model):
    """Two models' answers to one question, side by side: the atom of every rating.

    A battle of stored answers exists once per pair of answers, whoever judges it: people and
    judges alike; its side a is the answer with the smaller primary key. Which side was shown
    first is kept with each vote and judgment. Imported battles may lack question and answers.
    ``external_key`` makes importing idempotent.
    """

    # what another index begins with has none of its own: every vote writes to all of them
    model_a = models.ForeignKey(
        LanguageModel, on_delete=models.CASCADE, related_name="battles_as_a", db_index=False
    )
    model_b = models.ForeignKey(
        LanguageModel, on_delete=models.CASCADE, related_name="battles_as_b"
    )
    question = models.ForeignKey(
        Question, on_delete=models.CASCADE, null=True, blank=True, related_name="battles"
    )
    answer_a = models.ForeignKey(
        Answer, on_delete=models.CASCADE, null=True, blank=True, related_name="battles_as_a"
    )
    answer_b = models.ForeignKey(
        Answer, on_delete=models.CASCADE, null=True, blank=True, related_name="battles_as_b"
    )
    origin = models.CharField(max_length=10, choices=BattleOrigin, default=BattleOrigin.STORED)
    is_anonymous = models.BooleanField(default=True)
    language = models.CharField(max_length=20, blank=True)
    turn_count = models.PositiveSmallIntegerField(default=1)
    exclusion = models.CharField(max_length=20, choices=Exclusion, blank=True)
    external_key = models.CharField(max_length=80, null=True, blank=True)
    metadata = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    objects = BattleQuerySet.as_manager()

    class Meta:
        ordering = ("id",)
        constraints = (
            models.CheckConstraint(
                name="battle_has_two_different_models",
                condition=~models.Q(model_a=models.F("model_b")),
            ),
            models.CheckConstraint(
                name="battle_has_two_answers_or_none",
                condition=models.Q(answer_a__isnull=True, answer_b__isnull=True)
                | models.Q(answer_a__isnull=False, answer_b__isnull=False),
            ),
            # one order of the sides, or the same pair could be stored twice
            models.CheckConstraint(
                name="battle_of_stored_answers_has_its_sides_in_order",
                condition=~models.Q(origin="stored")
                | models.Q(answer_a__isnull=False, answer_a__lt=models.F("answer_b")),
            ),
            models.UniqueConstraint(
                name="battle_of_stored_answers_exists_once",
                fields=("answer_a", "answer_b"),
                condition=models.Q(origin="stored"),
            ),
            models.UniqueConstraint(
                name="battle_is_imported_once",
                fields=("external_key",),
                condition=models.Q(external_key__isnull=False),
            ),
        )
        indexes = (
            models.Index(name="battle_by_pair", fields=("model_a", "model_b")),
            models.Index(
                name="battle_to_review",
                fields=("id",),
                condition=models.Q(exclusion__in=[reason.value for reason in LIFTABLE]),
            ),
        )

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.pk}"


class Voter(models.Model):
    """Whoever votes. ``key`` is a keyed hash of the session, or the id an imported file gives.

    ``merged_into`` is the account's voter whom an anonymous one turned out to be: it keeps only
    what the account has done as well, and goes with it.
    """

    key = models.CharField(max_length=120, unique=True)
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="voter",
    )
    is_expert = models.BooleanField(default=False)
    is_demo = models.BooleanField(default=False)
    merged_into = models.ForeignKey(
        "self", on_delete=models.CASCADE, null=True, blank=True, related_name="merged"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = (
            models.CheckConstraint(
                name="voter_is_not_merged_into_itself",
                condition=~models.Q(merged_into=models.F("id")),
            ),
        )

    def __str__(self) -> str:
        return self.key[:12]


class VoteQuerySet(models.QuerySet["Vote"]):
    def counted(self) -> Self:
        return self.filter(exclusion="", battle__exclusion="")


class Vote(models.Model):
    """A person's choice in a battle; never changed, at most marked.

    ``outcome`` names the battle's own sides; ``shown_first`` says which side stood first (left or
    above). ``draw_probability`` is that of the pair at the moment it was drawn.
    """

    battle = models.ForeignKey(Battle, on_delete=models.CASCADE, related_name="votes")
    voter = models.ForeignKey(
        Voter, on_delete=models.SET_NULL, null=True, blank=True, related_name="votes"
    )
    outcome = models.CharField(max_length=8, choices=Outcome)
    source = models.CharField(max_length=10, choices=VoteSource, default=VoteSource.HUMAN)
    shown_first = models.CharField(max_length=1, choices=Side, blank=True)
    draw_probability = models.FloatField(null=True, blank=True)
    strength = models.PositiveSmallIntegerField(null=True, blank=True)
    reasons = models.JSONField(default=list, blank=True)
    exclusion = models.CharField(max_length=20, choices=Exclusion, blank=True)
    external_key = models.CharField(max_length=80, null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    objects = VoteQuerySet.as_manager()

    class Meta:
        ordering = ("id",)
        constraints = (
            models.UniqueConstraint(
                name="vote_is_cast_once_per_voter_and_battle",
                fields=("battle", "voter"),
                condition=models.Q(voter__isnull=False),
            ),
            models.UniqueConstraint(
                name="vote_is_imported_once",
                fields=("external_key",),
                condition=models.Q(external_key__isnull=False),
            ),
            models.CheckConstraint(
                name="vote_outcome_is_known",
                condition=models.Q(outcome__in=("model_a", "model_b", "tie", "both_bad")),
            ),
            models.CheckConstraint(
                name="vote_draw_probability_is_a_probability",
                condition=models.Q(draw_probability__isnull=True)
                | models.Q(draw_probability__gt=0, draw_probability__lte=1),
            ),
        )
        indexes = (
            models.Index(name="vote_marked", fields=("id",), condition=~models.Q(exclusion="")),
        )

    def __str__(self) -> str:
        return f"{self.outcome} ({self.source})"
