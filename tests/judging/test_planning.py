"""What a run would take, before anything is sent."""

import pytest

from judging.models import JudgeRunMode, Judgment
from judging.plan_text import plan_text
from judging.services.judges import create_judge
from judging.services.ledger import JudgeRunError, open_ledger
from judging.services.planning import plan_judge_run

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("mode", "expected"),
    [(JudgeRunMode.SINGLE, 6 * 3), (JudgeRunMode.PAIRS, 6 * 3 * 2)],
)
def test_every_model_or_pair_is_judged_on_every_question_in_both_orders(spec, mode, expected):
    assert plan_judge_run(spec(mode=mode)).to_make == expected


def test_the_baseline_is_not_judged_against_itself(spec, beta):
    plan = plan_judge_run(spec(mode=JudgeRunMode.BASELINE, baseline=beta))
    assert plan.to_make == 6 * 2 * 2


def test_two_turns_get_a_verdict_each(spec, two_turns, alpha, make_answer):
    make_answer(alpha, two_turns.questions.get(), "one", "two")
    slots = open_ledger(
        spec(mode=JudgeRunMode.SINGLE, question_set=two_turns, language_models=(alpha,))
    ).missing
    assert [slot.turn for slot in slots] == [1, 2]


def test_a_judge_may_be_set_to_judge_the_whole_conversation(spec, two_turns, alpha, make_answer):
    make_answer(alpha, two_turns.questions.get(), "one", "two")
    judge = create_judge(slug="all", kind="length_preferring", settings={"single_turns": "whole"})
    slots = open_ledger(
        spec(
            mode=JudgeRunMode.SINGLE, judge=judge, question_set=two_turns, language_models=(alpha,)
        )
    ).missing
    assert [slot.turn for slot in slots] == [0]


def test_the_limit_takes_the_first_questions(spec):
    plan = plan_judge_run(spec(limit=2))
    assert (plan.questions, plan.to_make) == (2, 2 * 3 * 2)


def test_missing_answers_are_counted_by_model(spec, gamma):
    gamma.answers.order_by("id").first().delete()
    plan = plan_judge_run(spec())
    assert plan.missing_answers == {"gamma": 1}
    assert plan.to_make == (5 * 3 + 1) * 2


@pytest.mark.django_db(transaction=True)
def test_what_is_judged_already_is_reused(spec, decide):
    decide(spec(limit=2))
    plan = plan_judge_run(spec())
    assert (plan.reused, plan.to_make) == (12, 24)


def test_an_offline_judge_costs_nothing(spec):
    plan = plan_judge_run(spec())
    assert (plan.calls, plan.money) == (0, 0.0)
    assert not plan.costs_money


def test_a_chat_judge_has_calls_tokens_money_and_time(spec, chat_judge):
    plan = plan_judge_run(spec(judge=chat_judge))
    assert plan.calls == 36
    assert 36 * 300 < plan.input_tokens < 36 * 1_500
    assert plan.money == pytest.approx((plan.input_tokens + 2 * plan.output_tokens) / 1e6)
    assert plan.money_at_most > plan.money
    assert plan.seconds == 25.0  # five rounds of eight calls at five seconds each
    assert plan.costs_money


def test_an_unknown_price_is_no_price_of_zero(spec, chat_judge, referee):
    referee.price_out_per_mtok = None
    referee.save()
    plan = plan_judge_run(spec(judge=chat_judge))
    assert plan.money is None
    assert plan.costs_money


def test_a_dry_run_of_a_chat_judge_costs_nothing(spec, chat_judge):
    plan = plan_judge_run(spec(judge=chat_judge, is_dry_run=True))
    assert (plan.calls, plan.money, plan.to_make) == (0, 0.0, 36)


def test_planning_stores_nothing(spec, chat_judge):
    plan_judge_run(spec(judge=chat_judge))
    assert not Judgment.objects.exists()


def test_planning_takes_as_many_queries_for_many_questions_as_for_few(
    spec, chat_judge, django_assert_num_queries
):
    with django_assert_num_queries(9):
        plan_judge_run(spec(judge=chat_judge, limit=1))
    with django_assert_num_queries(9):
        plan_judge_run(spec(judge=chat_judge))


def test_the_plan_tells_how_well_the_results_will_be_known(spec):
    precision = plan_judge_run(spec()).precision
    assert (precision.basis, precision.questions) == ("assumed", 6)
    assert plan_judge_run(spec(limit=1)).precision.points > precision.points


@pytest.mark.django_db(transaction=True)
def test_the_expected_precision_learns_from_the_judges_own_verdicts(spec, decide, monkeypatch):
    monkeypatch.setattr("judging.precision.LEAST_QUESTIONS", 3)
    judge = create_judge(slug="noisy", kind="biased", settings={"first_position": 0.5})
    decide(spec(judge=judge, limit=4))
    precision = plan_judge_run(spec(judge=judge)).precision
    assert (precision.basis, precision.n_questions) == ("stored", 4)


def test_single_scores_have_a_precision_on_their_own_scale(spec):
    precision = plan_judge_run(spec(mode=JudgeRunMode.SINGLE)).precision
    assert precision.points is None
    assert precision.half_width == pytest.approx(1.959964 * 2.0 / 6**0.5)


def test_an_adaptive_plan_says_at_most_and_likely_and_what_that_rests_on(spec, chat_judge):
    asked = spec(judge=chat_judge, settings={"adaptive": {"within": 200}})
    plan = plan_judge_run(asked)
    found = plan.forecast
    assert plan.adaptive_within == 200
    assert 0 < found.low <= found.likely <= found.high <= plan.to_make == 36
    assert plan.likely_money == pytest.approx(
        (plan.money * found.low / 36, plan.money * found.high / 36)
    )
    told = plan_text(asked, plan)
    assert f"{found.low} to {found.high}" in told
    assert "from assumed strengths and an assumed consistency of the judge" in told


def test_a_plan_that_is_not_adaptive_forecasts_nothing(spec, chat_judge):
    plan = plan_judge_run(spec(judge=chat_judge))
    assert (plan.forecast, plan.likely_money) == (None, None)


def test_tasks_that_no_prompt_fits_are_told_before_the_run(spec, referee, db):
    from judging.models import JudgePrompt

    JudgePrompt.objects.create(
        name="needs-reference",
        mode="pairwise",
        template="{question} {ref_answer_1} {answer_a} {answer_b}",
        convention="mt_bench_pair",
    )
    judge = create_judge(
        slug="r", kind="chat", language_model=referee, settings={"pair_prompts": "needs-reference"}
    )
    plan = plan_judge_run(spec(judge=judge))
    assert plan.unjudgeable == 1.0
    assert "has no pairwise template" in plan.problem


def test_what_makes_no_run_is_refused(spec, alpha, referee):
    logprob = create_judge(slug="soft", kind="logprob", language_model=referee)
    for changes, told in (
        ({"mode": JudgeRunMode.BASELINE}, "needs a baseline"),
        ({"baseline": alpha}, "has no baseline"),
        ({"language_models": (alpha,)}, "at least 2"),
        (
            {"mode": JudgeRunMode.BASELINE, "baseline": alpha, "language_models": (alpha,)},
            "besides",
        ),
        ({"mode": JudgeRunMode.SINGLE, "judge": logprob}, "does not judge in mode single"),
    ):
        with pytest.raises(JudgeRunError, match=told):
            spec(**changes)
