"""Drawing the next battle for a voter and handing out the ballot for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numpy as np
from django.db import IntegrityError
from django.db.models import Exists, OuterRef

from arena.models import (
    Ballot,
    BallotStatus,
    Battle,
    BattleOrigin,
    InviteRound,
    LanguageModel,
    SamplingMethod,
    Vote,
    Voter,
    VotingPolicy,
)
from arena.models.question import LIVE_SET
from arena.voting import sampling
from arena.voting.control import control_battles, is_readable
from arena.voting.facts import FACTS
from arena.voting.kept_ballots import (
    forgotten_ballot_of,
    kept_of_round,
    open_ballot_of,
    skipped_before,
    taken_into_round,
)
from arena.voting.policy import current_policy
from arena.voting.pool import EVERYTHING, POOLS, RECORD, AnswerPool, PoolFilter
from arena.voting.statements import MOST_ASKED_FOR, votable_battles
from arena.voting.storing import issue, issue_drawn
from arena.voting.texts import AnswerFacts, ShownAnswer, can_be_voted_on, read_answers, read_facts
from arena.voting.voters import Visitor
from arena.voting.weights import boost_of, weights_of

TRIES_PER_PAIR = 4
PAIRS_TRIED = 12
READ_AT_ONCE = 50
LEFT_READ_AT_MOST = 1000
GOLD_BATTLES = 50
_RANDOM = np.random.default_rng()
_Sides = tuple[int, int]  # a battle's answers, that of side a first


@dataclass(slots=True)
class _FirstDraws:
    """The probabilities before any pair was tried: the same until what they follow from is read
    anew, which is once in a few seconds.
    """

    _kept: tuple[tuple[object, ...], sampling.Matrix] | None = None

    def get(
        self, follow_from: tuple[object, ...], make: Callable[[], sampling.Matrix]
    ) -> sampling.Matrix:
        kept = self._kept
        if kept is None or any(a is not b for a, b in zip(kept[0], follow_from, strict=True)):
            kept = self._kept = follow_from, make()
        return kept[1]


_FIRST_DRAWS = _FirstDraws()


@dataclass(slots=True)
class _PairDrawing:
    """One draw: who for, from what, by which rule."""

    visitor: Visitor
    policy: VotingPolicy
    pool: AnswerPool
    random: np.random.Generator
    tried: set[tuple[int, int]] = field(default_factory=set)

    def probabilities(self) -> sampling.Matrix:
        if self.tried:
            return self._probabilities()
        what = self.pool, RECORD.matrix(self.pool.models), self.policy
        return _FIRST_DRAWS.get(what, self._probabilities)

    def _probabilities(self) -> sampling.Matrix:
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
            factor=boost_of(self.policy.boost_factor),
            until_votes=self.policy.boost_until_votes,
        )

    def candidates(self) -> Iterator[Ballot]:
        """Ballots to store, one to be had only if the one before it was not: each on a battle this
        voter may not have seen, with the probability of its pair.
        """
        for draw in islice(self._draws(), PAIRS_TRIED):
            shown_before = self._shown_before(draw)
            if shown_before is not None:
                yield shown_before
            yield from self._of_pair(draw)
        self.tried.clear()
        yield from self._left_over()

    def _draws(self) -> Iterator[sampling.Draw]:
        """Each pair once, as long as there is one."""
        with suppress(sampling.NothingToDrawError):
            while True:
                draw = sampling.draw_pair(self.probabilities(), self.random)
                yield draw
                self.tried.add((draw.first, draw.second))

    def _left_over(self) -> Iterator[Ballot]:
        """What a few tries at random have missed, for a voter who has seen nearly everything."""
        battles = Battle.objects.filter(ballots__voter=self.visitor.voter)
        seen = set(battles.values_list("answer_a_id", "answer_b_id"))
        may_read = LEFT_READ_AT_MOST
        for draw in self._draws():
            if not may_read:
                return
            left = self._unseen(draw, seen)[:may_read]
            may_read -= len(left)
            for start in range(0, len(left), READ_AT_ONCE):
                some = left[start : start + READ_AT_ONCE]
                facts = read_facts({pk for answers in some for pk in answers})
                for answers in some:
                    if can_be_voted_on([facts[pk] for pk in answers if pk in facts]):
                        yield from self._of_answers(draw, answers)

    def _unseen(self, draw: sampling.Draw, seen: set[_Sides]) -> list[_Sides]:
        """Of one pair, in random order, without those that are marked."""
        _, firsts, seconds = self.pool.common(draw.first, draw.second)
        sides = np.minimum(firsts, seconds).tolist(), np.maximum(firsts, seconds).tolist()
        left = set(zip(*sides, strict=True)) - seen
        if left:
            models = self.pool.models[draw.first], self.pool.models[draw.second]
            pair = Battle.objects.filter(model_a__in=models, model_b__in=models)
            marked = pair.filter(origin=BattleOrigin.STORED).exclude(exclusion="")
            left -= set(marked.values_list("answer_a_id", "answer_b_id"))
        order = sorted(left)
        return [order[int(place)] for place in self.random.permutation(len(order))]

    def _shown_before(self, draw: sampling.Draw) -> Ballot | None:
        """Now and then a battle that others voted on already, to measure how far people agree."""
        if self.random.random() >= self.policy.overlap_share:
            return None
        models = self.pool.models[draw.first], self.pool.models[draw.second]
        recent = RECORD.recent_battles(*models)
        self.random.shuffle(recent)
        found = votable_battles(self.visitor.voter.pk, recent[:MOST_ASKED_FOR])
        kept = [row for row in found if self.pool.holds(draw.first, draw.second, row[1])]
        self.random.shuffle(kept)
        for pk, question, answer_a, answer_b, votes in kept:
            if votes < self.policy.overlap_votes:
                battle = Battle(
                    pk=pk, question_id=question, answer_a_id=answer_a, answer_b_id=answer_b
                )
                texts = read_answers((answer_a, answer_b))
                if can_be_voted_on([text.facts for text in texts.values()]):
                    return self._ballot_on(battle, draw, texts)
        return None

    def _of_pair(self, draw: sampling.Draw) -> Iterator[Ballot]:
        _, firsts, seconds = self.pool.common(draw.first, draw.second)
        for place in self._places(firsts.size):
            yield from self._of_answers(draw, (int(firsts[place]), int(seconds[place])))

    def _of_answers(self, draw: sampling.Draw, answers: tuple[int, int]) -> Iterator[Ballot]:
        texts = read_answers(answers)
        facts = {pk: text.facts for pk, text in texts.items()}
        FACTS.remember(facts)
        if len(facts) < 2:
            POOLS.doubt()
        elif battle := _votable_battle(facts):
            yield self._ballot_on(battle, draw, texts)

    def _ballot_on(
        self, battle: Battle, draw: sampling.Draw, texts: dict[int, ShownAnswer]
    ) -> Ballot:
        ballot = _new_ballot(
            self.visitor,
            battle,
            self.random,
            draw_probability=draw.probability,
            drawn_by=self.policy.sampling,
        )
        ballot.at_hand = texts
        return ballot

    def _places(self, size: int) -> Sequence[int]:
        """A few questions at random; all of them, in random order, where there are few."""
        if size > 16 * TRIES_PER_PAIR:
            return [int(place) for place in self.random.integers(0, size, TRIES_PER_PAIR)]
        return [int(place) for place in self.random.permutation(size)]


def _model_weights(models: Sequence[int], policy: VotingPolicy) -> sampling.Matrix:
    if not policy.model_weights:
        return np.ones(len(models))
    slugs = dict(LanguageModel.objects.filter(pk__in=models).values_list("id", "slug"))
    return weights_of([slugs.get(model, "") for model in models], policy.model_weights)


def _votable_battle(facts: Mapping[int, AnswerFacts]) -> Battle | None:
    """The battle of two answers, not stored; where an answer may not be shown, it is stored with
    the reason instead.
    """
    answer_a, answer_b = sorted(facts)
    first, second = facts[answer_a], facts[answer_b]
    battle = Battle(
        model_a_id=first.model_id,
        model_b_id=second.model_id,
        answer_a_id=answer_a,
        answer_b_id=answer_b,
        question_id=first.question_id,
        language=first.language,
        turn_count=first.turn_count,
        origin=BattleOrigin.STORED,
    )
    doubt = first.doubt or second.doubt
    if not doubt:
        return battle if can_be_voted_on((first, second)) else None
    pair = {"answer_a_id": answer_a, "answer_b_id": answer_b, "origin": BattleOrigin.STORED}
    if not Battle.objects.filter(**pair).exists():
        battle.exclusion = doubt
        Battle.objects.bulk_create([battle], ignore_conflicts=True)
    Battle.objects.filter(**pair, exclusion="").update(exclusion=doubt)
    return None


class Drawing:
    """The next ballot of a voter: proposed first, to be stored along with a vote, or stored here.

    An open ballot comes back until it is voted on or skipped, so reloading the page does not
    fish for another pair. ``besides`` is the token of the one on the screen. ``has_open``
    is false where it is known that there is no other, and spares the look.
    """

    def __init__(
        self,
        *,
        visitor: Visitor,
        wanted: PoolFilter = EVERYTHING,
        besides: str = "",
        has_open: bool = True,
        random: np.random.Generator = _RANDOM,
    ) -> None:
        self._visitor, self._wanted, self._random = visitor, wanted, random
        self._besides, self._has_open = besides, has_open
        self._proposal: Ballot | None = None
        self._candidates: Iterator[Ballot] | None = None

    def propose(self) -> Ballot | None:
        """A ballot that is not stored yet; None where one is open or nothing is left."""
        if not self._has_open:
            self._candidates = self._draw()
            self._proposal = next(self._candidates, None)
        return self._proposal

    def ballot(self) -> Ballot | None:
        """The one proposed if it was stored, the voter's oldest open one, or a new one; None when
        everything has been seen.
        """
        if self._proposal is not None and self._proposal.pk is not None:
            return self._proposal
        voter, wanted, besides = self._visitor.voter, self._wanted, self._besides
        kept = open_ballot_of(voter, wanted, besides) if self._has_open else None
        if kept is not None:
            return kept
        return self._issued() or forgotten_ballot_of(voter, wanted, besides)

    def _issued(self) -> Ballot | None:
        for _ in range(3):
            try:
                return next(filter(issue_drawn, self._candidates or self._draw()), None)
            except IntegrityError:
                # another tab drew the same battle at the same moment, or an answer was deleted
                FACTS.forget()
                POOLS.doubt()
                self._candidates = None
        return None

    def _draw(self) -> Iterator[Ballot]:
        policy = current_policy()
        gold = _gold_battle(self._visitor.voter, policy, self._wanted, self._random)
        if gold is not None:
            yield _new_ballot(self._visitor, gold, self._random, is_gold=True)
        pool = POOLS.get(self._wanted)
        yield from _PairDrawing(self._visitor, policy, pool, self._random).candidates()


def next_ballot(
    *,
    visitor: Visitor,
    wanted: PoolFilter = EVERYTHING,
    besides: str = "",
    random: np.random.Generator = _RANDOM,
) -> Ballot | None:
    """The voter's oldest open ballot, or a new one; None when everything has been seen."""
    drawing = Drawing(visitor=visitor, wanted=wanted, besides=besides, random=random)
    return drawing.ballot()


