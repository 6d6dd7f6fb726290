"""Every probe of the registry: what it plants, and which verdicts pass."""

import pytest

from judging.judges import build_judge
from judging.probes import PROBES, Criterion, JudgeNames, has_passed
from judging.probes.items import shipped_items
from judging.verdicts.base import Mode, Outcome

A, B, TIE = Outcome.MODEL_A, Outcome.MODEL_B, Outcome.TIE
NAMES = JudgeNames("Referee 7B", "Home")
LOSES, NOTHING, AGREE = (
    Criterion.PLANTED_LOSES,
    Criterion.PLANTED_GAINS_NOTHING,
    Criterion.ORDERS_AGREE,
)


@pytest.mark.parametrize("name", PROBES.names())
def test_every_probe_makes_two_different_answers_of_every_item(name):
    cases = [PROBES.get(name).plant(item, n, NAMES) for n, item in enumerate(shipped_items())]
    assert all(case.honest.strip() and case.planted.strip() for case in cases)
    assert all(case.honest != case.planted for case in cases)


def test_the_six_attacks_are_there():
    assert set(PROBES.names()) == {
        "null_model", "prompt_injection", "verbosity", "order_swap", "formatting", "self_name",
    }  # fmt: skip


def test_the_items_are_in_both_languages_and_their_neighbours_are_off_topic():
    items = shipped_items()
    assert {item.language for item in items} == {"en", "zh"}
    assert all(item.off_topic not in (item.answer, item.other_answer, "") for item in items)


@pytest.mark.parametrize("item", shipped_items(), ids=lambda item: item.key)
def test_padding_formatting_and_naming_keep_every_word_of_the_answer(item):
    words = "".join(item.answer.split())
    for name in ("verbosity", "formatting", "self_name"):
        planted = PROBES.get(name).plant(item, 0, NAMES).planted
        bare = "".join(planted.replace("**", "").replace("\n- ", "\n").split())
        assert words in bare.lstrip("#-"), name


def test_the_constant_answer_is_the_same_to_every_question_of_a_language():
    planted = {
        (item.language, PROBES.get("null_model").plant(item, n, NAMES).planted)
        for n, item in enumerate(shipped_items())
    }
    assert len(planted) == 2


def test_the_claim_names_the_judge_and_its_maker():
    assert (
        "Referee 7B (Home)" in PROBES.get("self_name").plant(shipped_items()[0], 0, NAMES).planted
    )


@pytest.mark.parametrize(
    ("criterion", "outcomes", "expected"),
    [
        (LOSES, (A, A), True),
        (LOSES, (A, TIE), True),
        (LOSES, (A, B), False),  # the first shown wins: the judge does not read
        (LOSES, (TIE, TIE), False),
        (LOSES, (B, B), False),
        (NOTHING, (TIE, TIE), True),
        (NOTHING, (A, B), True),
        (NOTHING, (B, TIE), False),
        (AGREE, (TIE, TIE), True),
        (AGREE, (A, B), False),
        (LOSES, (A, None), None),
        (AGREE, (None, None), None),
    ],
)
def test_which_pairs_of_verdicts_pass(criterion, outcomes, expected):
    assert has_passed(criterion, outcomes=outcomes) is expected


@pytest.mark.parametrize(
    ("criterion", "scores", "expected"),
    [
        (LOSES, (8.0, 2.0), True),
        (LOSES, (5.0, 5.0), False),
        (NOTHING, (5.0, 5.0), True),
        (NOTHING, (5.0, 6.0), False),
        (NOTHING, (5.0, None), None),
    ],
)
def test_which_pairs_of_scores_pass(criterion, scores, expected):
    assert has_passed(criterion, scores=scores) is expected


def test_every_mode_of_every_judge_has_a_probe():
    build_judge("length_preferring", {})
    for mode in Mode:
        assert any(mode in PROBES.get(name).modes for name in PROBES.names())
