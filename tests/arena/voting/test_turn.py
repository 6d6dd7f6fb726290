"""What a vote begins with is what its parts would tell one by one."""

import pytest
from django.contrib.auth.models import User
from django.test import RequestFactory
from django.utils import timezone

from arena.models import Vote, Voter
from arena.voting.doubts import activity
from arena.voting.keys import address_key
from arena.voting.statements import ballot_of_token, outcomes_of_others, votes_of
from arena.voting.turn import read_turn
from arena.voting.voters import COOKIE

pytestmark = pytest.mark.django_db


@pytest.fixture
def ballot(stored_answers, alice):
    for _ in range(3):
        alice.cast()
    return alice.ballot()


def turn_of(browser, token, besides="", user=None):
    request = RequestFactory().post("/vote/cast/", REMOTE_ADDR="192.0.2.1")
    request.COOKIES[COOKIE] = browser.client.cookies[COOKIE].value
    request.user = user
    return read_turn(request, token, besides)


def test_a_turn_is_voter_ballot_and_counts_in_one_query(
    ballot, alice, policy, django_assert_num_queries
):
    for number, outcome in enumerate(("tie", "tie", "model_b")):
        voter = Voter.objects.create(key=f"v{number}")
        Vote.objects.create(battle=ballot.battle, voter=voter, outcome=outcome)
    former = Voter.objects.create(key="former", merged_into=ballot.voter)
    Vote.objects.create(battle=ballot.voter.votes.first().battle, voter=former, outcome="tie")
    turn_of(alice, ballot.token)  # the policy is read
    with django_assert_num_queries(1):
        turn = turn_of(alice, ballot.token)
    assert turn.visitor.voter == ballot.voter
    assert turn.ballot == ballot_of_token(ballot.token)
    assert turn.ballot.battle.model_a.slug == ballot.battle.model_a.slug
    assert (turn.votes, turn.counted) == votes_of(ballot.voter_id, limit=20) == (4, 4)
    assert turn.others == outcomes_of_others(ballot.battle_id, 0) == {"tie": 2, "model_b": 1}
    assert turn.lately == activity(
        voter_id=ballot.voter_id,
        address_key=address_key("192.0.2.1"),
        battle_id=ballot.battle_id,
        now=timezone.now(),
    )


def test_a_turn_knows_whether_another_ballot_is_open(ballot, alice):
    assert not turn_of(alice, ballot.token).has_open
    assert turn_of(alice, "another").has_open
    assert not turn_of(alice, "another", besides=ballot.token).has_open


def test_an_unknown_token_has_no_ballot_and_an_unknown_browser_no_turn(ballot, alice):
    assert turn_of(alice, "unknown").ballot is None
    alice.client.cookies[COOKIE] = "made up"
    assert turn_of(alice, ballot.token) is None


def test_after_signing_in_the_browsers_votes_and_its_turn_are_the_accounts(ballot, alice):
    user = User.objects.create(username="alice")
    own = Voter.objects.create(key="own", user=user)
    turn = turn_of(alice, ballot.token, user=user)
    assert turn.visitor.voter == own
    assert turn.votes == 3
    assert turn.ballot.voter_id == own.pk
