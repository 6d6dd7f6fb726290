"""From a selection of names to rows: every prompt of a run is built here, once.

Prompts are complete before any worker sees them, so scores cannot depend on how many share them.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from arena import __version__
from arena.calling import endpoint_config
from arena.models import LanguageModel, RunStatus, WorkStatus
from arena.services.runs import start_run
from benchmarks.engine.spec import model_spec, saved_precision
from benchmarks.metrics.letters import DEFAULT_EXTRACTOR, EXTRACTORS
from benchmarks.models import BenchmarkRun, BenchmarkTask, EngineKind, Sample
from benchmarks.probes.corpus import overlap_shares, question_text, read_corpus
from benchmarks.services.libraries import (
    LIBRARIES,
    how_to_install,
    import_libraries,
    missing_packages,
)
from benchmarks.services.options import (
    RunOptions,
    data_home,
    judges_of,
    run_options,
    task_options,
)
from benchmarks.suites import SUITES
from benchmarks.suites.presets import find
from benchmarks.suites_base import (
    LIKELIHOOD_KINDS,
    PROBE_SEPARATOR,
    AskProtocol,
    ChatFormatter,
    Json,
    OpenTask,
    PreparedSample,
    TaskError,
    TaskOptions,
    TaskTree,
    UnsuitableTaskError,
    WrittenTaskError,
    digest,
    pack_requests,
)

BATCH = 500
NAMES_IN_A_LABEL = 5
Built = tuple["Planned", OpenTask, list[PreparedSample]]


class NothingToRunError(TaskError):
    """The selection is empty."""


@dataclass(frozen=True, slots=True)
class Planned:
    """A task of the selection before it is opened; a probe that does not suit it is left out.

    ``is_native``: it has no choices, and a run in writing asks it in its own way.
    """

    name: str
    suite: str
    groups: tuple[str, ...]
    shots: int | None
    is_optional: bool = False
    is_native: bool = False


@dataclass(slots=True)
class Plan:
    """``groups`` says what each group is made of, ``plain_groups`` which count tasks alike."""

    tasks: dict[str, Planned] = field(default_factory=dict)
    groups: dict[str, list[str]] = field(default_factory=dict)
    plain_groups: set[str] = field(default_factory=set)

    def add(self, name: str, *, is_optional: bool = False) -> None:
        found = _found(name)
        self.groups |= {group: list(children) for group, children in found.groups.items()}
        self.plain_groups |= found.plain_groups
        for task in found.tasks:
            suite, _ = find(task, data_home())
            groups = (name, *_groups_above(task, found))
            planned = Planned(task, suite, groups, found.shots.get(task), is_optional)
            self.tasks.setdefault(task, planned)


def plan_selection(names: Sequence[str], probes: Sequence[str] = ()) -> Plan:
    """The tasks that the names stand for, each followed by its probes."""
    plan = Plan()
    for name in names:
        plan.add(name)
    if not plan.tasks:
        raise NothingToRunError("no task is chosen; name at least one, such as mmlu or arc")
    for probe in probes:
        for name in names:
            if PROBE_SEPARATOR not in name:
                plan.add(f"{probe}{PROBE_SEPARATOR}{name}", is_optional=True)
    return plan


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
        plan_selection(selection, checked.probes)
    _require_judges(checked)
    if checked.corpus and not Path(checked.corpus).exists():
        raise TaskError(f"the corpus {checked.corpus} does not exist; give a file or a folder")
    return BenchmarkRun.objects.create(
        label=(label or f"{language_model}: {_in_short(selection)}")[:200],
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


def _in_short(selection: Sequence[str]) -> str:
    """The first names, and of how many."""
    if len(selection) <= NAMES_IN_A_LABEL:
        return ", ".join(selection)
    return f"{', '.join(selection[: NAMES_IN_A_LABEL - 1])}… ({len(selection)})"


def _require_judges(options: RunOptions) -> None:
    """Every named judge is known and can be called."""
    for slug in judges_of(options):
        judge = LanguageModel.objects.select_related("endpoint").filter(slug=slug).first()
        if judge is None:
            raise TaskError(f"there is no model {slug!r} to judge answers; name one by its slug")
        endpoint_config(judge)


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
    plan = plan_selection(run.selection, run.options.get("probes") or ())
    chat = _chat_formatter(run)
    built: list[Built] = []
    for planned in plan.tasks.values():
        try:
            # task by task, so that a running run's worker may open its own in between
            with LIBRARIES:
                asked, task, samples = _build(run, planned, chat)
        except UnsuitableTaskError:
            if not planned.is_optional:
                raise
            _leave_out(plan, planned.name)
        else:
            built.append((asked, task, samples))
    shares = _overlaps(run, built)
    with transaction.atomic():
        fresh = BenchmarkRun.objects.select_for_update().get(pk=run.pk)
        if fresh.prepared_at is None:
            _store(fresh, built, plan, shares, getattr(chat, "template", ""))
    run.refresh_from_db()
    return run


def _build(
    run: BenchmarkRun, planned: Planned, chat: ChatFormatter | None
) -> tuple[Planned, OpenTask, list[PreparedSample]]:
    """The task and its samples, and the plan by which they were made."""
    options = _options(run, planned)
    try:
        task = SUITES.get(planned.suite).open(planned.name, options)
    except WrittenTaskError:
        if options.protocol is not AskProtocol.GENERATION:
            raise
        return _build(run, replace(planned, is_native=True), chat)
    if options.protocol is AskProtocol.GENERATION and not _is_asked_for_letters(task):
        planned = replace(planned, is_native=True)
    samples = task.build(chat)
    if run.engine == EngineKind.ENDPOINT:
        _require_answerable(run, task, samples)
    return planned, task, samples


def _is_asked_for_letters(task: OpenTask) -> bool:
    """Programs, needles and calls are written in every protocol."""
    return task.primary_metric.endswith(",letter")


def _leave_out(plan: Plan, task: str) -> None:
    """Take a task out of the groups, and groups that become empty by it."""
    names = [task]
    for name in names:
        for group, children in list(plan.groups.items()):
            if name in children:
                children.remove(name)
                if not children:
                    del plan.groups[group]
                    names.append(group)


def _overlaps(run: BenchmarkRun, built: Sequence[Built]) -> dict[tuple[str, int], float]:
    """For each question whose task is no probe, the share of its n-grams that the corpus has."""
    corpus = run.options.get("corpus")
    if not corpus:
        return {}
    texts = {
        task.name: {sample.index: question_text(sample.doc, sample) for sample in samples}
        for planned, task, samples in built
        if planned.suite != "probe"
    }
    return overlap_shares(texts, read_corpus(Path(corpus)))


def _options(run: BenchmarkRun, plan: Planned) -> TaskOptions:
    options = task_options(
        run_options(run.options),
        task=plan.name,
        groups=list(plan.groups),
        shots=plan.shots,
        is_endpoint=run.engine == EngineKind.ENDPOINT,
    )
    return replace(options, protocol=AskProtocol.NATIVE) if plan.is_native else options


def _chat_formatter(run: BenchmarkRun) -> ChatFormatter | None:
    """The checkpoint's chat format; an endpoint formats its conversations itself."""
    if run.engine == EngineKind.ENDPOINT or not run.options.get("apply_chat_template"):
        return None
    from benchmarks.engine.chat import tokenizer_chat

    return tokenizer_chat(model_spec(run.model_args))


