"""Traces of contamination: questions whose words stand in a corpus.

Source: Brown et al., "Language Models are Few-Shot Learners" (2020), appendix C: 13-grams of
lower-cased words without punctuation.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from benchmarks.metrics.text import words

NGRAM = 13


def corpus_ngrams(texts: Iterable[str], n: int = NGRAM) -> frozenset[int]:
    """Hashes of all n-grams of a corpus; texts are read one by one."""
    found: set[int] = set()
    for text in texts:
        found |= _hashes(words(text), n)
    return frozenset(found)


def _hashes(tokens: Sequence[str], n: int) -> set[int]:
    return {hash(tuple(tokens[i : i + n])) for i in range(len(tokens) - n + 1)}


def overlap_share(text: str, corpus: frozenset[int], n: int = NGRAM) -> float:
    """Share of the text's n-grams that the corpus has; a text shorter than n words has none."""
    mine = _hashes(words(text), n)
    return len(mine & corpus) / len(mine) if mine else 0.0
