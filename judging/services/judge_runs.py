"""Creating judge runs: the rows that are missing, and those nobody works on any more.

An adaptive run begins with a first batch of them, and makes more as its verdicts arrive.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from arena import __version__
from arena.calling import endpoint_config
from arena.models import Answer, LanguageModel, Question, RunStatus, WorkStatus
from arena.services.battles import stored_battles
from arena.services.generation import EmptyRunError
from arena.services.runs import start_run
from judging.budget import Budget, BudgetError
from judging.models import JudgeRun, JudgeRunMode, Judgment
from judging.replies import UNREADABLE_TRIES
from judging.services.adaptive import (
    AdaptiveSettings,
    check_adaptive,
    forecast_of,
    next_batch,
)
from judging.services.judges import judge_from_row, models_of
from judging.services.ledger import JudgeRunError, JudgeRunSpec, Ledger, open_ledger
from judging.services.planning import plan_of, prices_of
from judging.task_reading import Slot

BATCH = 1000


@transaction.atomic
def create_judge_run(spec: JudgeRunSpec, *, created_by: User | None = None) -> JudgeRun:
    """A run over all judgments of ``spec`` that are missing; those that exist stay as they are.

    Raises NotCallableError for a judge model without a usable endpoint, JudgeSettingsError for a
    judge that cannot be built, EmptyRunError when nothing is left to judge.
    """
    if not spec.is_dry_run:
        models = models_of(spec.judge, judge_from_row(spec.judge))
        for model in models.values():
            endpoint_config(model)
        _check_budget(spec, models.values())
        _check_batch(spec, models.values())
    adaptive = check_adaptive(spec)
    ledger = open_ledger(spec)
    if not ledger.n_to_make:
        raise EmptyRunError(why_empty(spec, ledger))
    if adaptive is None:
        run = _create_row(spec, ledger, created_by)
        _add_rows(run, spec, ledger, ledger.to_make)
        return run
    batch = next_batch(spec, adaptive, ledger)
    if not batch.slots:
        raise EmptyRunError(
            f"judge {spec.judge.slug!r} has compared enough already: every gap between two models "
            f"is settled (within {adaptive.within:g} points, or in order); ask for less"
        )
    run = _create_row(spec, ledger, created_by)
    first = batch.note() | {"left": run.plan["forecast"]}
    _note_look(run, adaptive, first, batch.total, asked=ledger.done + ledger.busy)
    _add_rows(run, spec, ledger, batch.slots)
    return run


def extend_judge_run(run: JudgeRun) -> bool:
    """Make the next rows of an adaptive run whose rows are all finished; False when it is done.

    Called with the run's row locked, so that of two workers one decides.
    """
    adaptive = AdaptiveSettings.of(run.settings)
    if adaptive is None:
        return False
    spec = spec_of(run)
    ledger = open_ledger(spec)
    batch = next_batch(spec, adaptive, ledger)
    left = forecast_of(spec, adaptive, ledger) if batch.slots else None
    _note_look(run, adaptive, batch.note(left), batch.total, asked=ledger.done + ledger.busy)
    _add_rows(run, spec, ledger, batch.slots)
    return bool(batch.slots) and run.items().unfinished().exists()


def spec_of(run: JudgeRun) -> JudgeRunSpec:
    """What a stored run was asked for."""
    named = ("limit", "repeats")
    return JudgeRunSpec(
        judge=run.judge,
        mode=JudgeRunMode(run.mode),
        question_set=run.question_set,
        language_models=tuple(run.language_models.order_by("id")),
        baseline=run.baseline,
        is_dry_run=run.is_dry_run,
        limit=run.settings.get("limit"),
        repeats=run.settings.get("repeats", 1),
        seed=run.seed,
        settings={name: value for name, value in run.settings.items() if name not in named},
    )


def _note_look(
    run: JudgeRun,
    adaptive: AdaptiveSettings,
    look: dict[str, Any],  # JSON
    total: int,
    *,
    asked: int,
) -> None:
    told = run.plan.get("adaptive") or {}
    told |= {"within": adaptive.within, "stop_at": adaptive.stop_at, "total": total}
    told["looks"] = [*told.get("looks", ()), look | {"asked": asked}]
    run.plan["adaptive"] = told
    run.save(update_fields=["plan"])


def _add_rows(run: JudgeRun, spec: JudgeRunSpec, ledger: Ledger, slots: Sequence[Slot]) -> None:
    """Rows for the slots that have none; those that nobody works on are taken over."""
    missing = [slot for slot in slots if slot not in ledger.adoptable]
    for start in range(0, len(missing), BATCH):
        rows = _rows(run, spec, missing[start : start + BATCH])
        Judgment.objects.bulk_create(rows, ignore_conflicts=True)
    _adopt(run, [ledger.adoptable[slot] for slot in slots if slot in ledger.adoptable])


def start_judge_run(spec: JudgeRunSpec, *, created_by: User | None = None) -> JudgeRun:
    """Create a run and set it going."""
    return start_run(create_judge_run(spec, created_by=created_by))


def _check_budget(spec: JudgeRunSpec, models: Iterable[LanguageModel]) -> None:
    """A budget of money can only be kept where the prices are known."""
    budget = Budget.from_settings(spec.settings)
    if budget is None or budget.usd is None:
        return
    for model in models:
        if prices_of(model) is None:
            raise BudgetError(
                f"model {model.slug!r} has no prices, so a budget of money cannot be kept; enter "
                "its prices, or limit calls or minutes instead"
            )


def _check_batch(spec: JudgeRunSpec, models: Iterable[LanguageModel]) -> None:
    """A batch is paid as a whole: a budget must hold whatever comes of it."""
    if not spec.settings.get("batch"):
        return
    for model in models:
        if model.endpoint is None or model.endpoint.provider != "openai_compatible":
            raise JudgeRunError(
                f"model {model.slug!r} is not reached through an OpenAI-compatible endpoint, so it "
                "has no Batch API; leave batch out"
            )
    budget = Budget.from_settings(spec.settings)
    if budget is None:
        return
    if budget.minutes is not None:
        raise BudgetError("a batch takes up to a day, so its minutes cannot be limited")
    plan = plan_of(spec, open_ledger(spec))
    most = plan.money_at_most
    if budget.usd is not None and (most is None or most > budget.usd):
        raise BudgetError(
            f"a batch is paid as a whole and may cost up to ${most or 0.0:,.2f}, more than the "
            f"budget of ${budget.usd:,.2f}; ask for fewer questions or allow more"
        )
    if budget.calls is not None and UNREADABLE_TRIES * plan.calls > budget.calls:
        raise BudgetError(
            f"a batch is sent as a whole and may take {UNREADABLE_TRIES * plan.calls} calls, more "
            f"than the budget of {budget.calls}; ask for fewer questions or allow more"
        )


def why_empty(spec: JudgeRunSpec, ledger: Ledger) -> str:
    """The sentence for a run that would have no judgment to make."""
    if ledger.busy:
        return (
            f"all {ledger.busy} missing judgments are being made by runs that are going on, or are "
            "in a batch that a paused or cancelled run has sent"
        )
    if ledger.done:
        return (
            f"judge {spec.judge.slug!r} has made all {ledger.done} judgments of "
            f"{spec.question_set.slug!r} that were asked for; choose other models or another judge"
        )
    missing = ", ".join(f"{slug} ({n})" for slug, n in ledger.missing_answers.items())
    return (
        f"there is nothing to judge in {spec.question_set.slug!r}: answers are missing of "
        f"{missing or 'no model, but the set has no questions'}; generate or import them first"
    )


def _create_row(spec: JudgeRunSpec, ledger: Ledger, created_by: User | None) -> JudgeRun:
    run = JudgeRun.objects.create(
        label=f"{spec.judge}: {spec.question_set}, {spec.mode.label}"[:200],
        judge=spec.judge,
        mode=spec.mode,
        question_set=spec.question_set,
        baseline=spec.baseline,
        is_dry_run=spec.is_dry_run,
        seed=spec.seed,
        settings=_settings(spec),
        plan=plan_of(spec, ledger).as_json(),
        reused=ledger.done,
        created_by=created_by,
        software_version=__version__,
    )
    run.language_models.set(spec.judged_models)
    return run


def _settings(spec: JudgeRunSpec) -> dict[str, Any]:  # JSON
    asked: dict[str, Any] = dict(spec.settings)
    if spec.limit is not None:
        asked["limit"] = spec.limit
    if spec.repeats > 1:
        asked["repeats"] = spec.repeats
    return asked


def _rows(run: JudgeRun, spec: JudgeRunSpec, slots: Sequence[Slot]) -> list[Judgment]:
    """In the order of the slots, so that a run goes through the set question by question."""
    battles = {} if spec.judgment_mode == "single" else _battle_ids(slots)
    return [
        Judgment(
            run=run,
            judge=spec.judge,
            mode=spec.judgment_mode,
            answer_id=None if slot.answer_b else slot.answer_a,
            battle_id=battles[slot.answer_a, slot.answer_b] if slot.answer_b else None,
            game=slot.game,
            turn=slot.turn,
            repeat=slot.repeat,
            is_dry_run=spec.is_dry_run,
        )
        for slot in slots
    ]


def _battle_ids(slots: Sequence[Slot]) -> dict[tuple[int, int], int]:
    pairs = list(dict.fromkeys((slot.answer_a, slot.answer_b) for slot in slots))
    ids = sorted({pk for pair in pairs for pk in pair})
    answers: dict[int, Answer] = {}
    for start in range(0, len(ids), BATCH):
        rows = Answer.objects.filter(pk__in=ids[start : start + BATCH])
        answers |= {row.pk: row for row in rows.only("id", "question_id", "model_id")}
    asked = {answer.question_id for answer in answers.values()}
    questions = Question.objects.in_bulk(list(asked))
    for answer in answers.values():
        answer.question = questions[answer.question_id]
    battles = stored_battles((answers[a], answers[b]) for a, b in pairs)
    return {pair: battle.pk for pair, battle in battles.items()}


def _adopt(run: JudgeRun, ids: Sequence[int]) -> None:
    """Take rows over, unless somebody has begun to work on them in the meantime."""
    has_active_run = Q(run__status=RunStatus.ACTIVE)
    is_held = Q(status=WorkStatus.CLAIMED, lease_expires_at__gte=timezone.now())
    for start in range(0, len(ids), BATCH):
        rows = Judgment.objects.filter(pk__in=ids[start : start + BATCH])
        free = rows.exclude(status=WorkStatus.DONE).exclude(has_active_run).exclude(is_held)
        free.update(
            run=run,
            status=WorkStatus.PENDING,
            attempts=0,
            not_before=None,
            lease_owner="",
            lease_expires_at=None,
            finished_at=None,
        )
