"""A judgment's bill is the sum of all its attempts, whoever makes them."""

import io
from dataclasses import replace

import pytest
from django.core.management import call_command
from django.urls import reverse

from arena.models import Endpoint, WorkStatus
from arena.services.driving import drive_run_chunk
from arena.services.runs import stop_run
from arena.work.dispatch import DriveOptions
from judging.cost import Prices
from judging.model_costs import model_costs
from judging.models import JudgmentMode
from judging.receipt import Receipt, StoredBill
from judging.services.judge_runs import start_judge_run
from judging.services.judges import create_judge
from judging.services.probing import ProbeSpec, start_probe_run
from judging.spending import spent_by
from providers.base import Completion
from tests.openai_server import Fault

pytestmark = pytest.mark.django_db(transaction=True)
FAST = DriveOptions(poll_s=0.02, retry_base_s=0.0, retry_cap_s=0.0)
# the process ends while rows wait for their next attempt
ONE_ATTEMPT = replace(FAST, retry_base_s=1e6, retry_cap_s=1e6, wait_s=0.0)
DOLLAR = Prices(1e6, 1e6)


@pytest.fixture(autouse=True)
def no_queue(monkeypatch):
    monkeypatch.setattr("arena.services.runs._send_to_queue", lambda *_: None)


@pytest.fixture
def absent(make_model):
    """A model at an address where nobody answers."""
    nowhere = Endpoint.objects.create(
        slug="nowhere",
        base_url="http://127.0.0.1:9/v1",
        api_key="test",
        max_attempts=1,
        settings={"longest_wait_s": 0.05, "circuit_threshold": 1000},
    )
    return make_model("absent", endpoint=nowhere, price_in_per_mtok=10, price_out_per_mtok=20)


@pytest.fixture
def panel(referee, absent):
    """A jury of the referee and the absent model; both must be heard."""
    members = [{"kind": "chat", "model": name} for name in ("referee", "absent")]
    return create_judge(slug="panel", kind="jury", settings={"members": members, "quorum": 2})


def come_back(absent, served):
    """The absent model answers from now on."""
    Endpoint.objects.filter(pk=absent.endpoint_id).update(base_url=served.url)


def by_page(run, admin_client):
    admin_client.post(reverse("run_action", args=["judging", run.pk, "retry"]))


def by_command(run, admin_client):
    call_command("control_run", "retry", "judging", str(run.pk), stdout=io.StringIO())


def drive(run, options=FAST, kind="judging"):
    """Another process works on the run."""
    run.items().update(not_before=None)
    drive_run_chunk(kind, run.pk, options=options)
    run.refresh_from_db()
    return run


def test_a_jury_that_fails_bills_what_its_other_members_were_paid(spec, decide, panel, served):
    run = decide(spec(judge=panel, limit=1))
    rows = run.judgments.filter(status=WorkStatus.FAILED)
    assert rows.count() == run.judgments.count() == len(served.calls)  # each is paid once
    for row in rows:
        own = (row.input_tokens + 2 * row.output_tokens) / 1e6
        assert row.cost_usd == pytest.approx(own)
        assert own > 0


@pytest.mark.parametrize("retry", [by_page, by_command])
def test_a_retry_by_hand_adds_to_what_the_failed_attempt_has_paid(
    retry, spec, decide, panel, absent, served, admin_client
):
    run = decide(spec(judge=panel, limit=1))
    come_back(absent, served)
    retry(run, admin_client)
    drive(run)
    assert run.judgments.readable().count() == 6
    assert len(served.calls) == 12  # what the referee has said is not paid for again
    parts = {part.model: (part.calls, part.judgments) for part in model_costs(run.items())}
    assert parts == {"referee": (6, 6), "absent": (6, 6)}
    split = {part.model: part.usd for part in model_costs(run.items())}
    row = run.judgments.first()
    shares = row.metadata["spent_by_model"]
    assert row.cost_usd == pytest.approx(sum(share["usd"] for share in shares.values()))
    assert row.input_tokens == sum(share["input_tokens"] for share in shares.values())
    assert shares["referee"]["calls"] == 1
    assert shares["absent"]["usd"] == pytest.approx(10 * shares["referee"]["usd"], rel=0.2)
    assert "reused_replies" not in row.metadata
    assert sum(split.values()) == pytest.approx(
        sum(run.judgments.values_list("cost_usd", flat=True))
    )


