"""What judges share that are their settings and nothing else."""

from dataclasses import dataclass
from typing import Any, ClassVar, Self

from judging.judges.base import JudgeContext, JudgeRequest, Settings, read_options
from judging.task import JudgingTask
from judging.verdicts.base import Mode


@dataclass(frozen=True, slots=True)
class PlainJudge:
    """``settings`` are of the class ``options``, which refuses what makes no sense by itself.

    A kind sets ``kind``, its name, and ``options``.
    """

    settings: Any  # an instance of ``options``; each kind narrows it
    is_dry_run: ClassVar[bool] = False
    needs_endpoint: ClassVar[bool] = True
    modes: ClassVar[frozenset[Mode]] = frozenset(Mode)
    kind: ClassVar[str]
    options: ClassVar[type]

    @classmethod
    def from_settings(cls, settings: Settings, context: JudgeContext) -> Self:
        """Read and check the settings."""
        return cls(read_options(cls.options, settings, cls.kind))


@dataclass(frozen=True, slots=True)
class OfflineJudge(PlainJudge):
    """A judge that asks nobody."""

    needs_endpoint: ClassVar[bool] = False

    def requests(self, task: JudgingTask) -> tuple[JudgeRequest, ...]:
        """None: nothing is asked."""
        return ()
