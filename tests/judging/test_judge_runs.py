"""Runs over stored answers: each judgment once, whatever happens in between."""

import asyncio
import datetime as dt

import pytest
from django.utils import timezone

from arena.calling import NotCallableError
from arena.models import Answer, Battle, RunStatus, WorkStatus
from arena.services.generation import EmptyRunError
from arena.services.runs import stop_run
from arena.work.dispatch import drive
from judging.models import JudgeRun, JudgeRunMode, Judgment
from judging.runs import judge_run_facts
from judging.services.judge_runs import create_judge_run, start_judge_run
from judging.services.judges import create_judge
from judging.workload import JudgeWorkload
from tests.openai_server import Fault, every, first_attempts

pytestmark = pytest.mark.django_db(transaction=True)


def winners(run):
    """Model that won, by game, over the run's judgments."""
    return {
        (j.battle.model_a if j.outcome == "model_a" else j.battle.model_b).slug
        for j in run.judgments.select_related("battle__model_a", "battle__model_b")
    }


def test_all_pairs_are_judged_in_both_orders(spec, decide):
    run = decide(spec())
    assert run.status == RunStatus.COMPLETED
    assert run.judgments.readable().count() == 36
    assert Battle.objects.count() == 18
    assert winners(run) == {"alpha", "beta"}


def test_games_are_stored_in_battle_order(spec, decide, chat_judge):
    run = decide(spec(judge=chat_judge))
    by_game = {
        (j.battle_id, j.game): j.outcome for j in run.judgments.filter(status=WorkStatus.DONE)
    }
    assert all(by_game[battle, 1] == by_game[battle, 2] for battle, _ in by_game)
    # answers are made alpha first, so alpha and beta stand on side a
    assert set(by_game.values()) == {"model_a"}


def test_against_a_baseline_only_its_pairs_are_judged(spec, decide, beta):
    run = decide(spec(mode=JudgeRunMode.BASELINE, baseline=beta))
    assert run.judgments.count() == 24
    assert all(beta in (b.model_a, b.model_b) for b in Battle.objects.all())


def test_single_scores_are_stored_per_answer(spec, decide, chat_judge):
    run = decide(spec(judge=chat_judge, mode=JudgeRunMode.SINGLE))
    scores = {j.answer.model.slug: j.score for j in run.judgments.select_related("answer__model")}
    assert scores["alpha"] > scores["beta"] > scores["gamma"]


def test_what_was_asked_and_said_and_cost_is_kept(spec, decide, chat_judge, served):
    run = decide(spec(judge=chat_judge, limit=1))
    judgment = run.judgments.first()
    sent = {call.body["messages"][-1]["content"] for call in served.calls}
    assert judgment.prompt[-1]["content"] in sent
    assert judgment.raw_text.endswith("[[A]]")
    assert judgment.prompt_name == "agon_pair-en-one_turn"
    assert judgment.cost_usd == pytest.approx(
        (judgment.input_tokens + 2 * judgment.output_tokens) / 1e6
    )
    assert judgment.latency_s > 0


def test_a_second_run_finds_nothing_to_do(spec, decide):
    decide(spec())
    with pytest.raises(EmptyRunError, match="has made all 36 judgments"):
        create_judge_run(spec())


def test_a_second_run_judges_only_what_was_not_there(spec, decide, alpha, beta):
    decide(spec(language_models=(alpha, beta)))
    run = decide(spec())
    assert (run.reused, run.judgments.count()) == (12, 24)


def test_two_runs_at_once_share_no_row(spec):
    first = start_judge_run(spec(limit=3))
    second = start_judge_run(spec())
    assert (first.judgments.count(), second.judgments.count()) == (18, 18)
    with pytest.raises(EmptyRunError, match="being made by runs that are going on"):
        create_judge_run(spec())


def test_the_rows_of_a_stopped_run_are_taken_over(spec, monkeypatch):
    monkeypatch.setattr("arena.services.runs._send_to_queue", lambda *_: None)
    stopped = stop_run(start_judge_run(spec()))
    run = create_judge_run(spec())
    assert (stopped.judgments.count(), run.judgments.count()) == (0, 36)


