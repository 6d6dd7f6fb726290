"""Adaptive runs: rows in batches, decided from rows, stopped when the gaps are known."""

import io
import json
from importlib import import_module

import pytest
from django.core.management import CommandError, call_command

from arena.models import Question, RunStatus
from arena.services.driving import drive_run_chunk
from arena.services.generation import EmptyRunError
from arena.services.runs import finish_if_done, resume_run, start_run, stop_run
from arena.work.dispatch import DriveOptions
from judging.models import JudgeRun, JudgeRunMode, Judgment
from judging.runs import judge_run_facts
from judging.services.adaptive import adaptive_summary
from judging.services.judge_runs import create_judge_run, extend_judge_run
from judging.services.judges import create_judge
from judging.services.ledger import JudgeRunError
from judging.services.planning import plan_judge_run

pytestmark = pytest.mark.django_db(transaction=True)
FAST = DriveOptions(poll_s=0.02, retry_base_s=0.0, retry_cap_s=0.0)
FORECAST = import_module("judging.adaptive.forecast")  # its package has a function of that name
STRENGTHS = {"alpha": 2.0, "beta": 0.0, "gamma": -2.0}


@pytest.fixture
def judge(db):
    """Its verdicts depend on the task alone: a clean run and an interrupted one can be compared."""
    return create_judge(slug="planted", kind="biased", settings={"strengths": STRENGTHS})


@pytest.fixture(autouse=True)
def few_simulations(monkeypatch):
    """Every look forecasts what is left; only what looks at that needs them all."""
    monkeypatch.setattr(FORECAST, "SIMULATIONS", 3)
    monkeypatch.setattr(FORECAST, "_FEWEST", 3)


@pytest.fixture
def adaptive(spec, judge, answered, make_answer):
    """46 questions, three models: 276 judgments if all were made."""

    def make(**changes):
        settings = {"adaptive": {"within": 150, **changes.pop("adaptive", {})}}
        return spec(judge=judge, settings=settings, **changes)

    models = [answer.model for answer in answered.questions.first().answers.select_related("model")]
    extra = Question.objects.bulk_create(
        Question(
            question_set=answered,
            external_id=f"more{number}",
            turns=[[{"type": "text", "text": f"And {number}?"}]],
            language="en",
        )
        for number in range(40)
    )
    for question in extra:
        for model in models:
            make_answer(model, question, f"{model.slug} says {question.external_id}")
    return make


@pytest.fixture
def drive_all(monkeypatch):
    """Create a run and drive chunk after chunk until it is over."""
    monkeypatch.setattr("arena.services.runs._send_to_queue", lambda *_: None)

    def drive(spec):
        run = start_run(create_judge_run(spec))
        while drive_run_chunk("judging", run.pk, options=FAST) is not None:
            pass
        run.refresh_from_db()
        return run

    return drive


def asked(judge):
    return set(Judgment.objects.filter(judge=judge).values_list("battle_id", "game", "outcome"))


def test_it_stops_when_the_gaps_are_settled_and_tells_what_was_saved(adaptive, drive_all):
    run = drive_all(adaptive())
    summary = adaptive_summary(run.plan)
    assert (run.status, summary["is_reached"]) == (RunStatus.COMPLETED, True)
    assert run.judgments.count() == summary["asked"] < summary["total"] == 276
    assert summary["saved"] == 276 - run.judgments.count() >= 138
    facts = dict(judge_run_facts(run))
    assert facts["Goal"] == "reached: every gap is settled"
    assert f"{summary['saved']} of 276 judgments were not needed" in facts["Saved"]


@pytest.mark.one_round
def test_the_plan_foretells_what_the_run_then_makes_and_so_does_every_look(
    adaptive, drive_all, monkeypatch
):
    monkeypatch.setattr(FORECAST, "SIMULATIONS", 40)
    spec = adaptive(adaptive={"within": 110, "stop_at": "interval"})
    found = plan_judge_run(spec).forecast
    run = drive_all(spec)
    made = run.judgments.count()
    assert found.low <= made <= found.high
    looks = run.plan["adaptive"]["looks"]
    assert len(looks) > 2
    # at the second look, after the first wave; it rests on what has been judged by then
    left = looks[1]["left"]
    assert left["low"] <= made - looks[1]["asked"] <= left["high"]
    assert (left["n_verdicts"], left["n_questions"]) == (looks[1]["judged"], 40)
    assert looks[-1]["left"] is None


def test_every_look_is_kept_with_the_run(adaptive, drive_all):
    looks = drive_all(adaptive()).plan["adaptive"]["looks"]
    assert [look["is_reached"] for look in looks] == [False] * (len(looks) - 1) + [True]
    assert [look["judged"] for look in looks] == sorted({look["judged"] for look in looks})
    assert len(looks) <= 11


def test_a_look_tells_which_gaps_are_open_and_what_is_judged_next(adaptive, drive_all):
    first, *_, last = drive_all(adaptive()).plan["adaptive"]["looks"]
    assert sorted(map(sorted, first["open_pairs"])) == [
        ["alpha", "beta"],
        ["alpha", "gamma"],
        ["beta", "gamma"],
    ]
    assert sum(n for _, _, n in first["next_pairs"]) == first["next"] > 0
    assert (last["open_pairs"], last["next_pairs"]) == ([], [])
    assert first["at"] <= last["at"]


