"""What blind voting needs beside battles and votes: sessions, ballots, ratings, rounds, policy."""

from __future__ import annotations

import datetime as dt
import json
import secrets
from typing import Any, Self

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from arena.models.answer import Answer
from arena.models.battle import Battle, Exclusion, Outcome, Side, Vote, Voter
from arena.models.ranges import Within
from arena.voting.weights import LEAST_WEIGHT, MOST_WEIGHT, is_weight

BALLOT_VALID_FOR = dt.timedelta(hours=24)


def new_token() -> str:
    """128 random bits, as they stand in a page."""
    return secrets.token_urlsafe(16)


def new_seed() -> int:
    """Fits a whole number of either database."""
    return secrets.randbelow(2**31)


class SamplingMethod(models.TextChoices):
    UNIFORM = "uniform", _("uniform: every pair alike")
    WEIGHTED = "weighted", _("weighted: by the models' weights")
    BOOSTED = "boosted", _("new models more often")
    ACTIVE = "active", _("active: the pair whose interval shrinks most")


class ModerationMode(models.TextChoices):
    OFF = "off", _("off")
    WORDS = "words", _("word list")
    ENDPOINT = "endpoint", _("OpenAI-compatible endpoint")


_A_SHARE = Within(0, 1)
_A_LIMIT = Within(1, 1_000_000)
_MODERATION_NEEDS: dict[str, tuple[str, str | Promise]] = {
    ModerationMode.WORDS: (
        "moderation_words",
        _("A word list without words refuses nothing: enter one word or phrase per line."),
    ),
    ModerationMode.ENDPOINT: (
        "moderation_endpoint",
        _("Moderation by an endpoint needs one: choose it here, or turn moderation off."),
    ),
}


def validate_weights(weights: object) -> None:
    """Refuse what no pair could be drawn by, naming each wrong entry."""
    if not isinstance(weights, dict):
        raise ValidationError(
            _("%(value)s is no list of models: write an object such as %(example)s."),
            params={
                "value": json.dumps(weights, ensure_ascii=False)[:80],
                "example": '{"model-slug": 2}',
            },
        )
    wrong = [
        ValidationError(
            _(
                "The weight of “%(slug)s” is %(value)s: enter a number from %(lowest)s to "
                "%(highest)s. A model that is not to be drawn has to be deactivated."
            ),
            params={
                "slug": slug,
                "value": json.dumps(value, ensure_ascii=False)[:80],
                "lowest": f"{LEAST_WEIGHT:g}",
                "highest": f"{MOST_WEIGHT:g}",
            },
        )
        for slug, value in weights.items()
        if not is_weight(value)
    ]
    if wrong:
        raise ValidationError(wrong)


