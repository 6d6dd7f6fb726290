"""Deciding the trials of a probe run: a judge run's machinery over other rows."""

from __future__ import annotations

from collections.abc import Sequence

from judging.models import ProbeTrial
from judging.probe_tasks import task_of
from judging.receipt import BILL_COLUMNS, StoredBill
from judging.task import JudgingError
from judging.workload import Asked, JudgeWorkload


class ProbeWorkload(JudgeWorkload):
    """Trials carry their own texts. No stored reply stands in: a probe is asked anew."""

    def load(self, ids: Sequence[int]) -> list[ProbeTrial]:
        trials = list(ProbeTrial.objects.filter(pk__in=ids).order_by("id"))
        for trial in trials:
            self.asked[trial.pk] = self._ask_trial(trial)
            bill = StoredBill(*(getattr(trial, name) for name in BILL_COLUMNS))
            self._open_receipt(trial.pk, bill)
        return trials

    def _ask_trial(self, trial: ProbeTrial) -> Asked:
        if self.judge is None:
            return Asked(None, refusal=self.unusable)
        task = task_of(trial, seed=self.run.seed)
        try:
            return self._prepared(task)
        except JudgingError as refusal:
            return Asked(None, refusal=refusal)