def test_a_goal_out_of_reach_judges_everything_once(adaptive, drive_all):
    run = drive_all(adaptive(adaptive={"within": 1, "stop_at": "interval"}))
    assert (run.status, run.judgments.readable().count()) == (RunStatus.COMPLETED, 276)
    assert adaptive_summary(run.plan)["saved"] == 0


def test_in_one_order_no_pair_is_shown_twice_before_all_are_shown(adaptive):
    run = create_judge_run(adaptive())
    battles = list(run.judgments.values_list("battle_id", flat=True))
    assert len(battles) == len(set(battles)) == 40


def test_in_both_orders_every_pair_is_shown_both_ways(adaptive):
    run = create_judge_run(adaptive(adaptive={"orders": "both"}))
    games = list(run.judgments.values_list("battle_id", "game"))
    assert {(battle, 3 - game) for battle, game in games} == set(games)


def test_an_interrupted_run_makes_the_judgments_of_a_clean_one(adaptive, drive_all, monkeypatch):
    clean = drive_all(adaptive())
    wanted = {row[1:] for row in keyed(clean)}
    Judgment.objects.all().delete()
    run = start_run(create_judge_run(adaptive()))
    # as if a worker had been killed before it stored what it had
    lost = list(run.judgments.order_by("id").values_list("id", flat=True)[:15])
    while drive_run_chunk("judging", run.pk, options=FAST) is not None:
        if JudgeRun.objects.filter(pk=run.pk, status=RunStatus.ACTIVE).exists():
            stop_run(run)
            Judgment.objects.filter(pk__in=lost).update(
                status="pending", outcome="", is_readable=None
            )
            lost = []
            resume_run(run)
    assert {row[1:] for row in keyed(run)} == wanted


def keyed(run):
    return run.judgments.values_list(
        "id", "battle__question__external_id", "battle__model_a__slug", "battle__model_b__slug",
        "game", "outcome",
    )  # fmt: skip


def test_of_two_workers_at_the_end_of_a_batch_one_makes_the_next(adaptive, monkeypatch):
    monkeypatch.setattr("arena.services.runs._send_to_queue", lambda *_: None)
    run = start_run(create_judge_run(adaptive(adaptive={"within": 20})))
    run.judgments.update(status="done", is_readable=True, outcome="tie")
    assert not finish_if_done(run)
    n_rows, looks = run.judgments.count(), len(JudgeRun.objects.get().plan["adaptive"]["looks"])
    assert not finish_if_done(run)
    assert (run.judgments.count(), len(JudgeRun.objects.get().plan["adaptive"]["looks"])) == (
        n_rows,
        looks,
    )


def test_failed_judgments_do_not_keep_it_going_forever(adaptive, monkeypatch):
    monkeypatch.setattr("arena.services.runs._send_to_queue", lambda *_: None)
    run = start_run(create_judge_run(adaptive()))
    for _ in range(20):
        run.judgments.update(status="failed")
        if finish_if_done(run):
            break
    assert (JudgeRun.objects.get().status, run.judgments.count()) == (RunStatus.COMPLETED, 276)


def test_what_is_judged_already_counts(adaptive, drive_all):
    drive_all(adaptive())
    with pytest.raises(EmptyRunError, match="compared enough already"):
        create_judge_run(adaptive())


def test_against_a_baseline_it_is_adaptive_too(adaptive, drive_all, beta):
    run = drive_all(adaptive(mode=JudgeRunMode.BASELINE, baseline=beta))
    assert adaptive_summary(run.plan)["is_reached"]
    assert run.judgments.count() < 184


def test_an_ordinary_run_is_not_extended(spec):
    assert not extend_judge_run(create_judge_run(spec()))


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"within": 0}, "within is 0; give rating points above 0"),
        ({"stop_at": "order"}, "adaptive needs within"),
        ({"within": 9, "stop_at": "noon"}, "stop_at is 'noon'; use order or interval"),
        ({"within": 9, "luck": 1}, "adaptive has no 'luck'"),
    ],
)
def test_settings_that_make_no_sense_are_refused(spec, settings, told):
    with pytest.raises(JudgeRunError, match=told):
        create_judge_run(spec(settings={"adaptive": settings}))


def test_single_scores_cannot_be_spent_adaptively(spec):
    asked_for = spec(mode=JudgeRunMode.SINGLE, settings={"adaptive": {"within": 50}})
    with pytest.raises(JudgeRunError, match="mode single compares none"):
        create_judge_run(asked_for)


def test_on_the_command_line(adaptive, monkeypatch):
    adaptive()
    monkeypatch.setattr("arena.services.runs._send_to_queue", lambda *_: None)
    out = io.StringIO()
    arguments = ["--set", "set", "--judge", "planted", "--mode", "pairs", "--adaptive", "150"]
    call_command("judge", *arguments, "--json", stdout=out)
    told = json.loads(out.getvalue())
    assert told["adaptive"]["is_reached"]
    assert told["done"] == told["adaptive"]["asked"] < 138
    assert told["plan"]["adaptive_within"] == 150
    with pytest.raises(CommandError, match="compared enough already") as error:
        call_command("judge", *arguments)
    assert error.value.returncode == 3
