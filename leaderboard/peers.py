"""Peer examinations: starting one, and what its page shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isnan
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.utils.text import slugify

from arena.models import LanguageModel
from arena.run_progress import RunProgress, run_progress
from arena.services.generation import EmptyRunError
from arena.services.runs import start_run
from judging.models import Judge, JudgeRun
from judging.services.judge_runs import create_judge_run
from judging.services.ledger import JudgeRunSpec
from judging.services.peers import PeerSpec, peer_runs, peer_slug, run_over_pairs
from leaderboard.models import Board, PeerExamination, Rating, Snapshot
from leaderboard.services import latest_snapshot

METHOD = "peer_examination"
CENTRAL_METHOD = "bradley_terry"


@transaction.atomic
def start_peer_examination(
    spec: PeerSpec,
    *,
    central_judge: Judge | None = None,
    slug: str = "",
    title: str = "",
    created_by: User | None = None,
) -> PeerExamination:
    """Start every examiner's run, and the central judge's, and make their boards.

    What has been judged already is not judged again, so that the same call later goes on with
    what is missing. A dry run makes boards too, on which nothing will count. Raises
    JudgeRunError, JudgeSettingsError, PromptError, BudgetError or NotCallableError.
    """
    specs = examination_runs(spec, central_judge)
    models = tuple(dict.fromkeys(spec.language_models))
    slug = slug or f"peers-{spec.question_set.slug}"[:100]
    slug = slugify(slug, allow_unicode=True)
    board = _board(slug, spec, METHOD, [peer_slug(model) for model in models], title)
    examination, _ = PeerExamination.objects.get_or_create(board=board)
    if central_judge is not None:
        examination.central_board = _board(
            f"{slug}-central", spec, CENTRAL_METHOD, [central_judge.slug], central_judge.name
        )
        examination.save(update_fields=["central_board"])
    for run_spec in specs:
        try:
            run = create_judge_run(run_spec, created_by=created_by)
        except EmptyRunError:
            continue  # judged already, or other runs are at it
        examination.runs.add(start_run(run))
    return examination


def examination_runs(
    spec: PeerSpec, central_judge: Judge | None, *, is_planned: bool = False
) -> list[JudgeRunSpec]:
    """Every examiner's run, and the central judge's over all pairs; planned ones store nothing."""
    specs = peer_runs(spec, is_planned=is_planned)
    if central_judge is not None:
        models = tuple(dict.fromkeys(spec.language_models))
        specs.append(run_over_pairs(spec, central_judge, models))
    return specs


def _board(slug: str, spec: PeerSpec, method: str, judges: list[str], title: str) -> Board:
    query: dict[str, Any] = {  # JSON
        "source": "judges",
        "question_sets": [spec.question_set.slug],
        "judges": judges,
        "models": [model.slug for model in dict.fromkeys(spec.language_models)],
        "include_demo": spec.question_set.is_demo,
    }
    # which set, models and judges it is about may change when it is started once more
    board, _ = Board.objects.update_or_create(
        slug=slug,
        defaults={"query": query, "method": method},
        create_defaults={
            "query": query,
            "method": method,
            "title": title or str(spec.question_set),
            "is_demo": spec.question_set.is_demo,
        },
    )
    return board


@dataclass(frozen=True, slots=True)
class Line:
    """A model as its peers rate it, and as the central judge does."""

    peers: Rating
    central: Rating | None

    @property
    def rank_difference(self) -> int | None:
        """Places that the peers put it higher than the central judge does."""
        return None if self.central is None else self.central.rank - self.peers.rank


@dataclass(frozen=True, slots=True)
class Examiner:
    """A judge on the panel: its weight, and its agreement with the others with its interval."""

    judge: Judge
    verdicts: int
    weight: float
    agreement: float | None
    lower: float | None
    upper: float | None


@dataclass(frozen=True, slots=True)
class ExaminationPage:
    """``tau`` is Kendall's rank correlation of both orders; None without a central judge."""

    examination: PeerExamination
    snapshot: Snapshot | None
    lines: list[Line]
    examiners: list[Examiner]
    tau: float | None
    runs: list[RunProgress]

    @property
    def is_running(self) -> bool:
        """Whether verdicts are still to come."""
        return any(progress.run.status == "active" for progress in self.runs)


def examination_page(examination: PeerExamination) -> ExaminationPage:
    """Read what is there; before the first snapshot only the runs."""
    snapshot = latest_snapshot(examination.board)
    central = examination.central_board and latest_snapshot(examination.central_board)
    theirs = {row.model_id: row for row in _ratings(central)} if central else {}
    lines = [Line(row, theirs.get(row.model_id)) for row in _ratings(snapshot)] if snapshot else []
    runs = JudgeRun.objects.filter(pk__in=examination.runs.values("pk")).order_by("id")
    return ExaminationPage(
        examination=examination,
        snapshot=snapshot,
        lines=lines,
        examiners=_examiners(snapshot.diagnostics.get("examiners", {})) if snapshot else [],
        tau=_tau(lines),
        runs=[run_progress(run) for run in runs.select_related("judge")],
    )


def _ratings(snapshot: Snapshot) -> list[Rating]:
    return list(snapshot.ratings.select_related("model").order_by("rank", "model__slug"))


def _examiners(found: Mapping[str, Mapping[str, Any]]) -> list[Examiner]:  # JSON of the fit
    judges = Judge.objects.select_related("language_model").in_bulk([int(pk) for pk in found])
    examiners = [Examiner(judges[int(pk)], **facts) for pk, facts in found.items()
                 if int(pk) in judges]  # fmt: skip
    return sorted(examiners, key=lambda examiner: -examiner.weight)


def _tau(lines: list[Line]) -> float | None:
    from scipy.stats import kendalltau  # every command would wait half a second for it

    pairs = [(line.peers.rating, line.central.rating) for line in lines if line.central]
    if len(pairs) < 2:
        return None
    tau = float(kendalltau(*zip(*pairs, strict=True)).statistic)
    return None if isnan(tau) else tau


def examination_as_json(page: ExaminationPage) -> dict[str, Any]:  # JSON
    """What the command prints."""
    return {
        "board": page.examination.board.slug,
        "central_board": getattr(page.examination.central_board, "slug", None),
        "kendall_tau": page.tau,
        "ranking": [
            {
                "model": line.peers.model.slug,
                "rank": line.peers.rank,
                **_interval("peers", line.peers),
                **(_interval("central", line.central) if line.central else {}),
            }
            for line in page.lines
        ],
        "examiners": [
            {
                "judge": each.judge.slug,
                "verdicts": each.verdicts,
                "weight": each.weight,
                "agreement": each.agreement,
                "agreement_lower": each.lower,
                "agreement_upper": each.upper,
            }
            for each in page.examiners
        ],
    }


def _interval(name: str, row: Rating) -> dict[str, Any]:  # JSON
    return {
        f"{name}_rating": row.rating,
        f"{name}_lower": row.rating_lower,
        f"{name}_upper": row.rating_upper,
    }


def models_with_answers(question_set_id: int) -> list[LanguageModel]:
    """Who may take part: models that have answered the set and can be asked."""
    answering = LanguageModel.objects.callable().filter(
        answers__question__question_set=question_set_id
    )
    return list(answering.select_related("endpoint").distinct())
