"""An lm-eval task behind our own face: its prompts and scores, our engine and rows."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.harness.catalogue import harness_version
from benchmarks.metrics.choices import is_tied
from benchmarks.metrics.letters import INVALID
from benchmarks.metrics.text import token_f1
from benchmarks.statistics.ratios import ratio_error
from benchmarks.suites_base import (
    ChatFormatter,
    Json,
    PreparedSample,
    Reason,
    RequestKind,
    Response,
    SampleRequest,
    SampleScore,
    TaskError,
    TaskOptions,
    limited,
)

KINDS = {
    "loglikelihood": RequestKind.LIKELIHOOD,
    "loglikelihood_rolling": RequestKind.ROLLING,
    "generate_until": RequestKind.GENERATION,
}
# fields that several samples share when they ask about one text
PASSAGE_FIELDS = ("passage", "article", "paragraph", "story", "context", "premise_id")
METRIC_ORDER = ("acc_norm", "acc", "exact_match", "mc2", "f1", "word_perplexity")
# lm-eval's own number of resamples; fewer would give another error bar than its table shows
BOOTSTRAP_RESAMPLES = 100_000
DOC_CHARACTERS = 20_000
# what the field reports for a task and lm-eval does not compute
TOKEN_PERPLEXITY = "token_perplexity,none"
EXTRA_METRICS = {"triviaqa": {"f1": token_f1}}


class HarnessTask:
    """One task of lm-eval in its own protocol."""

    def __init__(self, name: str, task: Any, options: TaskOptions) -> None:
        self.name = name
        self.task = task  # an lm_eval Task; it has no types
        self.options = options
        self._set_shots()
        if options.generation and task.get_config("output_type") == "generate_until":
            task.set_config("generation_kwargs", dict(options.generation), update=True)
        if getattr(task, "UNSAFE_CODE", False):
            raise TaskError(
                f"task {name!r} runs generated code inside lm-eval; use the suite's own "
                "humaneval or mbpp, which run it in the sandbox"
            )
        if getattr(task, "MULTIMODAL", False):
            raise TaskError(f"task {name!r} needs images or sound, which no engine here reads")
        self.primary_metric = self._primary_metric()
        # each access would run the task's own processing over all documents again
        self.documents = task.eval_docs

    def _set_shots(self) -> None:
        """lm-eval's rules: a task's own 0 is never overridden, no number at all means 0."""
        default = self.task.get_config("num_fewshot")
        if self.options.num_fewshot is not None and default != 0:
            self.task.set_config("num_fewshot", self.options.num_fewshot)
        elif default is None:
            self.task.set_config("num_fewshot", 0)
        self.task.set_fewshot_seed(seed=self.options.seed)

    @property
    def num_fewshot(self) -> int:
        return int(self.task.get_config("num_fewshot") or 0)

    def _primary_metric(self) -> str:
        filters = [ensemble.name for ensemble in self.task._filters]
        names = [str(name) for name in self.task.aggregation()]
        ranked = [name for name in METRIC_ORDER if name in names] or names
        # where a task reports a strict and a flexible reading, the strict one comes first
        return f"{ranked[0]},{filters[0]}" if ranked else ""

    def build(self, chat: ChatFormatter | None = None) -> list[PreparedSample]:
        """Prompts of all documents in lm-eval's order for one process, shots and all."""
        count = limited(len(self.documents), self.options.limit)
        self.task.set_fewshot_seed(seed=self.options.seed)
        self.task.build_all_requests(
            limit=count or None,
            system_instruction=self.options.system_prompt or None,
            apply_chat_template=chat is not None,
            fewshot_as_multiturn=chat is not None,
            chat_template=chat,
            tokenizer_name="",
        )
        by_document: dict[int, list[Any]] = {}
        for instance in self.task.instances:
            by_document.setdefault(instance.doc_id, []).append(instance)
        return [self._sample(index, found) for index, found in sorted(by_document.items())]

    def _sample(self, index: int, instances: list[Any]) -> PreparedSample:
        instances.sort(key=lambda instance: instance.idx)
        requests = [
            self._request(instance) for instance in instances for _ in range(instance.repeats or 1)
        ]
        doc = instances[0].doc
        return PreparedSample(
            index=index,
            requests=tuple(requests),
            target=plain_json(self.task.doc_to_target(doc)),
            doc=readable(doc),
            choices=self._choices(doc),
            category=category_of(doc),
            cluster=cluster_of(doc),
        )

    def _choices(self, doc: Any) -> tuple[str, ...]:
        if not self.task.get_config("doc_to_choice"):
            return ()
        return tuple(str(choice) for choice in self.task.doc_to_choice(doc))

    def _request(self, instance: Any) -> SampleRequest:
        kind = KINDS[instance.request_type]
        if kind is RequestKind.GENERATION:
            return SampleRequest(kind, instance.args[0], decoding=decoding_of(instance.args[1]))
        if kind is RequestKind.LIKELIHOOD:
            return SampleRequest(kind, instance.args[0], instance.args[1])
        return SampleRequest(kind, instance.args[0])

    def score(
        self, index: int, sample: Mapping[str, Json], responses: Sequence[Response]
    ) -> SampleScore:
        """lm-eval's filters and metrics over one document."""
        from lm_eval.api.instance import Instance

        doc = self.documents[index]
        requests = sample["requests"]
        per_request = max(int(self.task.get_config("repeats") or 1), 1)
        instances = []
        for number in range(0, len(responses), per_request):
            made = Instance(
                _instance_type(requests[number]["kind"]),
                doc,
                _arguments(requests[number]),
                number // per_request,
                metadata=(self.name, index, per_request),
            )
            made.resps = [harness_response(r) for r in responses[number : number + per_request]]
            instances.append(made)
        metrics: dict[str, Json] = {}
        extracted = ""
        for ensemble in self.task._filters:
            ensemble.apply(instances)
            results = [instance.filtered_resps[ensemble.name] for instance in instances]
            for metric, value in self.task.process_results(doc, results).items():
                metrics[f"{metric},{ensemble.name}"] = plain_json(value)
            if isinstance(results[0], str) and not extracted:
                extracted = results[0]
            for metric, function in EXTRA_METRICS.get(self.name, {}).items():
                metrics[f"{metric},{ensemble.name}"] = function(results[0], _texts(sample))
        if responses[0].is_rolling:
            # exp(-sum of log-likelihoods / tokens) depends on the tokenizer, unlike lm-eval's three
            metrics[TOKEN_PERPLEXITY] = [responses[0].logprob, responses[0].tokens]
        if sample.get("choices") and responses[0].logprob is not None:
            extracted = chosen(sample["choices"], responses)
        return SampleScore(metrics, extracted, reasons_of(responses, extracted))

    def aggregate(self, metric: str, values: Sequence[Json]) -> tuple[float, float | None] | None:
        """lm-eval's own aggregation for what is no mean: perplexities, F1 over a corpus, …"""
        from lm_eval.api.metrics import (
            bits_per_byte,
            mean,
            stderr_for_metric,
            weighted_perplexity,
        )

        if metric == TOKEN_PERPLEXITY:
            tokens = sum(count for _, count in values)
            found = math.exp(-sum(logprob for logprob, _ in values) / max(tokens, 1))
            return found, _perplexity_error(found, values)
        function = self.task.aggregation().get(metric.partition(",")[0], mean)
        if function is mean:
            return None
        if function is weighted_perplexity:
            found = float(function(values))
            return found, _perplexity_error(found, values)
        if function is bits_per_byte:
            error = ratio_error(*zip(*values, strict=True))
            return float(function(values)), None if error is None else error / math.log(2)
        items = [tuple(value) if isinstance(value, list) else value for value in values]
        resamples = min(BOOTSTRAP_RESAMPLES, 100) if _is_slow(function) else BOOTSTRAP_RESAMPLES
        error = getattr(function, "error", None) or stderr_for_metric(function, resamples)
        return float(function(items)), float(error(items)) if error and len(items) > 1 else None

    def identity(self) -> dict[str, Json]:
        return {
            "harness": f"lm_eval {harness_version()}",
            "version": str(self.task.VERSION),
            "num_fewshot": self.num_fewshot,
            "seed": self.options.seed,
            "decoding": plain_json(self.task.get_config("generation_kwargs"))
            if self.task.get_config("output_type") == "generate_until"
            else {},
        }


