"""What one run of the load generator shall do: targets, phases of load, when to stop.

A plan is plain JSON so that it can travel to the generator's process. It is checked completely
before any request leaves, and it is stored with the result without its secrets.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal, TypeVar  # JSON of unknown shape
from urllib.parse import urlsplit

LoadKind = Literal["closed", "open", "trace"]
Distribution = Literal["constant", "poisson", "gamma"]
SALT_MARKER = "@@AGON-SALT-16@@"  # as long as the hexadecimal salt that replaces it
MAX_CONCURRENCY = 20_000
MAX_RATE = 50_000.0
MAX_DURATION_S = 24 * 3600.0
SECRET_HEADERS = frozenset({"authorization", "api-key", "x-api-key", "cookie"})


class PlanError(ValueError):
    """A plan that cannot or must not be run."""


@dataclass(frozen=True, slots=True)
class Target:
    """An endpoint: the full URL requests are posted to and the headers they carry.

    ``address`` pins the IP address to connect to (set by the safety check, so that a name cannot
    be pointed elsewhere afterwards). ``ca_file`` is the certificate bundle to trust.
    ``requests_path`` replaces the plan's requests, for two models under one schedule.
    """

    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    verify_tls: bool = True
    ca_file: str | None = None
    address: str | None = None
    label: str = ""
    requests_path: str | None = None

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise PlanError(f"the target {self.url!r} is no http(s) URL")
        for name, value in self.headers.items():
            if any(mark in name + value for mark in "\r\n"):
                raise PlanError(f"the header {name!r} holds a line break")


@dataclass(frozen=True, slots=True)
class Phase:
    """One level of load on one target.

    closed: ``concurrency`` requests are always under way. open: ``rate`` per second whatever the
    server does. trace: requests leave at ``offsets_s``. The phase ends after ``requests``
    measured requests or ``duration_s`` measured seconds, whichever comes first, or once
    ``max_errors`` requests have failed. Warm-up requests come first and hand their slots over
    while busy. ``cooldown`` keeps a closed loop loaded until the last measured request is done.
    ``ramp_s`` spreads the start of the slots, or lets the rate climb from ``ramp_from``.
    """

    name: str
    load: LoadKind = "closed"
    concurrency: int = 1
    rate: float = 0.0
    distribution: Distribution = "poisson"
    burstiness: float = 1.0
    offsets_s: Sequence[float] = ()
    requests: int | None = None
    duration_s: float | None = None
    max_errors: int | None = None
    warmup_requests: int = 0
    warmup_s: float = 0.0
    ramp_s: float = 0.0
    ramp_from: float = 0.0
    max_in_flight: int = 4096
    cooldown: bool = False
    pause_s: float = 0.0
    target: int = 0

    def __post_init__(self) -> None:
        self._check_stops()
        if self.load == "closed" and not 1 <= self.concurrency <= MAX_CONCURRENCY:
            raise PlanError(
                f"phase {self.name!r}: concurrency {self.concurrency} is outside 1 to "
                f"{MAX_CONCURRENCY}"
            )
        if self.load == "open" and not 0 < self.rate <= MAX_RATE:
            raise PlanError(
                f"phase {self.name!r}: rate {self.rate} is outside 0 to {MAX_RATE:g} requests/s"
            )
        if self.load == "open" and self.distribution == "gamma" and self.burstiness <= 0:
            raise PlanError(f"phase {self.name!r}: burstiness {self.burstiness} must be positive")
        if self.load == "trace" and not self.offsets_s:
            raise PlanError(f"phase {self.name!r} replays a trace but holds no offsets_s")
        if list(self.offsets_s) != sorted(self.offsets_s):
            raise PlanError(f"phase {self.name!r}: the offsets_s of its trace are not ascending")

    def _check_stops(self) -> None:
        if self.requests is None and self.duration_s is None and self.load != "trace":
            raise PlanError(f"phase {self.name!r} never ends: give requests or duration_s")
        if self.requests is not None and self.requests < 1:
            raise PlanError(f"phase {self.name!r}: {self.requests} requests are too few")
        if self.duration_s is not None and not 0 < self.duration_s <= MAX_DURATION_S:
            raise PlanError(
                f"phase {self.name!r}: duration {self.duration_s} s is outside 0 to "
                f"{MAX_DURATION_S:g} s"
            )
        if min(self.warmup_requests, self.warmup_s, self.ramp_s, self.ramp_from, self.pause_s) < 0:
            raise PlanError(f"phase {self.name!r} has a negative warm-up, ramp or pause")
        if self.max_in_flight < 1:
            raise PlanError(f"phase {self.name!r}: max_in_flight must be at least 1")


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything the generator needs.

    ``requests_path`` names a JSONL file of prepared requests (see speed.workloads).
    ``lease_s`` ends the run whatever happens. ``stop_path`` ends it when the file appears.
    """

    targets: Sequence[Target]
    phases: Sequence[Phase]
    requests_path: str
    output_path: str
    progress_path: str | None = None
    stop_path: str | None = None
    run_id: str = "run"
    seed: int = 0
    timeout_s: float = 600.0
    connect_timeout_s: float = 10.0
    retry_pause_s: float = 0.05
    lease_s: float = MAX_DURATION_S
    cpu: int | None = None
    kernel_stamps: bool = True
    watch_parent: bool = True
    tokenizer_path: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.targets or not self.phases:
            raise PlanError("a plan needs at least one target and one phase")
        for phase in self.phases:
            if not 0 <= phase.target < len(self.targets):
                raise PlanError(f"phase {phase.name!r} names target {phase.target}, which is none")
        if self.timeout_s <= 0 or self.connect_timeout_s <= 0 or self.lease_s <= 0:
            raise PlanError("timeout_s, connect_timeout_s and lease_s must be positive")

    def to_json(self) -> dict[str, Any]:
        """The plan as JSON, secrets included: for the generator's stdin only."""
        return asdict(self)

    def public_json(self) -> dict[str, Any]:
        """The plan as it may be stored: no secret header, no path, no password in a URL."""
        values = asdict(self)
        for target in values["targets"]:
            target["headers"] = {
                name: "(hidden)" if is_secret(name) else value
                for name, value in target["headers"].items()
            }
            target["url"] = without_userinfo(target["url"])
            target.pop("ca_file")
            target.pop("requests_path")
        for name in ("requests_path", "output_path", "progress_path", "stop_path"):
            values.pop(name)
        return values


Part = TypeVar("Part", Plan, Phase, Target)


def is_secret(header: str) -> bool:
    """Whether a header's value must never be stored."""
    lowered = header.lower()
    return lowered in SECRET_HEADERS or any(w in lowered for w in ("key", "token", "secret"))


def without_userinfo(url: str) -> str:
    """``url`` without user name, password and query, which may hold keys."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path}"


def plan_from_json(values: Mapping[str, Any]) -> Plan:
    """A checked plan; raises PlanError that names what is wrong."""
    rest = dict(values)
    targets = [_build(Target, item) for item in rest.pop("targets", [])]
    phases = [_build(Phase, item) for item in rest.pop("phases", [])]
    return _build(Plan, {**rest, "targets": targets, "phases": phases})


def _build(kind: type[Part], values: Mapping[str, Any]) -> Part:
    known = {item.name for item in fields(kind)}
    unknown = sorted(set(values) - known)
    if unknown:
        raise PlanError(f"a {kind.__name__.lower()} has no field {', '.join(unknown)}")
    try:
        return kind(**values)
    except TypeError as error:
        raise PlanError(f"a {kind.__name__.lower()} is incomplete: {error}") from error
