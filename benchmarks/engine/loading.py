"""Loading a checkpoint, and finding out what can be done with it on this machine."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import Any

import torch

from benchmarks.engine.encoding import TextEncoder, model_max_length
from benchmarks.engine.likelihood import LikelihoodScorer
from benchmarks.engine.requests import LikelihoodRequest
from benchmarks.engine.spec import ModelSpec
from providers.checkpoints.weights import end_tokens, input_device, load_tokenizer, load_weights

logger = logging.getLogger(__name__)

# float32 rows differ by rounding only; half precision differs by its own step size
PROBE_TOLERANCE = {torch.float32: 1e-3, torch.float64: 1e-3}
PROBE_TOLERANCE_LOW = 0.5
PROBE_SHARED = "The question below has one answer. " * 3
PROBE_CONTINUATIONS = (" one", " two of these", " three")

CPU_TOKEN_BUDGET = 2048
# activations of a forward pass per token, in hidden vectors; measured generously on Llama shapes
VECTORS_PER_TOKEN = 24
GPU_TOKEN_BUDGETS = (4096, 65536)
READ_ELEMENTS = {"cpu": 1 << 26, "cuda": 1 << 29}


@dataclass(frozen=True, slots=True)
class EngineLimits:
    """Sizes of forward passes: padded tokens, positions read, tokens attended to, decoded rows."""

    token_budget: int
    read_budget: int
    cached_budget: int
    decode_rows: int


@dataclass(slots=True)
class LoadedModel:
    """A model ready to be asked, with what was found out about it.

    ``model`` and ``tokenizer`` are transformers objects, which carry no types.
    """

    spec: ModelSpec
    model: Any
    tokenizer: Any
    max_length: int
    limits: EngineLimits
    eos_ids: frozenset[int]
    repetition_penalty: float = 1.0
    is_sharing: bool = True
    notes: list[str] = field(default_factory=list)

    @property
    def dtype(self) -> str:
        return str(self.model.dtype).removeprefix("torch.")


def load_model(spec: ModelSpec) -> LoadedModel:
    """Load ``spec``; raises CheckpointError with a sentence when it cannot be found or used."""
    tokenizer = load_tokenizer(spec)
    return prepare(spec, load_weights(spec, "AutoModelForCausalLM"), tokenizer)


def prepare(spec: ModelSpec, model: Any, tokenizer: Any) -> LoadedModel:
    """Make a transformers model ready; the engine's own entry for models made in memory."""
    model.eval()
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token_id = (
            tokenizer.eos_token_id if tokenizer.unk_token_id is None else tokenizer.unk_token_id
        )
    loaded = LoadedModel(
        spec=spec,
        model=model,
        tokenizer=tokenizer,
        max_length=spec.max_length or model_max_length(model.config, tokenizer),
        limits=_limits(model, spec),
        eos_ids=end_tokens(model, tokenizer),
        repetition_penalty=_repetition_penalty(model),
    )
    reason = _reason_against_sharing(loaded)
    if reason:
        loaded.is_sharing = False
        loaded.notes.append(reason)
        logger.warning("%s: prefixes are not shared: %s", spec.checkpoint, reason)
    return loaded


def _repetition_penalty(model: Any) -> float:
    settings = getattr(model, "generation_config", None)
    return float(getattr(settings, "repetition_penalty", None) or 1.0)


def _limits(model: Any, spec: ModelSpec) -> EngineLimits:
    device = input_device(model)
    config = model.config.get_text_config()
    reads = max(READ_ELEMENTS["cpu" if device.type == "cpu" else "cuda"] // config.vocab_size, 64)
    if spec.token_budget:
        tokens = spec.token_budget
    elif device.type == "cuda":
        free_bytes, _ = torch.cuda.mem_get_info(device)
        per_token = config.hidden_size * VECTORS_PER_TOKEN * model.dtype.itemsize
        low, high = GPU_TOKEN_BUDGETS
        tokens = min(max(int(free_bytes * 0.5) // per_token, low), high)
    else:
        tokens = CPU_TOKEN_BUDGET
    return EngineLimits(tokens, reads, tokens * 8, decode_rows=max(min(tokens // 64, 256), 1))


def _reason_against_sharing(loaded: LoadedModel) -> str:
    """Why this model must run every sequence alone, or an empty string.

    Windows and recurrent layers are told by the configuration; anything else that does not take a
    tree mask shows in a comparison of the two ways on a short text.
    """
    config = loaded.model.config.get_text_config()
    kinds = set(getattr(config, "layer_types", None) or ["full_attention"])
    if kinds != {"full_attention"}:
        return f"its layers are of the kinds {', '.join(sorted(kinds))}"
    window = getattr(config, "sliding_window", None)
    if window and getattr(config, "use_sliding_window", True) and window < loaded.max_length:
        return f"its attention has a window of {window} tokens"
    try:
        difference = _sharing_error(loaded)
    except (TypeError, ValueError, RuntimeError, AttributeError) as error:
        return f"it does not take a tree mask ({type(error).__name__}: {error})"[:300]
    tolerance = PROBE_TOLERANCE.get(loaded.model.dtype, PROBE_TOLERANCE_LOW)
    if not difference <= tolerance:
        return f"shared and separate scoring differ by {difference:.3g} on a probe"
    return ""


def _sharing_error(loaded: LoadedModel) -> float:
    """The largest difference of log-likelihoods between the shared and the separate way."""
    encoder = TextEncoder(loaded.tokenizer, loaded.max_length, loaded.spec.add_bos_token)
    # two questions below one trunk, each with branching choices: all that a plan is made of
    contexts = [
        PROBE_SHARED + end for end in ("First: " + "a b c " * 40, "Second: " + "d e f " * 40)
    ]
    requests = [LikelihoodRequest(c, t) for c in contexts for t in PROBE_CONTINUATIONS]
    pairs = encoder.encode_pairs(requests)
    found = []
    for is_sharing in (True, False):
        limits = loaded.limits
        scorer = LikelihoodScorer(
            loaded.model,
            limits.token_budget,
            limits.read_budget,
            limits.cached_budget,
            is_sharing,
        )
        found.append([likelihood.logprob for likelihood in scorer.score(pairs)])
    shared, separate = found
    return max(abs(a - b) for a, b in zip(shared, separate, strict=True))
