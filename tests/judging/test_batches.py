"""Judge runs through the Batch API: sent together, found again, each request paid once."""

import pytest

from arena.models import RunStatus, WorkStatus
from arena.services.runs import resume_run, stop_run
from judging.batch_desk import BatchDesk
from judging.budget import BudgetError
from judging.model_costs import model_costs
from judging.models import JudgeBatch, Judgment
from judging.runs import judge_run_facts
from judging.services.judge_runs import create_judge_run, start_judge_run
from judging.services.judges import create_judge
from judging.services.ledger import JudgeRunError
from judging.services.planning import plan_judge_run
from judging.spending import run_spending

pytestmark = pytest.mark.django_db(transaction=True)


def sent_requests(server):
    return sum(batch["request_counts"]["total"] for batch in server.batches.values())


def test_all_requests_go_out_in_one_batch_and_no_worker_waits(batched, batches, chunk):
    run = chunk(start_judge_run(batched()))
    assert [b["request_counts"]["total"] for b in batches.batches.values()] == [36]
    assert run.status == RunStatus.ACTIVE
    waiting = run.judgments.filter(status=WorkStatus.PENDING, error_kind="batch_pending")
    assert waiting.count() == 36
    assert set(waiting.values_list("attempts", flat=True)) == {0}
    assert not batches.calls


def test_verdicts_are_stored_when_the_batch_is_finished_at_half_the_price(batched, batches, chunk):
    run = chunk(start_judge_run(batched()))
    chunk(run)
    assert run.status == RunStatus.ACTIVE
    batches.finish_batches()
    chunk(run)
    assert (run.status, run.judgments.readable().count()) == (RunStatus.COMPLETED, 36)
    assert len(batches.batches) == 1
    row = run.judgments.first()
    full = (row.input_tokens + 2 * row.output_tokens) / 1e6
    assert row.cost_usd == pytest.approx(full / 2)
    assert row.latency_s is None
    assert dict(judge_run_facts(run))["Batch API"].startswith("36 requests in 1 batches")


def test_another_process_finds_the_batch_by_its_row(batched, batches, monkeypatch, chunk):
    run = chunk(start_judge_run(batched()))
    stop_run(run)
    resume_run(run)
    batches.finish_batches()
    chunk(run)
    assert run.status == RunStatus.COMPLETED
    assert sent_requests(batches) == 36


def test_a_batch_whose_id_was_lost_in_a_crash_is_found_by_its_label(batched, batches, chunk):
    run = chunk(start_judge_run(batched()))
    JudgeBatch.objects.update(batch_id="", state="")
    batches.finish_batches()
    chunk(run)
    assert (run.status, sent_requests(batches)) == (RunStatus.COMPLETED, 36)


def test_a_batch_that_never_arrived_is_sent_again(batched, batches, chunk):
    run = chunk(start_judge_run(batched()))
    JudgeBatch.objects.update(batch_id="", state="", label="agon-lost")
    batches.state = "completed"
    chunk(run)
    chunk(run)
    assert (run.status, len(batches.batches)) == (RunStatus.COMPLETED, 2)


def test_an_unreadable_reply_is_asked_for_once_more_in_another_batch(batched, batches, chunk):
    batches.reply = lambda messages: "I cannot say."
    batches.state = "completed"
    run = start_judge_run(batched(limit=1))
    for _ in range(3):
        chunk(run)
    assert (run.status, sent_requests(batches)) == (RunStatus.COMPLETED, 12)
    row = run.judgments.first()
    assert (row.is_readable, len(row.metadata["unreadable_replies"])) == (False, 2)
    # both replies are paid for
    assert row.cost_usd == pytest.approx((row.input_tokens + 2 * row.output_tokens) / 2e6)
    assert row.input_tokens > 2 * 100


def test_what_an_expired_batch_did_not_reach_is_sent_again(batched, batches, chunk):
    run = chunk(start_judge_run(batched()))
    first = batches.batches["batch-0"]
    lines = batches.files[first["output_file_id"]].split(b"\n")
    batches.files[first["output_file_id"]] = b"\n".join(lines[:10])
    batches.finish_batches("expired")
    batches.state = "completed"
    chunk(run)
    chunk(run)
    assert run.judgments.readable().count() == 36
    assert [b["request_counts"]["total"] for b in batches.batches.values()] == [36, 26]


