"""How fast a transformers model generates inside this process: no server, no text, real tokens.

``generate`` hands each step's token ids to a streamer after they have reached the host, which
synchronises the device; the stamp is taken there. Nothing is decoded while the clock runs. A
model in a process serves one batch at a time, so there is no concurrency to measure here.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any, Protocol  # model outputs carry no usable types

import numpy as np

from speed.generator.health import peak_memory_bytes
from speed.metrics.percentiles import Estimate, mean_estimate, percentile_estimate

if TYPE_CHECKING:
    import torch

NS_PER_S = 1e9


class InProcessError(ValueError):
    """A measurement that cannot be made as asked."""


class StoppedError(RuntimeError):
    """Somebody wants the measurement to end; the repeat under way is dropped."""


class TokenIds(Protocol):
    """A tensor of token ids, as far as it is needed here."""

    def tolist(self) -> Any:
        """The ids as nested lists."""


@dataclass(frozen=True, slots=True)
class InProcessSettings:
    """Shape of the measurement. ``repeats`` are kept; one more, the warm-up, is dropped.

    ``force_length`` forbids the end token until ``output_tokens`` are there.
    """

    prompt_tokens: int = 128
    output_tokens: int = 128
    batch_size: int = 1
    repeats: int = 3
    force_length: bool = True
    threads: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if min(self.prompt_tokens, self.output_tokens, self.batch_size) < 1 or self.repeats < 3:
            raise InProcessError(
                "a measurement needs at least 1 prompt token, 1 output token, a batch of 1 and 3 "
                f"repeats, not {self.prompt_tokens}, {self.output_tokens}, {self.batch_size} and "
                f"{self.repeats}"
            )


class TokenClock:
    """A streamer that stamps every step and counts the tokens of rows that still run.

    ``stop_reason`` is asked after every step; any answer but "" raises StoppedError.
    """

    def __init__(
        self,
        batch_size: int,
        end_ids: frozenset[int],
        stop_reason: Callable[[], str] = lambda: "",
    ) -> None:
        self.step_ns: list[int] = []
        self.tokens_per_row = [0] * batch_size
        self.ended_early = 0
        self._end_ids = end_ids
        self._stop_reason = stop_reason
        self._is_running = [True] * batch_size
        self._has_prompt = False

    def put(self, value: TokenIds) -> None:
        """Called by ``generate``: first with the prompt, then with one id per row and step."""
        stamp = perf_counter_ns()
        if not self._has_prompt:
            self._has_prompt = True
            return
        self.step_ns.append(stamp)
        for row, token in enumerate(_flat(value.tolist())):
            if self._is_running[row]:
                self.tokens_per_row[row] += 1
                self._is_running[row] = token not in self._end_ids
        self.ended_early = self._is_running.count(False)
        if reason := self._stop_reason():
            raise StoppedError(reason)

    def end(self) -> None:
        """Called by ``generate`` when it is done."""


def _flat(ids: Any) -> list[int]:
    """One id per row, whether ``generate`` hands over [b] or [b, 1]."""
    return [row[-1] if isinstance(row, list) else row for row in ids]


@dataclass(frozen=True, slots=True)
class Repeat:
    """One generation, on the clock of ``perf_counter_ns``: a stamp per decoding step.

    ``tokens_per_row`` counts the real tokens of each sequence of the batch.
    """

    started_ns: int
    step_ns: tuple[int, ...]
    ended_ns: int
    tokens_per_row: tuple[int, ...]
    rows_ended_early: int

    @property
    def ttft_s(self) -> float:
        """To the first token of the batch; all rows get theirs at once."""
        return (self.step_ns[0] - self.started_ns) / NS_PER_S

    @property
    def latency_s(self) -> float:
        """Until ``generate`` has returned and the device is idle."""
        return (self.ended_ns - self.started_ns) / NS_PER_S

    @property
    def steps_s(self) -> "np.ndarray[Any, np.dtype[np.float64]]":
        """Gaps between decoding steps."""
        return np.diff(np.array(self.step_ns)) / NS_PER_S

    @property
    def output_tokens(self) -> int:
        """Real tokens of the whole batch."""
        return sum(self.tokens_per_row)


@dataclass(frozen=True, slots=True)
class InProcessReport:
    """Figures over the kept repeats; rates are aggregated over the batch, TPOT is per sequence."""

    ttft_s: Estimate
    prefill_tokens_per_s: Estimate
    tpot_s: Estimate
    step_p50_s: Estimate
    step_p99_s: Estimate
    latency_s: Estimate
    output_tokens_per_s: Estimate
    output_tokens: int
    rows_ended_early: int
    peak_memory_bytes: int
    peak_memory_kind: str
    prompt_tokens_per_row: int
    repeats: tuple[Repeat, ...]


@dataclass(frozen=True, slots=True)
class Watch:
    """Who follows a measurement: hears of every kept repeat, and may end it early."""

    on_repeat: Callable[[Repeat], None] = lambda _repeat: None
    stop_reason: Callable[[], str] = lambda: ""


def measure_model(
    model: Any,
    settings: InProcessSettings,
    prompt_ids: "torch.Tensor | None" = None,
    watch: Watch | None = None,
) -> InProcessReport:
    """Measure a loaded causal language model.

    ``prompt_ids`` (batch, length) default to random ids. Raises InProcessError when the model's
    context is too short, and StoppedError when it was ended before the first kept repeat; ended
    later, the report holds the repeats made until then.
    """
    import torch

    if settings.threads is not None:
        torch.set_num_threads(settings.threads)
    model.eval()
    ids = _random_ids(model, settings) if prompt_ids is None else prompt_ids
    ids = ids.to(model.device)
    _check_context(model, ids.shape[1] + settings.output_tokens)
    watch = watch or Watch()
    repeats: list[Repeat] = []
    with torch.inference_mode():
        _one_repeat(model, ids, settings, watch)  # kernel choice, allocator, caches
        _reset_peak(model.device)
        while len(repeats) < settings.repeats:
            try:
                repeats.append(_one_repeat(model, ids, settings, watch))
            except StoppedError:
                if not repeats:
                    raise
                break
            watch.on_repeat(repeats[-1])
    return _report(repeats, ids.shape, _peak_memory(model.device))


def _one_repeat(
    model: Any, ids: "torch.Tensor", settings: InProcessSettings, watch: Watch
) -> Repeat:
    import torch

    clock = TokenClock(ids.shape[0], end_ids_of(model), watch.stop_reason)
    _synchronise(model.device)
    started = perf_counter_ns()
    model.generate(
        input_ids=ids,
        attention_mask=torch.ones_like(ids),
        do_sample=False,
        max_new_tokens=settings.output_tokens,
        min_new_tokens=settings.output_tokens if settings.force_length else None,
        streamer=clock,
        pad_token_id=next(iter(end_ids_of(model)), 0),
    )
    _synchronise(model.device)
    ended = perf_counter_ns()
    if not clock.step_ns:
        raise InProcessError("the model produced no token")
    return Repeat(
        started_ns=started,
        step_ns=tuple(clock.step_ns),
        ended_ns=ended,
        tokens_per_row=tuple(clock.tokens_per_row),
        rows_ended_early=clock.ended_early,
    )


def _report(
    repeats: Sequence[Repeat], prompt_shape: Sequence[int], memory: tuple[int, str]
) -> InProcessReport:
    rows, length = prompt_shape
    ttft = np.array([repeat.ttft_s for repeat in repeats])
    latency = np.array([repeat.latency_s for repeat in repeats])
    produced = np.array([repeat.output_tokens for repeat in repeats], dtype=np.float64)
    mean_step = np.array([np.mean(r.steps_s) if len(r.step_ns) > 1 else np.nan for r in repeats])
    steps = np.concatenate([repeat.steps_s for repeat in repeats])
    return InProcessReport(
        ttft_s=mean_estimate(ttft),
        prefill_tokens_per_s=mean_estimate(rows * length / ttft),
        tpot_s=mean_estimate(mean_step),
        step_p50_s=percentile_estimate(steps, 50),
        step_p99_s=percentile_estimate(steps, 99),
        latency_s=mean_estimate(latency),
        output_tokens_per_s=mean_estimate(produced / latency),
        output_tokens=int(produced.sum()),
        rows_ended_early=sum(repeat.rows_ended_early for repeat in repeats),
        peak_memory_bytes=memory[0],
        peak_memory_kind=memory[1],
        prompt_tokens_per_row=length,
        repeats=tuple(repeats),
    )


def end_ids_of(model: Any) -> frozenset[int]:
    """The token ids that end an answer, by the model's generation settings."""
    found = getattr(model.generation_config, "eos_token_id", None)
    if found is None:
        return frozenset()
    return frozenset(found) if isinstance(found, list) else frozenset({int(found)})


