"""Boards may count some voters only."""

import pytest
from django.contrib.auth import get_user_model

from arena.models import Vote, Voter
from arena.voting.merging import merge_voter
from leaderboard.query import BoardQuery, votes_of


@pytest.fixture
def votes(one_battle):
    user = get_user_model().objects.create_user("alice", password="x")
    voters = [
        Voter.objects.create(key="anybody"),
        Voter.objects.create(key="expert", is_expert=True),
        Voter.objects.create(key="account", user=user),
    ]
    return [Vote.objects.create(battle=one_battle, voter=v, outcome="tie") for v in voters]


@pytest.mark.parametrize(
    ("voters", "kept"), [("all", [0, 1, 2]), ("experts", [1]), ("accounts", [2])]
)
def test_a_board_counts_the_voters_it_asks_for(votes, voters, kept):
    chosen = set(votes_of(BoardQuery(voters=voters)))
    assert chosen == {votes[place] for place in kept}


@pytest.mark.parametrize("voters", ["experts", "accounts"])
def test_what_was_judged_before_signing_in_and_again_after_it_counts_once(one_battle, voters):
    user = get_user_model().objects.create_user("alice", password="x")
    account = Voter.objects.create(key="account", user=user, is_expert=True)
    anonymous = Voter.objects.create(key="anonymous")
    first = Vote.objects.create(battle=one_battle, voter=anonymous, outcome="tie")
    Vote.objects.create(battle=one_battle, voter=account, outcome="tie")
    merge_voter(anonymous=anonymous, account=account)
    assert list(votes_of(BoardQuery(voters=voters)).counted()) == [first]
