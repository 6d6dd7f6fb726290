"""Runs of judges that were started for the same before and never ended.

See ``arena.services.going_on``.
"""

from __future__ import annotations

from django.db.models import Q

from arena.models import RunStatus
from judging.models import JudgeBatch, JudgeRun, ProbeRun
from judging.services.judge_runs import spec_of
from judging.services.ledger import JudgeRunSpec
from judging.services.probing import ProbeSpec, probe_settings


def judging_going_on(spec: JudgeRunSpec) -> list[JudgeRun]:
    """Runs of this judge that were asked for exactly what ``spec`` asks for.

    They are active, or were paused while a batch is out: no other run may ask the same meanwhile.
    """
    has_batch_out = Q(status=RunStatus.STOPPED, pk__in=JudgeBatch.objects.out().values("run"))
    found = JudgeRun.objects.filter(
        Q(status=RunStatus.ACTIVE) | has_batch_out,
        judge=spec.judge,
        mode=spec.mode,
        question_set=spec.question_set,
        baseline=spec.baseline,
        is_dry_run=spec.is_dry_run,
    ).order_by("id")
    return [run for run in found if _is_same(spec_of(run), spec)]


def _is_same(one: JudgeRunSpec, other: JudgeRunSpec) -> bool:
    asked, wanted = (
        ({model.pk for model in each.judged_models}, each.limit, each.repeats)
        for each in (one, other)
    )
    return asked == wanted


def probing_going_on(spec: ProbeSpec) -> list[ProbeRun]:
    """Active runs in which this judge is put to the same probes, on the same questions."""
    found = ProbeRun.objects.filter(
        status=RunStatus.ACTIVE, judge=spec.judge, mode=spec.mode, question_set=spec.question_set
    ).order_by("id")
    return [run for run in found if run.settings == probe_settings(spec)]
