"""Live battles' own timings, a series apart from every measured run."""

import datetime as dt

import pytest
from django.urls import reverse
from django.utils import timezone

from arena.models import Answer, AnswerOrigin
from speed.users_met import users_met

pytestmark = pytest.mark.django_db


@pytest.fixture
def make_live_answer(question_set, make_answer):
    question = question_set.questions.first()

    def make(model, ttft_s=0.5, latency_s=1.5, tokens=11, days_ago=0, origin=AnswerOrigin.LIVE):
        answer = make_answer(
            model,
            question,
            f"text {Answer.objects.count()}",
            origin=origin,
            sample_index=Answer.objects.count(),
            ttft_s=ttft_s,
            latency_s=latency_s,
            output_tokens=tokens,
        )
        day = timezone.now() - dt.timedelta(days=days_ago)
        Answer.objects.filter(pk=answer.pk).update(created_at=day)

    return make


def test_medians_come_from_live_answers_only(alpha, make_live_answer):
    for ttft_s in (0.2, 0.4, 0.9):
        make_live_answer(alpha, ttft_s=ttft_s)
    make_live_answer(alpha, ttft_s=9.0, origin=AnswerOrigin.GENERATED)

    (line,) = users_met().lines

    assert line.answers == 3
    assert line.ttft.value == pytest.approx(0.4)


def test_time_per_token_leaves_the_first_token_out(alpha, make_live_answer):
    make_live_answer(alpha, ttft_s=0.5, latency_s=1.5, tokens=11)
    make_live_answer(alpha, tokens=1)

    (line,) = users_met().lines

    assert line.tpot.value == pytest.approx(0.1)
    assert line.tpot.samples == 1


def test_the_most_used_model_stands_first(alpha, beta, make_live_answer):
    make_live_answer(alpha)
    make_live_answer(beta)
    make_live_answer(beta)

    assert [line.model for line in users_met().lines] == [beta, alpha]


def test_old_battles_are_left_out(alpha, make_live_answer):
    make_live_answer(alpha, days_ago=200)

    assert users_met().lines == []


def test_days_become_a_chart(alpha, make_live_answer):
    make_live_answer(alpha, ttft_s=0.3, days_ago=1)
    assert users_met().chart is None
    make_live_answer(alpha, ttft_s=0.7)

    chart = users_met().chart

    assert chart["figure"]["data"][0]["y"] == [pytest.approx(300), pytest.approx(700)]


def test_the_page_takes_as_many_queries_for_many_models(
    admin_client, alpha, beta, make_live_answer, django_assert_num_queries
):
    make_live_answer(alpha)
    with django_assert_num_queries(5):
        admin_client.get(reverse("speed_users"))
    make_live_answer(beta)
    with django_assert_num_queries(5):
        page = admin_client.get(reverse("speed_users")).content.decode()
    assert "Alpha" in page
    assert "Beta" in page
