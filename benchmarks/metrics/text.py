"""Scores of a free answer against reference answers."""

from __future__ import annotations

import math
import re
import string
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

ARTICLES = re.compile(r"\b(a|an|the)\b", re.UNICODE)
PUNCTUATION = str.maketrans("", "", string.punctuation)
CHINESE = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")

TextMetric = Callable[[str, Sequence[str]], float]


def normalise_answer(text: str) -> str:
    """SQuAD's normalisation: lower case, no punctuation, no articles, single spaces."""
    return " ".join(ARTICLES.sub(" ", text.lower().translate(PUNCTUATION)).split())


def words(text: str) -> list[str]:
    """Words for n-gram scores: Chinese by character, everything else by word."""
    found: list[str] = []
    for part in text.lower().split():
        if CHINESE.search(part):
            found += re.findall(rf"{CHINESE.pattern}|[^\W_]+", part)
        else:
            found += re.findall(r"[^\W_]+", part)
    return found


def exact_match(answer: str, references: Sequence[str]) -> float:
    """1 when the normalised answer equals any normalised reference."""
    given = normalise_answer(answer)
    return float(any(given == normalise_answer(reference) for reference in references))


def contains_reference(answer: str, references: Sequence[str]) -> float:
    """1 when any normalised reference occurs inside the normalised answer."""
    given = normalise_answer(answer)
    return float(any(normalise_answer(r) in given for r in references if normalise_answer(r)))


def token_f1(answer: str, references: Sequence[str]) -> float:
    """SQuAD's F1: overlap of word multisets, the best over the references."""
    return max((_f1(answer, reference) for reference in references), default=0.0)


def _f1(answer: str, reference: str) -> float:
    given, wanted = normalise_answer(answer).split(), normalise_answer(reference).split()
    if CHINESE.search(reference):
        given, wanted = words(normalise_answer(answer)), words(normalise_answer(reference))
    if not given or not wanted:
        return float(given == wanted)
    shared = sum((Counter(given) & Counter(wanted)).values())
    return 2 * shared / (len(given) + len(wanted))


class _Words:
    """rouge-score's tokenizer interface with words that work for Chinese too."""

    def tokenize(self, text: str) -> list[str]:
        return words(text)


@cache
def _rouge() -> Any:  # rouge-score carries no types
    from rouge_score.rouge_scorer import RougeScorer

    return RougeScorer(["rouge1", "rouge2", "rougeL"], tokenizer=_Words())


def rouge(answer: str, references: Sequence[str]) -> dict[str, float]:
    """ROUGE-1/2/L as ``rouge1_p``, ``rouge1_r``, ``rouge1_f``…; the reference with the best F1."""
    found: dict[str, float] = {}
    for kind in ("rouge1", "rouge2", "rougeL"):
        scores = [_rouge().score(reference, answer)[kind] for reference in references]
        best = max(scores, key=lambda score: score.fmeasure)
        found |= {f"{kind}_p": best.precision, f"{kind}_r": best.recall, f"{kind}_f": best.fmeasure}
    return found


def rouge_l(answer: str, references: Sequence[str]) -> float:
    return rouge(answer, references)["rougeL_f"]


def bleu(answer: str, references: Sequence[str]) -> float:
    """Sentence BLEU-4 in [0, 1] by sacreBLEU, exponentially smoothed; Chinese by characters."""
    from sacrebleu.metrics.bleu import BLEU

    is_chinese = any(CHINESE.search(reference) for reference in references)
    scorer = BLEU(tokenize="zh" if is_chinese else "13a", effective_order=True)
    return float(scorer.sentence_score(answer, list(references)).score) / 100


def bleu_n(answer: str, references: Sequence[str], n: int) -> float:
    """evalscope's BLEU-n: clipped precision of n-grams alone, times the brevity penalty."""
    given = words(answer)
    wanted = [words(reference) for reference in references]
    counts = _ngrams(given, n)
    if not counts:
        return 0.0
    most: Counter[tuple[str, ...]] = Counter()
    for reference in wanted:
        most |= _ngrams(reference, n)
    precision = sum((counts & most).values()) / sum(counts.values())
    closest = min((len(w) for w in wanted), key=lambda size: (abs(size - len(given)), size))
    if len(given) >= closest:
        return precision
    return precision * math.exp(1 - closest / len(given))


def _ngrams(tokens: Sequence[str], n: int) -> Counter[tuple[str, ...]]:
    return Counter(tuple(tokens[i : i + n]) for i in range(len(tokens) - n + 1))


def reference_share(answer: str, references: Sequence[str]) -> float:
    """RULER's score: the share of reference strings that occur in the answer, case ignored."""
    given = answer.lower()
    return sum(reference.lower() in given for reference in references) / len(references)


TEXT_METRICS: dict[str, TextMetric] = {
    "exact_match": exact_match,
    "contains": contains_reference,
    "f1": token_f1,
    "rouge_l": rouge_l,
    "bleu": bleu,
    "reference_share": reference_share,
}
