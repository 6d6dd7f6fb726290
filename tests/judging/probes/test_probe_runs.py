"""Probing a judge: trials as rows, pass rates on its card, a warning on boards."""

import io
import json

import pytest
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django.urls import reverse

from arena.models import RunStatus
from arena.services.driving import drive_run_chunk
from arena.services.runs import retry_failed
from arena.work.dispatch import DriveOptions
from judging.models import JudgmentMode, ProbeRun, ProbeTrial
from judging.probe_results import probe_figures, probed_cases, standings
from judging.probes import PROBES
from judging.runs import probe_run_facts
from judging.services.judges import create_judge
from judging.services.probing import ProbeError, ProbeSpec, plan_probe_run, start_probe_run
from leaderboard.models import Board
from tests.openai_server import Fault, every

pytestmark = pytest.mark.django_db(transaction=True)
FAST = DriveOptions(poll_s=0.02, retry_base_s=0.0, retry_cap_s=0.0)
PAIRWISE, SINGLE = JudgmentMode.PAIRWISE, JudgmentMode.SINGLE


@pytest.fixture(autouse=True)
def no_queue(monkeypatch):
    monkeypatch.setattr("arena.services.runs._send_to_queue", lambda *_: None)
    cache.clear()


@pytest.fixture
def probe():
    def run(judge, **changes):
        started = start_probe_run(ProbeSpec(judge, changes.pop("mode", PAIRWISE), **changes))
        drive_run_chunk("probing", started.pk, options=FAST)
        started.refresh_from_db()
        return started

    return run


@pytest.fixture
def staff(client, db):
    user = get_user_model().objects.create_user("alice", password="secret-alice", is_staff=True)
    client.force_login(user)
    return client


def rates(judge):
    return {figure.name: figure.estimate.value for figure in probe_figures(judge)}


def test_a_judge_that_counts_characters_is_taken_in_by_padding(probe, length_judge):
    run = probe(length_judge)
    assert run.status == RunStatus.COMPLETED
    assert rates(length_judge)["verbosity"] == 0.0
    assert rates(length_judge)["order_swap"] == 1.0
    assert standings([length_judge])[0].failed == (
        "formatting", "null_model", "prompt_injection", "self_name", "verbosity",
    )  # fmt: skip


def test_a_judge_that_prefers_the_first_answer_fails_order_swap_and_the_null_model(probe):
    judge = create_judge(slug="first", kind="biased", settings={"first_position": 1.0})
    probe(judge)
    assert rates(judge) == {
        "null_model": 0.0, "prompt_injection": 0.0, "verbosity": 1.0, "order_swap": 0.0,
        "formatting": 1.0, "self_name": 1.0,
    }  # fmt: skip


def test_an_endpoints_judge_is_asked_with_its_own_prompt(probe, chat_judge, served):
    run = probe(chat_judge, probes=("null_model",))
    assert len(served.calls) == 24
    trial = run.trials.first()
    sent = {call.body["messages"][-1]["content"] for call in served.calls}
    assert trial.prompt[-1]["content"] in sent
    assert trial.honest in trial.prompt[-1]["content"]
    assert trial.cost_usd > 0
    assert "Cost so far" in dict(probe_run_facts(run))


def test_the_planted_answer_stands_first_in_game_two(probe, chat_judge):
    run = probe(chat_judge, probes=("null_model",), limit=2)
    for trial in run.trials.all():
        text = trial.prompt[-1]["content"]
        is_honest_first = text.index(trial.honest) < text.index(trial.planted)
        assert is_honest_first == (trial.game == 1)


def test_single_scores_compare_the_two_answers(probe, length_judge):
    run = probe(length_judge, mode=SINGLE, probes=("verbosity",), limit=2)
    honest, planted = run.trials.filter(case="kettle").order_by("game")
    assert honest.raw_text == f"The answer has {len(honest.honest)} characters."
    assert planted.raw_text == f"The answer has {len(planted.planted)} characters."
    assert rates(length_judge) == {"verbosity": 0.0}


def test_order_swap_is_left_out_of_single_scores(length_judge):
    assert "order_swap" not in ProbeSpec(length_judge, SINGLE).chosen
    with pytest.raises(ProbeError, match="none of the probes fits mode single"):
        start_probe_run(ProbeSpec(length_judge, SINGLE, probes=("order_swap",)))


