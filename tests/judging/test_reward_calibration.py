"""The scale and tie band of a reward model, learnt from votes."""

import numpy as np
import pytest

from judging.reward_calibration import CalibrationError, calibrate
from judging.verdicts.base import Outcome

pytestmark = pytest.mark.one_round
A, B, TIE = Outcome.MODEL_A, Outcome.MODEL_B, Outcome.TIE


def voted(*, scale, tie_eta, n=900, seed=3):
    """Votes drawn from the model itself."""
    draw = np.random.default_rng(seed)
    differences = draw.normal(0, 3, n)
    threshold = np.log(tie_eta)
    wins_a = 1 / (1 + np.exp(-(differences / scale - threshold)))
    wins_b = 1 / (1 + np.exp(differences / scale + threshold))
    luck = draw.random(n)
    outcomes = [
        A if u < a else B if u < a + b else TIE
        for u, a, b in zip(luck, wins_a, wins_b, strict=True)
    ]
    return list(differences), outcomes, [i // 3 for i in range(n)]


@pytest.fixture
def few_rounds(monkeypatch):
    """For tests that do not look at intervals."""
    monkeypatch.setattr("judging.reward_calibration.ROUNDS", 10)


def test_the_planted_scale_and_tie_band_are_found_within_their_intervals():
    found = calibrate(*voted(scale=2.0, tie_eta=1.8), seed=1)
    assert found.scale_interval[0] <= 2.0 <= found.scale_interval[1]
    assert found.tie_eta_interval[0] <= 1.8 <= found.tie_eta_interval[1]
    assert found.log_loss < found.log_loss_before


def test_votes_without_ties_leave_no_tie_band(few_rounds):
    found = calibrate(*voted(scale=1.0, tie_eta=1.0), seed=1)
    assert found.tie_eta == pytest.approx(1.0, abs=0.02)


def test_the_unit_of_the_scores_goes_into_the_scale(few_rounds):
    differences, outcomes, clusters = voted(scale=2.0, tie_eta=1.8)
    plain = calibrate(differences, outcomes, clusters, seed=1)
    larger = calibrate([100 * d for d in differences], outcomes, clusters, seed=1)
    assert larger.scale == pytest.approx(100 * plain.scale, rel=1e-3)
    assert larger.tie_eta == pytest.approx(plain.tie_eta, rel=1e-3)


def test_both_bad_is_left_out(few_rounds):
    differences, outcomes, clusters = voted(scale=2.0, tie_eta=1.8, n=100)
    more = calibrate([*differences, 50.0], [*outcomes, Outcome.BOTH_BAD], [*clusters, 999], seed=1)
    assert more.n == 100


@pytest.mark.parametrize(
    ("differences", "outcomes", "message"),
    [
        ([1.0] * 5, [A] * 5, "there are 5 votes"),
        ([1.0] * 30, [TIE] * 30, "all votes are ties"),
        ([0.0] * 30, [A] * 30, "all scores are alike"),
        ([1.0] * 30, [B] * 30, "prefer the answers with the lower scores"),
    ],
)
def test_where_nothing_can_be_learnt_it_says_why(differences, outcomes, message):
    with pytest.raises(CalibrationError, match=message):
        calibrate(differences, outcomes, range(len(outcomes)), seed=1)


@pytest.fixture
def scored_judge(db, question_set, alpha, beta, make_answer, make_model):
    """A reward model that has scored 24 battles on which people have voted, mostly its way."""
    from arena.models import Endpoint, Question, Vote
    from arena.services.battles import stored_battles
    from judging.models import Judgment
    from judging.services.judges import create_judge

    here = Endpoint.objects.create(slug="here", provider="transformers_local")
    judge = create_judge(
        slug="reward", kind="reward_model", language_model=make_model("rm", endpoint=here)
    )
    for number in range(24):
        question = Question.objects.create(
            question_set=question_set,
            external_id=f"more{number}",
            turns=[[{"type": "text", "text": "?"}]],
        )
        answers = [make_answer(model, question, model.slug) for model in (alpha, beta)]
        (battle,) = stored_battles([tuple(answers)]).values()
        gap = (number - 11.5) / 4
        for game in (1, 2):
            Judgment.objects.create(
                judge=judge,
                battle=battle,
                mode="pairwise",
                game=game,
                status="done",
                is_readable=True,
                outcome="model_a" if gap > 0 else "model_b",
                metadata={"scores": [gap, 0.0]},
            )
        said = (
            "tie" if abs(gap) < 0.6 else "model_a" if (gap > 0) != (number % 7 == 0) else "model_b"
        )
        Vote.objects.create(battle=battle, outcome=said)
    return judge


def test_the_next_version_of_the_judge_carries_what_was_learnt(scored_judge, few_rounds):
    from judging.services.calibrating import calibrate_judge

    fitted, found = calibrate_judge(scored_judge)
    assert fitted.version == 2
    assert found.n == 24
    assert fitted.settings["scale"] == pytest.approx(found.scale, rel=1e-5)
    assert fitted.settings["tie_eta"] > 1


def test_the_command_and_the_page_calibrate(admin_client, scored_judge, few_rounds):
    from django.core.management import call_command
    from django.urls import reverse

    call_command("calibrate_judge", "reward")
    reply = admin_client.post(reverse("judge_calibrate", args=["reward", 1]), follow=True)
    assert "Calibrated on 24 votes" in reply.content.decode()


def test_without_votes_the_page_says_what_is_missing(admin_client, scored_judge):
    from django.urls import reverse

    from arena.models import Vote

    Vote.objects.all().delete()
    reply = admin_client.post(reverse("judge_calibrate", args=["reward", 1]), follow=True)
    assert "it takes 20 to calibrate" in reply.content.decode()