class VotingPolicy(models.Model):
    """How this arena draws battles and what it asks of voters; one row.

    Shares are probabilities per draw. Counts beyond a ``marked_…`` limit are kept and marked,
    beyond a ``refused_…`` limit they are refused.
    """

    sampling = models.CharField(
        max_length=10, choices=SamplingMethod, default=SamplingMethod.BOOSTED
    )
    model_weights = models.JSONField(
        default=dict,
        blank=True,
        validators=[validate_weights],
        help_text=_(
            'A number from 0.001 to 1000 by model slug, such as {"model-slug": 2}; 1 where none '
            "is given. 0, which would mean that a model is never drawn, is refused: deactivate "
            "the model instead."
        ),
    )
    boost_factor = models.FloatField(default=5.0, validators=[Within(1, 1000)])
    boost_until_votes = models.PositiveIntegerField(default=300, validators=[Within(0, 1_000_000)])
    overlap_share = models.FloatField(
        default=0.1,
        validators=[_A_SHARE],
        help_text=_("How often somebody else's battle is shown again."),
    )
    overlap_votes = models.PositiveSmallIntegerField(default=3, validators=[Within(1, 1000)])
    gold_share = models.FloatField(default=0.03, validators=[_A_SHARE])
    gold_failures = models.PositiveSmallIntegerField(default=3, validators=[Within(1, 1000)])
    characters_per_second = models.FloatField(
        default=120.0,
        validators=[Within(1, 1_000_000)],
        help_text=_("Faster reading than this marks the vote."),
    )
    minimum_reading_s = models.FloatField(default=1.5, validators=[Within(0, 600)])
    refused_votes_per_minute = models.PositiveIntegerField(default=60, validators=[_A_LIMIT])
    marked_votes_per_hour = models.PositiveIntegerField(default=300, validators=[_A_LIMIT])
    marked_votes_per_day = models.PositiveIntegerField(default=1000, validators=[_A_LIMIT])
    marked_votes_per_address_and_hour = models.PositiveIntegerField(
        default=1500, validators=[_A_LIMIT]
    )
    live_prompts_per_minute = models.PositiveIntegerField(default=12, validators=[_A_LIMIT])
    live_prompts_per_address_and_minute = models.PositiveIntegerField(
        default=120, validators=[_A_LIMIT]
    )
    live_temperature = models.FloatField(default=0.7, validators=[Within(0, 2)])
    live_max_tokens = models.PositiveIntegerField(default=2000, validators=[_A_LIMIT])
    moderation = models.CharField(max_length=10, choices=ModerationMode, default=ModerationMode.OFF)
    moderation_words = models.TextField(blank=True, help_text=_("One word or phrase per line."))
    moderation_endpoint = models.ForeignKey(
        "arena.Endpoint", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    moderation_model = models.CharField(max_length=120, blank=True)
    consent_text = models.TextField(
        blank=True,
        help_text=_("What people agree to before their first live prompt; empty for the usual."),
    )

    class Meta:
        constraints = (
            models.CheckConstraint(
                name="voting_policy_is_one_row",
                condition=models.Q(pk=1),
                violation_error_message=_("There is one voting policy: change that."),
            ),
            models.CheckConstraint(
                name="voting_policy_shares_are_probabilities",
                condition=models.Q(overlap_share__gte=0, overlap_share__lte=1)
                & models.Q(gold_share__gte=0, gold_share__lte=1),
                violation_error_message=_("Shares of draws are numbers from 0 to 1."),
            ),
            models.CheckConstraint(
                name="voting_policy_rates_are_positive",
                condition=models.Q(characters_per_second__gt=0, boost_factor__gte=1),
                violation_error_message=_(
                    "Characters per second are above 0, and a new model is drawn at least once as "
                    "often as others."
                ),
            ),
        )

    def __str__(self) -> str:
        return str(_("voting policy"))

    def clean(self) -> None:
        """A kind of moderation with nothing to moderate by would let every prompt pass."""
        field, why = _MODERATION_NEEDS.get(self.moderation, ("", ""))
        if field and not getattr(self, field):
            raise ValidationError({field: why})

    @classmethod
    def current(cls) -> Self:
        """The stored policy, or the defaults where nobody has changed any."""
        return cls.objects.select_related("moderation_endpoint").filter(pk=1).first() or cls(pk=1)


class VoterSession(models.Model):
    """A browser that votes. ``key`` is a keyed hash of its cookie, never the cookie itself."""

    key = models.CharField(max_length=64, unique=True)
    voter = models.ForeignKey(Voter, on_delete=models.CASCADE, related_name="sessions")
    consented_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.key[:12]


class InviteRoundQuerySet(models.QuerySet["InviteRound"]):
    def with_sizes(self) -> Self:
        """Each with ``n_battles`` and ``n_voters``, of whom one person is one."""
        owners = models.Q(voters__merged_into__isnull=True)
        return self.annotate(
            n_battles=models.Count("battles", distinct=True),
            n_voters=models.Count("voters", distinct=True, filter=owners),
        )


class InviteRound(models.Model):
    """A closed round: invited people judge the battles assigned to it, in order.

    ``seed`` is what they were drawn by.
    """

    title = models.CharField(max_length=200)
    instructions = models.TextField(blank=True)
    code = models.CharField(max_length=32, unique=True, default=new_token)
    is_open = models.BooleanField(default=True)
    is_expert_round = models.BooleanField(default=False)
    seed = models.PositiveIntegerField(default=new_seed)
    battles = models.ManyToManyField(Battle, through="RoundBattle", related_name="rounds")
    voters = models.ManyToManyField(Voter, blank=True, related_name="rounds")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = InviteRoundQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return self.title


class Annotator(models.Model):
    """Who a voter is in one round, in their own words, so that staff know whose progress it is."""

    round = models.ForeignKey(InviteRound, on_delete=models.CASCADE, related_name="annotators")
    voter = models.ForeignKey(Voter, on_delete=models.CASCADE, related_name="annotators")
    name = models.CharField(max_length=80)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                name="annotator_has_one_name_per_round", fields=("round", "voter")
            ),
        )

    def __str__(self) -> str:
        return self.name


