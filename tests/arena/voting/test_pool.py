"""What a process remembers of the stored answers, and of the votes cast so far."""

import pytest

from arena.models import Battle, Vote, Voter
from arena.voting import pool
from arena.voting.pool import KEPT_TIMES, LOOK_EVERY_S, PoolCache, PoolFilter, VoteRecord

pytestmark = pytest.mark.django_db


@pytest.fixture
def clock():
    return [0.0]


@pytest.fixture
def record(clock):
    return VoteRecord(now=lambda: clock[0])


def cast(battle, outcome="model_a"):
    voter = Voter.objects.create(key=f"voter {Voter.objects.count()}")
    return Vote.objects.create(battle=battle, voter=voter, outcome=outcome)


@pytest.fixture
def battles(question_set, alpha, beta, make_battle):
    return [make_battle(question, alpha, beta) for question in question_set.questions.all()]


def test_votes_are_noticed_after_a_while(record, clock, battles, alpha, beta):
    cast(battles[0])
    models = alpha.pk, beta.pk
    assert record.matrix(models).votes.sum() == 1
    cast(battles[1])
    assert record.matrix(models).votes.sum() == 1
    clock[0] += LOOK_EVERY_S + 1
    assert record.matrix(models).votes.sum() == 2


def test_recent_battles_are_those_voted_on_whichever_model_is_named_first(
    record, battles, alpha, beta, gamma
):
    for battle in battles[:2]:
        cast(battle)
        cast(battle, "tie")
    assert record.recent_battles(alpha.pk, beta.pk) == [battle.pk for battle in battles[:2]]
    assert record.recent_battles(beta.pk, alpha.pk) == record.recent_battles(alpha.pk, beta.pk)
    assert record.recent_battles(alpha.pk, gamma.pk) == []


def test_a_battle_on_a_visitors_own_prompt_is_nobody_elses(record, battles, alpha, beta):
    Battle.objects.filter(pk=battles[0].pk).update(origin="live")
    cast(battles[0])
    assert record.recent_battles(alpha.pk, beta.pk) == []


def test_only_the_newest_battles_of_a_pair_are_kept(
    record, clock, battles, alpha, beta, monkeypatch
):
    monkeypatch.setattr(pool, "RECENT_BATTLES", 2)
    for battle in battles[:3]:
        cast(battle)
    assert record.recent_battles(alpha.pk, beta.pk) == [battle.pk for battle in battles[1:3]]
    cast(battles[3])
    clock[0] += LOOK_EVERY_S + 1
    assert record.recent_battles(alpha.pk, beta.pk) == [battle.pk for battle in battles[2:4]]


def test_a_first_look_goes_back_so_many_votes_and_no_further(
    record, battles, alpha, beta, monkeypatch
):
    monkeypatch.setattr(pool, "VOTES_LOOKED_BACK", 1)
    for battle in battles[:2]:
        cast(battle)
    assert record.recent_battles(alpha.pk, beta.pk) == [battles[1].pk]


def test_when_the_newest_votes_are_deleted_everything_is_read_again(
    record, clock, battles, alpha, beta
):
    cast(battles[0])
    last = cast(battles[1])
    assert len(record.recent_battles(alpha.pk, beta.pk)) == 2
    last.delete()
    clock[0] += LOOK_EVERY_S + 1
    assert record.recent_battles(alpha.pk, beta.pk) == [battles[0].pk]
    assert record.matrix((alpha.pk, beta.pk)).votes.sum() == 1


@pytest.fixture
def slow_pools(clock, monkeypatch):
    """Reading a pool takes ten seconds; what is to be done beside the requests is kept here."""
    read = pool.load_pool

    def slowly(wanted):
        clock[0] += 10.0
        return read(wanted)

    monkeypatch.setattr(pool, "load_pool", slowly)
    monkeypatch.setattr(pool, "LONGEST_WAIT_S", 1.0)
    beside = []
    return PoolCache(now=lambda: clock[0], start=lambda work, name: beside.append(work)), beside


def test_a_pool_that_takes_long_serves_until_the_next_one_is_there(
    slow_pools, clock, battles, gamma, make_answer
):
    (pools, beside), wanted = slow_pools, PoolFilter()
    first = pools.get(wanted)
    make_answer(gamma, battles[0].question)
    clock[0] += LOOK_EVERY_S + 1
    assert pools.get(wanted) is first
    assert beside == []  # it is not due yet
    clock[0] += KEPT_TIMES * 10.0
    assert pools.get(wanted) is pools.get(wanted) is first
    assert len(beside) == 1
    beside.pop()()
    assert gamma.pk in pools.get(wanted).models
    clock[0] += LOOK_EVERY_S + KEPT_TIMES * 10.0
    pools.get(wanted)
    assert beside == []  # nothing has changed


def test_a_renewal_that_fails_is_tried_again(slow_pools, clock, battles, gamma, make_answer):
    (pools, beside), wanted = slow_pools, PoolFilter()
    pools.get(wanted)
    make_answer(gamma, battles[0].question)
    clock[0] += LOOK_EVERY_S + KEPT_TIMES * 10.0
    pools.get(wanted)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pool, "load_pool", lambda wanted: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            beside.pop()()
    pools.get(wanted)
    beside.pop()()
    assert gamma.pk in pools.get(wanted).models


def test_no_more_than_so_many_filters_are_remembered(battles, monkeypatch):
    monkeypatch.setattr(pool, "MOST_POOLS", 2)
    pools, read = PoolCache(), []
    load = pool.load_pool
    monkeypatch.setattr(pool, "load_pool", lambda wanted: read.append(wanted) or load(wanted))
    math, writing, english = (
        PoolFilter(category="math"),
        PoolFilter(category="writing"),
        PoolFilter(language="en"),
    )
    for wanted in (math, writing, math, english, writing):
        pools.get(wanted)
    assert read == [math, writing, english]
    pools.get(math)
    assert read == [math, writing, english, math]
