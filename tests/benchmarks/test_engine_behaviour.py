"""What the engine promises beside parity: memory, invariance, thinking, sampling, architectures."""

import random

import pytest
import torch

from benchmarks.engine.chat import TokenizerChat
from benchmarks.engine.likelihood import LikelihoodScorer, OutOfMemoryError
from benchmarks.engine.loading import load_model, prepare
from benchmarks.engine.local import LocalEngine
from benchmarks.engine.requests import Decoding, GenerationRequest, LikelihoodRequest
from benchmarks.engine.spec import ModelArgsError, ModelSpec, model_spec, parse_pairs
from benchmarks.engine.stops import cut_at_stop, split_reasoning
from tests.benchmarks.tiny import make_model, make_tokenizer, save_checkpoint

TOLERANCE = 1e-4


def engine_of(model, **spec):
    return LocalEngine(prepare(ModelSpec("tiny", **spec), model, make_tokenizer(adds_bos=True)))


@pytest.fixture(scope="module")
def engine():
    return engine_of(make_model())


def questions(count=24, seed=3):
    rng = random.Random(seed)
    letters = "abcdefghij "
    shots = "".join(rng.choice(letters) for _ in range(90))
    asked = ["".join(rng.choice(letters) for _ in range(rng.randint(5, 40))) for _ in range(count)]
    return [LikelihoodRequest(f"{shots}\nQ: {q}\nA:", f" {c}") for q in asked for c in "wxyz"]


def logprobs(likelihoods):
    return torch.tensor([likelihood.logprob for likelihood in likelihoods], dtype=torch.float64)


@pytest.mark.parametrize("budget", [1, 64, 333, 100_000])
def test_scores_do_not_depend_on_the_batch_size(engine, budget):
    small = engine_of(engine.model, token_budget=budget)
    difference = logprobs(small.likelihoods(questions())) - logprobs(
        engine.likelihoods(questions())
    )
    assert difference.abs().max() < TOLERANCE


def test_scores_do_not_depend_on_how_requests_are_sharded(engine):
    asked = questions()
    whole = logprobs(engine.likelihoods(asked))
    shards = torch.zeros_like(whole)
    for rank in range(3):
        shards[rank::3] = logprobs(engine.likelihoods(asked[rank::3]))
    assert (whole - shards).abs().max() < TOLERANCE


class LimitedMemory:
    """A model that runs out of memory above a number of padded tokens."""

    def __init__(self, model, most):
        self.model, self.most = model, most

    def __getattr__(self, name):
        return getattr(self.model, name)

    def __call__(self, *, input_ids, **options):
        if input_ids.numel() > self.most:
            raise torch.OutOfMemoryError(f"{input_ids.numel()} tokens")
        return self.model(input_ids=input_ids, **options)


def scorer(model, **options):
    return LikelihoodScorer(
        model, token_budget=4096, read_budget=4096, cached_budget=100_000, **options
    )


def test_running_out_of_memory_splits_batches_and_changes_no_score(engine):
    pairs = engine.encoder.encode_pairs(questions())
    limited = scorer(LimitedMemory(engine.model, 200))
    found = logprobs(limited.score(pairs))
    assert limited.counts.memory_splits > 0
    assert (found - logprobs(engine.scorer.score(pairs))).abs().max() < TOLERANCE


def test_a_sequence_that_fits_in_no_memory_is_named(engine):
    pairs = engine.encoder.encode_pairs(questions(count=1))
    with pytest.raises(OutOfMemoryError, match=r"single sequence of \d+ tokens"):
        scorer(LimitedMemory(engine.model, 10), is_sharing=False).score(pairs)


def test_logits_are_computed_only_where_they_are_read(engine, monkeypatch):
    widths = []
    hook = engine.model.lm_head.register_forward_hook(
        lambda _module, _inputs, output: widths.append(output.shape[1])
    )
    engine.likelihoods(questions())
    hook.remove()
    # a trunk without reads computes one position, which costs nothing and keeps the shapes
    assert sum(widths) <= 24 * 2 + 3


@pytest.mark.parametrize("kind", ["gpt2", "gpt_neox", "qwen2", "gemma2", "bloom"])
def test_other_architectures_score_as_their_plain_forward_does(kind):
    from transformers import AutoConfig, AutoModelForCausalLM

    torch.manual_seed(0)
    shape = {"vocab_size": 420, "hidden_size": 32, "num_hidden_layers": 2,
             "num_attention_heads": 4}  # fmt: skip
    extra = {
        "gpt2": {"n_positions": 256},
        "gpt_neox": {"intermediate_size": 64},
        "qwen2": {"intermediate_size": 64, "num_key_value_heads": 2},
        "gemma2": {"intermediate_size": 64, "num_key_value_heads": 2, "head_dim": 8},
        "bloom": {},
    }[kind]
    config = AutoConfig.for_model(kind, **shape, **extra, bos_token_id=1, eos_token_id=2)
    model = AutoModelForCausalLM.from_config(config, attn_implementation="eager").eval()
    engine = engine_of(model, max_length=256)
    asked = questions(count=4)
    found = logprobs(engine.likelihoods(asked))
    plain = scorer(model, is_sharing=False).score(engine.encoder.encode_pairs(asked))
    assert (found - logprobs(plain)).abs().max() < TOLERANCE
    assert engine.loaded.is_sharing is (kind not in ("gemma2", "bloom"))


def test_a_sliding_window_turns_sharing_off_and_says_so():
    from transformers import MistralConfig, MistralForCausalLM

    torch.manual_seed(0)
    config = MistralConfig(
        vocab_size=420, hidden_size=32, intermediate_size=64, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=2, sliding_window=16,
        max_position_embeddings=256,
    )  # fmt: skip
    engine = engine_of(MistralForCausalLM(config).eval())
    assert not engine.loaded.is_sharing
    assert "window" in engine.loaded.notes[0]


