"""Probe runs: a judge is asked about planted answers, and its trials are kept as rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction

from arena import __version__
from arena.calling import endpoint_config
from arena.models import Answer, LanguageModel, QuestionSet
from arena.services.runs import start_run
from judging.cost import TYPICAL_VERDICT_TOKENS, estimate_prompt_tokens
from judging.judges import JUDGES
from judging.models import Judge, JudgmentMode, ProbeRun, ProbeTrial
from judging.probe_tasks import task_of
from judging.probes import PROBES, JudgeNames, Probe, ProbeItem
from judging.probes.items import Answered, items_from, shipped_items
from judging.services.judges import judge_from_row, models_of
from judging.services.planning import prices_of
from judging.task import JudgingError
from judging.verdicts.base import Mode

BATCH = 500


class ProbeError(ValueError):
    """What was asked for makes no probe run; the sentence says why and what to change."""


@dataclass(frozen=True, slots=True)
class ProbeSpec:
    """Which judge, in which mode, on which probes and questions.

    Without ``probes`` all that fit the mode; without ``question_set`` the questions that come with
    the program, otherwise the first ``limit`` of the set with answers of two models.
    """

    judge: Judge
    mode: JudgmentMode
    probes: tuple[str, ...] = ()
    question_set: QuestionSet | None = None
    limit: int | None = None

    def __post_init__(self) -> None:
        for name in self.probes:
            PROBES.get(name)
        if Mode(self.mode) not in JUDGES.get(self.judge.kind).modes:
            raise ProbeError(
                f"judge {self.judge.slug!r} of kind {self.judge.kind!r} does not judge in mode "
                f"{self.mode}; choose the other mode"
            )

    @property
    def chosen(self) -> dict[str, Probe]:
        """The probes by name; those that do not fit the mode are left out."""
        names = self.probes or tuple(PROBES.names())
        found = {name: PROBES.get(name) for name in names}
        return {name: probe for name, probe in found.items() if Mode(self.mode) in probe.modes}


@dataclass(frozen=True, slots=True)
class ProbePlan:
    """``money`` in US dollars, None where a price is not known; 0 for an offline judge."""

    cases: int
    trials: int
    calls: int
    money: float | None


def default_mode(judge: Judge) -> JudgmentMode:
    """Pairwise where the judge can do it."""
    modes = JUDGES.get(judge.kind).modes
    return JudgmentMode.PAIRWISE if Mode.PAIRWISE in modes else JudgmentMode.SINGLE


def probe_items(spec: ProbeSpec) -> tuple[ProbeItem, ...]:
    """The questions of a run; raises ProbeError for a set without two models' answers."""
    if spec.question_set is None:
        return shipped_items()[: spec.limit]
    answers: dict[int, list[Answer]] = {}
    rows = Answer.objects.done().in_answer_set().to_set(spec.question_set).order_by("id")
    for answer in rows.select_related("question"):
        if answer.turns and answer.turns[0].strip():
            answers.setdefault(answer.question_id, []).append(answer)
    found = [
        Answered(
            key=both[0].question.external_id,
            language=both[0].question.language,
            question=both[0].question.turn_texts[0],
            answer=both[0].turns[0],
            other_answer=both[1].turns[0],
        )
        for both in answers.values()
        if len(both) > 1
    ]
    if len(found) < 2:
        raise ProbeError(
            f"question set {spec.question_set.slug!r} has {len(found)} questions with answers of "
            "two models; probes need at least 2, so choose another set or the shipped questions"
        )
    return items_from(found[: spec.limit])


def trials_of(spec: ProbeSpec) -> list[ProbeTrial]:
    """The rows of a run, without the run: both games of every case, probe by probe."""
    model = spec.judge.language_model
    names = JudgeNames(
        name=model.display_name if model else spec.judge.name,
        maker=model.organisation if model else str(spec.judge.settings.get("family", "")),
    )
    trials = []
    for name, probe in spec.chosen.items():
        for number, item in enumerate(probe_items(spec)):
            case = probe.plant(item, number, names)
            trials += [
                ProbeTrial(
                    judge=spec.judge,
                    probe=name,
                    case=item.key[:120],
                    mode=spec.mode,
                    game=game,
                    language=item.language,
                    question=item.question,
                    honest=case.honest,
                    planted=case.planted,
                )
                for game in (1, 2)
            ]
    return trials


def plan_probe_run(spec: ProbeSpec) -> ProbePlan:
    """Count and estimate; changes nothing and calls nobody."""
    trials = trials_of(spec)
    built = judge_from_row(spec.judge)
    models = models_of(spec.judge, built)
    calls, money = 0, 0.0 if models else None
    known = all(prices_of(model) for model in models.values())
    for trial in trials if models else ():
        try:
            requests = built.requests(task_of(trial))
        except JudgingError:
            continue  # it will fail with this reason on its row
        calls += len(requests)
        for request in requests:
            prices = prices_of(models[request.endpoint])
            sent = estimate_prompt_tokens(message.text for message in request.messages)
            money = (money or 0.0) + (prices.cost(sent, TYPICAL_VERDICT_TOKENS) if prices else 0.0)
    return ProbePlan(
        cases=len(trials) // 2,
        trials=len(trials),
        calls=calls,
        money=(money if known else None) if models else 0.0,
    )


@transaction.atomic
def create_probe_run(spec: ProbeSpec, *, created_by: User | None = None) -> ProbeRun:
    """The run with all its trials.

    Raises NotCallableError for a judge whose model cannot be called, ProbeError when no probe fits.
    """
    for model in _models(spec.judge):
        endpoint_config(model)
    trials = trials_of(spec)
    if not trials:
        raise ProbeError(
            f"none of the probes fits mode {spec.mode}; there are: {', '.join(PROBES.names())}"
        )
    run = ProbeRun.objects.create(
        label=f"{spec.judge}: {len(spec.chosen)} probes"[:200],
        judge=spec.judge,
        mode=spec.mode,
        question_set=spec.question_set,
        settings=probe_settings(spec),
        created_by=created_by,
        software_version=__version__,
    )
    for trial in trials:
        trial.run = run
    ProbeTrial.objects.bulk_create(trials, batch_size=BATCH)
    return run


def probe_settings(spec: ProbeSpec) -> dict[str, Any]:  # JSON kept with the run
    """What a run was asked for beyond its columns."""
    limit = {} if spec.limit is None else {"limit": spec.limit}
    return {"probes": list(spec.chosen), **limit}


def start_probe_run(spec: ProbeSpec, *, created_by: User | None = None) -> ProbeRun:
    """Create a run and set it going."""
    return start_run(create_probe_run(spec, created_by=created_by))


def _models(judge: Judge) -> Sequence[LanguageModel]:
    return list(models_of(judge, judge_from_row(judge)).values())