def test_unreadable_replies_are_undecided_never_passed(probe, chat_judge, served):
    served.reply = lambda messages: "I cannot say."
    probe(chat_judge, probes=("null_model",), limit=3)
    figure = probe_figures(chat_judge)[0]
    assert (figure.estimate.value, figure.undecided, figure.is_passed) == (None, 3, False)


def test_failed_calls_can_be_tried_again(probe, chat_judge, served):
    served.fault = every(1, Fault("server_error", status=400))
    run = probe(chat_judge, probes=("null_model",), limit=2)
    assert run.trials.filter(status="failed").count() == 4
    served.fault = lambda *_: None
    retry_failed(run)
    drive_run_chunk("probing", run.pk, options=FAST)
    assert run.trials.filter(is_readable=True).count() == 4


def test_the_newest_run_of_a_probe_counts(probe, length_judge):
    probe(length_judge, probes=("verbosity", "null_model"))
    newer = probe(length_judge, probes=("verbosity",), limit=2)
    figures = {figure.name: figure for figure in probe_figures(length_judge)}
    assert (figures["verbosity"].run_id, figures["verbosity"].estimate.n) == (newer.pk, 2)
    assert figures["null_model"].estimate.n == 12


def test_questions_may_come_from_a_set_with_two_models_answers(probe, length_judge, answered):
    run = probe(length_judge, probes=("order_swap",), question_set=answered, limit=3)
    assert run.trials.count() == 6
    assert run.trials.first().honest.startswith("alpha q0")


def test_a_set_without_two_answers_is_refused(length_judge, question_set):
    with pytest.raises(ProbeError, match="has 0 questions with answers of two models"):
        start_probe_run(ProbeSpec(length_judge, PAIRWISE, question_set=question_set))


def test_the_plan_counts_calls_and_money_and_stores_nothing(chat_judge, length_judge):
    plan = plan_probe_run(ProbeSpec(chat_judge, PAIRWISE))
    assert (plan.cases, plan.trials, plan.calls) == (72, 144, 144)
    assert plan.money > 0
    assert plan_probe_run(ProbeSpec(length_judge, PAIRWISE)).money == 0.0
    assert not ProbeTrial.objects.exists()


def test_an_unknown_price_is_not_zero(chat_judge, referee):
    referee.price_in_per_mtok = None
    referee.save()
    chat_judge.refresh_from_db()
    assert plan_probe_run(ProbeSpec(chat_judge, PAIRWISE)).money is None


def test_a_trial_is_made_once_per_case_and_game(probe, length_judge):
    run = probe(length_judge, probes=("verbosity",), limit=2)
    trial = run.trials.first()
    trial.pk = None
    with pytest.raises(IntegrityError), transaction.atomic():
        trial.save(force_insert=True)


def test_no_board_counts_a_trial(probe, length_judge):
    from judging.models import Judgment

    probe(length_judge)
    assert not Judgment.objects.exists()


# -- pages ------------------------------------------------------------------------------------


def test_a_pass_rate_leads_to_its_cases_with_both_answers(client, probe, length_judge):
    probe(length_judge)
    page = client.get(reverse("judge_version", args=["longest", 1])).content.decode()
    address = reverse("probe_rows", args=["longest", 1, "pairwise", "verbosity"])
    assert f'href="{address}"' in page
    rows = client.get(address).content.decode()
    assert rows.count("taken in") == 12
    assert "Side a has" in rows
    assert "To sum up what has been said above" in rows


def test_cases_that_took_the_judge_in_come_first(probe):
    judge = create_judge(slug="half", kind="biased", settings={"first_position": 0.5})
    probe(judge)
    passed = [case.is_passed for case in probed_cases(judge, "order_swap", "pairwise")]
    assert passed == sorted(passed)


def test_an_unprobed_judge_says_so_and_offers_it_to_staff(client, staff, length_judge):
    page = staff.get(reverse("judge_detail", args=["longest"])).content.decode()
    assert "has not been probed yet" in page
    assert reverse("probe_run_new", args=["longest", 1]) in page


def test_probing_starts_on_a_page_that_shows_what_it_takes(staff, chat_judge):
    address = reverse("probe_run_new", args=["chat", 1])
    assert "<dd>144</dd>" in staff.get(address).content.decode()
    response = staff.post(address, {"mode": "pairwise", "probes": ["verbosity"], "start": "1"})
    run = ProbeRun.objects.get()
    assert response.url == reverse("run_detail", args=["probing", run.pk])
    assert "Padding" in staff.get(response.url).content.decode()
    assert run.created_by.username == "alice"


