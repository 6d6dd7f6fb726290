import pytest

from judging.combine import (
    adjusted_win_rate,
    combine_alpaca_eval,
    combine_arena_hard,
    combine_evalscope,
    combine_mt_bench,
)
from judging.verdicts import VERDICTS, JudgeReply, Outcome, ParsedVerdict, UnreadableReason

A_WINS = ParsedVerdict(outcome=Outcome.MODEL_A)
B_WINS = ParsedVerdict(outcome=Outcome.MODEL_B)
TIE = ParsedVerdict(outcome=Outcome.TIE)
UNREADABLE = ParsedVerdict(reason=UnreadableReason.NO_VERDICT)


def games(convention: str, first: str, second: str) -> tuple[ParsedVerdict, ParsedVerdict]:
    """Two replies in the order shown, turned to battle order."""
    parse = VERDICTS.get(convention)().parse
    return (
        parse(JudgeReply(first)).in_battle_order(1),
        parse(JudgeReply(second)).in_battle_order(2),
    )


@pytest.mark.parametrize(
    ("game_1", "game_2", "outcome"),
    [
        (A_WINS, A_WINS, Outcome.MODEL_A),
        (B_WINS, B_WINS, Outcome.MODEL_B),
        (TIE, TIE, Outcome.TIE),
        (A_WINS, B_WINS, Outcome.TIE),
        (A_WINS, TIE, Outcome.TIE),
        (TIE, B_WINS, Outcome.TIE),
    ],
)
def test_mt_bench_gives_a_win_only_when_both_games_agree(game_1, game_2, outcome):
    assert combine_mt_bench(game_1, game_2).outcome is outcome


def test_a_judge_that_always_names_the_first_answer_yields_ties():
    result = combine_mt_bench(*games("mt_bench_pair", "[[A]]", "[[A]]"))
    assert result.outcome is Outcome.TIE
    assert result.is_consistent is False


@pytest.mark.parametrize(
    "combine", [combine_mt_bench, combine_arena_hard, combine_alpaca_eval, combine_evalscope]
)
def test_an_unreadable_game_drops_the_pair_and_says_which(combine):
    result = combine(A_WINS, UNREADABLE)
    assert not result.is_readable
    assert result.outcome is None
    assert result.model_a_scores == ()
    assert result.reason == "game_2_no_verdict"


def test_the_adjusted_win_rate_counts_a_tie_as_half():
    results = [combine_mt_bench(A_WINS, A_WINS), combine_mt_bench(TIE, TIE)]
    results.append(combine_mt_bench(UNREADABLE, A_WINS))
    assert adjusted_win_rate(results) == 0.75


def test_a_win_rate_of_nothing_is_refused():
    with pytest.raises(ValueError, match="no readable result"):
        adjusted_win_rate([combine_mt_bench(UNREADABLE, UNREADABLE)])


def test_arena_hard_repeats_a_strong_verdict_three_times():
    """Game 1 shows the baseline (side a) first, game 2 the model (side b)."""
    result = combine_arena_hard(*games("arena_hard", "[[B>>A]]", "[[A>B]]"))
    assert result.model_b_scores == (1.0, 1.0, 1.0, 1.0)
    assert result.outcome is Outcome.MODEL_B


def test_arena_hard_lists_the_second_game_first():
    result = combine_arena_hard(*games("arena_hard", "[[A>>B]]", "[[A>B]]"))
    assert result.model_b_scores == (1.0, 0.0, 0.0, 0.0)
    assert result.outcome is Outcome.MODEL_A
    assert result.is_consistent is False


def test_arena_hard_ties_are_halves():
    result = combine_arena_hard(*games("arena_hard", "[[A=B]]", "[[A=B]]"))
    assert result.model_b_scores == (0.5, 0.5)
    assert result.outcome is Outcome.TIE


def test_alpaca_eval_takes_the_mean_of_both_orders():
    game_1 = ParsedVerdict(outcome=Outcome.MODEL_A, preference=1.2)
    game_2 = ParsedVerdict(outcome=Outcome.MODEL_B, preference=1.6)
    result = combine_alpaca_eval(game_1, game_2)
    assert result.model_b_scores == (pytest.approx(0.4),)
    assert result.outcome is Outcome.MODEL_A


@pytest.mark.parametrize(
    ("first", "second", "score"),
    [
        ("[[A>>B]]", "[[B>A]]", 1.0),
        ("[[A>B]]", "[[B>A]]", 0.75),
        ("[[A>B]]", "[[A>B]]", 0.5),
        ("[[B>A]]", "[[A>B]]", 0.25),
        ("[[B>A]]", "[[A>>B]]", 0.0),
        ("[[A=B]]", "[[A=B]]", 0.5),
    ],
)
def test_evalscope_grades_agreeing_games_by_the_stronger(first, second, score):
    assert combine_evalscope(*games("arena_hard", first, second)).model_a_scores == (score,)
