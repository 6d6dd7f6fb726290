"""A model on this machine: likelihoods, rolling perplexity, generation."""

from __future__ import annotations

import gc
from collections.abc import Sequence
from typing import Any

import torch

from benchmarks.engine.decode_loop import DecodeLoop, Stream
from benchmarks.engine.encoding import IntArray, TextEncoder
from benchmarks.engine.likelihood import Counts, LikelihoodScorer
from benchmarks.engine.loading import LoadedModel
from benchmarks.engine.requests import (
    Decoding,
    Generation,
    GenerationRequest,
    Likelihood,
    LikelihoodRequest,
    RollingLikelihood,
    RollingRequest,
)
from benchmarks.engine.sampling import make_chooser
from benchmarks.engine.stops import cut_at_stop, split_reasoning


class LocalEngine:
    """Scores and generates with one loaded model; not for use by two threads at once."""

    def __init__(self, loaded: LoadedModel) -> None:
        self.loaded = loaded
        self.model = loaded.model
        self.tokenizer = loaded.tokenizer
        self.encoder = TextEncoder(loaded.tokenizer, loaded.max_length, loaded.spec.add_bos_token)
        self.scorer = LikelihoodScorer(
            loaded.model,
            token_budget=loaded.limits.token_budget,
            read_budget=loaded.limits.read_budget,
            cached_budget=loaded.limits.cached_budget,
            is_sharing=loaded.is_sharing,
        )

    @property
    def counts(self) -> Counts:
        return self.scorer.counts

    def likelihoods(self, requests: Sequence[LikelihoodRequest]) -> list[Likelihood]:
        """The log-likelihood of each continuation, in order."""
        return self.scorer.score(self.encoder.encode_pairs(requests))

    def rolling(self, requests: Sequence[RollingRequest]) -> list[RollingLikelihood]:
        """The log-likelihood of each whole text, window by window."""
        windows = [self.encoder.encode_window_pairs(request.text) for request in requests]
        scored = iter(self.scorer.score([pair for pairs in windows for pair in pairs]))
        found = []
        for pairs in windows:
            likelihoods = [next(scored) for _ in pairs]
            total = float(sum(likelihood.logprob for likelihood in likelihoods))
            each = tuple(value for likelihood in likelihoods for value in likelihood.token_logprobs)
            found.append(RollingLikelihood(total, len(each), each))
        return found

    def generate(self, requests: Sequence[GenerationRequest]) -> list[Generation]:
        """A continuation of each prompt, in order."""
        if not requests:
            return []
        prompts = self.encoder.encode([request.prompt for request in requests])
        streams = []
        for index, (request, ids) in enumerate(zip(requests, prompts, strict=True)):
            chooser = make_chooser(
                request.decoding,
                sample_index=request.sample_index,
                repetition_penalty=self.loaded.repetition_penalty,
            )
            prompt = self._fit(ids, request.decoding)
            is_thinking = bool(request.decoding.think_end)
            streams.append(
                Stream(
                    index,
                    prompt,
                    request.decoding,
                    chooser,
                    sample_index=request.sample_index,
                    is_thinking=is_thinking,
                )
            )
        self._decode(streams)
        lengths = [len(ids) for ids in prompts]
        return [self._finish(s, length) for s, length in zip(streams, lengths, strict=True)]

    def _fit(self, ids: IntArray, decoding: Decoding) -> IntArray:
        room = self.encoder.max_length - decoding.max_tokens
        if room < 1:
            raise ValueError(
                f"max_tokens {decoding.max_tokens} leaves no room for a prompt: the model reads "
                f"{self.encoder.max_length} tokens; ask for fewer"
            )
        return ids[-room:]

    def _decode(self, streams: list[Stream]) -> None:
        rows = self.loaded.limits.decode_rows
        while True:
            loop = DecodeLoop(
                self.model, self.tokenizer, rows, self.loaded.eos_ids, self.loaded.is_sharing
            )
            try:
                loop.run(streams)
            except torch.OutOfMemoryError:
                if rows == 1:
                    raise
            else:
                return
            rows //= 2
            if torch.cuda.is_available():
                torch.cuda.empty_cache()
            streams[:] = [_restarted(stream) for stream in streams]

    def _finish(self, stream: Stream, prompt_tokens: int) -> Generation:
        raw = self.tokenizer.decode(stream.tokens, skip_special_tokens=True)
        reasoning, answer = split_reasoning(raw, stream.decoding.think_end)
        text = cut_at_stop(answer, stream.decoding.stop)
        return Generation(
            text=text,
            reasoning=reasoning,
            finish_reason="stop" if stream.is_stopped else "length",
            input_tokens=len(stream.prompt),
            output_tokens=len(stream.tokens),
            is_truncated=len(stream.prompt) < prompt_tokens,
        )

    def close(self) -> None:
        """Give the model's memory back."""
        held: dict[str, Any] = vars(self)
        held.clear()
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


def _restarted(stream: Stream) -> Stream:
    """The stream before its first token, with its random numbers from the start."""
    chooser = make_chooser(
        stream.decoding,
        sample_index=stream.sample_index,
        repetition_penalty=stream.chooser.repetition_penalty,
    )
    return Stream(
        stream.index,
        stream.prompt,
        stream.decoding,
        chooser,
        sample_index=stream.sample_index,
        is_thinking=bool(stream.decoding.think_end),
    )