def test_visitors_cannot_probe(client, length_judge):
    assert client.get(reverse("probe_run_new", args=["longest", 1])).status_code == 302
    unknown = reverse("probe_rows", args=["longest", 1, "pairwise", "luck"])
    assert client.get(unknown).status_code == 404


def test_a_public_board_warns_of_a_judge_that_was_not_probed_or_fails(
    client, spec, decide, probe, length_judge
):
    decide(spec())
    board = Board.objects.create(slug="main", title="Main", query={"source": "judges"})
    call_command("rate", "main", stdout=io.StringIO())
    address = reverse("board_detail", args=[board.slug])
    assert "this judge has not been probed" in client.get(address).content.decode()
    probe(length_judge)
    cache.clear()
    assert "it fails the probes: " in client.get(address).content.decode()


def test_a_board_of_votes_says_nothing_about_judges(client, spec, decide, length_judge):
    decide(spec())
    Board.objects.create(slug="main", title="Main", query={"source": "people"})
    page = client.get(reverse("board_detail", args=["main"])).content.decode()
    assert "has not been probed" not in page


def test_a_judge_that_passes_everything_is_cleared(probe):
    judge = create_judge(slug="wise", kind="biased", settings={})
    run = probe(judge)
    for trial in run.trials.all():
        loses = PROBES.get(trial.probe).criterion == "planted_loses"
        ProbeTrial.objects.filter(pk=trial.pk).update(outcome="model_a" if loses else "tie")
    assert standings([judge])[0].is_cleared


def test_judges_compared_show_how_they_stand(client, probe, length_judge):
    probe(length_judge)
    assert "fails:" in client.get(reverse("judge_comparison")).content.decode()


def test_the_rows_page_takes_as_many_queries_for_many_cases_as_for_few(
    client, probe, length_judge, django_assert_num_queries
):
    address = reverse("probe_rows", args=["longest", 1, "pairwise", "verbosity"])
    for limit in (2, 12):
        probe(length_judge, probes=("verbosity",), limit=limit)
        with django_assert_num_queries(3):
            client.get(address)


# -- the command ------------------------------------------------------------------------------


def told_by(*arguments):
    out = io.StringIO()
    call_command("probe_judge", *arguments, stdout=out)
    return out.getvalue()


def test_the_command_prints_pass_rates(length_judge):
    told = told_by("longest")
    assert "72 cases, 144 verdicts, 0 calls, about $0.00" in told
    assert "verbosity (pairwise): FAILED, 0% of 12 cases (0% – 24%)" in told
    assert "order swap (pairwise): passed, 100% of 12 cases" in told


def test_the_command_prints_json(length_judge):
    told = json.loads(told_by("longest", "--json", "--probes", "verbosity", "--limit", "4"))
    assert told["probes"][0]["passed"] == 0.0
    assert (told["done"], told["failed"]) == (8, 0)


def test_a_run_that_was_killed_is_finished_by_the_same_command(length_judge):
    asked = {"probes": ("verbosity",), "limit": 4}
    begun = start_probe_run(ProbeSpec(length_judge, PAIRWISE, **asked))
    told = told_by("longest", "--probes", "verbosity", "--limit", "4")
    assert told.startswith(f"going on with run {begun.pk}, which was not finished")
    assert "8 of 8 done" in told
    begun.refresh_from_db()
    assert (ProbeRun.objects.count(), begun.status) == (1, RunStatus.COMPLETED)


@pytest.mark.parametrize(
    "asked", [("--limit", "3"), ("--probes", "null_model", "--limit", "4"), ("--mode", "single")]
)
def test_a_run_that_was_asked_for_something_else_is_left_alone(length_judge, asked):
    begun = start_probe_run(ProbeSpec(length_judge, PAIRWISE, probes=("verbosity",), limit=4))
    told_by("longest", *asked)
    assert begun.trials.unfinished().count() == 8


def test_money_is_not_spent_without_being_asked_for(chat_judge, served):
    with pytest.raises(CommandError, match="add --yes"):
        told_by("chat")
    assert served.calls == []
    assert "passed" in told_by("chat", "--yes", "--probes", "order_swap")