def test_a_checkpoint_that_is_quantised_already_stays_where_its_quantiser_put_it(
    tmp_path, monkeypatch
):
    from transformers import AutoModelForCausalLM

    folder = save_checkpoint(tmp_path / "tiny")
    model = make_model()
    model.is_quantized = True
    monkeypatch.setattr(model, "to", pytest.fail)
    loaded = (model, {"missing_keys": set()})
    monkeypatch.setattr(AutoModelForCausalLM, "from_pretrained", lambda *_, **__: loaded)
    assert load_model(ModelSpec(str(folder))).model is model


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_low_precision_scores_are_reduced_in_float32(tmp_path, precision):
    folder = save_checkpoint(tmp_path / "tiny")
    low = LocalEngine(load_model(ModelSpec(str(folder), precision=precision)))
    full = LocalEngine(load_model(ModelSpec(str(folder), precision="fp32")))
    asked = questions(count=4)
    found = low.likelihoods(asked)
    # a half-precision sum would sit on a grid of 1/32 or coarser at this size
    assert any(f.logprob * 32 % 1 > 1e-3 for f in found)
    assert (logprobs(found) - logprobs(full.likelihoods(asked))).abs().max() < 1.0


def test_generation_does_not_depend_on_its_batch(engine):
    prompts = [request.context for request in questions()[::4]]
    decoding = Decoding(max_tokens=20, stop=("w",))
    asked = [GenerationRequest(p, decoding) for p in prompts]
    together = [g.text for g in engine.generate(asked)]
    assert together == [engine.generate([request])[0].text for request in asked]


def test_finished_rows_make_room_for_waiting_prompts(engine):
    prompts = [request.context for request in questions()[::4]]
    asked = [GenerationRequest(p, Decoding(max_tokens=3 + i % 9)) for i, p in enumerate(prompts)]
    wanted = [g.text for g in engine.generate(asked)]
    narrow = engine_of(engine.model, token_budget=4 * 64)
    assert narrow.loaded.limits.decode_rows == 4
    assert [g.text for g in narrow.generate(asked)] == wanted


def test_sampling_repeats_with_its_seed_and_differs_between_samples(engine):
    decoding = Decoding(max_tokens=12, temperature=1.0, top_p=0.9, top_k=50, seed=7)
    asked = [GenerationRequest("the river", decoding, sample_index=i) for i in range(4)]
    first = [g.text for g in engine.generate(asked)]
    assert [g.text for g in engine.generate(asked[::-1])][::-1] == first
    assert len(set(first)) > 1


def test_the_token_limit_is_told_apart_from_a_stop(engine):
    short, stopped = engine.generate(
        [
            GenerationRequest("the river", Decoding(max_tokens=2)),
            GenerationRequest(
                "the river", Decoding(max_tokens=200, stop=("a", "e", " ", "t", "o"))
            ),
        ]
    )
    assert (short.finish_reason, short.output_tokens) == ("length", 2)
    assert stopped.finish_reason == "stop"


def test_reasoning_is_kept_apart_from_the_answer():
    assert split_reasoning("<think>a\n\nb</think>\n42", "</think>") == ("<think>a\n\nb", "42")
    assert split_reasoning("no marker", "</think>") == ("", "no marker")
    assert split_reasoning("a</think>b</think>c", "</think>") == ("a</think>b", "c")


def test_the_earliest_stop_string_cuts():
    assert cut_at_stop("one\ntwo;three", (";", "\n", "")) == "one"
    assert cut_at_stop("one", ()) == "one"


def test_stop_strings_act_only_after_the_reasoning(engine):
    text = engine.generate([GenerationRequest("the river", Decoding(max_tokens=30))])[0].text
    # any marker and stop that the model happens to produce, in that order
    marker, stop = text[8:10], text[2:4]
    decoding = Decoding(max_tokens=30, stop=(stop,), think_end=marker)
    found = engine.generate([GenerationRequest("the river", decoding)])[0]
    assert found.reasoning.startswith(text[:4])


def test_chat_templates_are_the_tokenizers_own(engine):
    turns = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "It is"}]
    chat = TokenizerChat(engine.tokenizer)
    assert chat(turns[:1]) == "<|user|>hi<|end|><|assistant|>"
    assert chat(turns, add_generation_prompt=False).endswith("It is")


def test_a_prompt_without_room_for_the_answer_is_refused(engine):
    with pytest.raises(ValueError, match="leaves no room"):
        engine.generate([GenerationRequest("the", Decoding(max_tokens=256))])


def test_model_arguments_come_in_the_fields_spellings():
    spec = model_spec(parse_pairs("pretrained=here,dtype=bfloat16,revision=v1,add_bos_token=True"))
    assert (spec.checkpoint, spec.precision, spec.revision) == ("here", "bf16", "v1")
    assert spec.add_bos_token is True


@pytest.mark.parametrize(
    "values",
    [{}, {"checkpoint": "a", "nonsense": 1}, {"checkpoint": "a", "precision": "fp8"},
     {"checkpoint": "a", "max_length": "long"}, {"checkpoint": "a", "add_bos_token": "perhaps"}],
)  # fmt: skip
def test_model_arguments_that_cannot_be_used_are_refused(values):
    with pytest.raises(ModelArgsError):
        model_spec(values)


def test_the_web_process_does_not_pay_for_torch():
    import subprocess
    import sys

    code = (
        "import sys, benchmarks.engine.spec, benchmarks.engine.requests\n"
        "print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
