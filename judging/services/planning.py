"""What a judge run would take: calls, tokens, money, time, and how much it will tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from statistics import fmean
from typing import Any

from django.db.models import Avg

from arena.models import LanguageModel
from judging.adaptive import Forecast
from judging.batch_desk import PRICE_SHARE
from judging.cost import (
    TYPICAL_VERDICT_TOKENS,
    CostEstimate,
    Prices,
    Throughput,
    estimate_cost,
    estimate_prompt_tokens,
)
from judging.judges import Judge as BuiltJudge
from judging.judges import JudgeRequest
from judging.models import Judge, JudgeRunMode
from judging.precision import (
    Precision,
    expected_precision,
    scatter_of_scores,
    scatter_of_shares,
)
from judging.services.adaptive import check_adaptive, forecast_of
from judging.services.judges import judge_from_row, models_of
from judging.services.ledger import JudgeRunSpec, Ledger, open_ledger
from judging.services.stored_verdicts import (
    Compared,
    history_of,
    opponents_of,
    scores_of_judge,
    shares_of,
)
from judging.task import JudgingError
from judging.task_reading import Slot, TaskReader

# prompts rendered to learn their length; the mean of 300 is within a few percent of the whole
SAMPLED_TASKS = 300
OFFLINE_JUDGMENTS_PER_S = 1_000.0
BATCH_WINDOW_S = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class PlannedModel:
    """What one of several models would be asked, and cost in US dollars."""

    model: str
    calls: int
    input_tokens: int
    output_tokens: int
    money: float | None


@dataclass(frozen=True, slots=True)
class JudgePlan:
    """``to_make`` judgments, ``reused`` that are there, ``busy`` in runs that are going on.

    ``money`` and ``money_at_most`` are US dollars, None where a price is not known; an offline
    judge and a dry run cost nothing. ``unjudgeable`` is the share of sampled tasks that the judge
    cannot be asked, ``problem`` the first reason. ``precision`` is what the results will be known
    to once all is judged. An adaptive run makes at most what the plan says, and likely
    what is forecast.
    """

    questions: int
    to_make: int
    reused: int
    busy: int
    calls: int
    input_tokens: int
    output_tokens: int
    money: float | None
    money_at_most: float | None
    seconds: float
    bottleneck: str
    missing_answers: dict[str, int]
    unjudgeable: float = 0.0
    problem: str = ""
    by_model: tuple[PlannedModel, ...] = ()
    precision: Precision | None = None
    adaptive_within: float | None = None
    forecast: Forecast | None = None

    @property
    def likely_money(self) -> tuple[float, float] | None:
        """What an adaptive run may cost: the ends of the forecast's range; None if not known."""
        if self.forecast is None or not self.to_make or self.money is None:
            return None
        each = self.money / self.to_make
        return each * self.forecast.low, each * self.forecast.high

    @property
    def costs_money(self) -> bool:
        """Whether a paid call may be made; an unknown price counts as one."""
        return self.calls > 0 and self.money != 0

    def as_json(self) -> dict[str, Any]:
        """The plan as it is stored with the run and printed."""
        return asdict(self)


def plan_judge_run(spec: JudgeRunSpec) -> JudgePlan:
    """Count and estimate; changes nothing and calls nobody."""
    return plan_of(spec, open_ledger(spec))


def plan_of(spec: JudgeRunSpec, ledger: Ledger, *, sampled: int = SAMPLED_TASKS) -> JudgePlan:
    """The plan for what a ledger says is to be made; ``sampled`` tasks tell its prompts' length."""
    n_slots = ledger.n_to_make
    adaptive = check_adaptive(spec)
    history = [] if spec.mode == JudgeRunMode.SINGLE else history_of(spec.judge)
    precision = _precision(spec, ledger, history)
    judge = judge_from_row(spec.judge)
    models = {} if spec.is_dry_run else models_of(spec.judge, judge)
    sample = _sample(judge, ledger.sample(sampled), spec.seed)
    estimates = _estimates(spec.judge, sample, models, ledger) if models else {}
    if spec.settings.get("batch"):
        estimates = {name: _batched(estimate) for name, estimate in estimates.items()}
    offline = CostEstimate(0, 0, 0, 0.0, 0.0, n_slots / OFFLINE_JUDGMENTS_PER_S, "computation")
    estimate = _total(list(estimates.values())) if models else offline
    return JudgePlan(
        questions=ledger.questions,
        to_make=n_slots,
        reused=ledger.done,
        busy=ledger.busy,
        missing_answers=dict(ledger.missing_answers),
        unjudgeable=sample.refused / sample.tasks if sample.tasks else 0.0,
        problem=sample.problem,
        by_model=_by_model(estimates),
        precision=precision,
        adaptive_within=adaptive.within if adaptive else None,
        forecast=forecast_of(spec, adaptive, ledger, history) if adaptive and n_slots else None,
        **asdict(estimate),
    )


def _batched(estimate: CostEstimate) -> CostEstimate:
    """Through the Batch API: cheaper, and within a day."""
    if not estimate.calls:
        return estimate
    at_most = estimate.money_at_most
    return replace(
        estimate,
        money=None if estimate.money is None else PRICE_SHARE * estimate.money,
        money_at_most=None if at_most is None else PRICE_SHARE * at_most,
        seconds=BATCH_WINDOW_S,
        bottleneck="the endpoint's batch window",
    )


