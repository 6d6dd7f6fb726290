"""A voter's own board, beside everyone's."""

import pytest
from django.test import Client
from django.urls import reverse

from arena.models import Battle, Vote, Voter
from arena.voting.progress import PERSONAL_BOARD_FROM

pytestmark = pytest.mark.django_db


@pytest.fixture
def vote(alpha, beta):
    """``vote(voter, "model_a", 3)``: three votes on alpha against beta."""

    def cast(voter, outcome, times):
        for _ in range(times):
            battle = Battle.objects.create(model_a=alpha, model_b=beta, origin="imported")
            Vote.objects.create(battle=battle, voter=voter, outcome=outcome)

    return cast


@pytest.fixture
def alice(django_user_model):
    """Her voter, and the page with her votes."""
    user = django_user_model.objects.create_user("alice")
    client = Client()
    client.force_login(user)
    client.get(reverse("vote"))
    return Voter.objects.get(), lambda: client.get(reverse("my_votes")).text


def test_it_comes_with_the_twentieth_vote(vote, alice):
    voter, page = alice
    vote(voter, "model_a", PERSONAL_BOARD_FROM - 1)
    assert "Your own board" not in page()
    vote(voter, "model_a", 1)
    assert "Your own board" in page()


def test_marked_votes_do_not_count_towards_it(vote, alice):
    voter, page = alice
    vote(voter, "model_a", PERSONAL_BOARD_FROM)
    Vote.objects.filter(pk=Vote.objects.first().pk).update(exclusion="too_fast")
    assert "Your own board" not in page()


def test_votes_of_who_became_part_of_the_account_count_towards_it(vote, alice):
    voter, page = alice
    vote(voter, "model_a", PERSONAL_BOARD_FROM - 1)
    vote(Voter.objects.create(key="former", merged_into=voter), "model_a", 1)
    told = page()
    assert "Your own board" in told
    assert f"{PERSONAL_BOARD_FROM} votes. Thank you" in told


def test_it_says_how_far_its_places_are_from_everyones(vote, alice):
    voter, page = alice
    vote(voter, "model_a", PERSONAL_BOARD_FROM)
    vote(Voter.objects.create(key="bob"), "model_b", 2 * PERSONAL_BOARD_FROM)
    told = page()
    assert "1 place higher" in told
    assert "1 place lower" in told