class RoundBattle(models.Model):
    """A battle assigned to a round, at a place in its order."""

    round = models.ForeignKey(InviteRound, on_delete=models.CASCADE, related_name="assignments")
    battle = models.ForeignKey(Battle, on_delete=models.CASCADE, related_name="assignments")
    position = models.PositiveIntegerField()

    class Meta:
        ordering = ("round", "position")
        constraints = (
            models.UniqueConstraint(name="round_holds_a_battle_once", fields=("round", "battle")),
            models.UniqueConstraint(
                name="round_has_one_battle_per_position", fields=("round", "position")
            ),
        )

    def __str__(self) -> str:
        return f"{self.round_id}:{self.position}"


class GoldBattle(models.Model):
    """A control question: a battle whose right outcome is beyond dispute.

    Its votes test the voter and are kept out of boards, as the battle was not drawn at random.
    """

    battle = models.OneToOneField(Battle, on_delete=models.CASCADE, related_name="gold")
    expected = models.CharField(max_length=8, choices=Outcome)
    note = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.battle_id}: {self.expected}"


class BallotStatus(models.TextChoices):
    OPEN = "open", _("open")
    VOTED = "voted", _("voted")
    SKIPPED = "skipped", _("skipped")
    EXPIRED = "expired", _("expired")
    FAILED = "failed", _("failed: there was nothing to vote on")


class BallotQuerySet(models.QuerySet["Ballot"]):
    def open(self) -> Self:
        return self.filter(status=BallotStatus.OPEN, drawn_at__gt=timezone.now() - BALLOT_VALID_FOR)

    def closed(self) -> Self:
        return self.exclude(status=BallotStatus.OPEN)


class Ballot(models.Model):
    """One voter's right to one vote on one battle: the token, the order shown, the odds.

    A closed round asks again what was skipped outside it, by a ballot of its own.

    A live battle gets its ballot when it is stored, closed from the start: ``reading_s`` then runs
    from the first text shown, and a battle that failed is remembered as this voter's.
    The token is spent by a conditional update of ``status``. ``address_key`` is a keyed hash of
    the IP address. ``reading_s`` is measured by the server's clock alone: from the moment the
    battle could first be seen, which for a preloaded one is when the one before was closed.
    """

    # as few indexes as serve: each is written to when a ballot is drawn and when it is closed
    token = models.CharField(max_length=32, default=new_token)
    voter = models.ForeignKey(
        Voter, on_delete=models.CASCADE, related_name="ballots", db_index=False
    )
    battle = models.ForeignKey(
        Battle, on_delete=models.CASCADE, related_name="ballots", db_index=False
    )
    round = models.ForeignKey(
        InviteRound,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="ballots",
        db_index=False,
    )
    shown_first = models.CharField(max_length=1, choices=Side)
    draw_probability = models.FloatField(null=True, blank=True)
    drawn_by = models.CharField(max_length=10, blank=True)
    is_gold = models.BooleanField(default=False)
    status = models.CharField(max_length=8, choices=BallotStatus, default=BallotStatus.OPEN)
    vote = models.OneToOneField(
        Vote, on_delete=models.SET_NULL, null=True, blank=True, related_name="ballot"
    )
    address_key = models.CharField(max_length=64, blank=True)
    drawn_at = models.DateTimeField(default=timezone.now)
    closed_at = models.DateTimeField(null=True, blank=True)
    reading_s = models.FloatField(null=True, blank=True)

    # no column: texts by answer id that were read for drawing it and are shown next
    at_hand: Any = None  # known to ``arena.voting.texts``, which builds on the models

    objects = BallotQuerySet.as_manager()

    class Meta:
        ordering = ("id",)
        constraints = (
            models.UniqueConstraint(name="ballot_has_a_token_of_its_own", fields=("token",)),
            models.UniqueConstraint(
                "battle",
                "voter",
                Coalesce("round", 0),
                name="ballot_is_drawn_once_per_battle_voter_and_round",
            ),
            models.CheckConstraint(
                name="ballot_is_closed_when_it_is_not_open",
                condition=models.Q(status="open", closed_at__isnull=True)
                | (~models.Q(status="open") & models.Q(closed_at__isnull=False)),
            ),
            models.CheckConstraint(
                name="ballot_vote_only_when_voted",
                condition=models.Q(vote__isnull=True) | models.Q(status="voted"),
            ),
        )
        indexes = (
            models.Index(name="ballot_of_voter", fields=("voter", "closed_at")),
            models.Index(name="ballot_from_address", fields=("address_key", "closed_at")),
            models.Index(
                name="ballot_of_round", fields=("round",), condition=models.Q(round__isnull=False)
            ),
        )

    def __str__(self) -> str:
        return f"{self.status} {self.pk}"

    @property
    def sides(self) -> tuple[str, str]:
        """The battle's sides as shown: left then right."""
        return ("a", "b") if self.shown_first == Side.A else ("b", "a")


