"""`judge` and `generate_answers`: the plan first, stable JSON, exit codes that mean something."""

import io
import json

import pytest
from django.core.management import CommandError, call_command

from arena.management import driving_command
from arena.models import Answer, GenerationRun, RunStatus
from arena.services.generation import start_generation
from judging.models import JudgeRun, Judgment
from judging.services.judge_runs import start_judge_run
from tests.openai_server import Fault, every

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def no_queue(monkeypatch):
    sent = []
    monkeypatch.setattr("arena.services.runs._send_to_queue", lambda *message: sent.append(message))
    return sent


def run(*arguments):
    out = io.StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


def judge(*arguments, name="longest", mode="pairs"):
    return run("judge", "--set", "set", "--judge", name, "--mode", mode, *arguments)


def test_judging_shows_the_plan_and_what_came_of_it(answered, length_judge):
    told = judge()
    assert "36 to make, 0 there already" in told
    assert told.endswith("36 of 36 done, 0 failed\n")
    assert Judgment.objects.readable().count() == 36


def test_the_report_is_json_with_the_plan_in_it(answered, chat_judge):
    told = json.loads(judge("--json", "--yes", "--limit", "1", name="chat", mode="single"))
    assert (told["done"], told["failed"], told["unreadable"], told["reused"]) == (3, 0, 0, 0)
    assert told["status"] == "completed"
    assert 0 < told["cost_usd"] < told["plan"]["money_at_most"]


def test_a_baseline_is_named_by_its_slug(answered, length_judge):
    judge("--baseline", "beta", mode="baseline")
    assert JudgeRun.objects.get().baseline.slug == "beta"


def test_models_may_be_given_one_by_one_or_with_commas(answered, length_judge):
    judge("--models", "alpha,beta")
    assert Judgment.objects.count() == 12


def test_money_is_not_spent_without_being_asked_for(answered, chat_judge, served):
    with pytest.raises(CommandError, match="add --yes") as error:
        judge(name="chat")
    assert error.value.returncode == 2
    assert served.calls == []


def test_somebody_at_the_terminal_is_asked(answered, chat_judge, served, monkeypatch):
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda: "n")
    with pytest.raises(CommandError, match="nothing was spent"):
        judge(name="chat")
    assert served.calls == []


def test_a_dry_run_makes_the_answers_and_calls_no_judge(
    question_set, served_alpha, served_beta, chat_judge, served
):
    told = json.loads(judge("--dry-run", "--json", name="chat"))
    assert (told["done"], told["is_dry_run"]) == (12, True)
    assert Answer.objects.done().count() == 12
    assert {call.body["model"] for call in served.calls} == {"alpha", "beta"}
    assert Judgment.objects.counted().count() == 0


def test_a_dry_run_judges_what_is_there_when_a_model_cannot_be_called(answered, length_judge, beta):
    beta.answers.order_by("id").first().delete()
    told = json.loads(judge("--dry-run", "--json"))
    assert told["missing_answers"] == {"beta": 1}
    assert told["done"] == 36 - 4


def test_with_no_wait_the_run_is_left_to_the_workers(answered, length_judge, no_queue):
    told = json.loads(judge("--no-wait", "--json"))
    assert (told["status"], told["waiting"]) == ("active", 36)
    assert no_queue == [("judging", told["run"])]


def test_the_same_command_again_has_nothing_to_do(answered, length_judge):
    judge()
    with pytest.raises(CommandError, match="has made all 36 judgments") as error:
        judge()
    assert error.value.returncode == 3


def test_a_run_that_was_killed_is_finished_by_the_same_command(answered, length_judge, spec):
    begun = start_judge_run(spec())
    assert "36 of 36 done" in judge()
    begun.refresh_from_db()
    assert (JudgeRun.objects.count(), begun.status) == (1, RunStatus.COMPLETED)


def test_a_run_over_other_models_is_left_to_those_who_asked_for_it(
    answered, length_judge, spec, alpha, beta
):
    begun = start_judge_run(spec(language_models=(alpha, beta)))
    judge()
    begun.refresh_from_db()
    assert (begun.status, begun.judgments.unfinished().count()) == (RunStatus.ACTIVE, 12)


def test_failed_judgments_end_with_code_one_and_are_made_by_the_same_command(
    answered, chat_judge, served
):
    served.fault = every(1, Fault("server_error", status=400))
    with pytest.raises(CommandError, match="3 of 3 failed: 3 × bad_request") as error:
        judge("--yes", "--limit", "1", name="chat", mode="single")
    assert error.value.returncode == 1
    served.fault = lambda *_: None
    assert "3 of 3 done" in judge("--yes", "--limit", "1", name="chat", mode="single")


