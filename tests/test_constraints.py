"""Every named constraint of every room has a row that violates it, and the database refuses it.

Those of ``arena``'s own data stand in ``tests/arena/test_constraints.py``, beside what else the
database promises about them; the rest are in the tables below.
"""

import datetime as dt
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from arena.models import (
    Annotator,
    Ballot,
    InviteRound,
    RoundBattle,
    SatisfactionRating,
    Vote,
    Voter,
    VoteRelease,
    VotingPolicy,
)
from benchmarks.models import (
    BenchmarkRun,
    BenchmarkTask,
    Device,
    PublishedScore,
    QuestionFile,
    Sample,
)
from judging.models import Judge, JudgeRun, Judgment, ProbeRun, ProbeTrial
from leaderboard.models import Board, QuestionFacts, Rating, Snapshot
from speed.models import SpeedPhase, SpeedRun, SpeedStamps

ROOMS = ("arena", "judging", "leaderboard", "benchmarks", "speed")
ARENA_TESTS = Path(settings.BASE_DIR) / "tests" / "arena" / "test_constraints.py"


@pytest.fixture
def world(question_set, alpha, beta, make_battle):
    """What a row needs to point at."""
    question = question_set.questions.first()
    battle = make_battle(question, alpha, beta)
    run = BenchmarkRun.objects.create(language_model=alpha)
    snapshot = Snapshot.objects.create(board=Board.objects.create(slug="b", title="B"), number=1)
    speed_run = SpeedRun.objects.create(spec={})
    judge = Judge.objects.create(slug="j", name="J", kind="random", fingerprint="1")
    return SimpleNamespace(
        question_set=question_set,
        question=question,
        alpha=alpha,
        beta=beta,
        battle=battle,
        answer=battle.answer_a,
        voter=Voter.objects.create(key="mallory"),
        judge=judge,
        probe_run=ProbeRun.objects.create(judge=judge, mode="pairwise"),
        round=InviteRound.objects.create(title="R"),
        run=run,
        task=BenchmarkTask.objects.create(run=run, name="clue"),
        snapshot=snapshot,
        speed_run=speed_run,
        stamps=SpeedStamps.objects.create(run=speed_run, part=1, content=b""),
        now=timezone.make_aware(dt.datetime(2026, 1, 1)),
    )


# a row of each kind that is accepted
GOOD = {
    VotingPolicy: lambda w: {"pk": 1},
    Annotator: lambda w: {"round": w.round, "voter": w.voter, "name": "Mallory"},
    RoundBattle: lambda w: {"round": w.round, "battle": w.battle, "position": 1},
    Ballot: lambda w: {
        "voter": w.voter,
        "battle": w.battle,
        "shown_first": "a",
        "token": "one",
    },
    SatisfactionRating: lambda w: {"voter": w.voter, "answer": w.answer},
    VoteRelease: lambda w: {
        "dialect": "fastchat_battles",
        "most_per_prompt": 100,
        "fewest_askers": 1,
    },
    Judge: lambda w: {"slug": "k", "name": "K", "kind": "random", "fingerprint": "1"},
    JudgeRun: lambda w: {"judge": w.judge, "question_set": w.question_set, "mode": "pairs"},
    ProbeTrial: lambda w: {
        "run": w.probe_run,
        "judge": w.judge,
        "probe": "null_model",
        "case": "q1",
        "mode": "pairwise",
        "game": 1,
    },
    Judgment: lambda w: {"judge": w.judge, "mode": "pairwise", "battle": w.battle, "game": 1},
    Device: lambda w: {"host": "h", "slot": "0", "seen_at": w.now},
    QuestionFile: lambda w: {"slug": "f", "name": "F", "file": "f.csv", "rows": 1},
    BenchmarkRun: lambda w: {"language_model": w.alpha},
    BenchmarkTask: lambda w: {"run": w.run, "name": "needle"},
    Sample: lambda w: {"run": w.run, "task": w.task, "index": 1, "requests": []},
    PublishedScore: lambda w: {
        "language_model": w.alpha,
        "task": "t",
        "metric": "acc",
        "value": 0.5,
        "source": "a paper",
    },
    SpeedRun: lambda w: {"spec": {}, "host": "h", "status": "running", "lease_owner": "me"},
    SpeedStamps: lambda w: {"run": w.speed_run, "part": 2, "content": b""},
    SpeedPhase: lambda w: {
        "run": w.speed_run,
        "stamps": w.stamps,
        "number": 1,
        "phase": 0,
        "level": 1.0,
        "attempts": 3,
        "succeeded": 2,
        "failed": 1,
        "window_s": 1.0,
    },
    Snapshot: lambda w: {"board": w.snapshot.board, "number": 2},
    Rating: lambda w: {
        "snapshot": w.snapshot,
        "model": w.alpha,
        "rating": 1000.0,
        "rating_lower": 990.0,
        "rating_upper": 1010.0,
        "rank": 2,
        "rank_lower": 1,
        "rank_upper": 3,
    },
    QuestionFacts: lambda w: {"question": w.question, "version": 1},
}

