"""Speed runs, what was stored of them, and who started, stopped or was refused what."""

from speed.models.audit import SpeedAction, SpeedAudit
from speed.models.run import SpeedMode, SpeedRun, SpeedStatus
from speed.models.stored import SpeedPhase, SpeedStamps

__all__ = [
    "SpeedAction",
    "SpeedAudit",
    "SpeedMode",
    "SpeedPhase",
    "SpeedRun",
    "SpeedStamps",
    "SpeedStatus",
]