def _store(
    run: BenchmarkRun,
    built: Sequence[Built],
    plan: Plan,
    shares: Mapping[tuple[str, int], float],
    chat_template: str,
) -> None:
    for planned, task, samples in built:
        hashes = {s.index: digest(pack_requests(s.requests)) for s in samples}
        identity = _identity(run, planned, task, list(hashes.values()), chat_template)
        row = _store_task(run, planned, task, len(samples), identity)
        order = list(samples)
        if run.precision_goal:
            # a run that may stop early must have seen a fair sample by then
            random.Random(f"{run.pk} {task.name}").shuffle(order)
        rows = (_row(run, row, s, hashes[s.index], shares.get((task.name, s.index))) for s in order)
        Sample.objects.bulk_create(rows, batch_size=BATCH)
    if run.options.get("use_cache"):
        adopt_earlier(run)
    run.groups, run.plain_groups = plan.groups, sorted(plan.plain_groups & plan.groups.keys())
    run.prepared_at = timezone.now()
    run.forecast = forecast(run)
    run.save(update_fields=["groups", "plain_groups", "prepared_at", "forecast"])


def _require_answerable(
    run: BenchmarkRun, task: OpenTask, samples: Sequence[PreparedSample]
) -> None:
    """A chat endpoint has no likelihoods of given texts."""
    kinds = {request.kind for sample in samples[:1] for request in sample.requests}
    if kinds & LIKELIHOOD_KINDS:
        config = endpoint_config(run.language_model)
        if config.api != "completions":
            raise UnsuitableTaskError(
                f"task {task.name!r} needs log-likelihoods, which a chat endpoint does not give; "
                "ask for the protocol 'generation' or 'letters', or use an endpoint whose api is "
                "'completions'"
            )


