"""From a selection of names to rows: every prompt of a run is built here, once.

Prompts are complete before any worker sees them, so scores cannot depend on how many share them.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from arena import __version__
from arena.calling import endpoint_config
from arena.models import LanguageModel, RunStatus, WorkStatus
from arena.services.runs import start_run
from benchmarks.engine.spec import model_spec
from benchmarks.metrics.letters import DEFAULT_EXTRACTOR, EXTRACTORS
from benchmarks.models import BenchmarkRun, BenchmarkTask, EngineKind, Sample
from benchmarks.services.libraries import (
    LIBRARIES,
    how_to_install,
    import_libraries,
    missing_packages,
)
from benchmarks.services.options import RunOptions, data_home, run_options, task_options
from benchmarks.suites import SUITES
from benchmarks.suites.presets import find
from benchmarks.suites_base import (
    AskProtocol,
    ChatFormatter,
    Json,
    OpenTask,
    PreparedSample,
    RequestKind,
    TaskError,
    TaskOptions,
    TaskTree,
    digest,
    pack_requests,
)

BATCH = 500


class NothingToRunError(TaskError):
    """The selection is empty."""


@dataclass(frozen=True, slots=True)
class Planned:
    """A task of the selection before it is opened."""

    name: str
    suite: str
    groups: tuple[str, ...]
    shots: int | None


def plan_selection(names: Sequence[str]) -> tuple[list[Planned], dict[str, list[str]]]:
    """The tasks that the names stand for, and what each group is made of."""
    planned: dict[str, Planned] = {}
    groups: dict[str, list[str]] = {}
    for name in names:
        found = _found(name)
        groups |= {group: list(children) for group, children in found.groups.items()}
        for task in found.tasks:
            suite, _ = find(task, data_home())
            above = tuple(_groups_above(task, found))
            planned.setdefault(task, Planned(task, suite, (name, *above), found.shots.get(task)))
    if not planned:
        raise NothingToRunError("no task is chosen; name at least one, such as mmlu or arc")
    return list(planned.values()), groups


def _found(name: str) -> TaskTree:
    try:
        return find(name, data_home())[1]
    except TaskError as error:
        if "lm_eval" in missing_packages("benchmarks"):
            told = f"lm-eval is not installed here; run {how_to_install('benchmarks')}"
            raise TaskError(f"{error}. {told}") from error
        raise


def _groups_above(task: str, tree: TaskTree) -> list[str]:
    above, waiting = [], [task]
    while waiting:
        child = waiting.pop()
        for group, children in tree.groups.items():
            if child in children and group not in above:
                above.append(group)
                waiting.append(group)
    return above[::-1]


@transaction.atomic
def create_benchmark_run(
    *,
    language_model: LanguageModel,
    selection: Sequence[str],
    options: RunOptions | Mapping[str, Json] | None = None,
    model_args: Mapping[str, Json] | None = None,
    priority: int = 0,
    precision_goal: float | None = None,
    created_by: User | None = None,
    label: str = "",
    checks_names: bool = True,
) -> BenchmarkRun:
    """A run that is still to be prepared.

    A model with a ``checkpoint`` in ``model_args`` runs on attached accelerators, any other over
    its endpoint. Raises TaskError, ModelArgsError or NotCallableError for what cannot work.
    ``checks_names`` False leaves unknown tasks to be told when the run is prepared.
    """
    checked = options if isinstance(options, RunOptions) else run_options(options or {})
    arguments = dict(model_args or {})
    if arguments.get("checkpoint"):
        arguments = model_spec(arguments).as_dict()
        engine = EngineKind.LOCAL
    else:
        endpoint_config(language_model)
        engine = EngineKind.ENDPOINT
    if checks_names:
        plan_selection(selection)
    return BenchmarkRun.objects.create(
        label=label or f"{language_model}: {', '.join(selection)}"[:200],
        language_model=language_model,
        engine=engine,
        model_args=arguments,
        selection=list(selection),
        options=checked.as_dict(),
        priority=priority,
        precision_goal=precision_goal,
        created_by=created_by,
        software_version=__version__,
    )


def launch(run: BenchmarkRun) -> BenchmarkRun:
    """Prepare a draft run and set it going."""
    prepare_run(run)
    return start_run(run)


def prepare_run(run: BenchmarkRun) -> BenchmarkRun:
    """Build all prompts and store them as rows, all or nothing; a prepared run is left alone."""
    run.refresh_from_db()
    if run.prepared_at is not None:
        return run
    import_libraries()
    planned, groups = plan_selection(run.selection)
    chat = _chat_formatter(run)
    built = []
    for plan in planned:
        # task by task, so that a running run's worker may open its own in between
        with LIBRARIES:
            task = SUITES.get(plan.suite).open(plan.name, _options(run, plan))
            built.append((plan, task, task.build(chat)))
    with transaction.atomic():
        fresh = BenchmarkRun.objects.select_for_update().get(pk=run.pk)
        if fresh.prepared_at is None:
            _store(fresh, built, groups)
    run.refresh_from_db()
    return run


def _options(run: BenchmarkRun, plan: Planned) -> TaskOptions:
    return task_options(
        run_options(run.options),
        task=plan.name,
        groups=list(plan.groups),
        shots=plan.shots,
        is_endpoint=run.engine == EngineKind.ENDPOINT,
    )


def _chat_formatter(run: BenchmarkRun) -> ChatFormatter | None:
    """The checkpoint's chat format; an endpoint formats its conversations itself."""
    if run.engine == EngineKind.ENDPOINT or not run.options.get("apply_chat_template"):
        return None
    from benchmarks.engine.chat import tokenizer_chat

    return tokenizer_chat(model_spec(run.model_args))