def _random_ids(model: Any, settings: InProcessSettings) -> "torch.Tensor":
    import torch

    generator = torch.Generator().manual_seed(settings.seed)
    shape = (settings.batch_size, settings.prompt_tokens)
    return torch.randint(0, int(model.config.vocab_size), shape, generator=generator)


def _check_context(model: Any, needed: int) -> None:
    limit = getattr(model.config, "max_position_embeddings", None)
    if limit is not None and needed > limit:
        raise InProcessError(
            f"prompt and answer need {needed} positions but the model has {limit}; ask for fewer"
        )


def _is_cuda(device: Any) -> bool:
    return bool(device.type == "cuda")


def _synchronise(device: Any) -> None:
    if _is_cuda(device):
        import torch

        torch.cuda.synchronize(device)


def _reset_peak(device: Any) -> None:
    if _is_cuda(device):
        import torch

        torch.cuda.reset_peak_memory_stats(device)


def _peak_memory(device: Any) -> tuple[int, str]:
    if _is_cuda(device):
        import torch

        return int(torch.cuda.max_memory_allocated(device)), "device, allocated"
    return peak_memory_bytes(), "process, resident"


def circumstances_of(model: Any) -> dict[str, Any]:
    """Device, precision and versions: without them no figure means anything."""
    import torch
    import transformers

    device = model.device
    name = torch.cuda.get_device_name(device) if _is_cuda(device) else "cpu"
    return {
        "device": name,
        "dtype": str(model.dtype).removeprefix("torch."),
        "attention": str(getattr(model.config, "_attn_implementation", "unknown")),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "parameters": int(sum(p.numel() for p in model.parameters())),
    }
