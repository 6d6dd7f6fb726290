"""Voters and battles. Alice votes, mallory abuses; each has a browser of her own."""

import re

import numpy as np
import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from arena.live import seating
from arena.models import Ballot, VotingPolicy
from arena.services.battles import stored_battle
from arena.voting import drawing, satisfaction
from arena.voting.facts import FACTS
from arena.voting.policy import forget_policy
from arena.voting.pool import POOLS, RECORD


@pytest.fixture(autouse=True)
def _nothing_remembered():
    """Processes keep the pool and the policy for seconds; every test starts without them."""
    FACTS.forget()
    POOLS.forget()
    RECORD.forget()
    forget_policy()
    cache.clear()


@pytest.fixture(autouse=True)
def _chance_is_the_same_each_time():
    """Which battle comes, and which side first: what holds for one draw in a thousand alone would
    else fail once in a thousand times.
    """
    for drawn_with in (drawing._RANDOM, satisfaction._RANDOM, seating._RANDOM):
        drawn_with.bit_generator.state = np.random.default_rng(1).bit_generator.state


@pytest.fixture
def policy(db):
    """Change the stored policy: ``policy(sampling="uniform")``."""

    def change(**columns):
        row, _ = VotingPolicy.objects.update_or_create(pk=1, defaults=columns)
        forget_policy()
        return row

    change(
        gold_share=0.0,
        overlap_share=0.0,
        sampling="uniform",
        minimum_reading_s=0.0,
        characters_per_second=1e12,
    )
    return change


@pytest.fixture
def three_models(alpha, beta, gamma):
    return alpha, beta, gamma


@pytest.fixture
def stored_answers(question_set, three_models, make_answer, policy):
    """Three models, each with an answer to all six questions."""
    for question in question_set.questions.all():
        for model in three_models:
            make_answer(model, question, f"A reply to {question.external_id}, number {model.pk}.")
    return question_set


@pytest.fixture
def two_replies(question_set, alpha, beta, make_answer, policy):
    """``two_replies("one", "two")``: the only battle there can be, alpha against beta."""

    def make(first, second, ids=(None, None)):
        question = question_set.questions.first()
        return (
            make_answer(alpha, question, first, pk=ids[0]),
            make_answer(beta, question, second, pk=ids[1]),
        )

    return make


@pytest.fixture
def one_battle(two_replies):
    """The one possible battle, stored made before anybody votes."""
    return stored_battle(*two_replies("one", "two"))


class Browser:
    """A voter's browser without JavaScript or with it, as the test asks."""

    def __init__(self, address="192.0.2.1"):
        self.client = Client(REMOTE_ADDR=address)

    def page(self, **query):
        return self.client.get(reverse("vote"), query)

    def token(self, **query):
        return re.search(r'name="token" value="([^"]+)"', self.page(**query).text).group(1)

    def cast(self, choice="left", token=None, **fields):
        token = self.token() if token is None else token
        return self.client.post(
            reverse("vote_cast"),
            {"token": token, "choice": choice, **fields},
            headers={"accept": "application/json"},
        )

    def ballot(self, **query):
        return Ballot.objects.get(token=self.token(**query))


@pytest.fixture
def alice():
    return Browser("192.0.2.1")


@pytest.fixture
def mallory():
    return Browser("192.0.2.66")


@pytest.fixture
def new_browser():
    return Browser


@pytest.fixture
def random():
    return np.random.default_rng(5)
