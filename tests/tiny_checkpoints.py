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


def save_parrot(folder: Path, text: str) -> Path:
    """A causal model that replies ``text`` to whatever is asked, through the real decoding."""
    import torch

    tokenizer = make_tokenizer(adds_bos=True)
    tokenizer.add_tokens([text])
    said = tokenizer.convert_tokens_to_ids(text)
    model = make_model(vocab_size=len(tokenizer), max_length=2048)
    with torch.no_grad():
        for layer in model.model.layers:
            layer.self_attn.o_proj.weight.zero_()
            layer.mlp.down_proj.weight.zero_()
        embedding, head = model.get_input_embeddings().weight, model.lm_head.weight
        embedding.zero_()
        embedding[:, 0] = 1  # any token but the text is answered with the text
        embedding[said] = torch.eye(embedding.shape[1])[1]  # and the text with the end
        head.zero_()
        head[said, 0] = 9
        head[tokenizer.eos_token_id, 1] = 9
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
