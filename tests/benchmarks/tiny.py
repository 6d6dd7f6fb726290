"""A tiny random Llama and a byte-level BPE trained on a few sentences: real parts, made here."""

from pathlib import Path

SENTENCES = [
    "The quick brown fox jumps over the lazy dog while the river runs to the sea.",
    "Question: What is the capital of the country?\nAnswer: The capital is a large city.",
    "A. one B. two C. three D. four; the right answer is the second of these choices.",
    "以下是关于数学的单项选择题，请选出其中的正确答案。答案：一个城市。",
    "She walked into the kitchen, opened the window and looked at the garden in the rain.",
    "def add(a, b):\n    return a + b\n\nclass Point:\n    pass\n",
] * 4
CHAT_TEMPLATE = (
    "{% for m in messages %}<|{{ m['role'] }}|>{{ m['content'] }}"
    "{% if not loop.last or add_generation_prompt %}<|end|>{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


def make_tokenizer(*, adds_bos: bool):
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    special = ["<pad>", "<s>", "</s>"]
    trainer = trainers.BpeTrainer(
        vocab_size=420,
        special_tokens=special,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    bpe.train_from_iterator(SENTENCES, trainer)
    if adds_bos:
        bpe.post_processor = processors.TemplateProcessing(
            single="<s> $A", pair="<s> $A $B", special_tokens=[("<s>", bpe.token_to_id("<s>"))]
        )
    made = PreTrainedTokenizerFast(
        tokenizer_object=bpe, pad_token="<pad>", bos_token="<s>", eos_token="</s>"
    )
    made.chat_template = CHAT_TEMPLATE
    return made


def make_model(*, vocab_size: int = 420, max_length: int = 256, seed: int = 0, **config):
    """Wide random weights, so that likelihoods differ enough to be worth comparing."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(seed)
    settings = {
        "vocab_size": vocab_size,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": max_length,
        "initializer_range": 0.35,
        "bos_token_id": 1,
        "eos_token_id": 2,
        "pad_token_id": 0,
    }
    return LlamaForCausalLM(LlamaConfig(**(settings | config))).eval()


def save_checkpoint(folder: Path, *, adds_bos: bool = True, seed: int = 0) -> Path:
    make_model(seed=seed).save_pretrained(folder)
    make_tokenizer(adds_bos=adds_bos).save_pretrained(folder)
    return folder
