"""A budget is hard: no call begins that could exceed it, and the run stops in order."""

import asyncio

import pytest
from django.core.management import CommandError, call_command

from arena.models import RunStatus, WorkStatus
from judging.budget import Budget, BudgetError, Purse
from judging.services.judge_runs import create_judge_run
from judging.spending import run_spending
from providers.base import Completion


class Till:
    """A purse whose stop is written down; every call costs a dollar and may cost two."""

    def __init__(self, seconds=0.0, **limits):
        self.reasons = []
        self.purse = Purse(Budget(**limits), self.stop, lambda: seconds)

    async def stop(self, reason):
        self.reasons.append(reason)

    async def call(self):
        await asyncio.sleep(0)
        return Completion("done")

    async def pay_many(self, n):
        """Begin ``n`` calls at once; how many were made until nothing moves any more."""
        tasks = [
            asyncio.create_task(self.purse.pay(self.call, at_most_usd=2.0, cost_of=lambda _: 1.0))
            for _ in range(n)
        ]
        for _ in range(10 * n):
            await asyncio.sleep(0)
        made = sum(task.done() for task in tasks)
        for task in tasks:
            task.cancel()
        return made


async def test_no_call_begins_whose_dearest_outcome_exceeds_the_money():
    till = Till(usd=5.0)
    # four dollars are spent and the fifth call may cost two
    assert await till.pay_many(10) == 4
    assert till.purse.usd == 4.0
    assert till.reasons == [
        "the budget of $5.00 is used up: $4.0000 are spent, and one more call may cost $2.0000"
    ]


async def test_calls_are_counted_with_those_in_flight():
    till = Till(calls=3)
    assert await till.pay_many(10) == 3
    assert till.reasons == ["the budget of 3 calls is used up"]


async def test_what_others_have_spent_counts():
    till = Till(calls=3)
    till.purse.before = type(till.purse.before)(calls=2)
    assert await till.pay_many(10) == 1


async def test_no_call_begins_after_the_time():
    till = Till(seconds=61.0, minutes=1)
    assert await till.pay_many(3) == 0
    assert till.reasons == ["the budget of 1 minutes is used up"]


@pytest.mark.parametrize(
    ("budget", "told"),
    [({"euro": 1}, "no 'euro'; it has: usd"), ({"calls": 0}, "calls is 0; it must be above 0")],
)
def test_a_budget_that_makes_no_sense_is_refused(budget, told):
    with pytest.raises(BudgetError, match=told):
        Budget.from_settings({"budget": budget})


@pytest.mark.django_db(transaction=True)
def test_a_run_stops_in_order_when_its_calls_are_used_up(spec, decide, chat_judge, served):
    run = decide(spec(judge=chat_judge, settings={"budget": {"calls": 10}}))
    assert run.status == RunStatus.STOPPED
    assert run.status_detail == "the budget of 10 calls is used up"
    assert len(served.calls) == 10
    assert run.judgments.readable().count() == 10
    assert run.judgments.filter(status=WorkStatus.PENDING, attempts=0).count() == 26


@pytest.mark.django_db(transaction=True)
def test_money_is_never_exceeded_and_the_rest_is_made_with_more(spec, decide, chat_judge):
    run = decide(spec(judge=chat_judge, settings={"budget": {"usd": 0.01}}))
    assert run.status == RunStatus.STOPPED
    assert 0 < run_spending(run).cost_usd <= 0.01
    rest = decide(spec(judge=chat_judge, settings={"budget": {"usd": 10.0}}))
    assert rest.status == RunStatus.COMPLETED
    assert rest.judgments.count() + rest.reused == 36


@pytest.mark.django_db
def test_money_cannot_be_limited_without_prices(spec, chat_judge, referee):
    referee.price_in_per_mtok = None
    referee.save()
    with pytest.raises(BudgetError, match="'referee' has no prices"):
        create_judge_run(spec(judge=chat_judge, settings={"budget": {"usd": 1.0}}))


@pytest.mark.django_db(transaction=True)
def test_the_command_stops_with_the_reason(answered, chat_judge, monkeypatch):
    monkeypatch.setattr("arena.services.runs._send_to_queue", lambda *_: None)
    asked = ["--set", "set", "--judge", "chat", "--mode", "pairs", "--max-calls", "5", "--yes"]
    with pytest.raises(CommandError, match="the budget of 5 calls is used up") as error:
        call_command("judge", *asked)
    assert error.value.returncode == 130