class SatisfactionRating(models.Model):
    """How content a person is with one answer of a hidden model, 1 (not at all) to 5.

    The row is the single-use token; ``score`` is empty until it is given.
    """

    token = models.CharField(max_length=32, unique=True, default=new_token)
    voter = models.ForeignKey(
        Voter, on_delete=models.SET_NULL, null=True, blank=True, related_name="satisfaction_ratings"
    )
    answer = models.ForeignKey(
        Answer, on_delete=models.CASCADE, related_name="satisfaction_ratings"
    )
    score = models.PositiveSmallIntegerField(null=True, blank=True)
    reasons = models.JSONField(default=list, blank=True)
    exclusion = models.CharField(max_length=20, choices=Exclusion, blank=True)
    address_key = models.CharField(max_length=64, blank=True)
    drawn_at = models.DateTimeField(default=timezone.now)
    rated_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("id",)
        constraints = (
            models.UniqueConstraint(
                name="satisfaction_is_rated_once_per_voter_and_answer",
                fields=("voter", "answer"),
                condition=models.Q(voter__isnull=False),
            ),
            models.CheckConstraint(
                name="satisfaction_score_is_one_to_five",
                condition=models.Q(score__isnull=True) | models.Q(score__gte=1, score__lte=5),
            ),
            models.CheckConstraint(
                name="satisfaction_score_has_its_time",
                condition=models.Q(score__isnull=True, rated_at__isnull=True)
                | models.Q(score__isnull=False, rated_at__isnull=False),
            ),
        )
        indexes = (
            models.Index(name="satisfaction_of_answer", fields=("answer", "score")),
            models.Index(name="satisfaction_from_address", fields=("address_key", "rated_at")),
        )

    def __str__(self) -> str:
        return f"{self.answer_id}: {self.score}"


class ClearedAnswer(models.Model):
    """An answer of which staff say that it does not name its model, whatever the check finds.

    It holds while ``source`` is the digest of the texts and names that are stored now.
    """

    answer = models.OneToOneField(
        Answer, on_delete=models.CASCADE, primary_key=True, related_name="clearance"
    )
    source = models.CharField(max_length=32)
    done_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"answer {self.answer_id}"


class IntegrityAction(models.Model):
    """What staff or a test did to votes, or staff to a battle with its votes: which reason was set
    or lifted, why, by whom.
    """

    voter = models.ForeignKey(Voter, on_delete=models.CASCADE, null=True, blank=True)
    vote = models.ForeignKey(Vote, on_delete=models.CASCADE, null=True, blank=True)
    battle = models.ForeignKey(Battle, on_delete=models.CASCADE, null=True, blank=True)
    exclusion = models.CharField(max_length=20, choices=Exclusion, blank=True)
    detail = models.TextField(blank=True)
    votes_changed = models.PositiveIntegerField(default=0)
    done_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"{self.exclusion}: {self.votes_changed}"