def _identity(
    run: BenchmarkRun, plan: Planned, task: OpenTask, prompts: Sequence[str], chat_template: str
) -> dict[str, Json]:
    """Everything that decides a task's scores, apart from the model's weights."""
    options = _options(run, plan)
    chat = "endpoint" if run.engine == EngineKind.ENDPOINT else ""
    return {
        "task": task.name,
        "suite": plan.suite,
        "protocol": options.protocol,
        "definition": task.identity(),
        "prompt": digest(prompts),
        "limit": options.limit,
        "metric": task.primary_metric,
        "engine": run.engine,
        "precision": _precision(run),
        "quantization": run.model_args.get("quantization", ""),
        "add_bos_token": run.model_args.get("add_bos_token"),
        "max_length": run.model_args.get("max_length", 0),
        "think_end": run.model_args.get("think_end", ""),
        "chat": digest(chat_template) if chat_template else chat,
        "extractor": _extractor(options),
        "system_prompt": digest(options.system_prompt) if options.system_prompt else "",
    }


def _precision(run: BenchmarkRun) -> str:
    if run.engine == EngineKind.ENDPOINT:
        return "endpoint"
    return saved_precision(model_spec(run.model_args))


def _store_task(
    run: BenchmarkRun, plan: Planned, task: OpenTask, count: int, fingerprint: dict[str, Json]
) -> BenchmarkTask:
    options = _options(run, plan)
    return BenchmarkTask.objects.create(
        run=run,
        name=task.name,
        suite=plan.suite,
        protocol=options.protocol,
        options={"groups": list(plan.groups), "shots": plan.shots},
        primary_metric=task.primary_metric,
        sample_count=count,
        fingerprint=fingerprint,
        fingerprint_hash=digest(fingerprint),
        extractor=options.extractor,
    )


def _extractor(options: TaskOptions) -> str:
    if options.protocol is not AskProtocol.GENERATION:
        return ""
    return EXTRACTORS[options.extractor or DEFAULT_EXTRACTOR].identity


def _row(
    run: BenchmarkRun,
    task: BenchmarkTask,
    sample: PreparedSample,
    prompt_hash: str,
    overlap: float | None,
) -> Sample:
    return Sample(
        run=run,
        task=task,
        index=sample.index,
        requests=pack_requests(sample.requests),
        target=sample.target,
        doc=sample.doc,
        choices=list(sample.choices),
        category=sample.category,
        cluster=sample.cluster,
        prompt_hash=prompt_hash,
        overlap=overlap,
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
        "usd_at_most": _money(run, tokens_in, answers, samples),
        "seconds": _seconds(run, samples, tokens_in + answers),
    }


# a judge reads its instruction, the question and the answer, and writes a few sentences
JUDGE_TOKENS_IN, JUDGE_TOKENS_OUT = 250, 200


def _money(run: BenchmarkRun, tokens_in: int, tokens_out: int, samples: int) -> float | None:
    """What the model and the judges of its answers may cost; None where a price is not known."""
    costs = [_price(run.language_model, tokens_in, tokens_out)]
    for judge in LanguageModel.objects.filter(slug__in=judges_of(run_options(run.options))):
        read = tokens_in + tokens_out + samples * JUDGE_TOKENS_IN
        costs.append(_price(judge, read, samples * JUDGE_TOKENS_OUT))
    known = [cost for cost in costs if cost is not None]
    return round(sum(known), 4) if len(known) == len(costs) else None


def _price(model: LanguageModel, tokens_in: int, tokens_out: int) -> float | None:
    if model.price_in_per_mtok is None or model.price_out_per_mtok is None:
        return None
    return (tokens_in * model.price_in_per_mtok + tokens_out * model.price_out_per_mtok) / 1e6


def _seconds(run: BenchmarkRun, samples: int, tokens: int) -> float | None:
    """By the speed of this model's last finished run over the same tasks, else over any.

    Over the same tasks samples take alike; over others tokens are what can be compared.
    """
    earlier = BenchmarkRun.objects.filter(
        language_model=run.language_model,
        model_args=run.model_args,
        status=RunStatus.COMPLETED,
        finished_at__isnull=False,
        started_at__isnull=False,
    )
    finished = list(earlier.exclude(pk=run.pk).order_by("-id")[:50])
    same = next((other for other in finished if other.selection == run.selection), None)
    for other, mine, kind in ((same, samples, "samples"), (next(iter(finished), None), tokens, "")):
        theirs = _work(other, kind) if other is not None else 0
        if other is not None and theirs and other.finished_at and other.started_at:
            took_s = (other.finished_at - other.started_at).total_seconds()
            return round(took_s * mine / theirs, 1)
    return None


def _work(run: BenchmarkRun, kind: str) -> int:
    if kind == "samples":
        return run.samples.count()
    expected = run.forecast
    return int(expected.get("input_tokens", 0)) + int(expected.get("output_tokens_at_most", 0))