def _perplexity_error(perplexity: float, values: Sequence[Json]) -> float | None:
    """Of the exponential of a ratio, to first order; lm-eval gives no error for these."""
    error = ratio_error(*zip(*values, strict=True))
    return None if error is None else perplexity * error


def _texts(sample: Mapping[str, Json]) -> list[str]:
    target = sample["target"]
    return [str(part) for part in (target if isinstance(target, list) else [target])]


def _is_slow(function: Any) -> bool:
    # lm-eval itself resamples corpus BLEU, chrF and TER a hundred times only
    return getattr(function, "__name__", "") in ("bleu", "chrf", "chrfpp", "ter")


def _instance_type(kind: str) -> str:
    return next(name for name, found in KINDS.items() if found == kind)


def _arguments(request: Mapping[str, Json]) -> tuple[Json, ...]:
    if request["kind"] == RequestKind.LIKELIHOOD:
        return request.get("context", ""), request.get("continuation", "")
    if request["kind"] == RequestKind.GENERATION:
        return request.get("context", ""), request.get("decoding", {})
    return (request.get("context", ""),)


def harness_response(found: Response) -> Json:
    """A response in the form lm-eval's filters and metrics take."""
    if found.logprob is None:
        return found.text
    return found.logprob if found.is_rolling else (found.logprob, found.is_greedy)


