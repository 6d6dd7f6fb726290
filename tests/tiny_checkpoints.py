"""Tiny checkpoints with real tokenizers, made in the test: one that scores, one that generates."""

from pathlib import Path

from tests.benchmarks.tiny import make_model, make_tokenizer


def make_classifier(*, labels: int = 1, seed: int = 0, **config):
    """A random Llama with a classification head; wide weights, so that scores differ."""
    import torch
    from transformers import LlamaConfig, LlamaForSequenceClassification

    torch.manual_seed(seed)
    settings = {
        "vocab_size": 420,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 512,
        "initializer_range": 0.35,
        "bos_token_id": 1,
        "eos_token_id": 2,
        "pad_token_id": 0,
        "num_labels": labels,
    }
    return LlamaForSequenceClassification(LlamaConfig(**(settings | config))).eval()


def save_classifier(folder: Path, **options) -> Path:
    make_classifier(**options).save_pretrained(folder)
    make_tokenizer(adds_bos=True).save_pretrained(folder)
    return folder


def save_generator(folder: Path, **options) -> Path:
    make_model(max_length=1024, **options).save_pretrained(folder)
    make_tokenizer(adds_bos=True).save_pretrained(folder)
    return folder


def direct_score(folder: Path, turns: list[dict[str, str]], label: int = 0) -> float:
    """What transformers itself gives for one conversation, alone and without padding."""
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForSequenceClassification.from_pretrained(folder)
    ids = tokenizer.apply_chat_template(turns, return_tensors="pt", return_dict=True)
    with torch.inference_mode():
        return float(model(**ids).logits[0, label])


def direct_reply(folder: Path, turns: list[dict[str, str]], max_tokens: int) -> str:
    """What transformers itself continues one conversation with, greedily."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder)
    ids = tokenizer.apply_chat_template(
        turns, add_generation_prompt=True, return_tensors="pt", return_dict=True
    )
    with torch.inference_mode():
        made = model.generate(**ids, do_sample=False, max_new_tokens=max_tokens)
    return tokenizer.decode(made[0, ids["input_ids"].shape[1] :], skip_special_tokens=True)