def _store(
    run: BenchmarkRun,
    built: Sequence[tuple[Planned, OpenTask, list[PreparedSample]]],
    groups: dict[str, list[str]],
) -> None:
    for plan, task, samples in built:
        if run.engine == EngineKind.ENDPOINT:
            _require_answerable(run, task, samples)
        row = _store_task(run, plan, task, samples)
        order = list(samples)
        if run.precision_goal:
            # a run that may stop early must have seen a fair sample by then
            random.Random(f"{run.pk} {task.name}").shuffle(order)
        Sample.objects.bulk_create((_row(run, row, s) for s in order), batch_size=BATCH)
    if run.options.get("use_cache"):
        adopt_earlier(run)
    run.groups = groups
    run.prepared_at = timezone.now()
    run.forecast = forecast(run)
    run.save(update_fields=["groups", "prepared_at", "forecast"])


def _require_answerable(
    run: BenchmarkRun, task: OpenTask, samples: Sequence[PreparedSample]
) -> None:
    """A chat endpoint has no likelihoods of given texts."""
    kinds = {request.kind for sample in samples[:1] for request in sample.requests}
    if kinds & {RequestKind.LIKELIHOOD, RequestKind.ROLLING}:
        config = endpoint_config(run.language_model)
        if config.api != "completions":
            raise TaskError(
                f"task {task.name!r} needs log-likelihoods, which a chat endpoint does not give; "
                "ask for the protocol 'generation' or 'letters', or use an endpoint whose api is "
                "'completions'"
            )


def _store_task(
    run: BenchmarkRun, plan: Planned, task: OpenTask, samples: Sequence[PreparedSample]
) -> BenchmarkTask:
    options = _options(run, plan)
    fingerprint = {
        "task": task.name,
        "suite": plan.suite,
        "protocol": options.protocol,
        "definition": task.identity(),
        "prompt": digest(pack_requests(samples[0].requests)) if samples else "",
        "limit": options.limit,
        "metric": task.primary_metric,
        "engine": run.engine,
        "precision": run.model_args.get("precision", "endpoint"),
        "quantization": run.model_args.get("quantization", ""),
        "add_bos_token": run.model_args.get("add_bos_token"),
        "chat": bool(run.options.get("apply_chat_template")) or run.engine == EngineKind.ENDPOINT,
        "extractor": _extractor(options),
        "system_prompt": digest(options.system_prompt) if options.system_prompt else "",
    }
    return BenchmarkTask.objects.create(
        run=run,
        name=task.name,
        suite=plan.suite,
        protocol=options.protocol,
        options={"groups": list(plan.groups), "shots": plan.shots},
        primary_metric=task.primary_metric,
        sample_count=len(samples),
        fingerprint=fingerprint,
        fingerprint_hash=digest(fingerprint),
        extractor=options.extractor,
    )


