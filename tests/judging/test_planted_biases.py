"""A judge with biases of known size gets those sizes back from its verdicts."""

import random
from dataclasses import dataclass

import pytest

from judging.agreement import (
    family_self_preference,
    first_position_preference,
    parse_failure_rate,
    position_consistency,
    preference_for_more,
)
from judging.judges import Verdict, build_judge
from judging.task import JudgingTask
from judging.verdicts import Mode, Outcome

N_QUESTIONS = 1_500


@dataclass(frozen=True, slots=True)
class Judged:
    task: JudgingTask
    verdict: Verdict


async def judge_all(**settings: object) -> list[Judged]:
    """Both games of ``N_QUESTIONS`` pairs; lengths and families vary at random."""
    judge = build_judge("biased", {"family": "ours", **settings})
    draw = random.Random(1)
    judged = []
    for number in range(N_QUESTIONS):
        lengths = draw.sample(range(10, 400), 2)
        families = draw.choice([("ours", "theirs"), ("theirs", "ours"), ("theirs", "others")])
        for game in (1, 2):
            task = JudgingTask(
                mode=Mode.PAIRWISE,
                questions=("?",),
                answers_a=("x" * lengths[0],),
                answers_b=("x" * lengths[1],),
                family_a=families[0],
                family_b=families[1],
                game=game,
                question_key=f"q{number}",
            )
            judged.append(Judged(task, await judge.judge(task, never_asked)))
    return judged


async def never_asked(request: object) -> None:
    raise AssertionError("the biased judge asks nobody")


def columns(judged: list[Judged]) -> tuple[list[Outcome], list[str]]:
    outcomes = [each.verdict.parsed.outcome for each in judged]
    return outcomes, [each.task.question_key for each in judged]


@pytest.mark.parametrize("planted", [0.0, 0.3])
async def test_a_planted_position_preference_is_found(planted):
    judged = await judge_all(first_position=planted)
    outcomes, questions = columns(judged)
    games = [each.task.game for each in judged]
    found = first_position_preference(outcomes, games, questions, seed=1)
    assert found.lower <= planted + (1 - planted) / 2 <= found.upper


async def test_position_consistency_is_what_the_planted_preference_leaves():
    planted = 0.3
    judged = await judge_all(first_position=planted)
    outcomes, questions = columns(judged)
    found = position_consistency(outcomes[::2], outcomes[1::2], questions[::2], seed=1)
    # Both by content, or one by content and the other by a position that happens to agree.
    expected = (1 - planted) ** 2 + 2 * planted * (1 - planted) / 2
    assert found.lower <= expected <= found.upper


@pytest.mark.parametrize("planted", [0.0, 0.4])
async def test_a_planted_length_preference_is_found(planted):
    judged = await judge_all(longer=planted)
    outcomes, questions = columns(judged)
    lengths = [
        [len(answers[0]) for answers in (t.task.answers_a, t.task.answers_b)] for t in judged
    ]
    found = preference_for_more(
        outcomes, [pair[0] for pair in lengths], [pair[1] for pair in lengths], questions, seed=1
    )
    assert found.lower <= planted + (1 - planted) / 2 <= found.upper


@pytest.mark.parametrize("planted", [0.0, 0.4])
async def test_a_planted_self_preference_is_found_against_an_unbiased_judge(planted):
    biased, fair = await judge_all(own_family=planted), await judge_all(first_position=0.0)
    rows = [
        (own.verdict.parsed.outcome, other.verdict.parsed.outcome, own.task)
        for own, other in zip(biased, fair, strict=True)
        if "ours" in (own.task.family_a, own.task.family_b)
    ]
    found = family_self_preference(
        [row[0] for row in rows],
        [row[1] for row in rows],
        [row[2].family_a == "ours" for row in rows],
        [row[2].question_key for row in rows],
        seed=1,
    )
    assert found.lower <= planted / 2 <= found.upper


async def test_planted_failures_are_counted():
    judged = await judge_all(unreadable=0.05)
    readable = [each.verdict.parsed.is_readable for each in judged]
    found = parse_failure_rate(readable, [each.task.question_key for each in judged], seed=1)
    assert found.lower <= 0.05 <= found.upper