def test_a_batch_that_the_endpoint_refuses_fails_its_rows_with_the_reason(batched, batches, chunk):
    run = chunk(start_judge_run(batched(limit=1)))
    error = {"code": "x", "message": "this model has no batches", "line": None, "param": None}
    batches.batches["batch-0"]["errors"] = {"object": "list", "data": [error]}
    batches.finish_batches("failed")
    chunk(run)
    failed = run.judgments.filter(status=WorkStatus.FAILED)
    assert set(failed.values_list("error_detail", flat=True)) == {"this model has no batches"}
    assert failed.count() == 6


def test_equal_requests_are_sent_and_billed_once(batched, batches, answered, chunk):
    from arena.models import Answer
    from judging.models import JudgeRunMode

    for answer in Answer.objects.filter(model__slug="beta"):
        twin = Answer.objects.get(question=answer.question, model__slug="alpha")
        Answer.objects.filter(pk=answer.pk).update(turns=twin.turns)
    run = chunk(start_judge_run(batched(mode=JudgeRunMode.SINGLE)))
    batches.finish_batches()
    chunk(run)
    assert sent_requests(batches) == 12
    assert run.judgments.filter(metadata__reused_replies=1, cost_usd=0).count() == 6
    assert run_spending(run).cost_usd > 0


def test_a_jury_pays_once_for_what_comes_while_another_batch_is_out(
    batched, batches, referee, make_model, chunk
):
    """Each model has a batch of its own; every look at them is another process."""
    make_model("dear", endpoint=referee.endpoint, price_in_per_mtok=10, price_out_per_mtok=20)
    members = [{"kind": "chat", "model": name} for name in ("referee", "dear")]
    panel = create_judge(slug="panel", kind="jury", settings={"members": members})
    run = chunk(start_judge_run(batched(judge=panel, limit=1)))
    batches.batches["batch-0"]["status"] = "completed"
    chunk(chunk(run))
    assert run.judgments.filter(status=WorkStatus.PENDING, input_tokens__gt=0).count() == 6
    batches.finish_batches()
    chunk(run)
    assert run.judgments.readable().count() == 6
    assert {part.model: part.calls for part in model_costs(run.items())} == {
        "referee": 6,
        "dear": 6,
    }


def test_a_second_run_pays_for_nothing_that_a_batch_brought(batched, batches, chat_judge, chunk):
    batches.state = "completed"
    run = start_judge_run(batched())
    chunk(run)
    chunk(run)
    Judgment.objects.update(judge=chat_judge, repeat=9)  # as if for another run
    again = start_judge_run(batched())
    chunk(again)
    assert (again.status, sent_requests(batches)) == (RunStatus.COMPLETED, 36)


def test_the_plan_is_for_half_the_price_within_a_day(batched, spec, chat_judge):
    plan, full = plan_judge_run(batched()), plan_judge_run(spec(judge=chat_judge))
    assert plan.money == pytest.approx(full.money / 2)
    assert plan.seconds == 24 * 3600


@pytest.mark.parametrize(
    ("budget", "told"),
    [
        ({"usd": 0.001}, "may cost up to"),
        ({"calls": 40}, "may take 72 calls"),
        ({"minutes": 5}, "cannot be limited"),
    ],
)
def test_a_budget_that_a_batch_could_exceed_is_refused(batched, budget, told):
    with pytest.raises(BudgetError, match=told):
        create_judge_run(batched(settings={"budget": budget}))


def test_only_openai_compatible_endpoints_have_batches(batched, endpoint, chat_judge):
    endpoint.provider = "scripted"
    endpoint.save()
    chat_judge.refresh_from_db()
    with pytest.raises(JudgeRunError, match="has no Batch API"):
        create_judge_run(batched())


def test_an_endpoint_that_cannot_be_reached_loses_no_row(
    batched, batches, endpoint, monkeypatch, chunk
):
    endpoint.base_url = "http://127.0.0.1:9"
    endpoint.save()
    run = chunk(start_judge_run(batched(limit=1)))
    assert run.judgments.filter(error_kind="connection_failed").count() == 6
    assert JudgeBatch.objects.filter(state="unsent").exists()
    desk = BatchDesk(run.pk, lambda name: None)
    desk.load()
    assert desk.batch_of == {}