def _extractor(options: TaskOptions) -> str:
    if options.protocol is not AskProtocol.GENERATION:
        return ""
    return EXTRACTORS[options.extractor or DEFAULT_EXTRACTOR].identity


def _row(run: BenchmarkRun, task: BenchmarkTask, sample: PreparedSample) -> Sample:
    requests = pack_requests(sample.requests)
    return Sample(
        run=run,
        task=task,
        index=sample.index,
        requests=requests,
        target=sample.target,
        doc=sample.doc,
        choices=list(sample.choices),
        category=sample.category,
        cluster=sample.cluster,
        prompt_hash=digest(requests),
    )


ADOPTED = ("responses", "metrics", "value", "extracted", "reason_words", "detail")


def adopt_earlier(run: BenchmarkRun) -> int:
    """Take over finished samples of earlier runs that asked the same model the very same thing.

    Same model, same arguments, same fingerprint, same prompts: another model's answers can never
    be taken. Returns how many were.
    """
    count = 0
    for task in run.tasks.all():
        earlier = Sample.objects.scored().filter(
            run__language_model=run.language_model,
            run__model_args=run.model_args,
            task__fingerprint_hash=task.fingerprint_hash,
        )
        known = {row.prompt_hash: row for row in earlier.exclude(run=run).order_by("id")}
        adopted = []
        for sample in task.samples.filter(status=WorkStatus.PENDING):
            source = known.get(sample.prompt_hash)
            if source is not None:
                for name in ADOPTED:
                    setattr(sample, name, getattr(source, name))
                sample.status, sample.finished_at = WorkStatus.DONE, timezone.now()
                adopted.append(sample)
        Sample.objects.bulk_update(adopted, [*ADOPTED, "status", "finished_at"], batch_size=BATCH)
        count += len(adopted)
    return count


def forecast(run: BenchmarkRun) -> dict[str, Json]:
    """Samples, requests and tokens before launch; time and money where there is a basis for them.

    Tokens are estimated at four characters each; time by the model's own finished runs.
    """
    characters = requests = answers = samples = 0
    for packed in run.samples.values_list("requests", flat=True).iterator(chunk_size=500):
        samples += 1
        contexts = [len(context) for context in packed["contexts"]]
        for request in packed["requests"]:
            requests += 1
            characters += contexts[request["context"]] + len(request.get("continuation", ""))
            answers += int(request.get("decoding", {}).get("max_tokens", 0))
    tokens_in = characters // 4
    return {
        "samples": samples,
        "requests": requests,
        "input_tokens": tokens_in,
        "output_tokens_at_most": answers,
        "usd_at_most": _money(run.language_model, tokens_in, answers),
        "seconds": _seconds(run, samples, tokens_in + answers),
    }


def _money(model: LanguageModel, tokens_in: int, tokens_out: int) -> float | None:
    if model.price_in_per_mtok is None or model.price_out_per_mtok is None:
        return None
    price = tokens_in * model.price_in_per_mtok + tokens_out * model.price_out_per_mtok
    return round(price / 1e6, 4)


def _seconds(run: BenchmarkRun, samples: int, tokens: int) -> float | None:
    """By this model's last finished run: over the same tasks by samples, over others by tokens."""
    finished = BenchmarkRun.objects.filter(
        language_model=run.language_model,
        status=RunStatus.COMPLETED,
        finished_at__isnull=False,
        started_at__isnull=False,
    ).exclude(pk=run.pk)
    same = finished.filter(selection=run.selection).order_by("-id").first()
    earlier = same or finished.filter(model_args=run.model_args).order_by("-id").first()
    if earlier is None or earlier.finished_at is None or earlier.started_at is None:
        return None
    took_s = (earlier.finished_at - earlier.started_at).total_seconds()
    expected = earlier.forecast
    if same is not None:
        done, now = earlier.samples.count(), samples
    else:
        done = expected.get("input_tokens", 0) + expected.get("output_tokens_at_most", 0)
        now = tokens
    return round(took_s * now / done, 1) if done else None