SINGLE = lambda w: {"mode": "single", "battle": None, "answer": w.answer}  # noqa: E731

# constraint: the kind of row, and what changes when a second one is stored beside the good one
TWICE = {
    "annotator_has_one_name_per_round": (Annotator, lambda w: {"name": "M."}),
    "round_holds_a_battle_once": (RoundBattle, lambda w: {"position": 2}),
    "round_has_one_battle_per_position": (
        RoundBattle,
        lambda w: {"battle": other_battle(w)},
    ),
    "ballot_is_drawn_once_per_battle_voter_and_round": (
        Ballot,
        lambda w: {"token": "another"},
    ),
    "ballot_has_a_token_of_its_own": (Ballot, lambda w: {"battle": other_battle(w)}),
    "satisfaction_is_rated_once_per_voter_and_answer": (SatisfactionRating, lambda w: {}),
    "judge_version_is_numbered_once": (Judge, lambda w: {"fingerprint": "2"}),
    "judge_version_differs_from_its_others": (Judge, lambda w: {"version": 2}),
    "judgment_is_made_once_per_battle_judge_and_game": (Judgment, lambda w: {}),
    "probe_trial_is_made_once_per_case_and_game": (ProbeTrial, lambda w: {}),
    "judgment_is_made_once_per_answer_and_judge": (Judgment, SINGLE),
    "device_has_one_row_per_slot": (Device, lambda w: {}),
    "benchmark_run_has_a_task_once": (BenchmarkTask, lambda w: {}),
    "benchmark_task_has_a_sample_once": (Sample, lambda w: {}),
    "published_score_is_stored_once": (PublishedScore, lambda w: {"value": 0.6}),
    "one_speed_run_at_a_time_per_host": (SpeedRun, lambda w: {}),
    "stamps_are_stored_once_per_part": (SpeedStamps, lambda w: {}),
    "speed_phase_is_numbered_once_per_run": (SpeedPhase, lambda w: {}),
    "snapshot_is_numbered_once_per_board": (Snapshot, lambda w: {}),
    "rating_appears_once_per_snapshot": (Rating, lambda w: {"rating": 1005.0}),
}

