"""Derived categories: what a question's own words say about it.

Language is detected by py3langid where the question set gives none. The other rules are plain and
documented in docs/methods/categories.md; change one and raise ``VERSION``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import Max

from arena.models import Question
from leaderboard.models import QuestionFacts

VERSION: Final = 1
SHORT_WORDS, LONG_WORDS = 15, 120
HARD_SIGNS: Final = 3
MANY_CONSTRAINTS: Final = 3
_BATCH = 1000
_MOST_DETECTED: Final = 2000  # characters; more adds time and no certainty

_CJK = r"\u3400-\u9fff\uf900-\ufaff\u3040-\u30ff\uac00-\ud7af"
_WORD = re.compile(rf"[{_CJK}]|[^\W_{_CJK}]+")
_CODE = re.compile(
    r"```|\b(?:python|javascript|typescript|java|c\+\+|rust|golang|sql|bash|regex|html|css)\b"
    r"|\b(?:def|class|function|import|return|SELECT)\b.*[(:;{]|代码|编程|函数|脚本|正则",
    re.IGNORECASE,
)
_MATHEMATICS = re.compile(
    r"\$[^$\n]+\$|\\\(|\\\[|\\frac|\b(?:prove|integral|derivative|equation|probability|theorem"
    r"|polynomial|matrix|calculate|compute|solve for)\b|\d\s*[-+*/×÷^=]\s*\d"
    r"|证明|方程|概率|积分|导数|矩阵|几何|多少种|计算",
    re.IGNORECASE,
)
_CONSTRAINT = re.compile(
    r"\b(?:must|exactly|at least|at most|no more than|without|only|do not|don't|avoid|include"
    r"|each|in the style of|format)\b|必须|不要|不得|至少|至多|不超过|恰好|只能|每个|格式",
    re.IGNORECASE,
)
_REASONING = re.compile(
    r"\b(?:prove|derive|explain why|optimi[sz]e|debug|design|trade-?offs?|step by step|compare"
    r"|analy[sz]e|refactor|complexity)\b|证明|推导|优化|调试|设计|逐步|比较|分析|权衡|复杂度",
    re.IGNORECASE,
)
_HARD_TAGS: Final = frozenset({"hard", "hard_prompt", "difficult"})


@dataclass(frozen=True, slots=True)
class Traits:
    """The facts of one question, as ``QuestionFacts`` stores them."""

    language: str
    is_short: bool
    is_long: bool
    is_code: bool
    is_mathematics: bool
    is_two_turn: bool
    is_hard: bool


def derive_traits(
    turns: Sequence[str], *, language: str = "", category: str = "", tags: Sequence[str] = ()
) -> Traits:
    """Read the facts off a question's turns and the labels its set gives it."""
    text = "\n\n".join(turns)
    words = len(_WORD.findall(text))
    is_code = category == "coding" or bool(_CODE.search(text))
    is_mathematics = category == "math" or bool(_MATHEMATICS.search(text))
    is_long, is_two_turn = words >= LONG_WORDS, len(turns) > 1
    signs = (
        is_code,
        is_mathematics,
        is_two_turn,
        is_long,
        len(_CONSTRAINT.findall(text)) >= MANY_CONSTRAINTS,
        bool(_REASONING.search(text)),
    )
    return Traits(
        language=language or detected_language(text),
        is_short=words <= SHORT_WORDS,
        is_long=is_long,
        is_code=is_code,
        is_mathematics=is_mathematics,
        is_two_turn=is_two_turn,
        is_hard=sum(signs) >= HARD_SIGNS or bool(_HARD_TAGS & {category, *tags}),
    )


def detected_language(text: str) -> str:
    """ISO 639-1 code of the text's language; empty for a text without letters."""
    if not any(character.isalpha() for character in text[:_MOST_DETECTED]):
        return ""
    # its model takes a second to read, which only a worker that classifies should pay
    import py3langid

    code, _ = py3langid.classify(text[:_MOST_DETECTED])
    return str(code)


def classify_new_questions() -> int:
    """Store the facts of questions that came since the last time; returns how many."""
    newest = QuestionFacts.objects.aggregate(last=Max("question_id"))["last"] or 0
    return _classify(Question.objects.filter(id__gt=newest, facts__isnull=True))


def classify_outdated_questions() -> int:
    """Store the facts of all questions without any, or with those of older rules."""
    QuestionFacts.objects.filter(version__lt=VERSION).delete()
    return _classify(Question.objects.filter(facts__isnull=True))


def _classify(questions: Any) -> int:  # a queryset with its own manager's type
    rows = questions.order_by("id").values_list(
        "id", "turns", "language", "category", "tags", named=True
    )
    batch: list[QuestionFacts] = []
    count = 0
    for row in rows.iterator(chunk_size=_BATCH):
        turns = Question(turns=row.turns).turn_texts
        traits = derive_traits(
            turns, language=row.language, category=row.category, tags=row.tags or ()
        )
        facts = {name: getattr(traits, name) for name in Traits.__slots__}
        batch.append(QuestionFacts(question_id=row.id, version=VERSION, **facts))
        if len(batch) == _BATCH:
            count += _store(batch)
            batch = []
    return count + _store(batch)


def _store(batch: list[QuestionFacts]) -> int:
    # another worker may have classified the same question meanwhile
    return len(QuestionFacts.objects.bulk_create(batch, ignore_conflicts=True))
