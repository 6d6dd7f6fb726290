"""What somebody asks to be measured, as it is stored: plain values, complete, without any key.

A spec is checked here as far as it can be without a database or a network; turning it into a plan
for the generator (addresses, keys, prompts) is ``speed.services.planning``.
"""

from __future__ import annotations

import hashlib
from typing import Any, Literal  # workload options are JSON

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from speed.metrics.slo import PRESETS, Slo
from speed.plan import Distribution, LoadKind, Phase, PlanError, without_userinfo

DEFAULT_REQUESTS = 100
DEFAULT_ROUNDS = 10
Mode = Literal["load", "interleaved", "search", "calibration", "in_process"]
DEFAULT_REPEATS = 5


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TargetSpec(_Strict):
    """Where: a stored model by ``slug``, or a URL of this machine or of a registered endpoint."""

    slug: str = ""
    url: str = ""
    model: str = ""
    api: Literal["chat", "completions"] = "chat"
    api_key_env: str = ""

    @property
    def name(self) -> str:
        """What a reader calls it."""
        place = without_userinfo(self.url) if self.url else ""
        return self.slug or " @ ".join(part for part in (self.model, place) if part)

    @property
    def key(self) -> str:
        """Equal for the same model at the same place."""
        return digest({"slug": self.slug, "url": self.url, "model": self.model, "api": self.api})


class LoadSpec(_Strict):
    """How much; each of ``levels`` is a phase: a concurrency (closed) or a rate per s (open)."""

    kind: LoadKind = "closed"
    levels: tuple[float, ...] = (1.0,)
    distribution: Distribution = "poisson"
    burstiness: float = 1.0
    requests: int | None = Field(default=None, ge=1)
    duration_s: float | None = Field(default=None, gt=0)
    max_errors: int | None = Field(default=None, ge=1)
    warmup_requests: int = Field(default=0, ge=0)
    warmup_s: float = Field(default=0.0, ge=0)
    ramp_s: float = Field(default=0.0, ge=0)
    ramp_from: float = Field(default=0.0, ge=0)
    max_in_flight: int = Field(default=4096, ge=1)
    cooldown: bool = False

    def phase(self, level: float, *, name: str = "", offsets_s: tuple[float, ...] = ()) -> Phase:
        """One level as the generator takes it; raises PlanError."""
        if self.kind == "trace":
            return Phase(name=name or "trace", load="trace", offsets_s=offsets_s)
        is_closed = self.kind == "closed"
        requests = self.requests
        if requests is None and self.duration_s is None:
            requests = DEFAULT_REQUESTS
        return Phase(
            name=name or (f"{level:g} at once" if is_closed else f"{level:g}/s"),
            load=self.kind,
            concurrency=max(1, int(level)) if is_closed else 1,
            rate=0.0 if is_closed else level,
            distribution=self.distribution,
            burstiness=self.burstiness,
            requests=requests,
            duration_s=self.duration_s,
            max_errors=self.max_errors,
            warmup_requests=self.warmup_requests,
            warmup_s=self.warmup_s,
            ramp_s=self.ramp_s,
            ramp_from=self.ramp_from,
            max_in_flight=self.max_in_flight,
            cooldown=self.cooldown,
        )


class WorkloadSpec(_Strict):
    """What is sent. ``prompts`` are texts typed in; ``question_set`` is the slug of a set."""

    name: str = "random"
    options: dict[str, Any] = Field(default_factory=dict)
    prompts: tuple[str, ...] = ()
    question_set: str = ""
    output_tokens: int | None = Field(default=128, ge=1)
    ignore_eos: bool = False
    is_streamed: bool = True
    is_salted: bool = True
    temperature: float = 0.0
    extra_body: dict[str, Any] = Field(default_factory=dict)


