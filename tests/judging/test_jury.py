"""A jury's members decide at once, and what they say becomes one verdict."""

import pytest

from judging.judges import JudgeSettingsError, build_judge
from judging.models import JudgeRunMode
from judging.services.judges import create_judge
from judging.verdicts import Outcome, UnreadableReason
from providers.base import Completion, FailureKind, ProviderError

THREE = [{"kind": "chat", "model": name} for name in ("one", "two", "three")]


def panel(*texts, **settings):
    """A jury of three models, and an endpoint where they say these texts (or fail)."""
    said = dict(zip(("one", "two", "three"), texts, strict=False))

    async def ask(request):
        text = said[request.endpoint]
        if isinstance(text, Exception):
            raise text
        return Completion(text=text, input_tokens=10, output_tokens=1)

    return build_judge("jury", {"members": THREE[: len(texts)], **settings}), ask


DOWN = ProviderError(FailureKind.SERVER_ERROR, "HTTP 500")


@pytest.mark.parametrize(
    ("texts", "outcome"),
    [
        (("[[A]]", "[[A]]", "[[B]]"), Outcome.MODEL_A),
        (("[[A]]", "[[B]]", "[[C]]"), Outcome.TIE),
        (("[[B]]", "[[B]]", "no idea"), Outcome.MODEL_B),
        (("[[A]]", "[[A]]", DOWN), Outcome.MODEL_A),
    ],
)
async def test_the_majority_decides_over_who_could_be_read(pair, texts, outcome):
    judge, ask = panel(*texts)
    assert (await judge.judge(pair(), ask)).parsed.outcome is outcome


async def test_the_first_member_may_break_a_tie(pair):
    judge, ask = panel("[[B]]", "[[A]]", "[[C]]", tie_break="first")
    assert (await judge.judge(pair(), ask)).parsed.outcome is Outcome.MODEL_B


@pytest.mark.parametrize(
    ("aggregation", "outcome"), [("mean", Outcome.MODEL_A), ("median", Outcome.TIE)]
)
async def test_preferences_are_averaged_where_asked_for(pair, aggregation, outcome):
    judge, ask = panel("[[A]]", "[[C]]", "[[C]]", aggregation=aggregation)
    assert (await judge.judge(pair(), ask)).parsed.outcome is outcome


@pytest.mark.parametrize(("aggregation", "score"), [("mean", 6.0), ("median", 7.0)])
async def test_scores_are_averaged(single, aggregation, score):
    judge, ask = panel("[[7]]", "[[9]]", "[[2]]", aggregation=aggregation)
    assert (await judge.judge(single(), ask)).parsed.score == score


async def test_game_two_is_in_battle_order(pair):
    judge, ask = panel("[[A]]", "[[A]]", "[[A]]")
    assert (await judge.judge(pair(game=2), ask)).parsed.outcome is Outcome.MODEL_B


async def test_a_missed_quorum_is_unreadable_and_no_tie(pair):
    judge, ask = panel("[[A]]", "hm", "hm")
    verdict = await judge.judge(pair(), ask)
    assert verdict.parsed.reason is UnreadableReason.NO_QUORUM
    assert verdict.details["members"][1]["reason"] == "no_verdict"


async def test_a_failure_that_costs_the_quorum_is_the_jurys_failure(pair):
    judge, ask = panel("[[A]]", DOWN, DOWN)
    with pytest.raises(ProviderError, match="HTTP 500"):
        await judge.judge(pair(), ask)


async def test_every_voice_is_kept(pair):
    judge, ask = panel("[[A]]", "[[B]]", DOWN, quorum=2)
    verdict = await judge.judge(pair(), ask)
    assert verdict.raw_text == "one:\n[[A]]\n\ntwo:\n[[B]]\n\nthree:\n(server_error: HTTP 500)"
    assert verdict.input_tokens == 20


