"""Strangers read judgments of live battles without personal data, on every page that shows them."""

import pytest
from django.urls import reverse

from arena.models import Question, QuestionSet
from judging.models import Judgment, ProbeRun, ProbeTrial

pytestmark = pytest.mark.django_db
SECRET = "bob@example.org"


@pytest.fixture
def live_battle(make_battle, make_answer, alpha, beta):
    """Of stored answers that two models gave to a visitor's prompt."""
    live = QuestionSet.objects.create(slug="live", name="Live")
    question = Question.objects.create(
        question_set=live, external_id="live-1", tags=["live"],
        turns=[[{"type": "text", "text": f"I am {SECRET}, help"}]],
    )  # fmt: skip
    for model in (alpha, beta):
        make_answer(model, question, f"Dear {SECRET}!")
    return make_battle(question, alpha, beta)


@pytest.fixture
def judged(live_battle, length_judge):
    """The battle and one of its answers, each with a judgment that quotes the visitor."""
    said = {
        "judge": length_judge, "status": "done", "is_readable": True, "latency_s": 1.0,
        "raw_text": f"To {SECRET}: 7",
        "prompt": [
            {"role": "system", "content": f"Judge what {SECRET} asked"},
            {"role": "user", "content": [{"type": "text", "text": f"I am {SECRET}"}]},
        ],
        "metadata": {"unreadable_replies": [{"reason": "none", "raw_text": f"Hm, {SECRET}"}]},
    }  # fmt: skip
    Judgment.objects.create(mode="pairwise", battle=live_battle, outcome="model_a", **said)
    Judgment.objects.create(mode="single", answer=live_battle.answer_a, score=7, **said)
    return live_battle


@pytest.fixture
def addresses(judged, length_judge):
    version = [length_judge.slug, length_judge.version]
    return [
        reverse("battle_detail", args=[judged.pk]),
        reverse("question_detail", args=[judged.question_id]),
        reverse("judge_judgments", args=version),
        reverse("judge_figure_rows", args=[*version, "seconds"]),
    ]


def test_a_stranger_reads_no_personal_data_in_what_a_judge_was_shown_and_said(addresses, client):
    for address in addresses:
        page = client.get(address).text
        assert "Judge what [email] asked" in page, address
        assert SECRET not in page, address


def test_staff_read_what_the_judge_was_shown(addresses, admin_client):
    for address in addresses:
        assert f"Judge what {SECRET} asked" in admin_client.get(address).text, address


def test_judgments_of_stored_questions_are_shown_as_they_are(
    question_set, make_battle, alpha, beta, length_judge, client
):
    battle = make_battle(question_set.questions.first(), alpha, beta)
    Judgment.objects.create(
        judge=length_judge, mode="pairwise", battle=battle, status="done", is_readable=True,
        outcome="model_a", raw_text=f"Write to {SECRET}",
    )  # fmt: skip
    assert SECRET in client.get(reverse("battle_detail", args=[battle.pk])).text


def test_a_probe_on_live_prompts_shows_strangers_no_personal_data(
    live_battle, length_judge, client, admin_client
):
    run = ProbeRun.objects.create(
        judge=length_judge, mode="pairwise", question_set=live_battle.question.question_set
    )
    trial = {
        "run": run, "judge": length_judge, "probe": "null_model", "case": "live-1",
        "mode": "pairwise", "question": f"I am {SECRET}", "honest": f"Dear {SECRET}!",
        "planted": "None.", "status": "done", "is_readable": True, "outcome": "model_a",
        "raw_text": f"{SECRET} wins",
    }  # fmt: skip
    for game in (1, 2):
        ProbeTrial.objects.create(game=game, **trial)
    args = [length_judge.slug, length_judge.version, "pairwise", "null_model"]
    address = reverse("probe_rows", args=args)
    page = client.get(address).text
    assert "I am [email]" in page
    assert SECRET not in page
    assert f"I am {SECRET}" in admin_client.get(address).text
