"""A reward-model judge's throughput against a bare batched transformers loop.

``python -m tests.bench reward_model [--answers N] [--hidden H] [--layers L]``

Both score the same answers with the same model and the same bounds of a batch. The loop knows all
texts beforehand and sorts them by length; the judge forms its batches from what has arrived. The
judge's side is all of it: tasks, requests, keys, limits, verdicts; once as scores of single
answers, once as pairs in both orders, where an answer is scored once. Prints both rates and their
ratio; the aim is 0.9. The processor time beside it is what a busy machine leaves comparable; it
includes loading the model where a side loads it.
"""

import argparse
import asyncio
import random
import tempfile
import time
from pathlib import Path

WORDS = ["the", "river", "runs", "to", "sea", "and", "garden", "city", "question", "answer"]


def texts(count: int) -> list[str]:
    draw = random.Random(1)
    return [" ".join(draw.choices(WORDS, k=draw.randint(10, 120))) for _ in range(count)]


def bare_loop(folder: Path, conversations: list[list[dict[str, str]]]) -> tuple[float, list[float]]:
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    from providers.checkpoints.loading import CPU_BATCH, GPU_BATCH

    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForSequenceClassification.from_pretrained(folder).eval()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model.to(device)
    tokens, rows = CPU_BATCH if device == "cpu" else GPU_BATCH
    began = time.perf_counter()
    encoded = [
        tokenizer(tokenizer.apply_chat_template(turns, tokenize=False), add_special_tokens=False)[
            "input_ids"
        ]
        for turns in conversations
    ]
    order = sorted(range(len(encoded)), key=lambda i: -len(encoded[i]))
    scores = [0.0] * len(encoded)
    start = 0
    with torch.inference_mode():
        while start < len(order):
            size = max(min(tokens // len(encoded[order[start]]), rows), 1)
            chosen = order[start : start + size]
            batch = tokenizer.pad({"input_ids": [encoded[i] for i in chosen]}, return_tensors="pt")
            for i, score in zip(
                chosen, model(**batch.to(device)).logits[:, 0].tolist(), strict=True
            ):
                scores[i] = score
            start += size
    return time.perf_counter() - began, scores


async def judged(folder: Path, answers: list[str], *, is_pairwise: bool) -> tuple[float, list]:
    """Seconds and verdicts; 256 rows are in flight, as in a worker."""
    from judging.judges import build_judge
    from judging.receipt import Receipt
    from judging.replies import ReplyBook, request_key
    from judging.task import JudgingTask
    from judging.verdicts import Mode
    from providers import EndpointConfig
    from providers.pool import ProviderPool

    mode = Mode.PAIRWISE if is_pairwise else Mode.SINGLE
    pairs = zip(answers[::2], answers[1::2], strict=True)
    sides = list(pairs) if is_pairwise else [(answer, "") for answer in answers]
    tasks = [
        JudgingTask(
            mode=mode,
            questions=("Is it so?",),
            answers_a=(a,),
            answers_b=(b,) if b else (),
            question_key=f"q{number}",
            game=game,
        )
        for number, (a, b) in enumerate(sides)
        for game in ((1, 2) if is_pairwise else (1,))
    ]
    judge, book, gate = build_judge("reward_model", {}), ReplyBook(), asyncio.Semaphore(256)
    async with ProviderPool() as pool:
        provider = pool.get(
            EndpointConfig(provider="transformers_local", model=str(folder), max_concurrency=512)
        )
        warm = judge.requests(tasks[0])[0]
        await provider.complete(warm.messages)  # loads the model, as the loop has done by now

        async def one(task):
            async def ask(request):
                key = request_key("", request, repeat=0)
                return await book.get(
                    key,
                    lambda: provider.complete(request.messages, request.settings),
                    receipt=Receipt(),
                    prices=None,
                )

            async with gate:
                return await judge.judge(task, ask)

        began = time.perf_counter()
        verdicts = await asyncio.gather(*(one(task) for task in tasks))
        return time.perf_counter() - began, verdicts


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--answers", type=int, default=1_000)
    parser.add_argument("--hidden", type=int, default=256)
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    options, _ = parser.parse_known_args()
    from tests.tiny_checkpoints import save_classifier

    with tempfile.TemporaryDirectory() as name:
        folder = save_classifier(
            Path(name),
            hidden_size=options.hidden,
            intermediate_size=2 * options.hidden,
            num_hidden_layers=options.layers,
            initializer_range=0.02,
        )
        answers = texts(options.answers)
        conversations = [
            [{"role": "user", "content": "Is it so?"}, {"role": "assistant", "content": answer}]
            for answer in answers
        ]
        labels = ("bare loop", "judge, single", "judge, pairs")
        best, processor = dict.fromkeys(labels, 0.0), dict.fromkeys(labels, float("inf"))
        for _ in range(options.rounds):  # in turns, so that a busy moment hits all of them
            for label in labels:
                began = time.process_time()
                if label == "bare loop":
                    seconds, scores = bare_loop(folder, conversations)
                else:
                    is_pairwise = label == "judge, pairs"
                    seconds, verdicts = asyncio.run(
                        judged(folder, answers, is_pairwise=is_pairwise)
                    )
                    if not is_pairwise:
                        worst = max(
                            abs(verdict.parsed.score - score)
                            for verdict, score in zip(verdicts, scores, strict=True)
                        )
                spent_ms = 1000 * (time.process_time() - began) / len(answers)
                best[label] = max(best[label], len(answers) / seconds)
                processor[label] = min(processor[label], spent_ms)
        for label, rate in best.items():
            print(
                f"{label:>14}: {rate:8.1f} answers/s, ratio {rate / best['bare loop']:.2f}; "
                f"processor {processor[label]:.2f} ms an answer, "
                f"ratio {processor['bare loop'] / processor[label]:.2f}"
            )
        print(f"largest difference of a score: {worst:.2g}")


if __name__ == "__main__":
    main()
