from math import log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judging.combine import COMBINATIONS
from judging.verdicts import (
    VERDICTS,
    JudgeReply,
    Mode,
    Outcome,
    ParsedVerdict,
    UnreadableReason,
)
from judging.verdicts.reading import without_code, without_thoughts
from tests.judging.verdict_tables import TABLE


def read(convention: str, text: str) -> ParsedVerdict:
    return VERDICTS.get(convention)().parse(JudgeReply(text))


def said(verdict: ParsedVerdict, expected: object) -> object:
    """The part of ``verdict`` that has the shape of ``expected``."""
    match expected:
        case UnreadableReason():
            return verdict.reason
        case Outcome():
            return verdict.outcome
        case float():
            return verdict.score
        case (_, int()):
            return (verdict.outcome, verdict.strength)
        case _:
            return (verdict.outcome, verdict.scores)


@pytest.mark.parametrize(
    ("convention", "shows", "text", "expected"),
    TABLE,
    ids=[f"{convention}-{shows}" for convention, shows, _, _ in TABLE],
)
def test_a_convention_reads_its_table(convention, shows, text, expected):
    assert said(read(convention, text), expected) == expected


def test_every_text_convention_has_a_table():
    assert {row[0] for row in TABLE} | {"alpaca_eval_logprob"} == set(VERDICTS)


@pytest.mark.parametrize("convention", VERDICTS.names())
@given(
    text=st.text(alphabet=st.sampled_from('[]{}AB<>=/0123456789.",:` \nRatingRESULT'), max_size=60)
)
def test_no_text_makes_a_convention_fail(convention, text):
    verdict = read(convention, text)
    assert verdict.is_readable == (verdict.reason is None)


@pytest.mark.parametrize("convention", VERDICTS.names())
def test_a_convention_says_what_it_can_be_asked_and_how_games_combine(convention):
    part = VERDICTS.get(convention)
    assert part.modes <= set(Mode)
    if Mode.PAIRWISE in part.modes:
        assert part.combination in COMBINATIONS


@pytest.mark.parametrize("convention", VERDICTS.names())
@pytest.mark.parametrize(
    "piece",
    ["1", "a", " ", "[", "[[1", "{", '{"a":', "x[1] ", "[[1]] ", "```\n", "<think>", "[{}  ", "= "],
)
def test_a_reply_of_a_hundred_thousand_characters_is_read_without_backtracking(convention, piece):
    """Quadratic reading of any of these would take minutes and show as a hanging test."""
    for text in (piece * (100_000 // len(piece)), "[[" + piece * 50_000, "[{" + piece * 50_000):
        read(convention, text)


def test_the_span_locates_the_verdict_in_the_reply_as_it_came():
    text = "<think>[[2]]</think>\nGood. Rating: [[8]]"
    start, end = read("mt_bench_single", text).span
    assert text[start:end] == "[[8]]"


def test_the_token_limit_explains_a_missing_verdict():
    reply = JudgeReply("The first answer is", is_truncated=True)
    for convention in ("mt_bench_single", "mt_bench_pair", "arena_hard", "json_verdict"):
        verdict = VERDICTS.get(convention)().parse(reply)
        assert verdict.reason is UnreadableReason.TRUNCATED


def test_the_scale_is_an_option():
    hundred = VERDICTS.get("mt_bench_single")(lowest=0, highest=100)
    assert hundred.parse(JudgeReply("[[85]]")).score == 85.0


def soft(logprobs: dict[str, float] | None) -> ParsedVerdict:
    return VERDICTS.get("alpaca_eval_logprob")().parse(JudgeReply("m", logprobs))


def test_a_soft_preference_follows_the_published_formula():
    verdict = soft({"m": log(0.8), "M": log(0.2)})
    assert verdict.preference == pytest.approx(1.2)
    assert verdict.confidence == pytest.approx(0.8)
    assert verdict.outcome is Outcome.MODEL_A


def test_a_switched_soft_preference_is_mirrored():
    switched = soft({"m": log(0.8), "M": log(0.2)}).in_battle_order(2)
    assert switched.preference == pytest.approx(1.8)
    assert switched.outcome is Outcome.MODEL_B


def test_a_token_that_is_not_listed_has_probability_zero():
    assert soft({"M": log(0.4), "x": log(0.6)}).preference == 2.0
    assert soft({"m": log(0.1)}).preference == 1.0


def test_equal_token_probabilities_are_a_tie():
    assert soft({"m": log(0.3), "M": log(0.3)}).outcome is Outcome.TIE


def test_without_either_token_there_is_no_soft_preference():
    assert soft({"x": 0.0}).reason is UnreadableReason.NO_VERDICT
    assert soft({"m": float("-inf")}).reason is UnreadableReason.NO_VERDICT


def test_without_log_probabilities_there_is_no_soft_preference():
    assert soft(None).reason is UnreadableReason.NO_LOGPROBS


def test_game_two_exchanges_the_sides():
    verdict = ParsedVerdict(outcome=Outcome.MODEL_A, strength=3, scores=(9.0, 4.0))
    swapped = verdict.in_battle_order(2)
    assert (swapped.outcome, swapped.strength, swapped.scores) == (Outcome.MODEL_B, 3, (4.0, 9.0))
    assert verdict.in_battle_order(1) is verdict


def test_ties_and_both_bad_have_no_sides_to_exchange():
    assert Outcome.TIE.swapped() is Outcome.TIE
    assert Outcome.BOTH_BAD.swapped() is Outcome.BOTH_BAD


def test_a_third_game_is_refused():
    with pytest.raises(ValueError, match="game is 3"):
        ParsedVerdict(score=1.0).in_battle_order(3)


def test_a_verdict_is_readable_or_has_a_reason_but_never_both():
    with pytest.raises(ValueError):
        ParsedVerdict()
    with pytest.raises(ValueError):
        ParsedVerdict(outcome=Outcome.TIE, reason=UnreadableReason.NO_VERDICT)


@given(st.text(alphabet=st.sampled_from("`~x \n<>/think"), max_size=80))
def test_hiding_code_and_thoughts_moves_no_character(text):
    for hidden in (without_code(text), without_thoughts(text)):
        assert len(hidden) == len(text)
        assert all(kept in (original, " ") for kept, original in zip(hidden, text, strict=True))
