"""The kinds of run this room brings."""

from arena.models import GenerationRun
from arena.services.generation import GenerationWorkload
from arena.work.kinds import RunKind, register_run_kind

register_run_kind(RunKind("generation", GenerationRun, GenerationWorkload.open))
