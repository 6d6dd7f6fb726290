"""Likelihood scoring side by side with lm_eval's hf backend: same model, requests and machine.

Each side runs in a process of its own, so that peak memory is its own, and its processor time is
counted beside the clock: on a machine with other work only that can be compared. On a processor
the model has five million parameters; ``--gpu`` takes an eight-billion-parameter shape with
random weights in bfloat16 (``--gpu gpu-1b`` one billion), writes tokens per second against the
accelerator's own limits, and forecasts all of MMLU. ``--gpu rehearsal`` goes the same way with a
tiny model on whatever is there, to see that the script works before a GPU is paid for.
"""

import argparse
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ITEMS = {"mmlu": 400, "hellaswag": 200}
SHAPES = {
    "cpu": {"hidden_size": 128, "intermediate_size": 384, "num_hidden_layers": 6,
            "num_attention_heads": 4, "num_key_value_heads": 4, "tie_word_embeddings": True},
    "gpu": {"hidden_size": 4096, "intermediate_size": 14336, "num_hidden_layers": 32,
            "num_attention_heads": 32, "num_key_value_heads": 8, "tie_word_embeddings": False},
    "gpu-1b": {"hidden_size": 2048, "intermediate_size": 8192, "num_hidden_layers": 16,
               "num_attention_heads": 32, "num_key_value_heads": 8, "tie_word_embeddings": True},
    "rehearsal": {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2,
                  "num_attention_heads": 4, "num_key_value_heads": 2, "tie_word_embeddings": True},
}  # fmt: skip
VOCABULARY = 32_000
MMLU_ITEMS = 14_042
# NVIDIA's data sheets: dense bfloat16 operations and bytes of memory per second, by what a
# device's name holds (SXM where there are several)
LIMITS = {
    "H200": (989e12, 4.8e12),
    "H100": (989e12, 3.35e12),
    "A100": (312e12, 2.0e12),
    "L40S": (362e12, 0.864e12),
    "L4": (121e12, 0.3e12),
    "RTX 4090": (165e12, 1.0e12),
}


def words_of(rng, count):
    return " ".join("".join(rng.choice("abcdefghiklmnoprstu") for _ in range(rng.randint(2, 8)))
                    for _ in range(count))  # fmt: skip