def test_rows_that_a_worker_still_holds_are_left_to_it(spec, monkeypatch):
    monkeypatch.setattr("arena.services.runs._send_to_queue", lambda *_: None)
    stopped = stop_run(start_judge_run(spec()))
    later = timezone.now() + dt.timedelta(minutes=1)
    held = stopped.judgments.order_by("id")[:4].values_list("id", flat=True)
    Judgment.objects.filter(pk__in=list(held)).update(
        status=WorkStatus.CLAIMED, lease_expires_at=later
    )
    assert create_judge_run(spec()).judgments.count() == 32


def test_failed_rows_of_a_finished_run_are_tried_again_by_the_next(
    spec, decide, chat_judge, served
):
    served.fault = every(1, Fault("server_error", status=400))
    failed = decide(spec(judge=chat_judge, limit=1))
    assert failed.judgments.filter(status=WorkStatus.FAILED).count() == 6
    served.fault = lambda *_: None
    assert decide(spec(judge=chat_judge, limit=1)).judgments.readable().count() == 6


def test_missing_answers_are_named_when_nothing_can_be_judged(spec, question_set, make_model):
    delta, epsilon = make_model("delta"), make_model("epsilon")
    with pytest.raises(EmptyRunError, match=r"answers are missing of delta \(6\), epsilon \(6\)"):
        create_judge_run(spec(language_models=(delta, epsilon)))


def test_a_judge_without_an_endpoint_is_refused_before_any_row(spec, make_model):
    judge = create_judge(slug="mute", kind="chat", language_model=make_model("mute"))
    with pytest.raises(NotCallableError, match="has no endpoint"):
        create_judge_run(spec(judge=judge))
    assert not JudgeRun.objects.exists()


# -- dry runs ---------------------------------------------------------------------------------


def test_a_dry_run_calls_nobody_and_is_marked(spec, decide, chat_judge, served):
    run = decide(spec(judge=chat_judge, is_dry_run=True))
    assert served.calls == []
    assert run.judgments.filter(is_dry_run=True).count() == 36
    assert Judgment.objects.counted().count() == 0
    judgment = run.judgments.first()
    assert judgment.raw_text.startswith("Dry run: a random outcome")
    assert "alpha q0" in judgment.prompt[-1]["content"]


def test_a_dry_run_leaves_the_real_run_to_be_made(spec, decide):
    decide(spec(is_dry_run=True))
    assert decide(spec()).judgments.counted().count() == 36


# -- what judges say --------------------------------------------------------------------------


def test_an_unreadable_verdict_is_asked_for_once_more_and_both_texts_are_kept(
    spec, decide, chat_judge, served
):
    served.reply = lambda messages: f"I cannot say. ({len(served.calls)})"
    run = decide(spec(judge=chat_judge, limit=1, mode=JudgeRunMode.SINGLE))
    assert len(served.calls) == 6
    judgment = run.judgments.first()
    assert (judgment.status, judgment.is_readable, judgment.score) == (WorkStatus.DONE, False, None)
    texts = [each["raw_text"] for each in judgment.metadata["unreadable_replies"]]
    assert len(set(texts)) == 2
    assert judgment.raw_text == texts[-1]
    assert judgment.metadata["reason"] == "no_verdict"
    assert run.status == RunStatus.COMPLETED


def test_a_verdict_that_can_be_read_the_second_time_counts(spec, decide, chat_judge, served):
    seen = set()

    def hesitate(messages):
        text = messages[-1]["content"]
        is_new = text not in seen
        seen.add(text)
        return "Let me think." if is_new else "Rating: [[7]]"

    served.reply = hesitate
    run = decide(spec(judge=chat_judge, limit=1, mode=JudgeRunMode.SINGLE))
    assert set(run.judgments.values_list("score", flat=True)) == {7.0}
    judgment = run.judgments.first()
    assert judgment.metadata["unreadable_replies"][0]["raw_text"] == "Let me think."
    assert judgment.input_tokens > 2 * 100  # both calls are paid


