"""Continuing conversations, many side by side, each with its own settings and random numbers."""

from __future__ import annotations

import copy
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from transformers import (
    LogitsProcessor,
    LogitsProcessorList,
    StoppingCriteria,
    StoppingCriteriaList,
)

from providers.base import Completion, Delta, GenerationSettings, TokenLogprob
from providers.checkpoints.jobs import Job
from providers.checkpoints.loading import LoadedCheckpoint
from providers.checkpoints.weights import end_tokens

DEFAULT_MAX_TOKENS = 1_024
UNFINISHED_CHARACTER = "\ufffd"  # the first bytes of a character that later tokens complete


@dataclass(frozen=True, slots=True)
class Decoding:
    """How one row is decoded; temperature 0 is greedy, top_k 0 and top_p 1 leave nothing out."""

    temperature: float
    top_p: float
    top_k: int
    seed: int
    max_tokens: int
    stop: tuple[str, ...]
    top_logprobs: int


def decoding_of(loaded: LoadedCheckpoint, settings: GenerationSettings, prompt: int) -> Decoding:
    """What is not set is the checkpoint's own default; tokens no more than there is room for."""
    own = loaded.model.generation_config
    default = (own.temperature or 1.0) if own.do_sample else 0.0
    extra = settings.extra
    return Decoding(
        temperature=default if settings.temperature is None else settings.temperature,
        top_p=settings.top_p if settings.top_p is not None else own.top_p or 1.0,
        top_k=int(extra.get("top_k", (own.top_k or 0) if own.do_sample else 0)),
        seed=settings.seed or 0,
        max_tokens=min(settings.max_tokens or DEFAULT_MAX_TOKENS, loaded.max_length - prompt),
        stop=tuple(text for text in settings.stop if text),
        top_logprobs=(settings.top_logprobs or 1) if settings.logprobs else 0,
    )


@dataclass(slots=True, eq=False)
class Row:
    """One reply under way."""

    job: Job
    decoding: Decoding
    generator: torch.Generator
    tokens: list[int] = field(default_factory=list)
    shown: str = ""
    first_at: float | None = None
    finish_reason: str = ""
    logprobs: list[tuple[TokenLogprob, ...]] = field(default_factory=list)


@torch.inference_mode()
def generate_batch(loaded: LoadedCheckpoint, jobs: Sequence[Job]) -> None:
    """Continue every job and hand each its reply as soon as it is finished."""
    rows = [_row(loaded, job) for job in jobs]
    longest = max(len(job.ids) for job in jobs)
    padding = _padding(loaded)
    prompts = torch.full((len(jobs), longest), padding, dtype=torch.long)
    mask = torch.zeros((len(jobs), longest), dtype=torch.long)
    for i, job in enumerate(jobs):
        prompts[i, longest - len(job.ids) :] = torch.tensor(job.ids)
        mask[i, longest - len(job.ids) :] = 1
    watch = _Watch(loaded, rows, longest)
    loaded.model.generate(
        input_ids=prompts.to(loaded.device),
        attention_mask=mask.to(loaded.device),
        generation_config=_greedy(loaded, max(row.decoding.max_tokens for row in rows), padding),
        logits_processor=LogitsProcessorList([_Chooser(loaded, rows)]),
        stopping_criteria=StoppingCriteriaList([watch]),
    )


def _row(loaded: LoadedCheckpoint, job: Job) -> Row:
    decoding = decoding_of(loaded, job.settings, len(job.ids))
    generator = torch.Generator()
    generator.manual_seed(decoding.seed)
    return Row(job, decoding, generator)


def _padding(loaded: LoadedCheckpoint) -> int:
    known = (loaded.tokenizer.pad_token_id, loaded.tokenizer.eos_token_id, 0)
    return int(next(token for token in known if token is not None))


def _greedy(
    loaded: LoadedCheckpoint, max_tokens: int, padding: int
) -> Any:  # a transformers GenerationConfig
    """The checkpoint's own settings, without its sampling: the rows draw for themselves."""
    config = copy.deepcopy(loaded.model.generation_config)
    config.do_sample, config.num_beams, config.max_length = False, 1, None
    config.temperature = config.top_p = config.top_k = None
    config.max_new_tokens, config.pad_token_id = max_tokens, padding
    return config


