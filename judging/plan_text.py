"""A plan in words, for the terminal."""

from __future__ import annotations

from judging.precision import Precision
from judging.services.ledger import JudgeRunSpec
from judging.services.planning import JudgePlan


def plan_text(spec: JudgeRunSpec, plan: JudgePlan) -> str:
    """Calls, tokens, money and time, what is reused and what is missing."""
    kind = "Dry run of judge" if spec.is_dry_run else "Judge"
    lines = [
        f"{kind} {spec.judge.slug} v{spec.judge.version}, {spec.mode.value}, "
        f"{len(spec.judged_models)} models, {plan.questions} questions",
        f"  judgments   {_at_most(plan)}{plan.to_make:,} to make, {plan.reused:,} there already"
        + (f", {plan.busy:,} in other runs" if plan.busy else ""),
        f"  calls       {plan.calls:,}",
    ]
    if plan.calls:
        lines += [
            f"  tokens      about {plan.input_tokens:,} in, {plan.output_tokens:,} out",
            f"  money       {_money(plan)}",
            *(f"    {by.model}: {by.calls:,} calls, {_usd(by.money)}" for by in plan.by_model),
            f"  time        about {_duration(plan.seconds)} (bound by {plan.bottleneck})",
        ]
    if plan.forecast is not None:
        lines.append(
            f"  adaptive    until every gap is known to ± {plan.adaptive_within:g} points: likely "
            f"{_forecast(plan)}"
        )
    if plan.precision is not None:
        lines.append(f"  precision   {_precision(plan.precision)}")
    for slug, count in plan.missing_answers.items():
        lines.append(f"  missing     {count} answers of {slug}: their judgments are left out")
    if plan.unjudgeable:
        lines.append(f"  impossible  {plan.unjudgeable:.0%} of the tasks: {plan.problem}")
    return "\n".join(lines)


def _at_most(plan: JudgePlan) -> str:
    return "" if plan.adaptive_within is None else "at most "


def _forecast(plan: JudgePlan) -> str:
    """The range, how surely the goal is reached at all, and what the simulation rests on."""
    found = plan.forecast
    if found is None:
        return "not known"
    told = f"{found.likely:,} judgments (8 of 10 simulated runs: {found.low:,} to {found.high:,})"
    if plan.likely_money is not None and plan.money:
        told += " for ${:,.2f} to ${:,.2f}".format(*plan.likely_money)
    if found.reached < 1:
        told += f"; {found.reached:.0%} of them reach the goal"
    strengths = (
        f"{found.n_verdicts:,} verdicts on these models"
        if found.n_verdicts
        else "assumed strengths"
    )
    noise = (
        f"this judge's verdicts on {found.n_questions:,} questions"
        if found.n_questions
        else "an assumed consistency of the judge"
    )
    return f"{told}; from {strengths} and {noise}"


def _precision(precision: Precision) -> str:
    """Half widths of 95 % intervals, and where the guess comes from."""
    known = (
        f"from this judge's verdicts on {precision.n_questions:,} questions"
        if precision.n_questions
        else "assumed, as this judge has no verdicts to learn from"
    )
    if precision.points is None:
        return f"mean scores to ± {precision.half_width:.2f} ({known})"
    return (
        f"win rates to ± {100 * precision.half_width:.1f} %, about ± {precision.points:.0f} rating "
        f"points, gaps to ± {precision.gap_points:.0f} ({known})"
    )


def _money(plan: JudgePlan) -> str:
    if plan.money is None:
        return "not known: the judge's model has no prices"
    at_most = "" if plan.money_at_most is None else f", at most ${plan.money_at_most:,.2f}"
    return f"about ${plan.money:,.2f}{at_most}"


def _usd(money: float | None) -> str:
    return "no prices" if money is None else f"${money:,.2f}"


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