async def test_repeats_are_separate_requests(pair):
    judge = build_judge("jury", {"members": THREE[:1], "repeats": 3})
    requests = judge.requests(pair())
    assert len({request.fingerprint for request in requests}) == 3
    assert judge.quorum == 2


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({}, "needs members"),
        ({"members": [{"kind": "chat"}]}, "needs a model"),
        ({"members": [{"kind": "jury"}]}, "cannot sit on a jury"),
        ({"members": [{"kind": "random", "weight": 2}]}, "has no 'weight'"),
        ({"members": THREE, "quorum": 4}, "choose 1 to 3"),
        ({"members": THREE, "aggregation": "dice"}, "choose one of: mean, median, majority"),
    ],
)
def test_a_jury_that_cannot_sit_is_refused(given, told):
    with pytest.raises(JudgeSettingsError, match=told):
        build_judge("jury", given)


@pytest.mark.django_db(transaction=True)
def test_a_run_asks_every_model_of_its_jury(spec, decide, make_model, endpoint, served):
    for name in ("one", "two"):
        make_model(name, endpoint=endpoint, price_in_per_mtok=1, price_out_per_mtok=1)
    members = [{"kind": "chat", "model": "one"}, {"kind": "chat", "model": "two"}]
    jury = create_judge(slug="jury", kind="jury", settings={"members": members, "quorum": 1})
    run = decide(spec(judge=jury, limit=1, mode=JudgeRunMode.SINGLE))
    assert {call.body["model"] for call in served.calls} == {"one", "two"}
    assert run.judgments.readable().count() == 3
    assert all(run.judgments.values_list("cost_usd", flat=True))


@pytest.mark.django_db
def test_a_jury_of_unknown_models_is_refused_when_it_is_made():
    with pytest.raises(JudgeSettingsError, match="asks the model 'nobody', which is unknown"):
        create_judge(
            slug="jury", kind="jury", settings={"members": [{"kind": "chat", "model": "nobody"}]}
        )


@pytest.fixture
def dear_jury(served, endpoint, make_model, referee):
    """Two models that are asked the same: the second costs ten times as much as the first."""
    make_model("dear", endpoint=endpoint, price_in_per_mtok=10, price_out_per_mtok=20)
    members = [{"kind": "chat", "model": slug} for slug in ("referee", "dear")]
    return create_judge(slug="panel", kind="jury", settings={"members": members})


@pytest.mark.django_db(transaction=True)
def test_what_a_jury_costs_is_split_by_model(spec, decide, dear_jury):
    from judging.cards import judge_card
    from judging.report import judge_run_report, report_html
    from judging.services.planning import plan_judge_run

    plan = plan_judge_run(spec(judge=dear_jury, limit=2))
    assert [(part.model, part.calls) for part in plan.by_model] == [("dear", 12), ("referee", 12)]
    assert plan.by_model[0].money == pytest.approx(10 * plan.by_model[1].money)
    assert sum(part.money for part in plan.by_model) == pytest.approx(plan.money)
    run = decide(spec(judge=dear_jury, limit=2))
    bill = judge_run_report(run).bill
    assert [(cost.model, cost.calls) for cost in bill.by_model] == [("dear", 12), ("referee", 12)]
    assert bill.by_model[0].usd == pytest.approx(10 * bill.by_model[1].usd)
    assert bill.usd > 0
    seconds = sum(run.judgments.values_list("latency_s", flat=True))
    assert bill.mean_latency_s == pytest.approx(seconds / 24)
    assert sum(cost.usd for cost in bill.by_model) == pytest.approx(bill.usd)
    assert "Cost by model" in report_html(run)
    card = judge_card(dear_jury)
    assert [part.model for part in card.models] == ["dear", "referee"]
    whole = card.get("cost").estimate.value
    assert sum(part.estimate.value for part in card.models) == pytest.approx(whole)
    again = plan_judge_run(spec(judge=dear_jury))
    # the history's tokens and seconds are those of both calls together
    assert again.output_tokens / again.calls == pytest.approx(bill.output_tokens / 24, rel=0.1)


@pytest.mark.django_db(transaction=True)
def test_a_judge_that_asks_one_model_has_nothing_to_split(spec, decide, chat_judge):
    from judging.report import judge_run_report

    assert judge_run_report(decide(spec(judge=chat_judge, limit=1))).bill.by_model == []
