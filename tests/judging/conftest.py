"""Tasks that most judging tests start from."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from judging.task import JudgingTask
from judging.verdicts import Mode

PAIR = JudgingTask(
    mode=Mode.PAIRWISE,
    questions=("Name a prime.", "Name a larger one."),
    answers_a=("Two.", "Three."),
    answers_b=("Seven is a prime.", "Eleven is larger."),
    question_key="q1",
    model_a="alpha",
    model_b="beta",
    language="en",
    turn=1,
)
SINGLE = replace(PAIR, mode=Mode.SINGLE, answers_b=(), model_b="")


@pytest.fixture
def pair() -> Callable[..., JudgingTask]:
    """A pairwise task about the first turn, with changes by keyword."""
    return lambda **changes: replace(PAIR, **changes)


@pytest.fixture
def single() -> Callable[..., JudgingTask]:
    """A single-score task about the first turn, with changes by keyword."""
    return lambda **changes: replace(SINGLE, **changes)