class SloSpec(_Strict):
    """A service level: a preset by name, or limits in seconds."""

    preset: str = ""
    ttft_s: float | None = Field(default=None, gt=0)
    tpot_s: float | None = Field(default=None, gt=0)
    latency_s: float | None = Field(default=None, gt=0)
    percent: float = Field(default=99.0, gt=0, lt=100)
    from_schedule: bool = False

    @model_validator(mode="after")
    def _check(self) -> SloSpec:
        if self.preset and self.preset not in PRESETS:
            known = ", ".join(sorted(PRESETS))
            raise ValueError(f"there is no preset {self.preset!r}; choose from {known}")
        return self

    def slo(self) -> Slo:
        """The limits themselves."""
        if self.preset:
            return PRESETS[self.preset]
        return Slo(self.ttft_s, self.tpot_s, self.latency_s, self.percent, self.from_schedule)


# torch's names, which series are told apart by, and what loads a checkpoint calls them
PRECISIONS = {"auto": "auto", "float32": "fp32", "bfloat16": "bf16", "float16": "fp16"}


class LocalSpec(_Strict):
    """A model in a folder, for a measurement inside a process; ``device`` empty takes the best.

    ``dtype`` is a name of ``PRECISIONS``; the short ones stand for them.
    """

    folder: str
    device: str = ""
    dtype: str = "auto"
    threads: int | None = Field(default=None, ge=1)

    @field_validator("dtype")
    @classmethod
    def _known_precision(cls, value: str) -> str:
        names = {short: name for name, short in PRECISIONS.items()} | {n: n for n in PRECISIONS}
        if value not in names:
            known = ", ".join(PRECISIONS)
            raise ValueError(f"there is no precision {value!r}; choose from {known}")
        return names[value]


class SpeedSpec(_Strict):
    """A whole request; see the parts. A search walks from ``levels[0]`` up to ``highest``.

    ``tokenizer_path`` counts the output of servers that state no usage. In mode ``in_process``
    the levels are batch sizes, and ``load.requests`` counts the repeats.
    """

    mode: Mode = "load"
    targets: tuple[TargetSpec, ...]
    load: LoadSpec = LoadSpec()
    workload: WorkloadSpec = WorkloadSpec()
    slo: SloSpec = SloSpec()
    local: LocalSpec | None = None
    highest: float = Field(default=64.0, gt=0)
    rounds: int = Field(default=DEFAULT_ROUNDS, ge=1, le=100)
    seed: int = 0
    timeout_s: float = Field(default=120.0, gt=0)
    tokenizer_path: str = ""
    label: str = ""

    @model_validator(mode="after")
    def _check(self) -> SpeedSpec:
        wanted = 2 if self.mode == "interleaved" else 1
        if len(self.targets) != wanted and self.mode != "calibration":
            raise ValueError(f"a run of mode {self.mode} takes {wanted} target(s)")
        if (self.mode == "in_process") != (self.local is not None):
            raise ValueError("a folder belongs to a run of mode in_process, and to no other")
        if self.mode == "search" and self.slo.slo().is_empty:
            raise ValueError("a search needs an objective: choose a preset or give a limit")
        if not self.load.levels:
            raise ValueError("give at least one concurrency or rate")
        self.phases()
        return self

    def phases(self) -> list[Phase]:
        """The levels as phases, in the order asked for; raises PlanError."""
        offsets_s = (0.0,) if self.load.kind == "trace" else ()
        return [self.load.phase(level, offsets_s=offsets_s) for level in self.load.levels]

    def workload_key(self) -> str:
        """Equal for specs that ask for the same work, whoever has to do it."""
        left_out = {"targets", "label", "timeout_s", "seed", "local"}
        # what was left at its default is left out, so that a new option keeps old series whole
        work = self.model_dump(mode="json", exclude=left_out, exclude_defaults=True)
        if self.local is not None:
            work["local"] = self.local.model_dump(mode="json", exclude={"folder"})
        return digest(work)


class SpecError(ValueError):
    """A spec that cannot be run as it stands."""


def spec_from_json(values: dict[str, Any]) -> SpeedSpec:
    """A checked spec; raises SpecError that names the wrong field."""
    try:
        return SpeedSpec.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        told = f"{place}: {first['msg']}" if place else first["msg"]
        raise SpecError(told.replace("Value error, ", "")) from None
    except PlanError as error:
        raise SpecError(str(error)) from None


def digest(values: object) -> str:
    """A name for a value: equal values, equal names."""
    return hashlib.sha256(orjson.dumps(values, option=orjson.OPT_SORT_KEYS)).hexdigest()[:32]