def _gold_battle(
    voter: Voter, policy: VotingPolicy, wanted: PoolFilter, random: np.random.Generator
) -> Battle | None:
    """Of what the voter wants to judge: a control question must not stand out."""
    if random.random() >= policy.gold_share:
        return None
    unseen = control_battles().filter(gold__isnull=False)
    unseen = unseen.exclude(Exists(Ballot.objects.filter(battle=OuterRef("pk"), voter=voter)))
    if wanted.category:
        unseen = unseen.filter(question__category=wanted.category)
    if wanted.language:
        unseen = unseen.filter(question__language=wanted.language)
    battles = list(unseen.order_by("gold")[:GOLD_BATTLES])
    if not battles:
        return None
    chosen = battles[int(random.integers(len(battles)))]
    return chosen if is_readable(chosen) else None


def _new_ballot(
    visitor: Visitor, battle: Battle, random: np.random.Generator, **columns: Any
) -> Ballot:
    """Not stored yet; ``columns`` are those that tell how it was drawn."""
    return Ballot(
        voter=visitor.voter,
        battle=battle,
        shown_first="a" if random.random() < 0.5 else "b",
        address_key=visitor.address_key,
        **columns,
    )


def next_round_ballot(
    *,
    visitor: Visitor,
    invite: InviteRound,
    besides: str = "",
    random: np.random.Generator = _RANDOM,
) -> Ballot | None:
    """The next assigned battle this annotator has neither voted on anywhere nor skipped in the
    round; None at its end. What they only saw or skipped elsewhere is asked here.
    """
    kept = kept_of_round(visitor.voter, invite, besides)
    if kept is not None:
        return kept
    own = {"battle": OuterRef("battle"), "voter": visitor.voter}
    left = invite.assignments.exclude(battle__question__question_set__slug=LIVE_SET)
    left = left.exclude(Exists(Vote.objects.filter(**own)))
    left = left.exclude(Exists(invite.ballots.filter(**own)))
    left = left.exclude(Exists(skipped_before(visitor.voter, invite)))
    left = left.annotate(is_held=Exists(Ballot.objects.filter(**own, status=BallotStatus.OPEN)))
    for assignment in left.select_related("battle").order_by("position")[:3]:
        battle = assignment.battle
        if assignment.is_held:
            taken = taken_into_round(visitor.voter, battle, invite, besides)
            if taken is not None:
                return taken
            continue
        try:
            return issue(_new_ballot(visitor, battle, random, round=invite))
        except IntegrityError:
            continue
    return None