def decoding_of(settings: Mapping[str, Json]) -> dict[str, Json]:
    """lm-eval's generation settings in our words."""
    stops = settings.get("until") or []
    lengths = ("max_gen_toks", "max_new_tokens", "max_tokens", "max_completion_tokens")
    most = next((settings[name] for name in lengths if settings.get(name)), 256)
    is_sampled = settings.get("do_sample", float(settings.get("temperature") or 0) > 0)
    made = {
        "stop": [stops] if isinstance(stops, str) else list(stops),
        "max_tokens": int(most),
        "temperature": float(settings.get("temperature") or 1.0) if is_sampled else 0.0,
    }
    for name, cast in (("top_p", float), ("top_k", int), ("seed", int)):
        if settings.get(name) is not None:
            made[name] = cast(settings[name])
    return made


def chosen(choices: Sequence[str], responses: Sequence[Response]) -> str:
    """The likeliest choice's text."""
    logprobs = [r.logprob for r in responses[: len(choices)] if r.logprob is not None]
    return str(choices[int(np.argmax(logprobs))]) if len(logprobs) == len(choices) else ""


def reasons_of(responses: Sequence[Response], extracted: str) -> tuple[str, ...]:
    """Why the sample deserves a look: what the extraction audit counts."""
    reasons: list[str] = []
    logprobs = [r.logprob for r in responses if r.logprob is not None]
    if len(logprobs) > 1 and is_tied(logprobs):
        reasons.append(Reason.TIED)
    if any(r.is_boundary_merge for r in responses):
        reasons.append(Reason.BOUNDARY_MERGE)
    if any(r.is_prompt_cut for r in responses):
        reasons.append(Reason.PROMPT_CUT)
    texts = [r for r in responses if r.logprob is None and not r.letters]
    if any(r.finish_reason == "length" for r in texts):
        reasons.append(Reason.TRUNCATED)
    if texts and not any(r.text.strip() for r in texts):
        reasons.append(Reason.EMPTY)
    if extracted == INVALID:
        reasons.append(Reason.INVALID)
    return tuple(reasons)


def plain_json(value: Any) -> Json:
    """Numbers and containers that the json module writes, whatever numpy or lm-eval made."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, Mapping):
        return {str(key): plain_json(part) for key, part in value.items()}
    if isinstance(value, list | tuple | set):
        return [plain_json(part) for part in value]
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def readable(doc: Any) -> Json:
    """A document for a reader: what is very long is cut."""
    made = plain_json(doc)
    if isinstance(made, str):
        return {"text": made[:DOC_CHARACTERS]}
    return {
        key: value[:DOC_CHARACTERS] if isinstance(value, str) else value
        for key, value in made.items()
        if not key.startswith("_")
    }


def category_of(doc: Any) -> str:
    for name in ("category", "subject", "type", "level"):
        if isinstance(doc, Mapping) and isinstance(doc.get(name), str):
            return str(doc[name])[:100]
    return ""


def cluster_of(doc: Any) -> str:
    """A short name for the passage a document is about, or an empty string."""
    if not isinstance(doc, Mapping):
        return ""
    for name in PASSAGE_FIELDS:
        text = doc.get(name)
        if isinstance(text, str) and len(text) > 100:
            return passage_cluster(text)
    return ""


def passage_cluster(passage: str) -> str:
    """What samples about one passage share; an empty string where there is none."""
    return hashlib.sha256(passage.encode()).hexdigest()[:12] if passage else ""
