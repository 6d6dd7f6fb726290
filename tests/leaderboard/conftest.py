import pytest
from django.core.cache import cache

from arena.models import Vote, Voter, WorkStatus
from judging.models import Judge, Judgment
from leaderboard.models import Board


@pytest.fixture(autouse=True)
def nothing_kept_from_other_tests():
    cache.delete_many(["benchmark-columns", "users-met"])


@pytest.fixture
def alice(db):
    return Voter.objects.create(key="alice")


@pytest.fixture
def judge(db):
    return Judge.objects.create(slug="judge", name="Judge", kind="scripted", fingerprint="1")


@pytest.fixture
def board(db):
    return Board.objects.create(slug="main", title="Main board")


@pytest.fixture
def battles(question_set, alpha, beta, gamma, make_battle):
    """Six questions; alpha against beta on each, beta against gamma on the first three."""
    questions = list(question_set.questions.all())
    return [make_battle(question, alpha, beta) for question in questions] + [
        make_battle(question, beta, gamma) for question in questions[:3]
    ]


@pytest.fixture
def votes(battles, alice):
    """alpha wins four of six, one tie, one loss; beta and gamma win, lose and tie once each."""
    outcomes = ["model_a"] * 4 + ["tie", "model_b"] + ["model_a", "model_b", "tie"]
    return [
        Vote.objects.create(battle=battle, voter=alice, outcome=outcome)
        for battle, outcome in zip(battles, outcomes, strict=True)
    ]


@pytest.fixture
def make_verdict(judge):
    def make(battle, outcome, **columns):
        values = {"status": WorkStatus.DONE, "is_readable": bool(outcome), "judge": judge}
        return Judgment.objects.create(
            battle=battle, mode="pairwise", outcome=outcome, **{**values, **columns}
        )

    return make
