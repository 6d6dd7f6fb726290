"""What probes found about a judge: pass rates with intervals, and whether a board should warn."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Max, QuerySet

from arena.models import WorkStatus
from judging.agreement import Estimate, proportion
from judging.judges import JUDGES
from judging.models import Judge, JudgmentMode, ProbeTrial
from judging.probes import PROBES, Probe, has_passed
from judging.verdicts.base import Mode, Outcome

# below this share of passed cases a probe counts as failed; a judge that is taken in by one case
# in five can be farmed
PASS_SHARE = 0.8
SEED = 20_240_501


@dataclass(frozen=True, slots=True)
class ProbeFigure:
    """Pass rate of one probe in one mode; ``undecided`` cases lack a readable verdict."""

    name: str
    mode: str
    estimate: Estimate
    undecided: int
    run_id: int

    @property
    def probe(self) -> Probe:
        """What was planted."""
        return PROBES.get(self.name)

    @property
    def mode_label(self) -> str:
        """The mode in the reader's language."""
        return str(JudgmentMode(self.mode).label)

    @property
    def is_passed(self) -> bool:
        """Whether the judge holds out often enough; False without any decided case."""
        return self.estimate.value is not None and self.estimate.value >= PASS_SHARE


@dataclass(frozen=True, slots=True)
class ProbedCase:
    """A case with its two trials, for the page of rows."""

    trials: tuple[ProbeTrial, ...]
    is_passed: bool | None


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a judge stands with the probes; ``missing`` and ``failed`` name probes."""

    judge: Judge
    missing: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    is_probed: bool = False

    @property
    def is_cleared(self) -> bool:
        """Every probe was run and passed."""
        return self.is_probed and not self.missing and not self.failed

    @property
    def failed_labels(self) -> list[str]:
        """The failed probes in the reader's language."""
        return [str(PROBES.get(name).label) for name in self.failed]


@dataclass(slots=True)
class _Cases:
    run_id: int
    games: dict[str, dict[int, tuple[str, float | None]]] = field(default_factory=dict)


def _newest_runs(judges: Iterable[Judge]) -> dict[tuple[int, str, str], int]:
    """The newest run with finished trials, by judge, probe and mode."""
    rows = (
        ProbeTrial.objects.filter(judge__in=list(judges), status=WorkStatus.DONE)
        .order_by()
        .values_list("judge_id", "probe", "mode")
        .annotate(newest=Max("run_id"))
    )
    return {(judge, probe, mode): run for judge, probe, mode, run in rows}


def probe_figures(judge: Judge) -> list[ProbeFigure]:
    """Pass rates from the newest run of each probe; two queries."""
    return _figures([judge]).get(judge.pk, [])


def _figures(judges: list[Judge]) -> dict[int, list[ProbeFigure]]:
    newest = _newest_runs(judges)
    wanted = set(newest.values())
    found: dict[tuple[int, str, str], _Cases] = {}
    rows = ProbeTrial.objects.filter(run_id__in=wanted).order_by("id")
    columns = ("judge_id", "probe", "mode", "run_id", "case", "game", "outcome", "score")
    for judge, probe, mode, run, case, game, outcome, score in rows.values_list(*columns):
        if newest.get((judge, probe, mode)) == run:
            cases = found.setdefault((judge, probe, mode), _Cases(run))
            cases.games.setdefault(case, {})[game] = (outcome, score)
    figures: defaultdict[int, list[ProbeFigure]] = defaultdict(list)
    for (judge, probe, mode), cases in sorted(found.items()):
        if probe in PROBES.names():
            figures[judge].append(_figure(probe, mode, cases))
    return figures


def _figure(name: str, mode: str, cases: _Cases) -> ProbeFigure:
    verdicts = {case: _is_passed(name, mode, games) for case, games in cases.games.items()}
    decided = {case: passed for case, passed in verdicts.items() if passed is not None}
    return ProbeFigure(
        name=name,
        mode=mode,
        estimate=proportion(list(decided.values()), list(decided), seed=SEED),
        undecided=len(verdicts) - len(decided),
        run_id=cases.run_id,
    )


def _is_passed(name: str, mode: str, games: dict[int, tuple[str, float | None]]) -> bool | None:
    first, second = games.get(1, ("", None)), games.get(2, ("", None))
    criterion = PROBES.get(name).criterion
    if mode == JudgmentMode.SINGLE:
        return has_passed(criterion, scores=(first[1], second[1]))
    outcomes = tuple(Outcome(said) if said else None for said, _ in (first, second))
    return has_passed(criterion, outcomes=(outcomes[0], outcomes[1]))


def probed_cases(judge: Judge, name: str, mode: str) -> list[ProbedCase]:
    """The cases behind a figure with their rows, failed ones first."""
    run = _newest_runs([judge]).get((judge.pk, name, mode))
    trials: QuerySet[ProbeTrial] = (
        ProbeTrial.objects.filter(run_id=run, judge=judge, probe=name, mode=mode)
        .select_related("run__question_set")
        .order_by("id")
    )
    by_case: defaultdict[str, list[ProbeTrial]] = defaultdict(list)
    for trial in trials:
        by_case[trial.case].append(trial)
    cases = [
        ProbedCase(
            tuple(rows),
            _is_passed(name, mode, {row.game: (row.outcome, row.score) for row in rows}),
        )
        for rows in by_case.values()
    ]
    order: dict[Any, int] = {False: 0, None: 1, True: 2}
    return sorted(cases, key=lambda case: order[case.is_passed])


def standings(judges: Iterable[Judge]) -> list[Standing]:
    """Where each judge stands; imported judges cannot be probed and are left out. Two queries."""
    askable = [judge for judge in judges if judge.kind in JUDGES.names()]
    figures = _figures(askable)
    return [_standing(judge, figures.get(judge.pk, [])) for judge in askable]


def _standing(judge: Judge, figures: list[ProbeFigure]) -> Standing:
    modes = JUDGES.get(judge.kind).modes
    run = {figure.name for figure in figures}
    missing = [n for n in PROBES.names() if n not in run and _fits(PROBES.get(n), modes)]
    failed = sorted({figure.name for figure in figures if not figure.is_passed})
    return Standing(judge, tuple(missing), tuple(failed), is_probed=bool(figures))


def _fits(probe: Probe, modes: frozenset[Mode]) -> bool:
    return bool(probe.modes & modes)