def test_ctrl_c_stops_in_order_and_says_how_to_go_on(answered, length_judge, monkeypatch):
    def interrupt(driving):
        raise KeyboardInterrupt

    monkeypatch.setattr(driving_command, "_pause", interrupt)
    monkeypatch.setattr(driving_command, "drive_run_chunk", lambda *_: object())
    with pytest.raises(CommandError, match="Run the same command again") as error:
        judge()
    assert error.value.returncode == 130
    assert JudgeRun.objects.get().status == RunStatus.STOPPED
    monkeypatch.undo()
    monkeypatch.setattr("arena.services.runs._send_to_queue", lambda *_: None)
    assert "36 of 36 done" in judge()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--judge", "shortest"], "there is no judge 'shortest'; there are: longest"),
        (["--models", "alpah", "beta"], "there is no model 'alpah'; did you mean 'alpha'"),
        (["--set", "sat"], "there is no question set 'sat'; did you mean 'set'"),
        (["--mode", "baseline"], "mode baseline needs a baseline"),
        (["--models", "alpha"], "takes at least 2"),
    ],
)
def test_a_wrong_argument_ends_with_code_two_and_the_right_ones(
    answered, length_judge, arguments, told
):
    with pytest.raises(CommandError, match=told) as error:
        judge(*arguments)
    assert error.value.returncode == 2


@pytest.fixture
def served_beta(beta, endpoint):
    beta.endpoint = endpoint
    beta.save()
    return beta


# -- generate_answers -------------------------------------------------------------------------


@pytest.fixture
def served_alpha(alpha, endpoint):
    alpha.endpoint = endpoint
    alpha.save()
    return alpha


def generate(*arguments):
    return run("generate_answers", "--set", "set", "--models", "alpha", *arguments)


def test_answers_are_generated_with_the_settings_asked_for(question_set, served_alpha, served):
    told = json.loads(generate("--temperature", "0.3", "--max-tokens", "99", "--json"))
    assert (told["done"], told["present_before"]) == (6, 0)
    assert {(c.body["temperature"], c.body["max_tokens"]) for c in served.calls} == {(0.3, 99)}


def test_only_missing_answers_are_generated(question_set, served_alpha, served):
    generate("--limit", "2")
    assert "4 answers to make (1 models, 6 questions), 2 there already" in generate()
    assert len(served.calls) == 6
    with pytest.raises(CommandError, match="has answered all questions") as error:
        generate()
    assert error.value.returncode == 3


def begin(question_set, alpha, **asked):
    """A run that nobody works on any more."""
    return start_generation(question_set=question_set, language_models=[alpha], **asked)


def test_a_generation_that_was_killed_is_finished_by_the_same_command(
    question_set, served_alpha, served
):
    begun = begin(question_set, served_alpha, settings={"temperature": 0.3})
    told = generate("--temperature", "0.3")
    assert told.startswith(f"going on with run {begun.pk}, which was not finished")
    assert told.endswith("6 of 6 done, 0 failed\n")
    begun.refresh_from_db()
    assert (GenerationRun.objects.count(), begun.status) == (1, RunStatus.COMPLETED)


def test_what_a_killed_generation_was_not_to_make_is_made_as_well(
    question_set, served_alpha, served
):
    begin(question_set, served_alpha, limit=2)
    assert "4 answers to make (1 models, 6 questions), 2 there already" in generate()
    assert len(served.calls) == 6


@pytest.mark.parametrize("asked", [("--temperature", "0.5"), ("--limit", "2")])
def test_a_generation_with_other_settings_or_more_questions_is_left_alone(
    question_set, served_alpha, asked
):
    begun = begin(question_set, served_alpha)
    with pytest.raises(CommandError):
        generate(*asked)
    assert begun.answers.unfinished().count() == 6


def test_with_no_wait_a_killed_generation_is_left_to_the_workers(question_set, served_alpha):
    begun = begin(question_set, served_alpha, limit=2)
    generate("--no-wait")
    assert begun.answers.unfinished().count() == 2


def test_a_dry_run_goes_on_with_a_generation_that_was_killed(
    question_set, served_alpha, length_judge
):
    begun = begin(question_set, served_alpha)
    run("judge", "--set", "set", "--judge", "longest", "--mode", "single", "--dry-run")
    begun.refresh_from_db()
    assert begun.status == RunStatus.COMPLETED


def test_a_model_without_an_endpoint_is_a_usage_error(question_set, alpha):
    with pytest.raises(CommandError, match="'alpha' has no endpoint") as error:
        generate()
    assert error.value.returncode == 2


def test_generation_can_be_left_to_the_workers(question_set, served_alpha, no_queue):
    generate("--no-wait")
    assert no_queue == [("generation", GenerationRun.objects.get().pk)]
