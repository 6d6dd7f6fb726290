"""Releases asked for on the staff's page: made in the background, kept, taken back."""

from __future__ import annotations

import datetime as dt
import logging
import tempfile
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from django.contrib.auth.models import User
from django.core.files import File
from django.db import DatabaseError
from django.db.models import QuerySet
from django.utils import timezone

from arena.dialects import DIALECTS
from arena.dialects.dialect import writable_formats
from arena.dialects.files.writing import write_file
from arena.dialects.records import BattleRecord
from arena.models import Battle, VoteRelease, WorkStatus
from arena.voting.release import ReleaseOptions, ReleaseReport, released_battles
from arena.work.owner import process_owner

logger = logging.getLogger(__name__)
LEASE_S = 300.0
TELL_EVERY = 200  # battles
MOST_ATTEMPTS = 3
SUFFIXES = {"parquet": ".parquet", "csv": ".csv.gz", "jsonl": ".jsonl.gz"}


class TakenBackError(Exception):
    """The release was removed, or another worker took it over, while it was being written."""


def release_formats() -> dict[str, str]:
    """Formats whose rows are votes: name and label."""
    return {
        name: str(DIALECTS.get(name).label)
        for name in writable_formats()
        if DIALECTS.get(name).writes == (BattleRecord,)
    }


def ask_for_release(*, dialect: str, options: ReleaseOptions, by: User | None) -> VoteRelease:
    """The row; a worker makes the file."""
    return VoteRelease.objects.create(dialect=dialect, created_by=by, **asdict(options))


def make_release(release_id: int) -> None:
    """Write the file, unless somebody else is at it; called again after a crash it starts anew."""
    owner = process_owner()
    rows = VoteRelease.objects.filter(pk=release_id)
    if not rows.claim(limit=1, owner=owner, lease_s=LEASE_S):
        return
    release = rows.get()
    try:
        report, path = _written(release)
    except TakenBackError:
        return
    except (OSError, DatabaseError, ValueError) as error:
        logger.exception("release %s failed", release_id)
        _mine(release).update(
            status=WorkStatus.FAILED,
            error_kind=type(error).__name__,
            error_detail=str(error),
            finished_at=timezone.now(),
        )
        return
    kept = _mine(release).update(
        status=WorkStatus.DONE,
        file=path,
        report=report.as_json(),
        finished_at=timezone.now(),
    )
    if not kept:  # taken back, or taken over, meanwhile
        release.file.storage.delete(path)


def sweep_releases() -> list[int]:
    """Those that nobody is at; a row whose process died too often is given up."""
    now = timezone.now()
    left = VoteRelease.objects.filter(status=WorkStatus.CLAIMED, lease_expires_at__lt=now)
    left.filter(attempts__gte=MOST_ATTEMPTS).update(
        status=WorkStatus.FAILED, error_kind="abandoned", finished_at=now
    )
    waiting = VoteRelease.objects.filter(
        status=WorkStatus.PENDING, created_at__lt=now - dt.timedelta(seconds=10)
    )
    return [*waiting.values_list("pk", flat=True), *left.values_list("pk", flat=True)]


def remove_release(release: VoteRelease) -> None:
    """Row and file; a worker that is still writing throws its file away."""
    if release.file:
        release.file.delete(save=False)
    release.delete()


def _mine(release: VoteRelease) -> QuerySet[VoteRelease]:
    """The row, as long as this claim on it holds."""
    return VoteRelease.objects.filter(
        pk=release.pk, status=WorkStatus.CLAIMED, lease_owner=release.lease_owner
    )


@dataclass(slots=True)
class _Progress:
    """Counts battles into the row, and keeps the lease."""

    release: VoteRelease
    done: int = 0

    def count(self) -> None:
        self.done += 1
        if self.done % TELL_EVERY == 0:
            self.tell()

    def tell(self) -> None:
        until = timezone.now() + dt.timedelta(seconds=LEASE_S)
        if not _mine(self.release).update(battles_done=self.done, lease_expires_at=until):
            raise TakenBackError


def _written(release: VoteRelease) -> tuple[ReleaseReport, str]:
    """The file's name in the storage."""
    dialect, report, progress = DIALECTS.get(release.dialect)(), ReleaseReport(), _Progress(release)
    options = ReleaseOptions(
        **{field.name: getattr(release, field.name) for field in fields(ReleaseOptions)}
    )
    voted = Battle.objects.voted()
    if options.question_set:
        voted = voted.filter(question__question_set__slug=options.question_set)
    _mine(release).update(battles_total=voted.count())
    suffix = SUFFIXES.get(dialect.container, ".json.gz")
    name = f"votes-{release.created_at:%Y%m%d}-{release.pk}{suffix}"
    with tempfile.TemporaryDirectory(prefix="agon-release-") as folder:
        path = Path(folder) / name
        rows = dialect.write_records(released_battles(options, report, on_battle=progress.count))
        write_file(path, rows, container=dialect.container, columns=dialect.columns)
        progress.tell()
        with path.open("rb") as file:
            return report, release.file.storage.save(f"releases/{name}", File(file))