class _Chooser(LogitsProcessor):
    """Makes each row's own draw the largest logit, so that greedy decoding takes it.

    Adding Gumbel noise to logits and taking the largest draws from their softmax (Gumbel 1954).
    Each row has its own random numbers: a reply does not depend on its neighbours.
    """

    def __init__(self, loaded: LoadedCheckpoint, rows: Sequence[Row]) -> None:
        self.tokenizer, self.rows = loaded.tokenizer, rows

    def __call__(self, input_ids: Any, scores: Any) -> Any:  # torch tensors [rows, …]
        for i, row in enumerate(self.rows):
            if row.finish_reason:
                continue
            if row.decoding.top_logprobs:
                row.logprobs.append(self._candidates(scores[i], row.decoding.top_logprobs))
            if row.decoding.temperature > 0:
                scores[i] = _drawn(scores[i], row)
        return scores

    def _candidates(self, scores: torch.Tensor, count: int) -> tuple[TokenLogprob, ...]:
        found = torch.log_softmax(scores.float(), dim=-1).topk(min(count, len(scores)))
        return tuple(
            TokenLogprob(self.tokenizer.decode([token]), logprob)
            for token, logprob in zip(found.indices.tolist(), found.values.tolist(), strict=True)
        )


def _drawn(scores: torch.Tensor, row: Row) -> torch.Tensor:
    scaled = scores.float() / row.decoding.temperature
    if row.decoding.top_k:
        bound = scaled.topk(min(row.decoding.top_k, len(scaled))).values[-1]
        scaled = scaled.masked_fill(scaled < bound, -torch.inf)
    if row.decoding.top_p < 1:
        ordered, index = scaled.sort(descending=True)
        shares = torch.softmax(ordered, dim=-1)
        # the token that reaches the share is kept
        is_beyond = shares.cumsum(-1) - shares >= row.decoding.top_p
        scaled = scaled.masked_fill(
            torch.zeros_like(is_beyond).scatter(0, index, is_beyond), -torch.inf
        )
    uniform = torch.rand(len(scaled), generator=row.generator, dtype=torch.float64)
    noise = -torch.log(-torch.log(uniform.clamp(1e-300, 1 - 1e-16)))
    return (scaled + noise.to(scaled.device, scaled.dtype)).to(scores.dtype)


class _Watch(StoppingCriteria):
    """Looks at every new token: shows it, ends rows, hands finished replies over."""

    def __init__(self, loaded: LoadedCheckpoint, rows: Sequence[Row], prompt: int) -> None:
        self.tokenizer, self.rows, self.prompt = loaded.tokenizer, rows, prompt
        self.model_name = loaded.spec.checkpoint
        self.ends = end_tokens(loaded.model, loaded.tokenizer)

    def __call__(self, input_ids: Any, scores: Any, **_: Any) -> Any:  # torch tensors
        newest = input_ids[:, -1].tolist()
        for row, token in zip(self.rows, newest, strict=True):
            if not row.finish_reason:
                self._add(row, token)
        done = [bool(row.finish_reason) for row in self.rows]
        return torch.tensor(done, dtype=torch.bool, device=input_ids.device)

    def _add(self, row: Row, token: int) -> None:
        row.first_at = row.first_at or time.monotonic()
        row.tokens.append(token)
        text = ""
        if token in self.ends:
            row.finish_reason = "stop"
        elif len(row.tokens) >= row.decoding.max_tokens:
            row.finish_reason = "length"
        if row.finish_reason or row.decoding.stop or row.job.show is not None:
            text = self.tokenizer.decode(row.tokens, skip_special_tokens=True)
        cut = _cut_at_stop(text, row.decoding.stop)
        if cut is not None:
            row.finish_reason, text = "stop", cut
        if row.job.is_cancelled:
            row.finish_reason = "cancelled"
            return
        if row.job.show is not None:
            self._show(row, text)
        if row.finish_reason:
            row.job.give(self._completion(row, text))

    def _show(self, row: Row, text: str) -> None:
        is_partial = text.endswith(UNFINISHED_CHARACTER) or _may_become_stop(
            text, row.decoding.stop
        )
        if row.job.show is None or (is_partial and not row.finish_reason):
            return
        if len(text) > len(row.shown):
            row.job.show(Delta(text[len(row.shown) :]))
            row.shown = text

    def _completion(self, row: Row, text: str) -> Completion:
        began, first = row.job.began_at, row.first_at
        return Completion(
            text=text,
            finish_reason=row.finish_reason,
            input_tokens=len(row.job.ids),
            output_tokens=len(row.tokens),
            latency_s=time.monotonic() - began,
            ttft_s=first - began if first is not None and row.job.show is not None else None,
            model=self.model_name,
            top_logprobs=tuple(row.logprobs),
            is_usage_reported=True,
        )


def _cut_at_stop(text: str, stops: Sequence[str]) -> str | None:
    """The text before the first stop string; None when there is none in it."""
    places = [place for stop in stops if (place := text.find(stop)) >= 0]
    return text[: min(places)] if places else None


def _may_become_stop(text: str, stops: Sequence[str]) -> bool:
    """Whether the end of ``text`` is the beginning of a stop string."""
    return any(text.endswith(stop[:n]) for stop in stops for n in range(1, len(stop)))
