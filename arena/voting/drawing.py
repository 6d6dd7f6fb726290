"""Drawing the next battle for a voter and handing out the ballot for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from arena.models import (
    Ballot,
    Battle,
    BattleOrigin,
    GoldBattle,
    InviteRound,
    LanguageModel,
    SamplingMethod,
    Voter,
    VotingPolicy,
)
from arena.models.voting import BALLOT_VALID_FOR
from arena.voting import sampling
from arena.voting.facts import FACTS
from arena.voting.policy import current_policy
from arena.voting.pool import POOLS, RECORD, AnswerPool, PoolFilter
from arena.voting.statements import battle_of_pair, insert, open_ballot, voted_battles
from arena.voting.voters import Visitor

TRIES_PER_PAIR = 4
PAIRS_TRIED = 12
MOST_OPEN_BALLOTS = 12
RECENT_BATTLES = 50
EVERYTHING = PoolFilter()
_RANDOM = np.random.default_rng()


@dataclass(slots=True)
class _Drawing:
    """One draw: who for, from what, by which rule."""

    visitor: Visitor
    policy: VotingPolicy
    pool: AnswerPool
    random: np.random.Generator
    tried: set[tuple[int, int]] = field(default_factory=set)

    def probabilities(self) -> sampling.Matrix:
        is_available = self.pool.is_available
        for pair in self.tried:
            is_available[pair] = False
        method = self.policy.sampling
        if method == SamplingMethod.UNIFORM:
            return sampling.uniform(is_available)
        if method == SamplingMethod.ACTIVE:
            return sampling.active(is_available, RECORD.matrix(self.pool.models))
        weights = _model_weights(self.pool.models, self.policy)
        if method == SamplingMethod.WEIGHTED:
            return sampling.weighted(is_available, weights)
        return sampling.boosted(
            is_available,
            weights,
            RECORD.matrix(self.pool.models).votes_per_model(),
            factor=self.policy.boost_factor,
            until_votes=self.policy.boost_until_votes,
        )

    def battle(self) -> tuple[Battle, float] | None:
        """A battle this voter has not seen, and the probability its pair was drawn with."""
        for _ in range(PAIRS_TRIED):
            try:
                draw = sampling.draw_pair(self.probabilities(), self.random)
            except sampling.NothingToDrawError:
                return None
            battle = self._shown_before(draw) or self._of_pair(draw)
            if battle is not None:
                return battle, draw.probability
            self.tried.add((draw.first, draw.second))
        return None

    def _shown_before(self, draw: sampling.Draw) -> Battle | None:
        """Now and then a battle that others voted on already, to measure how far people agree."""
        if self.random.random() >= self.policy.overlap_share:
            return None
        models = self.pool.models[draw.first], self.pool.models[draw.second]
        recent = voted_battles(self.visitor.voter.pk, models, RECENT_BATTLES)
        kept = [row for row in recent if self.pool.holds(draw.first, draw.second, row[1])]
        self.random.shuffle(kept)
        for pk, question, answer_a, answer_b, votes in kept[:TRIES_PER_PAIR]:
            if votes < self.policy.overlap_votes:
                return Battle(
                    pk=pk, question_id=question, answer_a_id=answer_a, answer_b_id=answer_b
                )
        return None

    def _of_pair(self, draw: sampling.Draw) -> Battle | None:
        _, firsts, seconds = self.pool.common(draw.first, draw.second)
        for place in self._places(firsts.size):
            found = _unseen_battle(self.visitor.voter, int(firsts[place]), int(seconds[place]))
            if found is not None:
                return found
        return None

    def _places(self, size: int) -> Sequence[int]:
        """A few questions at random; all of them, in random order, where there are few."""
        if size > 16 * TRIES_PER_PAIR:
            return [int(place) for place in self.random.integers(0, size, TRIES_PER_PAIR)]
        return [int(place) for place in self.random.permutation(size)]


def _model_weights(models: Sequence[int], policy: VotingPolicy) -> sampling.Matrix:
    weights = np.ones(len(models))
    if policy.model_weights:
        slugs = dict(LanguageModel.objects.filter(pk__in=models).values_list("id", "slug"))
        for row, model in enumerate(models):
            weights[row] = float(policy.model_weights.get(slugs.get(model, ""), 1.0))
    return weights


def _unseen_battle(voter: Voter, first: int, second: int) -> Battle | None:
    """The battle of two answers, unless this voter has seen it or nobody may vote on it.

    What must not be voted on is stored all the same, with the reason.
    """
    answer_a, answer_b = min(first, second), max(first, second)
    facts = FACTS.of((answer_a, answer_b))
    if len(facts) < 2:
        POOLS.forget()
        return None
    doubt = facts[answer_a].doubt or facts[answer_b].doubt
    if known := battle_of_pair(voter.pk, answer_a, answer_b):
        pk, question, exclusion, is_seen = known
        if doubt and not exclusion:
            Battle.objects.filter(pk=pk).update(exclusion=doubt)
        if doubt or exclusion or is_seen:
            return None
        return Battle(pk=pk, question_id=question, answer_a_id=answer_a, answer_b_id=answer_b)
    battle = insert(
        Battle(
            model_a_id=facts[answer_a].model_id,
            model_b_id=facts[answer_b].model_id,
            answer_a_id=answer_a,
            answer_b_id=answer_b,
            question_id=facts[answer_a].question_id,
            language=facts[answer_a].language,
            turn_count=facts[answer_a].turn_count,
            origin=BattleOrigin.STORED,
            exclusion=doubt,
        )
    )
    return None if doubt else battle


def next_ballot(
    *,
    visitor: Visitor,
    wanted: PoolFilter = EVERYTHING,
    besides: str = "",
    random: np.random.Generator = _RANDOM,
) -> Ballot | None:
    """The voter's oldest open ballot, or a new one; None when everything has been seen.

    An open ballot comes back until it is voted on or skipped, so reloading the page does not
    fish for another pair. ``besides`` is the token of the one on the screen.
    """
    kept = _open_ballot(visitor.voter, wanted, besides)
    if kept is not None:
        return kept
    policy = current_policy()
    for _ in range(3):
        try:
            return _draw(visitor, policy, wanted, random)
        except IntegrityError:
            # another tab drew the same battle at the same moment, or an answer was deleted
            FACTS.forget()
            POOLS.forget()
    return None


_BATTLE_COLUMNS = ("battle__question", "battle__answer_a", "battle__answer_b")
_SHOWN_COLUMNS = ("token", "shown_first", "round", *_BATTLE_COLUMNS)


def _open_ballot(voter: Voter, wanted: PoolFilter, besides: str) -> Ballot | None:
    """Whoever changes the filter to fish for pairs gets their open ballots back in the end."""
    if wanted == EVERYTHING:
        drawn_after = timezone.now() - BALLOT_VALID_FOR
        return open_ballot(voter.pk, drawn_after=drawn_after, besides=besides)
    rows = Ballot.objects.open().filter(voter=voter, round__isnull=True, battle__exclusion="")
    rows = rows.exclude(token=besides).select_related("battle").only(*_SHOWN_COLUMNS)
    rows = rows.order_by("id")
    suiting = rows
    if wanted.category:
        suiting = suiting.filter(battle__question__category=wanted.category)
    if wanted.language:
        suiting = suiting.filter(battle__question__language=wanted.language)
    found = suiting.first()
    if found is None and rows.count() >= MOST_OPEN_BALLOTS:
        return rows.first()
    return found


def _draw(
    visitor: Visitor, policy: VotingPolicy, wanted: PoolFilter, random: np.random.Generator
) -> Ballot | None:
    gold = _gold_battle(visitor.voter, policy, random)
    if gold is not None:
        return _issue(visitor, gold, random, is_gold=True)
    drawing = _Drawing(visitor, policy, POOLS.get(wanted), random)
    with transaction.atomic():
        drawn = drawing.battle()
        if drawn is None:
            return None
        battle, probability = drawn
        return _issue(visitor, battle, random, probability=probability, drawn_by=policy.sampling)


def _gold_battle(voter: Voter, policy: VotingPolicy, random: np.random.Generator) -> Battle | None:
    if random.random() >= policy.gold_share:
        return None
    ids = list(
        GoldBattle.objects.exclude(
            Exists(Ballot.objects.filter(battle=OuterRef("battle"), voter=voter))
        ).values_list("battle_id", flat=True)[:RECENT_BATTLES]
    )
    return Battle.objects.get(pk=ids[int(random.integers(len(ids)))]) if ids else None


def _issue(
    visitor: Visitor,
    battle: Battle,
    random: np.random.Generator,
    *,
    probability: float | None = None,
    drawn_by: str = "",
    is_gold: bool = False,
    invite: InviteRound | None = None,
) -> Ballot:
    ballot = Ballot(
        voter=visitor.voter,
        battle=battle,
        round=invite,
        shown_first="a" if random.random() < 0.5 else "b",
        draw_probability=probability,
        drawn_by=drawn_by,
        is_gold=is_gold,
        address_key=visitor.address_key,
    )
    return insert(ballot)


def next_round_ballot(
    *,
    visitor: Visitor,
    invite: InviteRound,
    besides: str = "",
    random: np.random.Generator = _RANDOM,
) -> Ballot | None:
    """The next assigned battle this voter has not judged; None at the end of the round."""
    kept = (
        Ballot.objects.open()
        .filter(voter=visitor.voter, round=invite)
        .exclude(token=besides)
        .select_related("battle__question")
        .order_by("id")
        .first()
    )
    if kept is not None:
        return kept
    left = invite.assignments.exclude(
        Exists(Ballot.objects.filter(battle=OuterRef("battle"), voter=visitor.voter))
    ).select_related("battle")
    for assignment in left.order_by("position")[:3]:
        try:
            with transaction.atomic():
                return _issue(visitor, assignment.battle, random, invite=invite)
        except IntegrityError:
            continue
    return None
