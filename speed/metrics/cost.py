"""What an answer costs: from a price per hour of hardware, or from a price list per token."""

from dataclasses import dataclass

MILLION = 1_000_000
SECONDS_PER_HOUR = 3600.0
INPUT_WEIGHT = 0.25  # an input token counts as a quarter of an output token (inference-perf, 1:4)


@dataclass(frozen=True, slots=True)
class Price:
    """Money in any one currency: rented hardware (per hour), or a list price per million tokens."""

    per_hour: float | None = None
    per_million_input: float | None = None
    per_million_output: float | None = None


@dataclass(frozen=True, slots=True)
class Cost:
    """Per million output tokens, per million input tokens, per answer; None where unknown."""

    per_million_output: float | None
    per_million_input: float | None
    per_answer: float | None

    def per_win(self, win_share: float) -> float | None:
        """Cost of one won battle when ``win_share`` of the answers win; None without wins."""
        if self.per_answer is None or win_share <= 0:
            return None
        return self.per_answer / win_share


def cost_of(
    price: Price, *, input_tokens: float, output_tokens: float, answers: float, window_s: float
) -> Cost:
    """The cost of a measured window.

    Rented hardware costs the same whatever it does; its price is split over input and output
    tokens at 1:4. Per-token prices do not depend on the speed.
    """
    if answers <= 0:
        return Cost(None, None, None)
    if price.per_hour is not None:
        total = price.per_hour * window_s / SECONDS_PER_HOUR
        weighted = output_tokens + INPUT_WEIGHT * input_tokens
        if weighted <= 0:
            return Cost(None, None, total / answers)
        per_output = total / weighted * MILLION
        return Cost(per_output, per_output * INPUT_WEIGHT, total / answers)
    if price.per_million_output is None and price.per_million_input is None:
        return Cost(None, None, None)
    output_price = price.per_million_output or 0.0
    input_price = price.per_million_input or 0.0
    total = (output_tokens * output_price + input_tokens * input_price) / MILLION
    return Cost(price.per_million_output, price.per_million_input, total / answers)
