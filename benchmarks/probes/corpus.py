"""Traces of contamination: questions whose words stand in a corpus.

Source: Brown et al., "Language Models are Few-Shot Learners" (2020), appendix C: n-grams of
lower-cased words without punctuation, n between 8 and 13 by the length of the task's questions,
and a question with any of its n-grams in the corpus counts as seen.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.metrics.text import words
from benchmarks.suites_base import PreparedSample, TaskError

SHORTEST, LONGEST = 8, 13
SHORT_PERCENTILE = 5
# a passage is often public where the question about it is not, so passages are not compared
TEXT_FIELDS = (
    "question", "Question", "problem", "query", "input", "prompt", "sentence", "premise",
    "sentence1", "ctx", "goal", "text", "page",
)  # fmt: skip
SUFFIXES = (".txt", ".md", ".jsonl", ".csv")
# texts of a JSON row; any of them holds a document
ROW_FIELDS = ("text", "content", "question", "prompt")
Texts = Mapping[str, Mapping[int, str]]


def question_text(doc: Any, sample: PreparedSample) -> str:
    """What of a document is compared: its question, else the end of its prompt."""
    for name in TEXT_FIELDS:
        if isinstance(doc, Mapping) and isinstance(doc.get(name), str):
            return str(doc[name])
    context = sample.requests[0].context if sample.requests else ""
    return context.strip().rpartition("\n\n")[2]


def read_corpus(path: Path) -> Iterator[Iterator[str]]:
    """Documents of a file or folder, each as its lines; nothing is held in memory.

    A row of JSONL is a document of its own, any other file is one document.
    """
    files = sorted(f for f in path.rglob("*") if f.suffix in SUFFIXES) if path.is_dir() else [path]
    if not files:
        raise TaskError(f"no text is in {path}; put {', '.join(SUFFIXES)} files there")
    for file in files:
        with file.open(encoding="utf-8-sig", errors="replace") as lines:
            if file.suffix == ".jsonl":
                for line in lines:
                    yield iter([_row_text(line)])
            else:
                yield iter(lines)


def _row_text(line: str) -> str:
    try:
        row = json.loads(line)
    except ValueError:
        return line
    if not isinstance(row, dict):
        return str(row)
    return "\n".join(str(row[name]) for name in ROW_FIELDS if isinstance(row.get(name), str))


def ngram_size(lengths: Sequence[int]) -> int:
    """n for questions of these numbers of words: the 5th percentile, within 8 and 13."""
    ordered = sorted(lengths)
    short = ordered[len(ordered) * SHORT_PERCENTILE // 100] if ordered else SHORTEST
    return min(max(short, SHORTEST), LONGEST)


def overlap_shares(
    texts: Texts, documents: Iterable[Iterable[str]]
) -> dict[tuple[str, int], float]:
    """The share of each question's n-grams that any document has, by task and index.

    ``texts`` are the questions of each task by index. Only their n-grams are held while the corpus
    passes by, so it may be of any size. Questions shorter than n words are left out.
    """
    split = {task: {i: words(t) for i, t in asked.items()} for task, asked in texts.items()}
    sizes = {task: ngram_size([len(w) for w in asked.values()]) for task, asked in split.items()}
    wanted: dict[int, set[int]] = {size: set() for size in sizes.values()}
    for task, asked in split.items():
        for found in asked.values():
            wanted[sizes[task]] |= _ngrams(found, sizes[task])
    seen = _seen(wanted, documents)
    shares: dict[tuple[str, int], float] = {}
    for task, asked in split.items():
        for index, found in asked.items():
            mine = _ngrams(found, sizes[task])
            if mine:
                shares[task, index] = len(mine & seen[sizes[task]]) / len(mine)
    return shares


def _ngrams(tokens: Sequence[str], n: int) -> set[int]:
    return {hash(tuple(tokens[i : i + n])) for i in range(len(tokens) - n + 1)}


def _seen(
    wanted: Mapping[int, set[int]], documents: Iterable[Iterable[str]]
) -> dict[int, set[int]]:
    """Which of the wanted n-grams occur; an n-gram may run across lines, not across documents."""
    seen: dict[int, set[int]] = {size: set() for size in wanted}
    longest = max(wanted, default=1)
    for document in documents:
        tail: list[str] = []
        for line in document:
            tokens = tail + words(line)
            for size, those in wanted.items():
                seen[size] |= _ngrams(tokens, size) & those
            tail = tokens[-(longest - 1) :] if longest > 1 else []
    return seen
