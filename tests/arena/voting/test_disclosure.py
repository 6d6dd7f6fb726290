"""Strangers read live battles without personal data; their visitors and the staff read all."""

import numpy as np
import pytest
from django.urls import reverse

from arena.models import Ballot, Battle, Question, QuestionSet, Voter
from arena.models.question import LIVE_SET
from arena.voting.pool import PoolFilter, load_pool

pytestmark = pytest.mark.django_db
SECRET = "bob@example.org"


@pytest.fixture
def live_battle(question_set, alice, alpha, beta, make_answer, policy):
    """Held by alice's browser."""
    question = Question.objects.create(
        question_set=question_set,
        external_id="live-1",
        turns=[[{"type": "text", "text": f"I am {SECRET}, help"}]],
        tags=["live"],
    )
    first, second = (
        make_answer(m, question, f"Dear {SECRET}!", sample_index=None) for m in (alpha, beta)
    )
    battle = Battle.objects.create(
        question=question, model_a=alpha, model_b=beta, answer_a=first, answer_b=second,
        origin="live",
        metadata={"repeated": 1, "replaced": [
            {"turn": 1, "prompt": f"{SECRET}?", "answer_a": SECRET, "answer_b": "x"}
        ]},
    )  # fmt: skip
    alice.page()
    Ballot.objects.create(
        voter=Voter.objects.get(), battle=battle, shown_first="a", status="failed",
        closed_at=battle.created_at,
    )  # fmt: skip
    return battle


def addresses(battle):
    return [
        reverse("battle_detail", args=[battle.pk]),
        reverse("question_detail", args=[battle.question_id]),
        reverse("battle_list"),
        reverse("question_list"),
    ]


def test_a_stranger_reads_no_personal_data_on_any_page(live_battle, mallory):
    for address in addresses(live_battle):
        page = mallory.client.get(address).text
        assert SECRET not in page, address
        assert "[email]" in page, address


def test_those_who_held_it_and_staff_read_what_was_said(live_battle, alice, admin_client):
    page = reverse("battle_detail", args=[live_battle.pk])
    assert alice.client.get(page).text.count(SECRET) > 3
    assert admin_client.get(page).text.count(SECRET) > 3


def test_an_answer_in_the_answer_set_is_shown_without_personal_data(
    live_battle, make_answer, gamma, client, admin_client
):
    make_answer(gamma, live_battle.question, f"Dear {SECRET}, gladly")
    page = reverse("question_detail", args=[live_battle.question_id])
    assert "Dear [email], gladly" in client.get(page).text
    assert f"Dear {SECRET}, gladly" in admin_client.get(page).text


def test_what_visitors_asked_is_not_put_before_other_voters(
    stored_answers, alpha, beta, make_answer
):
    live = QuestionSet.objects.create(slug=LIVE_SET, name="Live")
    question = Question.objects.create(question_set=live, external_id="live-1", turns=[[]])
    answers = [make_answer(model, question) for model in (alpha, beta)]
    offered = np.concatenate(load_pool(PoolFilter()).answers)
    assert offered.size == 18
    assert not np.isin([answer.pk for answer in answers], offered).any()


def test_visitors_words_cannot_be_searched_for(live_battle, client):
    assert "live-1" not in client.get(reverse("question_list"), {"q": SECRET}).text


def test_stored_battles_are_shown_as_they_are(one_battle, client):
    question = one_battle.question
    question.turns = [[{"type": "text", "text": f"Write to {SECRET}"}]]
    question.save()
    assert SECRET in client.get(reverse("battle_detail", args=[one_battle.pk])).text
