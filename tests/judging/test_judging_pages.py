"""Pages about judges, starting a run with its plan in view, and a run's judgments."""

import pytest
from django.contrib.auth import get_user_model
from django.urls import reverse

from judging.models import Judge, JudgeRun, JudgeRunMode, Judgment
from judging.services.judges import create_judge, new_version

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def staff(client, db):
    user = get_user_model().objects.create_user("alice", password="secret-alice", is_staff=True)
    client.force_login(user)
    return client


@pytest.fixture(autouse=True)
def no_queue(monkeypatch):
    monkeypatch.setattr("arena.services.runs._send_to_queue", lambda *_: None)


@pytest.fixture
def asked(answered, length_judge):
    """What the form is filled in with."""
    models = list(answered.questions.first().answers.values_list("model_id", flat=True))
    return {
        "question_set": answered.pk,
        "judge": length_judge.pk,
        "mode": "pairs",
        "language_models": models,
    }


@pytest.mark.parametrize("name", ["judge_run_new", "judge_run_plan", "judge_new"])
def test_visitors_are_sent_to_sign_in(client, name):
    response = client.get(reverse(name))
    assert response.status_code == 302
    assert "/login/" in response.url


def test_the_plan_follows_the_form(staff, asked):
    page = staff.get(reverse("judge_run_plan"), asked).content.decode()
    assert "36 to make, 0 there already" in page
    page = staff.get(reverse("judge_run_plan"), {**asked, "limit": 1}).content.decode()
    assert "6 to make" in page


def test_a_plan_that_makes_no_run_says_why(staff, asked):
    page = staff.get(reverse("judge_run_plan"), {**asked, "mode": "baseline"}).content.decode()
    assert "mode baseline needs a baseline" in page


def test_a_half_filled_form_asks_for_the_rest(staff, asked):
    page = staff.get(reverse("judge_run_plan"), {"mode": "pairs"}).content.decode()
    assert "Choose a set, a judge, a mode and models." in page


def test_a_chat_judges_plan_shows_money_and_time(staff, asked, chat_judge):
    page = staff.get(reverse("judge_run_plan"), {**asked, "judge": chat_judge.pk}).content.decode()
    assert "Calls</dt><dd>36" in page
    assert "at most $" in page


def test_starting_leads_to_the_runs_page(staff, asked):
    response = staff.post(reverse("judge_run_new"), {**asked, "start": "1"})
    run = JudgeRun.objects.get()
    assert response.url == reverse("run_detail", args=["judging", run.pk])
    assert (run.is_active, run.created_by.username) == (True, "alice")
    page = staff.get(response.url).content.decode()
    assert "Cost so far" in page
    assert reverse("run_results", args=["judging", run.pk]) in page


def test_without_scripts_the_plan_is_shown_by_a_button(staff, asked):
    page = staff.post(reverse("judge_run_new"), {**asked, "show_plan": "1"}).content.decode()
    assert "36 to make" in page
    assert not JudgeRun.objects.exists()


def test_a_run_with_nothing_to_do_is_refused_on_the_form(staff, asked, spec, decide):
    decide(spec())
    page = staff.post(reverse("judge_run_new"), {**asked, "start": "1"}).content.decode()
    assert "has made all 36 judgments" in page


def test_a_judge_whose_prompts_changed_gets_its_next_version_when_it_starts(staff, asked):
    Judge.objects.update(fingerprint="of another program version")
    staff.post(reverse("judge_run_new"), {**asked, "start": "1"})
    assert JudgeRun.objects.get().judge.version == 2


# -- judgments of a run -----------------------------------------------------------------------


def test_a_runs_judgments_are_listed_with_their_raw_texts(staff, spec, decide, chat_judge):
    run = decide(spec(judge=chat_judge, limit=1))
    page = staff.get(reverse("run_results", args=["judging", run.pk])).content.decode()
    assert page.count("One says more. [[A]]") == 3
    judgment = run.judgments.first()
    assert f"/battles/{judgment.battle_id}/#judgment-{judgment.pk}" in page


def test_listing_judgments_takes_as_many_queries_for_many_as_for_few(
    staff, spec, decide, django_assert_num_queries
):
    few, many = decide(spec(limit=1)), decide(spec())
    for run in (few, many):
        with django_assert_num_queries(5):
            staff.get(reverse("run_results", args=["judging", run.pk]))


def test_unreadable_judgments_can_be_chosen(staff, spec, decide, chat_judge, served):
    served.reply = lambda messages: "Hard to say."
    run = decide(spec(judge=chat_judge, limit=1, mode=JudgeRunMode.SINGLE))
    address = reverse("run_results", args=["judging", run.pk])
    assert staff.get(address, {"state": "readable"}).content.decode().count("<details") == 0
    assert (
        "A reply that could not be read"
        in staff.get(address, {"state": "unreadable"}).content.decode()
    )


def test_what_a_judge_says_is_never_markup(staff, spec, decide):
    run = decide(spec(limit=1))
    run.judgments.update(raw_text="<script>alert(1)</script>")
    page = staff.get(reverse("run_results", args=["judging", run.pk])).content.decode()
    assert "<script>alert" not in page


# -- judges -----------------------------------------------------------------------------------


def test_judges_are_listed_in_their_newest_version_with_counts(client, spec, decide, length_judge):
    decide(spec(limit=1))
    page = client.get(reverse("judge_list")).content.decode()
    assert 'data-value="6"' in page
    new_version(length_judge, settings={"tie_within": 3})
    assert client.get(reverse("judge_list")).content.decode().count(">longest</a>") == 1


def test_the_list_takes_as_many_queries_for_many_judges_as_for_one(
    client, length_judge, django_assert_num_queries
):
    for number in range(3):
        create_judge(
            slug=f"j{number}", kind="length_preferring", settings={"tie_within": number + 1}
        )
        with django_assert_num_queries(1):
            client.get(reverse("judge_list"))


def test_a_judges_page_shows_settings_prompts_and_verdict_counts(client, spec, decide, chat_judge):
    decide(spec(judge=chat_judge, limit=1))
    page = client.get(reverse("judge_detail", args=["chat"])).content.decode()
    assert "agon_pair-en-one_turn" in page
    assert chat_judge.fingerprint in page
    assert 'state=readable">6</a></td>' in page


def test_dry_runs_are_not_counted_as_verdicts(client, spec, decide, length_judge):
    decide(spec(limit=1, is_dry_run=True))
    assert Judgment.objects.count() == 6
    page = client.get(reverse("judge_detail", args=["longest"])).content.decode()
    assert "has not judged anything yet" in page


def test_an_older_version_has_its_own_page(client, length_judge):
    new_version(length_judge, settings={"tie_within": 3})
    page = client.get(reverse("judge_version", args=["longest", 1])).content.decode()
    assert "v1" in page
    assert client.get(reverse("judge_version", args=["longest", 9])).status_code == 404


def test_a_judge_is_set_up_on_a_page(staff, referee):
    response = staff.post(
        reverse("judge_new"),
        {
            "slug": "mine", "kind": "chat", "language_model": referee.pk,
            "settings": '{"language": "zh"}',
        },
    )  # fmt: skip
    assert response.url == reverse("judge_detail", args=["mine"])
    assert Judge.objects.get().settings == {"language": "zh"}


def test_a_wrong_setting_is_told_on_the_form(staff):
    page = staff.post(
        reverse("judge_new"), {"slug": "mine", "kind": "biased", "settings": '{"luck": 1}'}
    ).content.decode()
    assert "no setting &#x27;luck&#x27;" in page
