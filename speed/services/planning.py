"""From what was asked for to what the generator takes: addresses, keys, prompts, ceilings."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any  # workload options are JSON

from django.conf import settings
from django.utils.translation import gettext as _

from arena.calling import NotCallableError, endpoint_config
from arena.models import Endpoint, LanguageModel, Question
from providers.openai_compatible import request_headers
from providers.openai_urls import operation_url
from speed.mock_command import MockProcess
from speed.plan import Phase, PlanError, Target, without_userinfo
from speed.runner import interleaved
from speed.spec import LocalSpec, SpecError, SpeedSpec, TargetSpec
from speed.targets import TargetRefusedError, check_allowed, origin_of
from speed.workloads import Recipe, WorkloadError, write_requests
from speed.workloads.trace import read_trace

MAX_PREPARED = 2_000  # prepared requests are used again, each time with a fresh salt
HTTP_PROVIDERS = ("openai_compatible", "openai_sdk", "openai_batch")
REFUSALS = (SpecError, PlanError, TargetRefusedError, NotCallableError, WorkloadError)


@dataclass(frozen=True, slots=True)
class Side:
    """One target, ready: ``model_name`` goes into the request bodies."""

    target: Target
    model_name: str
    language_model: LanguageModel | None


def allowed_origins() -> set[str]:
    """Where load may go besides this machine: registered endpoints, and what the settings add."""
    urls = Endpoint.objects.exclude(base_url="").values_list("base_url", flat=True)
    return {origin_of(url) for url in urls} | set(settings.SPEED_ALLOWED_ORIGINS)


def check_ceilings(spec: SpeedSpec) -> None:
    """Raises SpecError when a level, a count or a duration passes what the settings allow."""
    highest = max((*spec.load.levels, spec.highest if spec.mode == "search" else 0.0))
    is_closed = spec.load.kind == "closed"
    ceiling = settings.SPEED_MAX_CONCURRENCY if is_closed else settings.SPEED_MAX_RATE
    if spec.load.kind != "trace" and highest > ceiling:
        what = _("concurrency") if is_closed else _("rate")
        name = "SPEED_MAX_CONCURRENCY" if is_closed else "SPEED_MAX_RATE"
        raise SpecError(
            _("%(what)s %(asked)g is above the ceiling of %(ceiling)g; lower it or raise %(name)s")
            % {"what": what, "asked": highest, "ceiling": ceiling, "name": name}
        )
    turns = turns_of(spec)
    if (spec.load.duration_s or 0) * turns > settings.SPEED_MAX_DURATION_S:
        raise SpecError(
            _("%(s)g s, %(n)d times over, pass the ceiling of %(ceiling)g s; see %(name)s")
            % {
                "s": spec.load.duration_s,
                "n": turns,
                "ceiling": settings.SPEED_MAX_DURATION_S,
                "name": "SPEED_MAX_DURATION_S",
            }
        )
    if (spec.load.requests or 0) * turns > settings.SPEED_MAX_REQUESTS:
        raise SpecError(
            _("%(n)d requests are above the ceiling of %(ceiling)d; see SPEED_MAX_REQUESTS")
            % {"n": (spec.load.requests or 0) * turns, "ceiling": settings.SPEED_MAX_REQUESTS}
        )


def turns_of(spec: SpeedSpec) -> int:
    """How often the asked-for requests or seconds are spent: levels, or turns of two sides."""
    return 2 * spec.rounds if spec.mode == "interleaved" else len(spec.load.levels)


def resolve_sides(spec: SpeedSpec) -> list[Side]:
    """Targets with keys and pinned addresses; raises one of REFUSALS. Nothing of it is stored."""
    origins = allowed_origins()
    return [resolve_side(target, origins) for target in spec.targets]


def resolve_side(asked: TargetSpec, origins: Collection[str]) -> Side:
    """One target, from a stored model or from a bare URL."""
    if asked.slug:
        model = LanguageModel.objects.select_related("endpoint").filter(slug=asked.slug).first()
        if model is None:
            raise SpecError(_("there is no model %(slug)r") % {"slug": asked.slug})
        return _side_of_model(model, asked, origins)
    if not asked.url or not asked.model:
        raise SpecError(_("give a model that has an endpoint, or both a URL and a model's name"))
    url = _operation(asked.url, asked.api, asked.model)
    headers = {"Content-Type": "application/json"}
    if asked.api_key_env:
        key = os.environ.get(asked.api_key_env)
        if not key:
            raise SpecError(
                _("the environment variable %(name)s is not set; put the key into it")
                % {"name": asked.api_key_env}
            )
        headers["Authorization"] = f"Bearer {key}"
    return Side(_checked(url, headers, asked.name, origins), asked.model, None)


def _side_of_model(model: LanguageModel, asked: TargetSpec, origins: Collection[str]) -> Side:
    config = endpoint_config(model)
    if config.provider not in HTTP_PROVIDERS:
        raise SpecError(
            _(
                "%(model)s is served by the provider %(provider)s, not over HTTP; measure it with "
                "manage.py measure_local"
            )
            % {"model": model.slug, "provider": config.provider}
        )
    url = operation_url(
        config.base_url, api=asked.api, model=config.model, api_version=config.api_version
    )
    target = _checked(url, request_headers(config), model.slug, origins)
    return Side(target, config.model, model)


def _operation(url: str, api: str, model: str) -> str:
    try:
        return operation_url(url, api=api, model=model)
    except ValueError as error:
        raise SpecError(str(error)) from None


def _checked(url: str, headers: dict[str, str], label: str, origins: Collection[str]) -> Target:
    address = check_allowed(url, origins)
    return Target(url=url, headers=headers, address=address, label=label)


def check_tokenizer(spec: SpeedSpec) -> None:
    """Raises SpecError when the tokenizer that shall count is not there."""
    if spec.tokenizer_path and not Path(spec.tokenizer_path).is_dir():
        raise SpecError(
            _("there is no folder %(path)s with a tokenizer") % {"path": spec.tokenizer_path}
        )


def check_local(spec: SpeedSpec) -> LocalSpec:
    """The folder and the model that the figures shall be credited to; raises SpecError."""
    if spec.local is None:
        raise SpecError(_("name the folder of the model"))
    if not Path(spec.local.folder, "config.json").is_file():
        raise SpecError(
            _("%(folder)s holds no transformers model: it has no config.json")
            % {"folder": spec.local.folder}
        )
    slug = spec.targets[0].slug
    if slug and not LanguageModel.objects.filter(slug=slug).exists():
        raise SpecError(_("there is no model %(slug)r") % {"slug": slug})
    return spec.local


def phases_of(spec: SpeedSpec) -> list[Phase]:
    """The phases of a load or interleaved run; raises one of REFUSALS."""
    if spec.load.kind == "trace":
        entries = read_trace(str(spec.workload.options.get("path", "")))
        offsets = tuple(entry.offset_s for entry in entries)
        if offsets and offsets[-1] > settings.SPEED_MAX_DURATION_S:
            raise SpecError(
                _("the trace lasts %(s)g s, longer than SPEED_MAX_DURATION_S") % {"s": offsets[-1]}
            )
        return [spec.load.phase(0, offsets_s=offsets)]
    phases = spec.phases()
    if spec.mode == "interleaved":
        return interleaved(phases[0], phases[0], spec.rounds)
    return phases


def recipe_of(spec: SpeedSpec, model_name: str, phases: list[Phase], folder: Path) -> Recipe:
    """How to prepare the requests; texts typed in are written to ``folder`` first."""
    workload = spec.workload
    options: dict[str, Any] = dict(workload.options)
    if workload.prompts:
        path = folder / "prompts.txt"
        path.write_text("\n".join(" ".join(text.split()) for text in workload.prompts))
        options["path"] = str(path)
    if workload.question_set:
        options["turns"] = question_turns(workload.question_set)
    wanted = [len(p.offsets_s) if p.load == "trace" else p.requests or MAX_PREPARED for p in phases]
    return Recipe(
        model=model_name,
        api=spec.targets[0].api if spec.targets else "chat",
        count=min(max(wanted, default=1), MAX_PREPARED),
        output_tokens=workload.output_tokens,
        ignore_eos=workload.ignore_eos,
        is_streamed=workload.is_streamed,
        is_salted=workload.is_salted,
        seed=spec.seed,
        temperature=workload.temperature,
        extra_body=workload.extra_body,
        options=options,
    )


def question_turns(slug: str) -> list[list[str]]:
    """The user turns of a stored question set as plain text."""
    rows = Question.objects.filter(question_set__slug=slug).order_by("id").values_list("turns")
    return [
        ["\n".join(part["text"] for part in turn if part.get("type") == "text") for turn in turns]
        for (turns,) in rows
    ]


def prepare_requests(
    spec: SpeedSpec, sides: list[Side], phases: list[Phase], folder: Path
) -> list[Target]:
    """The targets with their files of prepared requests, alike but for the model's name.

    Raises WorkloadError.
    """
    targets = []
    for number, side in enumerate(sides):
        path = folder / f"requests-{number}.jsonl"
        write_requests(path, recipe_of(spec, side.model_name, phases, folder), spec.workload.name)
        targets.append(replace(side.target, requests_path=str(path)))
    return targets


def generator_cpu() -> int | None:
    """The CPU that the generator keeps to itself: the last of several, none of one."""
    if settings.SPEED_CPU is not None:
        return None if settings.SPEED_CPU < 0 else int(settings.SPEED_CPU)
    if not hasattr(os, "sched_getaffinity"):
        return None
    cpus = sorted(os.sched_getaffinity(0))
    return cpus[-1] if len(cpus) > 1 else None


def neighbouring_cpu(taken: int | None) -> int | None:
    """A CPU for the mock beside the generator's own; None where there is no choice."""
    if taken is None:
        return None
    return max((cpu for cpu in os.sched_getaffinity(0) if cpu != taken), default=None)


def file_digest(path: str) -> str:
    """Names the content of a prompt file, so that another file of the same name is other work."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()[:16]


def shown_target(spec: SpeedSpec) -> str:
    """The targets as a reader knows them, without passwords."""
    if spec.mode == "calibration":
        return "mock"
    return ", ".join(
        target.slug or (without_userinfo(target.url) if target.url else target.model)
        for target in spec.targets
    )


def mock_side(mock: MockProcess) -> Side:
    """The built-in mock as a target."""
    url = f"{mock.url}/v1/chat/completions"
    return Side(Target(url, {}, address=check_allowed(url, ()), label="mock"), "mock", None)
