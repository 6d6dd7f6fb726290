"""How a run builds its tasks: one place for what pages, commands and Python callers may say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings

from benchmarks.suites.probes import probe_kinds
from benchmarks.suites_base import (
    PROBE_SEPARATOR,
    AskProtocol,
    DataSource,
    Json,
    TaskError,
    TaskOptions,
)

HUBS = {"huggingface": "huggingface", "hf": "huggingface", "modelscope": "modelscope",
        "local": "local"}  # fmt: skip
# evalscope's and llmuses' names inside --dataset-args
ARGUMENT_ALIASES = {"few_shot_num": "num_fewshot", "eval_type": "protocol"}
# generation settings in the spellings of transformers, OpenAI and lm-eval
GENERATION_ALIASES = {
    "max_new_tokens": "max_tokens",
    "max_gen_toks": "max_tokens",
    "until": "stop",
    "stop_sequences": "stop",
}
_TASK_FIELDS = {"num_fewshot", "limit", "protocol", "extractor"}


def data_home() -> Path:
    """Where lists and files that take long to make are kept."""
    return Path(settings.AGON_HOME) / "benchmarks"


@dataclass(frozen=True, slots=True)
class RunOptions:
    """Options of a whole run; ``dataset_args`` change them for single tasks or groups.

    ``probes`` are asked beside every task that they suit. ``corpus`` is a file or folder of texts
    that questions are compared with. ``judge`` is the slug of a model that grades free answers.
    """

    limit: float | None = None
    num_fewshot: int | None = None
    protocol: AskProtocol = AskProtocol.NATIVE
    hub: str = "huggingface"
    dataset_dir: str = ""
    dataset_args: Mapping[str, Mapping[str, Json]] = field(default_factory=dict)
    generation: Mapping[str, Json] = field(default_factory=dict)
    apply_chat_template: bool = False
    system_prompt: str = ""
    seed: int = 1234
    extractor: str = ""
    use_cache: bool = False
    probes: tuple[str, ...] = ()
    corpus: str = ""
    judge: str = ""

    def as_dict(self) -> dict[str, Json]:
        names = self.__slots__
        return {name: getattr(self, name) for name in names if getattr(self, name) is not None}


def run_options(values: Mapping[str, Json]) -> RunOptions:
    """Options from loosely typed values; raises TaskError that names what is wrong."""
    known = set(RunOptions.__slots__)
    unknown = sorted(set(values) - known)
    if unknown:
        raise TaskError(f"option {unknown[0]!r} is unknown; known are: {', '.join(sorted(known))}")
    made = dict(values)
    if "hub" in made:
        made["hub"] = _hub(str(made["hub"]))
    if made.get("limit") is not None:
        made["limit"] = _limit(made["limit"])
    if "protocol" in made:
        made["protocol"] = _protocol(str(made["protocol"]))
    made["probes"] = probe_kinds(made.get("probes") or ())
    return RunOptions(**made)


def _limit(value: Json) -> float | int:
    """Ten samples are ten, whether written 10 or 10.0: the fingerprint must not tell them apart."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise TaskError(f"limit {value!r} is no number of samples") from None
    return int(number) if number >= 1 else number


def judges_of(options: RunOptions) -> list[str]:
    """The slugs of all models that grade answers in a run of these options."""
    named = [options.judge, *(args.get("judge") for args in options.dataset_args.values())]
    return sorted({str(slug) for slug in named if slug})


def _hub(name: str) -> str:
    found = HUBS.get(name.lower())
    if found is None:
        raise TaskError(f"data hub {name!r} is unknown; use HuggingFace, ModelScope or Local")
    return found


def _protocol(name: str) -> AskProtocol:
    try:
        return AskProtocol(name or "native")
    except ValueError:
        known = ", ".join(AskProtocol)
        raise TaskError(f"protocol {name!r} is unknown; use one of {known}") from None


def generation_settings(values: Mapping[str, Json]) -> dict[str, Json]:
    """Generation settings in our words; ``do_sample`` false makes them greedy."""
    made = {GENERATION_ALIASES.get(name, name): value for name, value in values.items()}
    if made.pop("do_sample", None) is False:
        made["temperature"] = 0.0
    if isinstance(made.get("stop"), str):
        made["stop"] = [made["stop"]]
    return made


def task_options(
    options: RunOptions, *, task: str, groups: list[str], shots: int | None, is_endpoint: bool
) -> TaskOptions:
    """The options of one task: the run's, then its groups' and its own from ``dataset_args``.

    ``shots`` is what the selection's name asks for; it wins over the run's number and gives way
    to the task's own.
    """
    settings_: dict[str, Json] = {}
    probed = [group.rpartition(PROBE_SEPARATOR)[2] for group in groups]
    inner = task.rpartition(PROBE_SEPARATOR)[2]
    for name in (*probed, *groups, inner.partition("::")[2] or inner, inner, task):
        settings_ |= options.dataset_args.get(name, {})
    settings_ = {"judge": options.judge, **settings_} if options.judge else settings_
    settings_ = {ARGUMENT_ALIASES.get(name, name): value for name, value in settings_.items()}
    chosen: dict[str, Any] = {
        "num_fewshot": options.num_fewshot if shots is None else shots,
        "limit": options.limit,
        "protocol": options.protocol,
        "extractor": options.extractor,
    }
    chosen |= {name: settings_.pop(name) for name in _TASK_FIELDS & settings_.keys()}
    directory = Path(options.dataset_dir) if options.dataset_dir else None
    return TaskOptions(
        num_fewshot=chosen["num_fewshot"],
        limit=None if chosen["limit"] is None else _limit(chosen["limit"]),
        protocol=_protocol(str(chosen["protocol"])),
        extractor=chosen["extractor"],
        data=DataSource(options.hub, directory),
        generation=generation_settings(options.generation),
        is_chat=is_endpoint,
        system_prompt=options.system_prompt,
        seed=options.seed,
        settings=settings_,
        home=data_home(),
    )