# constraint: the kind of row, and what makes a good one bad
WRONG = {
    "voting_policy_is_one_row": (VotingPolicy, [{"pk": 2}]),
    "voting_policy_shares_are_probabilities": (
        VotingPolicy,
        [{"overlap_share": 1.5}, {"overlap_share": -0.1}, {"gold_share": 2.0}],
    ),
    "voting_policy_rates_are_positive": (
        VotingPolicy,
        [{"characters_per_second": 0}, {"boost_factor": 0.5}],
    ),
    "ballot_is_closed_when_it_is_not_open": (
        Ballot,
        [{"status": "skipped"}, {"closed_at": timezone.now}],
    ),
    "ballot_vote_only_when_voted": (
        Ballot,
        [{"status": "skipped", "closed_at": timezone.now, "vote": "a vote"}],
    ),
    "satisfaction_score_is_one_to_five": (
        SatisfactionRating,
        [{"score": 0, "rated_at": timezone.now}, {"score": 6, "rated_at": timezone.now}],
    ),
    "satisfaction_score_has_its_time": (
        SatisfactionRating,
        [{"score": 3}, {"rated_at": timezone.now}],
    ),
    "vote_release_has_its_file_when_done": (VoteRelease, [{"status": "done"}]),
    "vote_release_keeps_some_votes_per_prompt": (
        VoteRelease,
        [{"most_per_prompt": 0}, {"fewest_askers": 0}],
    ),
    "judge_run_has_a_baseline_exactly_in_baseline_mode": (
        JudgeRun,
        [{"mode": "baseline"}, {"baseline": "alpha"}],
    ),
    "judgment_is_about_a_battle_or_an_answer": (
        Judgment,
        [{"battle": None}, {"mode": "single"}, {"answer": "answer"}],
    ),
    "judgment_game_is_one_or_two": (Judgment, [{"game": 0}, {"game": 3}]),
    "probe_trial_game_is_one_or_two": (ProbeTrial, [{"game": 0}, {"game": 3}]),
    "judgment_verdict_only_when_readable": (
        Judgment,
        [
            {"is_readable": False, "outcome": "tie"},
            {"is_readable": False, "score": 0.0},
            {"outcome": "model_a"},
        ],
    ),
    "judgment_readable_says_something": (Judgment, [{"is_readable": True}]),
    "question_file_has_rows": (QuestionFile, [{"rows": 0}]),
    "benchmark_run_precision_goal_is_a_share": (
        BenchmarkRun,
        [{"precision_goal": 0.0}, {"precision_goal": 1.0}],
    ),
    "published_score_has_a_source": (PublishedScore, [{"source": ""}]),
    "speed_run_that_runs_has_an_owner": (SpeedRun, [{"lease_owner": ""}]),
    "speed_run_grade_is_known": (SpeedRun, [{"grade": "blue"}]),
    "speed_phase_outcomes_add_up": (SpeedPhase, [{"failed": 0}]),
    "rating_lies_within_its_interval": (
        Rating,
        [
            {"rating_lower": 1001.0},
            {"rating_upper": 999.0},
            {"rating_lower": None},
            {"rating_upper": None},
        ],
    ),
    "rating_rank_range_is_ordered": (Rating, [{"rank_lower": 3}, {"rank_upper": 1}]),
    "question_facts_are_not_short_and_long_at_once": (
        QuestionFacts,
        [{"is_short": True, "is_long": True}],
    ),
}


def other_battle(world):
    from arena.services.battles import stored_battle

    question = world.question_set.questions.last()
    first, second = (
        model.answers.create(question=question, status="done", turns=["x"])
        for model in (world.alpha, world.beta)
    )
    return stored_battle(first, second)


def filled(world, change):
    """The values of a change: what it names is taken from the world, what it calls is called."""
    made = {}
    for column, value in change.items():
        if column == "vote":
            made[column] = Vote.objects.create(battle=world.battle, outcome="tie")
        elif value in ("alpha", "answer"):
            made[column] = getattr(world, value)
        else:
            made[column] = value() if callable(value) else value
    return made


def refused(constraint, create):
    """The row is refused; PostgreSQL names the constraint, SQLite for checks only."""
    with pytest.raises(IntegrityError) as error, transaction.atomic():
        create()
    if connection.vendor == "postgresql" or "CHECK" in str(error.value):
        assert constraint in str(error.value)


@pytest.mark.parametrize("constraint", TWICE)
def test_a_second_row_of_the_same_is_refused(world, constraint):
    kind, change = TWICE[constraint]
    first = GOOD[kind](world)
    if kind is Judgment:
        first |= change(world)
    kind.objects.create(**first)
    refused(constraint, lambda: kind.objects.create(**(first | change(world))))


@pytest.mark.parametrize(
    ("constraint", "number"),
    [(name, number) for name, (_, changes) in WRONG.items() for number in range(len(changes))],
)
def test_a_row_that_contradicts_itself_is_refused(world, constraint, number):
    kind, changes = WRONG[constraint]
    row = GOOD[kind](world) | filled(world, changes[number])
    refused(constraint, lambda: kind.objects.create(**row))


@pytest.mark.parametrize("kind", GOOD, ids=lambda kind: kind.__name__)
def test_the_row_that_the_others_are_made_from_is_accepted(world, kind):
    assert kind.objects.create(**GOOD[kind](world)).pk


def test_every_named_constraint_has_a_row_that_violates_it():
    tested = ARENA_TESTS.read_text(encoding="utf-8")
    names = {
        constraint.name
        for model in apps.get_models()
        if model._meta.app_label in ROOMS
        for constraint in model._meta.constraints
    }
    untested = {name for name in names - TWICE.keys() - WRONG.keys() if f'"{name}"' not in tested}
    assert sorted(untested) == []
    assert sorted((TWICE.keys() | WRONG.keys()) - names) == []