def _precision(spec: JudgeRunSpec, ledger: Ledger, history: Sequence[Compared]) -> Precision | None:
    """How wide the intervals will be once everything that was asked for is judged."""
    judged = {question for question, _ in ledger.owners.values()}
    if spec.mode == JudgeRunMode.SINGLE:
        return expected_precision(scatter_of_scores(scores_of_judge(spec)), questions=len(judged))
    return expected_precision(
        scatter_of_shares(shares_of(history)),
        questions=len(judged),
        opponents=opponents_of(spec),
        models=len(spec.answering_models),
    )


@dataclass(slots=True)
class _Sample:
    """Requests for some of the tasks; ``lengths`` in tokens by the model asked.

    ``is_per_answer`` says that every request is about one answer and its reply is kept.
    """

    tasks: int
    lengths: dict[str, list[int]]
    output_limits: dict[str, int | None]
    refused: int = 0
    problem: str = ""
    is_per_answer: bool = True


def _sample(judge: BuiltJudge, chosen: Sequence[Slot], seed: int) -> _Sample:
    reader = TaskReader(seed=seed)
    reader.fetch(chosen)
    sample = _Sample(len(chosen), {}, {})
    for slot in chosen:
        try:
            requests = judge.requests(reader.task(slot))
        except JudgingError as error:
            sample.refused += 1
            sample.problem = sample.problem or error.detail
            continue
        for request in requests:
            _add_request(sample, request)
    return sample


def _add_request(sample: _Sample, request: JudgeRequest) -> None:
    tokens = estimate_prompt_tokens(message.text for message in request.messages)
    sample.lengths.setdefault(request.endpoint, []).append(tokens)
    sample.output_limits[request.endpoint] = request.settings.max_tokens
    sample.is_per_answer &= request.is_kept


def _estimates(
    judge: Judge, sample: _Sample, models: Mapping[str, LanguageModel], ledger: Ledger
) -> dict[str, CostEstimate]:
    """By the name that the judge's requests use for each model."""
    history = judge.judgments.filter(is_dry_run=False, latency_s__gt=0).aggregate(
        output_tokens=Avg("output_tokens"), latency_s=Avg("latency_s")
    )
    # what is stored adds up a judgment's calls: a jury's are several
    at_once = sum(map(len, sample.lengths.values())) / max(sample.tasks - sample.refused, 1) or 1
    latency_s = history["latency_s"] and history["latency_s"] / at_once
    typical = (history["output_tokens"] or TYPICAL_VERDICT_TOKENS * at_once) / at_once
    estimates = {}
    for name, lengths in sample.lengths.items():
        calls = round(len(lengths) / sample.tasks * ledger.n_to_make)
        if sample.is_per_answer:
            scored = {
                (pk, slot.turn, slot.repeat) for slot in ledger.to_make for pk in slot.answers
            }
            calls = min(calls, len(scored))
        limit = sample.output_limits[name]
        estimates[name] = estimate_cost(
            [round(fmean(lengths))] * calls,
            output_tokens_per_call=min(typical, limit or typical),
            max_output_tokens=limit,
            prices=prices_of(models[name]),
            throughput=_throughput(models[name], latency_s),
        )
    return estimates


def _by_model(estimates: Mapping[str, CostEstimate]) -> tuple[PlannedModel, ...]:
    """The dearest first; empty where one model is asked."""
    named = [
        PlannedModel(name, each.calls, each.input_tokens, each.output_tokens, each.money)
        for name, each in estimates.items()
        if name
    ]
    return tuple(sorted(named, key=lambda part: (-(part.money or 0.0), part.model)))


def prices_of(model: LanguageModel) -> Prices | None:
    """What the model's tokens cost, when both prices are known."""
    if model.price_in_per_mtok is None or model.price_out_per_mtok is None:
        return None
    return Prices(model.price_in_per_mtok, model.price_out_per_mtok)


def _throughput(model: LanguageModel, latency_s: float | None) -> Throughput:
    endpoint = model.endpoint
    chosen = Throughput()
    if latency_s is not None:
        chosen = replace(chosen, latency_s=latency_s)
    if endpoint is None:
        return chosen
    return replace(
        chosen,
        concurrency=endpoint.max_concurrency,
        requests_per_minute=endpoint.requests_per_minute,
        tokens_per_minute=endpoint.tokens_per_minute,
    )


def _total(estimates: Sequence[CostEstimate]) -> CostEstimate:
    """Several models are asked side by side: counts and money add up, the slowest one decides."""
    if not estimates:
        return CostEstimate(0, 0, 0, 0.0, 0.0, 0.0, "nothing to do")
    slowest = max(estimates, key=lambda estimate: estimate.seconds)
    return CostEstimate(
        calls=sum(estimate.calls for estimate in estimates),
        input_tokens=sum(estimate.input_tokens for estimate in estimates),
        output_tokens=sum(estimate.output_tokens for estimate in estimates),
        money=_sum_known([estimate.money for estimate in estimates]),
        money_at_most=_sum_known([estimate.money_at_most for estimate in estimates]),
        seconds=slowest.seconds,
        bottleneck=slowest.bottleneck,
    )


def _sum_known(amounts: Sequence[float | None]) -> float | None:
    known = [amount for amount in amounts if amount is not None]
    return sum(known) if len(known) == len(amounts) else None