def test_what_cannot_be_asked_fails_with_its_reason(spec, decide, chat_judge, gamma):
    gamma.answers.update(turns=[])
    run = decide(spec(judge=chat_judge))
    reasons = set(run.judgments.filter(status="failed").values_list("error_kind", flat=True))
    assert reasons == {"answer_incomplete"}
    assert run.judgments.filter(status="failed").count() == 24


def test_a_judge_that_can_no_longer_be_built_fails_its_rows_with_the_reason(spec, chat_judge):
    run = start_judge_run(spec(judge=chat_judge))
    chat_judge.settings = {"luck": 1}
    chat_judge.save()
    run.refresh_from_db()
    asyncio.run(drive(run, JudgeWorkload.open(run)))
    row = run.judgments.first()
    assert (row.status, row.error_kind) == ("failed", "judge_unusable")
    assert "no setting 'luck'" in row.error_detail


def test_a_key_that_is_not_set_is_named_on_the_row(spec, decide, chat_judge, endpoint, monkeypatch):
    monkeypatch.setenv("JUDGE_KEY", "secret")
    endpoint.api_key_env, endpoint.api_key = "JUDGE_KEY", ""
    endpoint.save()
    run = create_judge_run(spec(judge=chat_judge, limit=1))
    monkeypatch.delenv("JUDGE_KEY")
    run.status = RunStatus.ACTIVE
    run.save()
    asyncio.run(drive(run, JudgeWorkload.open(run)))
    row = run.judgments.first()
    assert row.error_kind == "not_callable"
    assert "JUDGE_KEY" in row.error_detail


# -- no second bill ---------------------------------------------------------------------------


def test_equal_requests_are_paid_for_once(spec, decide, chat_judge, served):
    for answer in Answer.objects.filter(model__slug="beta"):
        twin = Answer.objects.get(question=answer.question, model__slug="alpha")
        Answer.objects.filter(pk=answer.pk).update(turns=twin.turns)
    run = decide(spec(judge=chat_judge, mode=JudgeRunMode.SINGLE))
    assert len(served.calls) == 12
    assert run.judgments.readable().count() == 18
    assert run.judgments.filter(metadata__reused_replies=1, cost_usd=0).count() == 6


def test_a_reply_that_an_earlier_version_paid_for_is_used_again(spec, decide, chat_judge, served):
    decide(spec(judge=chat_judge))
    other = create_judge(
        slug="chat-too", kind="chat", language_model=chat_judge.language_model,
        settings={"temperature": 0.0},
    )  # fmt: skip
    paid = len(served.calls)
    run = decide(spec(judge=other))
    assert len(served.calls) == paid
    assert run.judgments.readable().count() == 36
    assert sum(run.judgments.values_list("cost_usd", flat=True)) == 0


def test_repeats_are_asked_anew_on_purpose(spec, decide, chat_judge, served):
    decide(spec(judge=chat_judge, limit=1, repeats=2))
    assert len(served.calls) == 12


def test_a_retried_call_is_not_paid_again_by_the_judgments_that_worked(
    spec, decide, chat_judge, served
):
    served.fault = first_attempts(3, Fault("server_error"))
    decide(spec(judge=chat_judge))
    assert served.paid_twice == []
    assert len(served.paid_calls) == 36


# -- facts ------------------------------------------------------------------------------------


def test_the_run_tells_its_cost_so_far(spec, decide, chat_judge, django_assert_max_num_queries):
    run = decide(spec(judge=chat_judge))
    with django_assert_max_num_queries(5):
        facts = dict(judge_run_facts(run))
    assert facts["Cost so far"].startswith("$0.0")
    assert facts["Unreadable verdicts"] == 0
    assert facts["Tokens sent"] > 0


def test_a_cost_that_is_not_known_is_not_told_as_zero(spec, decide, chat_judge, referee):
    referee.price_in_per_mtok = None
    referee.save()
    facts = dict(judge_run_facts(decide(spec(judge=chat_judge))))
    assert "without 36 judgments of unknown price" in facts["Cost so far"]
