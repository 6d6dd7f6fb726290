"""The reward-model judge: two scores make a verdict."""

from math import exp

import pytest

from judging.judges import JudgeSettingsError, build_judge
from judging.verdicts import Outcome, UnreadableReason
from providers.base import Completion


class Scorer:
    """Scores an answer by a rule and remembers what it was asked."""

    def __init__(self, rule) -> None:
        self.rule, self.asked = rule, []

    async def __call__(self, request):
        self.asked.append(request.messages)
        return Completion(text=self.rule(request.messages[-1].text))


def by_length(text):
    return str(float(len(text)))


async def test_the_answer_with_the_higher_score_wins_in_both_orders(pair):
    for game in (1, 2):
        verdict = await build_judge("reward_model", {}).judge(pair(game=game), Scorer(by_length))
        assert verdict.parsed.outcome is Outcome.MODEL_B
        assert verdict.parsed.scores == (4.0, 17.0)


async def test_the_preference_is_the_probability_behind_the_difference(pair):
    judge = build_judge("reward_model", {"scale": 10.0})
    verdict = await judge.judge(pair(), Scorer(by_length))
    # side a has 4 characters, side b 17: 1.3 nats
    assert verdict.parsed.preference == pytest.approx(2 - 1 / (1 + exp(1.3)))


async def test_within_the_tie_band_the_pair_is_a_tie(pair):
    close, far = {"scale": 100.0, "tie_eta": 2.0}, {"scale": 5.0, "tie_eta": 2.0}
    found = [
        (await build_judge("reward_model", settings).judge(pair(), Scorer(by_length))).parsed
        for settings in (close, far)
    ]
    assert [parsed.outcome for parsed in found] == [Outcome.TIE, Outcome.MODEL_B]


def test_the_probabilities_are_those_of_rao_and_kupper():
    judge = build_judge("reward_model", {"tie_eta": 2.0})
    wins_a, wins_b, ties = judge.probabilities(0.7)
    strength_a, strength_b = exp(0.7), 1.0
    assert wins_a == pytest.approx(strength_a / (strength_a + 2 * strength_b))
    assert wins_b == pytest.approx(strength_b / (strength_b + 2 * strength_a))
    assert wins_a + wins_b + ties == pytest.approx(1)


async def test_without_a_band_only_equal_scores_tie(pair):
    verdict = await build_judge("reward_model", {}).judge(pair(), Scorer(lambda _: "0.5"))
    assert verdict.parsed.outcome is Outcome.TIE
    assert verdict.parsed.preference == pytest.approx(1.5)


async def test_identical_answers_are_scored_once_and_tie(pair):
    scorer = Scorer(by_length)
    task = pair(answers_b=("Two.", "Three."))
    verdict = await build_judge("reward_model", {}).judge(task, scorer)
    assert verdict.parsed.outcome is Outcome.TIE
    assert len(scorer.asked) == 1


async def test_the_conversation_up_to_the_judged_turn_is_scored(single):
    scorer = Scorer(by_length)
    verdict = await build_judge("reward_model", {}).judge(single(turn=2), scorer)
    assert [(m.role, m.text) for m in scorer.asked[0]] == [
        ("user", "Name a prime."),
        ("assistant", "Two."),
        ("user", "Name a larger one."),
        ("assistant", "Three."),
    ]
    assert verdict.parsed.score == 6.0


@pytest.mark.parametrize("reply", ["", "nan", "8 of 10", "inf"])
async def test_a_reply_that_is_no_number_is_unreadable(single, reply):
    verdict = await build_judge("reward_model", {}).judge(single(), Scorer(lambda _: reply))
    assert verdict.parsed.reason is UnreadableReason.NO_VERDICT


def test_both_games_of_a_pair_ask_for_the_same_scores(pair):
    judge = build_judge("reward_model", {})
    assert judge.requests(pair(game=1)) == judge.requests(pair(game=2))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"scale": 0.0}, "scale is 0.0; it must be above 0"),
        ({"tie_eta": 0.5}, "tie_eta is 0.5; it must be at least 1"),
        ({"tie_band": 1}, "has no setting 'tie_band'; it has: scale, tie_eta"),
    ],
)
def test_a_setting_that_cannot_work_is_refused(settings, message):
    with pytest.raises(JudgeSettingsError, match=message):
        build_judge("reward_model", settings)
