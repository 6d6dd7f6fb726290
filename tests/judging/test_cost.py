import pytest

from judging.cost import (
    Prices,
    Throughput,
    count_judgments,
    estimate_cost,
    estimate_prompt_tokens,
    estimate_tokens,
)

PRICES = Prices(input_per_mtok=2.0, output_per_mtok=8.0)


@pytest.mark.parametrize(
    ("mode", "models", "expected"),
    [("single", 5, 5 * 160), ("baseline", 4, 4 * 2 * 160), ("pairs", 5, 10 * 2 * 160)],
)
def test_judgments_are_counted_per_mode_with_both_orders_and_both_turns(mode, models, expected):
    assert count_judgments(mode, models=models, turns=[2] * 80) == expected


def test_repeats_multiply_and_one_order_halves():
    kwargs = {"models": 3, "turns": [1, 2]}
    assert count_judgments("pairs", repeats=3, **kwargs) == 3 * 3 * 2 * 3
    assert count_judgments("pairs", has_both_orders=False, **kwargs) == 3 * 3


def test_an_unknown_mode_is_refused():
    with pytest.raises(ValueError, match="use single, baseline, pairs"):
        count_judgments("triples", models=3, turns=[1])


def test_money_is_tokens_times_prices():
    estimate = estimate_cost([1_000] * 100, output_tokens_per_call=250, prices=PRICES)
    assert (estimate.calls, estimate.input_tokens, estimate.output_tokens) == (100, 100_000, 25_000)
    assert estimate.money == pytest.approx(0.2 + 0.2)


def test_the_most_it_can_cost_fills_every_reply_and_retries_every_call():
    estimate = estimate_cost([1_000] * 100, max_output_tokens=2_048, prices=PRICES)
    assert estimate.money_at_most == pytest.approx(2 * (0.2 + 100 * 2_048 * 8 / 1e6))


def test_without_a_price_there_is_no_money_figure_rather_than_zero():
    estimate = estimate_cost([1_000], max_output_tokens=10)
    assert (estimate.money, estimate.money_at_most) == (None, None)


@pytest.mark.parametrize(
    ("throughput", "seconds", "bottleneck"),
    [
        (Throughput(concurrency=10, latency_s=2.0), 20.0, "concurrency"),
        (
            Throughput(concurrency=64, latency_s=1.0, requests_per_minute=60),
            100.0,
            "requests_per_minute",
        ),
        (Throughput(tokens_per_minute=12_500), 600.0, "tokens_per_minute"),
    ],
)
def test_time_is_set_by_the_tightest_limit(throughput, seconds, bottleneck):
    estimate = estimate_cost([1_000] * 100, output_tokens_per_call=250, throughput=throughput)
    assert (estimate.seconds, estimate.bottleneck) == (pytest.approx(seconds), bottleneck)


def test_a_run_without_calls_costs_nothing():
    estimate = estimate_cost([], prices=PRICES, max_output_tokens=100)
    assert (estimate.calls, estimate.money, estimate.seconds) == (0, 0, 0)


def test_chinese_text_has_more_tokens_per_character_than_english():
    assert estimate_tokens("的" * 100) == 90
    assert estimate_tokens("word " * 100) == 132
    assert estimate_prompt_tokens(["word " * 100, ""]) == 140
