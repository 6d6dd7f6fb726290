"""Two connections at once: data is removed, or a voter signs in, while something is stored.

Whoever is second waits for a row. That is looked up in the server's list of locks, so that no test
depends on how quick anything is.
"""

import queue
import threading
from contextlib import contextmanager

import pytest
from django.contrib.auth import get_user_model
from django.db import connection, transaction
from django.db.models.signals import pre_delete

from arena.models import Ballot, Battle, Exclusion, Question, Vote, Voter
from arena.voting.casting import UnknownBallotError, cast_vote
from arena.voting.merging import VoterGoneError, held_owner_id, merge_voter
from arena.voting.own_data import remove_own_data
from arena.voting.voters import Visitor, new_visitor

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _rows_can_be_locked(db):
    if not connection.features.has_select_for_update:
        pytest.skip("one writer at a time: the second begins when the first has ended")


class Elsewhere(threading.Thread):
    """Does something on a connection of its own, once started until it has ended or waits for a
    lock of this one; ``result`` is what it returned or raised.
    """

    def __init__(self, act):
        super().__init__(daemon=True)
        self._act, self._pids = act, queue.Queue()
        self.waited, self.result = False, None

    def run(self):
        try:
            connection.ensure_connection()
            self._pids.put(connection.connection.info.backend_pid)
            with transaction.atomic():
                self.result = self._act()
        except Exception as error:  # noqa: BLE001  # the test looks at it
            self.result = error
        finally:
            connection.close()

    def start_and_wait(self):
        self.start()
        pid = self._pids.get(timeout=60)
        while self.is_alive() and not self.waited:
            self.waited = _waits_for_this_connection(pid)


def _waits_for_this_connection(pid):
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid() = ANY(pg_blocking_pids(%s))", [pid])
        return cursor.fetchone()[0]


@contextmanager
def while_waiting(act):
    """``act`` elsewhere is waiting while the block runs; afterwards it has ended."""
    other = Elsewhere(act)
    with transaction.atomic():
        yield other
        assert other.waited
    other.join()


@pytest.fixture
def visitor(one_battle):
    return new_visitor(None, "192.0.2.1")


@pytest.fixture
def account(visitor):
    user = get_user_model().objects.create_user("alice", password="x")
    return Voter.objects.create(key="account", user=user)


@pytest.fixture
def before_the_voter_is_deleted():
    """Do something when a removal has looked through everything, before the voter goes."""
    connected = []

    def do(act):
        def receive(**_):
            act()

        pre_delete.connect(receive, sender=Voter, weak=False)
        connected.append(receive)

    yield do
    for receive in connected:
        pre_delete.disconnect(receive, sender=Voter)


def _vote(visitor, battle):
    ballot = Ballot.objects.create(voter=visitor.voter, battle=battle, shown_first="a")
    return lambda: cast_vote(visitor=visitor, ballot=ballot, choice="tie")


def test_a_vote_that_comes_during_a_removal_waits_and_is_refused(
    visitor, one_battle, before_the_voter_is_deleted
):
    with while_waiting(_vote(visitor, one_battle)) as other:
        before_the_voter_is_deleted(other.start_and_wait)
        remove_own_data(visitor)
    assert isinstance(other.result, UnknownBallotError)
    assert not Vote.objects.exists()


def test_a_live_battle_that_comes_during_a_removal_waits_and_has_no_owner(
    visitor, before_the_voter_is_deleted
):
    with while_waiting(lambda: held_owner_id(visitor.voter.pk)) as other:
        before_the_voter_is_deleted(other.start_and_wait)
        remove_own_data(visitor)
    assert isinstance(other.result, VoterGoneError)


def test_a_removal_waits_for_the_live_battle_being_stored_and_takes_it_along(
    visitor, one_battle, make_answer, alpha, beta
):
    question = Question.objects.create(
        question_set=one_battle.question.question_set,
        external_id="live-1",
        turns=[[{"type": "text", "text": "my secret"}]],
    )
    answers = {"answer_a": make_answer(alpha, question), "answer_b": make_answer(beta, question)}
    with while_waiting(lambda: remove_own_data(visitor)) as other:
        held_owner_id(visitor.voter.pk)
        other.start_and_wait()
        live = Battle.objects.create(
            question=question, model_a=alpha, model_b=beta, origin="live", **answers
        )
        Vote.objects.create(battle=live, voter=visitor.voter, outcome="tie")
    assert other.result == 0
    assert not Battle.objects.filter(origin="live").exists()
    assert not Question.objects.filter(external_id="live-1").exists()


def test_of_two_removals_at_once_the_second_finds_nothing(visitor, one_battle):
    _vote(visitor, one_battle)()
    again = Visitor(Voter.objects.get(), visitor.session)
    with while_waiting(lambda: remove_own_data(again)) as other:
        assert remove_own_data(visitor) == 1
        other.start_and_wait()
    assert other.result == 0
    assert Vote.objects.get().exclusion == Exclusion.WITHDRAWN
    assert not Voter.objects.exists()


def test_of_two_merges_at_once_the_second_finds_nothing_left(visitor, account, one_battle):
    _vote(visitor, one_battle)()
    merge = {"anonymous": visitor.voter, "account": account}
    with while_waiting(lambda: merge_voter(**merge)) as other:
        assert merge_voter(**merge) == 1
        other.start_and_wait()
    assert other.result == 0
    assert Vote.objects.get().voter == account


def test_a_live_battle_that_comes_during_a_merge_waits_and_is_the_accounts(visitor, account):
    with while_waiting(lambda: held_owner_id(visitor.voter.pk)) as other:
        merge_voter(anonymous=visitor.voter, account=account)
        other.start_and_wait()
    assert other.result == account.pk


def test_a_merge_waits_for_the_live_battle_being_stored_and_takes_it_along(
    visitor, account, one_battle
):
    merge = {"anonymous": visitor.voter, "account": account}
    with while_waiting(lambda: merge_voter(**merge)) as other:
        held_owner_id(visitor.voter.pk)
        other.start_and_wait()
        Vote.objects.create(battle=one_battle, voter=visitor.voter, outcome="tie")
    assert other.result == 1
    assert Vote.objects.get().voter == account
