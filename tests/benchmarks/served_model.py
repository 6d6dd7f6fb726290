"""A real server over a tiny model: echoed log-probabilities, letters, and written answers."""

import hashlib
from dataclasses import dataclass, field
from typing import Any

import orjson
from aiohttp import web

from tests.benchmarks.tiny import make_model, make_tokenizer
from tests.openai_server import OpenAIServer, Reply

LETTERS = (" B", "a", " C", "the")


def written(messages):
    """An answer that depends on the whole question and on nothing else."""
    text = str(messages[-1]["content"])
    number = hashlib.sha256(text.encode()).digest()[0]
    return Reply(
        f"Let me think. ANSWER: {'ABCD'[number % 4]}",
        logprobs=(tuple((token, -0.5 * (number + i) % 5) for i, token in enumerate(LETTERS)),),
    )


@dataclass
class ServedModel(OpenAIServer):
    """``written`` answers; a prompt to be echoed comes back as the tiny model reads it."""

    reply: Any = written
    model: Any = field(default_factory=lambda: make_model(max_length=1536))
    tokenizer: Any = field(default_factory=lambda: make_tokenizer(adds_bos=True))

    def _whole(self, request, call, fault):
        if not call.body.get("echo") or fault is not None:
            return super()._whole(request, call, fault)
        call.is_paid = True
        logprobs = self.echoed(call.body["prompt"])
        text = "".join(logprobs["tokens"][1:])
        choice = {"index": 0, "text": text, "finish_reason": "length", "logprobs": logprobs}
        payload = {"object": "text_completion", "choices": [choice]}
        return web.Response(body=orjson.dumps(payload), content_type="application/json")

    def echoed(self, prompt):
        """What vLLM says: the BOS token is named and shifts the offsets; one token is generated."""
        import torch

        encoded = self.tokenizer(prompt, return_tensors="pt")
        ids = encoded["input_ids"]
        with torch.inference_mode():
            rows = self.model(ids).logits[0].log_softmax(-1)
        best = rows.max(-1)
        next_id = int(best.indices[-1])
        tokens = [self.tokenizer.decode([i]) for i in [*ids[0].tolist(), next_id]]
        values = rows[:-1].gather(1, ids[0, 1:, None])[:, 0].tolist()
        tops = [
            {self.tokenizer.decode([int(i)]): float(v), token: own}
            for i, v, token, own in zip(
                best.indices[:-1], best.values[:-1], tokens[1:-1], values, strict=True
            )
        ]
        offsets = [sum(map(len, tokens[:i])) for i in range(len(tokens))]
        return {
            "tokens": tokens,
            "token_logprobs": [None, *values, float(best.values[-1])],
            "top_logprobs": [None, *tops, {tokens[-1]: float(best.values[-1])}],
            "text_offset": offsets,
        }
