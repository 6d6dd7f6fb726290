"""Does an answer give away which model wrote it?

Two ways are told apart. A model's own distinctive name (with a digit or of two or more words:
``qwen2-72b``, ``Demo Athena``) anywhere in the answer is a leak, unless the question spoke of it
first. Names that are also ordinary words or other people's (palm, bard, claude, google) count only
where the answer speaks of itself: "I am Claude", "trained by Google", "我是通义千问". Everything
is matched at word boundaries, so "palm tree" and "Google Maps" are no leaks.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache

FAMILIES = (
    "chatgpt", "gpt", "openai", "claude", "anthropic", "gemini", "gemma", "bard", "palm", "google",
    "deepmind", "llama", "meta ai", "mistral", "mixtral", "qwen", "tongyi", "alibaba", "通义千问",
    "千问", "阿里", "deepseek", "深度求索", "chatglm", "glm", "智谱", "zhipu", "baichuan", "百川",
    "ernie", "文心一言", "文心", "百度", "baidu", "kimi", "moonshot", "月之暗面", "doubao", "豆包",
    "字节跳动", "bytedance", "hunyuan", "混元", "腾讯", "tencent", "spark", "星火", "讯飞", "yi",
    "零一万物", "minimax", "internlm", "书生", "vicuna", "alpaca", "koala", "dolly", "falcon",
    "phi", "microsoft", "copilot", "grok", "xai", "command r", "cohere", "nemotron", "nvidia",
    "wizardlm", "zephyr", "solar", "nova", "titan", "amazon", "granite", "ibm", "olmo", "stablelm",
)  # fmt: skip

_SEPARATORS = re.compile(r"[\s_\-]+")
_SELF_EN = (
    r"(?:\bi\s+am|\bi['’]m|\bmy\s+name\s+is|\bthis\s+is|\bas|\bcall\s+me|\byou\s+are\s+(?:talking|"
    r"speaking|chatting)\s+(?:to|with))"
)
_MADE_EN = r"\b(?:trained|developed|created|made|built|designed|released)\s+by"
_SELF_ZH = r"(?:我是|我叫|我的名字是|作为|本模型是|本助手是)"
_MADE_ZH = r"由"
_FILLER = r"[\s,:，：“\"'’*_]*(?:(?:an?|the|一个|一款|名为|来自|called|named)[\s*_“\"]*){0,3}"
_DESCRIPTION = (
    r"(?:(?:large|small|ai|artificial|intelligence|language|helpful|friendly|chat|virtual|assistant|"
    r"model|chatbot|bot|system|named|called|from|by|version|of|the|an?|,)[\s*_“\"]*){0,10}"
)


def _fold(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


def _is_cjk(name: str) -> bool:
    return any("\u3400" <= letter <= "\u9fff" for letter in name)


def _bounded(names: Iterable[str]) -> str:
    """Alternatives that match whole words only; Chinese knows no word boundary.

    A digit or hyphen may follow a family's name, as in "GPT-4".
    """
    parts = []
    for name in sorted(names, key=len, reverse=True):
        words = r"[\s_\-]*".join(re.escape(word) for word in _SEPARATORS.split(name) if word)
        parts.append(words if _is_cjk(name) else rf"(?<![a-z0-9]){words}(?![a-z])")
    return "|".join(parts)


@lru_cache(maxsize=1)
def _self_reference() -> re.Pattern[str]:
    name = rf"(?:{_bounded(FAMILIES)})"
    spoken = (
        rf"{_SELF_EN}{_FILLER}{_DESCRIPTION}{name}",
        rf"{_MADE_EN}{_FILLER}{name}",
        rf"{_SELF_ZH}{_FILLER}{name}",
        rf"{_SELF_ZH}[^。！？\n]{{0,12}}?{_MADE_ZH}{_FILLER}{name}",
        rf"{_MADE_ZH}{_FILLER}{name}[^。！？\n]{{0,10}}?(?:训练|开发|研发|创建|打造|推出)",
    )
    return re.compile("|".join(spoken))


_LATIN_WORD = re.compile(r"[a-z]+")
_CHINESE_FAMILIES = tuple(name for name in FAMILIES if _is_cjk(name))
_FIRST_WORDS = frozenset(
    word for name in FAMILIES for word in (name.split()[0], name.replace(" ", ""))
)


def _may_name_a_family(text: str) -> bool:
    """Whether a search for one can find anything: a tenth of what that costs."""
    if not _FIRST_WORDS.isdisjoint(_LATIN_WORD.findall(text)):
        return True
    return not text.isascii() and any(name in text for name in _CHINESE_FAMILIES)


def _holds_any(text: str, names: Iterable[str]) -> bool:
    """As ``_may_name_a_family``, for the first words of these names."""
    return any(_SEPARATORS.split(name, maxsplit=1)[0] in text for name in names)


def distinctive_names(names: Iterable[str]) -> tuple[str, ...]:
    """Those of a model's names that nothing else is called: with a digit, or of several words."""
    folded = {_fold(name).strip() for name in names}
    return tuple(
        sorted(
            name
            for name in folded
            if len(name) > 3
            and (
                any(letter.isdigit() for letter in name)
                or len(_SEPARATORS.split(name)) > 1
                or _is_cjk(name)
            )
        )
    )


@lru_cache(maxsize=512)
def _own_names(names: tuple[str, ...]) -> re.Pattern[str]:
    parts = [
        part if _is_cjk(name) else rf"{part}(?![0-9])"
        for name in names
        if (part := _bounded((name,)))
    ]
    return re.compile("|".join(parts))


@lru_cache(maxsize=512)
def _own_introduction(names: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile(rf"(?:{_SELF_EN}|{_SELF_ZH}){_FILLER}(?:{_bounded(names)})")


@lru_cache(maxsize=512)
def _folded_names(names: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The distinctive ones, and all of them."""
    return distinctive_names(names), tuple(sorted({_fold(n).strip() for n in names if n.strip()}))


def leaked_name(answer: str, *, model_names: Sequence[str], question: str = "") -> str | None:
    """The words by which ``answer`` tells who wrote it, or None."""
    text = _fold(answer)
    found = _self_reference().search(text) if _may_name_a_family(text) else None
    if found:
        return found.group(0)
    own, short = _folded_names(tuple(model_names))
    if own and _holds_any(text, own):
        mentioned = _own_names(own).search(text)
        if mentioned and not _own_names(own).search(_fold(question)):
            return mentioned.group(0)
    introduced = _own_introduction(short).search(text) if _holds_any(text, short) else None
    return introduced.group(0) if introduced else None