def mmlu_requests(rng, items):
    """Ten subjects of five fixed shots; the four letters of a question are one-token choices."""
    made = []
    for _ in range(10):
        head = f"The following are multiple choice questions about {words_of(rng, 2)}.\n\n"
        head += "".join(f"{mmlu_block(rng)} {rng.choice('ABCD')}\n\n" for _ in range(5))
        for _ in range(items // 10):
            context = head + mmlu_block(rng)
            made += [(context, f" {letter}") for letter in "ABCD"]
    return made


def mmlu_block(rng):
    options = "".join(f"{letter}. {words_of(rng, 4)}\n" for letter in "ABCD")
    return f"{words_of(rng, 14)}?\n{options}Answer:"


def hellaswag_requests(rng, items):
    """Ten shots drawn anew for each document, four endings of about thirty tokens."""
    pool = [f"{words_of(rng, 12)} {words_of(rng, 9)}" for _ in range(400)]
    made = []
    for _ in range(items):
        shots = "\n\n".join(rng.sample(pool, 10))
        context = f"{shots}\n\n{words_of(rng, 12)}"
        made += [(context, f" {words_of(rng, 9)}") for _ in range(4)]
    return made


def requests_of(kind, items):
    rng = random.Random(5)
    return (mmlu_requests if kind == "mmlu" else hellaswag_requests)(rng, items)


def build(folder, shape):
    """A tokenizer trained on the bench's own words; the model is made again by each side."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=2000, special_tokens=["<pad>", "<s>", "</s>"], show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )  # fmt: skip
    rng = random.Random(1)
    bpe.train_from_iterator([mmlu_block(rng) for _ in range(500)], trainer)
    PreTrainedTokenizerFast(
        tokenizer_object=bpe, pad_token="<pad>", bos_token="<s>", eos_token="</s>"
    ).save_pretrained(folder)
    (folder / "shape").write_text(shape)


def load(folder):
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    shape = (folder / "shape").read_text()
    torch.manual_seed(0)
    config = LlamaConfig(vocab_size=VOCABULARY, max_position_embeddings=4096,
                         bos_token_id=1, eos_token_id=2, **SHAPES[shape])  # fmt: skip
    if shape == "cpu":
        torch.set_num_threads(int(os.environ.get("BENCH_THREADS", os.cpu_count() or 1)))
        model = LlamaForCausalLM(config)
    else:
        torch.set_default_dtype(torch.bfloat16)
        with torch.device("cuda" if torch.cuda.is_available() else "cpu"):
            model = LlamaForCausalLM(config)
        torch.set_default_dtype(torch.float32)
    return model.eval(), PreTrainedTokenizerFast.from_pretrained(folder)


def run_side(side, folder, kind, items, batch):
    """Time one side from texts to likelihoods; prints a line of JSON."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    import torch

    model, tokenizer = load(folder)
    pairs = requests_of(kind, items)
    score = scorer_of(side, model, tokenizer, batch)
    score(pairs[:8])
    passes = passes_of(score)
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started, started_cpu = time.perf_counter(), time.process_time()
    logprobs, tokens = score(pairs)
    seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - started_cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    if torch.cuda.is_available():
        peak = torch.cuda.max_memory_allocated() // 1024
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "processor"
    # the embedding is looked up, the head is multiplied only where a choice is read
    weights = sum(p.numel() for name, p in model.named_parameters() if "layers." in name)
    print(json.dumps({"seconds": seconds, "cpu_seconds": cpu_seconds, "peak_kib": peak,
                      "tokens": tokens, "logprobs": logprobs, "device": device,
                      "weights": weights, "passes": passes_of(score) - passes}))  # fmt: skip


def passes_of(score):
    engine = getattr(score, "engine", None)
    return engine.counts.forward_passes if engine else 0


def scorer_of(side, model, tokenizer, batch):
    if side == "agon":
        from benchmarks.engine.loading import prepare
        from benchmarks.engine.local import LocalEngine
        from benchmarks.engine.requests import LikelihoodRequest
        from benchmarks.engine.spec import ModelSpec

        engine = LocalEngine(prepare(ModelSpec("bench", token_budget=batch), model, tokenizer))

        def score(pairs):
            before = engine.counts.tokens
            found = engine.likelihoods([LikelihoodRequest(*pair) for pair in pairs])
            return [f.logprob for f in found], engine.counts.tokens - before

        score.engine = engine
        return score
    from lm_eval.api.instance import Instance
    from lm_eval.models.huggingface import HFLM

    harness = HFLM(pretrained=model, tokenizer=tokenizer, batch_size=8, softmax_dtype="float32")

    def score(pairs):
        instances = [Instance("loglikelihood", {}, pair, 0) for pair in pairs]
        return [f[0] for f in harness.loglikelihood(instances, disable_tqdm=True)], 0

    return score


def measure(side, folder, kind, items, batch):
    command = [sys.executable, "-W", "ignore", __file__, "--side", side, "--folder", str(folder)]
    command += ["--kind", kind, "--items", str(items), "--batch", str(batch)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr[-2000:])
    return json.loads(done.stdout.strip().splitlines()[-1])


def compare(folder, kind, items, batch, shape):
    theirs = measure("lm_eval", folder, kind, items, batch)
    ours = measure("agon", folder, kind, items, batch)
    pairs = zip(ours["logprobs"], theirs["logprobs"], strict=True)
    difference = max(abs(a - b) for a, b in pairs)
    print(
        f"{kind}-like, {items} items: lm_eval {theirs['seconds']:.1f} s, "
        f"agon {ours['seconds']:.1f} s, {theirs['seconds'] / ours['seconds']:.1f} times as fast "
        f"(processor time {theirs['cpu_seconds']:.1f} s and {ours['cpu_seconds']:.1f} s, "
        f"{theirs['cpu_seconds'] / ours['cpu_seconds']:.1f} times); "
        f"largest difference {difference:.2g} nats; peak memory "
        f"{theirs['peak_kib'] / 1024:.0f} MiB against {ours['peak_kib'] / 1024:.0f} MiB; "
        f"{ours['tokens'] / ours['seconds']:.0f} tokens/s"
    )
    if shape != "cpu":
        report_limits(ours, kind, items)


def report_limits(ours, kind, items):
    """How far the accelerator's own limits are, and MMLU's time by this measurement."""
    rate = ours["tokens"] / ours["seconds"]
    found = next((limits for name, limits in LIMITS.items() if name in ours["device"]), None)
    print(
        f"  on {ours['device']}: {ours['weights'] / 1e9:.2f} billion weights in layers, "
        f"{ours['passes']} forward passes of {ours['tokens'] / ours['passes']:.0f} tokens"
    )
    if found is None:
        print("  its limits are not in this script's table; add them from its data sheet")
    else:
        operations, bytes_per_s = found
        arithmetic = operations / (2 * ours["weights"])
        # every pass reads all weights once, in two bytes each
        reading = ours["passes"] * 2 * ours["weights"] / bytes_per_s
        print(
            f"  {rate:.0f} tokens/s of {arithmetic:.0f} that its arithmetic allows "
            f"({rate / arithmetic:.0%}); reading the weights alone takes {reading:.2f} s of "
            f"{ours['seconds']:.2f} s ({reading / ours['seconds']:.0%})"
        )
    if kind == "mmlu":
        # one subject's examples are shared by its questions in either number of items
        print(
            f"  all of MMLU ({MMLU_ITEMS} items, 5 shots) by this measurement: "
            f"{ours['seconds'] * MMLU_ITEMS / items:.0f} s"
        )


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--side", choices=["agon", "lm_eval"])
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--kind", choices=sorted(ITEMS))
    parser.add_argument("--items", type=int, default=0)
    parser.add_argument("--batch", type=int, default=0, help="our token budget; 0 chooses it")
    parser.add_argument("--gpu", nargs="?", const="gpu", choices=["gpu", "gpu-1b", "rehearsal"])
    options = parser.parse_args()
    if options.side:
        run_side(options.side, options.folder, options.kind, options.items, options.batch)
        return
    with tempfile.TemporaryDirectory() as folder:
        shape = options.gpu or "cpu"
        build(Path(folder), shape)
        for kind in [options.kind] if options.kind else ITEMS:
            items = options.items or ITEMS[kind] * (5 if shape.startswith("gpu") else 1)
            compare(Path(folder), kind, items, options.batch, shape)


if __name__ == "__main__":
    main()