def test_a_new_run_that_takes_a_failed_row_over_goes_on_with_its_bill(
    spec, decide, panel, absent, served
):
    first = decide(spec(judge=panel, limit=1))
    before = spent_by(first)
    come_back(absent, served)
    second = decide(spec(judge=panel, limit=1))
    assert second.judgments.readable().count() == 6
    told = spent_by(second)
    assert (before.calls, told.calls) == (6, 12)
    assert told.usd > 2 * before.usd > 0


def test_a_process_that_dies_between_attempts_takes_no_bill_with_it(spec, panel, absent, served):
    run = drive(start_judge_run(spec(judge=panel, limit=1)), ONE_ATTEMPT)
    assert run.judgments.filter(status=WorkStatus.PENDING, error_kind="connection_failed").count()
    assert spent_by(run).calls == len(served.calls) == 6
    come_back(absent, served)
    drive(run)
    assert run.judgments.readable().count() == 6
    assert spent_by(run).calls == len(served.calls) == 12


def test_a_paused_run_keeps_what_its_unfinished_rows_have_paid(spec, panel, absent, served):
    """One member has answered, the other is being waited for when the run is paused."""
    come_back(absent, served)
    served.fault = lambda _, body: Fault("hang") if body["model"] == "absent" else None
    run = start_judge_run(spec(judge=panel, limit=1))
    seen = []

    def give_way():
        if len(served.paid_calls) == 6 and not seen:
            seen.append(stop_run(run))
        return False

    drive(run, replace(FAST, gives_way=give_way))
    assert seen
    assert run.judgments.filter(status=WorkStatus.PENDING, attempts=0, lease_owner="").count() == 6
    assert spent_by(run).calls == 6


def test_a_trial_that_fails_keeps_its_bill_too(panel, absent, served):
    run = start_probe_run(ProbeSpec(panel, JudgmentMode.PAIRWISE, probes=("null_model",), limit=1))
    drive(run, kind="probing")
    assert run.trials.filter(status=WorkStatus.FAILED).count() == 2
    come_back(absent, served)
    call_command("control_run", "retry", "probing", str(run.pk), stdout=io.StringIO())
    drive(run, kind="probing")
    calls = [trial.metadata["paid_calls"] for trial in run.trials.filter(status=WorkStatus.DONE)]
    assert calls == [2, 2]


def test_a_budget_counts_the_calls_of_every_attempt(spec, panel, absent, served):
    """Six calls are paid, in attempts that failed; the next process may make four more."""
    run = start_judge_run(spec(judge=panel, limit=1, settings={"budget": {"calls": 1000}}))
    drive(run, ONE_ATTEMPT)
    come_back(absent, served)
    run.settings = {"budget": {"calls": 10}}
    run.save()
    drive(run)
    assert run.status_detail == "the budget of 10 calls is used up"
    assert len(served.calls) == 10


@pytest.mark.parametrize("prices", [DOLLAR, None])
def test_a_price_that_was_not_known_once_stays_unknown(prices):
    receipt = Receipt()
    receipt.add(Completion("x", "", "stop", 3, 2), prices)
    kept = receipt.unfinished_columns()
    again = Receipt.going_on(1, StoredBill(**kept))
    again.add(Completion("y", "", "stop", 1, 1), DOLLAR)
    assert again.columns() == {
        "cost_usd": 7.0 if prices else None,
        "input_tokens": 4,
        "output_tokens": 3,
        "latency_s": None,
    }
    assert again.calls == 2


def test_a_row_that_was_never_paid_for_starts_at_nothing():
    assert Receipt.going_on(1, StoredBill()).unfinished_columns() == {}
    assert Receipt.going_on(1, StoredBill()).cost_usd == 0.0
