"""Does an answer give away which model wrote it?

Two ways are told apart. A model's own distinctive name (with a digit or of two or more words:
``qwen2-72b``, ``Demo Athena``) anywhere in the answer is a leak, unless the question spoke of it
first. Names of families and of their makers count only where the answer speaks of itself: "I am
Claude", "I was trained by Google", "我是通义千问". Everything is matched at word boundaries, and
what is also an ordinary word must stand alone, so "such as Google", "this is a palm tree", "I am
Claude Monet" and "微信由腾讯开发" are no leaks.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from heapq import merge
from typing import Final

from arena.voting.spotting import Spotter

# nothing else is called so
COINED: Final = (
    "chatgpt", "gpt", "openai", "anthropic", "qwen", "tongyi", "tongyi qianwen", "通义千问", "千问",
    "deepseek", "深度求索", "chatglm", "glm", "智谱", "智谱清言", "zhipu", "baichuan", "ernie bot",
    "文心一言", "月之暗面", "doubao", "豆包", "hunyuan", "零一万物", "minimax", "internlm",
    "stablelm", "mixtral", "wizardlm", "nemotron", "xai", "olmo", "deepmind",
)  # fmt: skip
# also words, people, or stars
ORDINARY: Final = (
    "claude", "gemini", "gemma", "bard", "palm", "llama", "mistral", "ernie", "kimi", "moonshot",
    "spark", "yi", "vicuna", "alpaca", "koala", "dolly", "falcon", "phi", "copilot", "grok",
    "command r", "command r+", "cohere", "zephyr", "solar", "nova", "titan", "granite",
)  # fmt: skip
# words of everyday Chinese, in which no mark tells a name; a kind of model must follow
ORDINARY_ZH: Final = ("文心", "百川", "混元", "星火", "书生")
# they make much else
MAKERS: Final = (
    "google", "microsoft", "meta", "meta ai", "amazon", "ibm", "nvidia", "alibaba", "alibaba cloud",
    "baidu", "tencent", "bytedance", "阿里", "阿里云", "阿里巴巴", "百度", "腾讯", "字节跳动",
    "讯飞", "科大讯飞", "谷歌", "微软",
)  # fmt: skip
SEARCHED_CHARACTERS: Final = 200_000  # for introductions

FAMILIES: Final = (*COINED, *ORDINARY, *ORDINARY_ZH, *MAKERS)

# letters that look like Latin ones; those of another script in between hide a word from a search
_LOOKALIKES: Final = str.maketrans("аеорсухіјѕһԁԛԝαοικρντ", "aeopcyxijshdqwaoikpvt")
_SIMPLIFIED: Final = str.maketrans(
    "義問裡雲騰訊飛開發訓練創設計語稱為個製嗎學習譜書",
    "义问里云腾讯飞开发训练创设计语称为个制吗学习谱书",
)
_HIDDEN: Final = re.compile(r"[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
                            r"\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff]")  # fmt: skip
_MARKS: Final = re.compile(r"[*_`~“”\"「」『』《》【】]+|\\(?=[!-/:-@\[-`{-~])")
_LINKS: Final = re.compile(r"\[([^\[\]\n]{1,80})\]\([^()\s]{1,500}\)")
_CJK: Final = r"\u3400-\u9fff"
_SPACES: Final = re.compile(r"[^\S\n\t ]+")
_RUNS: Final = re.compile(r"([\n\t ,:\-])[\n\t ,:\-]*\1+")  # long ones slow every search down
_SPACED_CJK: Final = re.compile(rf"(?<=[{_CJK}])[ \u3000]+(?=[{_CJK}])")
_SPACED_LATIN: Final = re.compile(r"(?<![a-z'’])(?:[a-z] ){2,}[a-z](?![a-z])")
_SEPARATORS: Final = re.compile(r"[\s_\-]+")


def _fold(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


def _plain(text: str) -> str:
    """Folded, without marks, hidden characters, and disguises by other scripts or by spaces."""
    shown = html.unescape(text) if "&" in text else text  # as Markdown shows it
    folded = _SPACES.sub(" ", _MARKS.sub("", _fold(_LINKS.sub(r"\1", shown))))
    folded = _RUNS.sub(lambda run: run.group()[0], folded)
    if not folded.isascii():
        folded = _HIDDEN.sub("", folded).translate(_LOOKALIKES).translate(_SIMPLIFIED)
        folded = _SPACED_CJK.sub("", folded)
    return _SPACED_LATIN.sub(lambda found: found.group().replace(" ", ""), folded)


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


_VERSION = r"(?:[\s\-]{0,4}v?\d[\w.]*)"
# after an ordinary word that was meant as a name: a version, the end, or what it is or does
_ALONE_EN = (
    rf"(?:{_VERSION}|[\s\-]?[kmrx]\d[\w.]*|(?:\s(?:pro|ultra|flash|nano|opus|sonnet|haiku|large|chat|instruct)\b)?"
    r"(?=\s*(?:$|[.,;:!?()<|/\n\[\]—–，。！？、]|'(?!s)|’(?!s))"
    r"|\s+(?:and|an|a|the|your|from|by|here|speaking|made|created|developed|trained|built|designed|"
    r"model|language|ai|assistant|chatbot)\b))"
)
_ALONE_ZH = rf"(?:{_VERSION}|·?浦语|(?=[^。！？\n，,]{{0,6}}(?:大?模型|助手|机器人|清言|bot)))"
_SELF_EN = (
    r"(?:\bi\s+am|\bi['’]m|\bim|\bmy\s+name(?:\s+is|['’]s)|\bi\s+go\s+by|\bcall\s+me|"
    r"\bi(?:['’]m|\s+am)\s+(?:called|named|known\s+as)|"
    r"\byou(?:['’]re|\s+are)\s+(?:now\s+)?(?:talking|speaking|chatting)\s+(?:to|with))"
)
_SOFTLY = r"[\s,:]{0,4}(?:(?:actually|just|only|really|simply|now|in\s+fact)[\s,]+)?(?:called\s+)?"
_AI_NOUN = (
    r"(?:models?|assistants?|chatbots?|bots?|llms?|ai|artificial\s+intelligence|systems?|programs?|"
    r"versions?|members?)"
)
_DESCRIBED = rf"(?:an?|the|one\s+of\s+the)\s+(?:[\w'’\-]+[\s,]+){{0,9}}?{_AI_NOUN}\b"
_LINKED = (
    r"[\s,]{0,4}(?:(?:that|which|who|is|are|was|has|been)\s+){0,3}(?:called|named|known\s+as|from|by|of|"
    r"based\s+on|powered\s+by|,)?[\s:]{0,4}(?:the\s+)?"
)
_MADE_EN = (
    r"(?:trained|developed|created|made|built|designed|released|fine-?tuned|produced)"
    r"(?:\s+\w+ly)?\s+by"
)
_TEAM = (
    r"\s+(?:(?:an?|the|researchers|engineers|experts|people|folks|team|company|chinese|french|"
    r"american|ai|startup|group|of|at|from|research|scientists)\s+){0,6}"
)
_MODAL_EN = r"(?:am|can|cannot|could|would|will|do|have|must|should|think|believe)"
_TEXT_EN = r"(?:answer|response|reply|text|message)"
_WRITTEN_EN = r"(?:generated|written|produced|composed|created)"
_TEXT_ZH = r"(?:回答|回复|答案|内容|文字|文)"
_SELF_ZH = (
    r"(?:我|本人|本助手|本模型)(?:其实|实际上|并不是[^。！？\n]{1,20}[，,；;]\s*(?:而|我)?)?"
    r"(?:是|叫做?|名叫|乃|的(?:中文|英文)?(?:名字?|名称)(?:是|叫做?))"
)
_FILLER_ZH = (
    r"[\s:，：]{0,4}(?:(?:一[个款名位种]|名为|叫做|你的|您的|ai|人工智能|智能|助手|助理|大型?|语言|模型|"
    r"聊天|对话|机器人|来自|由)[\s:，：]{0,4}){0,8}"
)
_MADE_ZH = r"(?:训练|开发|研发|创建|创造|打造|推出|设计|提供|构建|研制)"
_MADE_ME_EN = r"(?:trained|created|made|developed|built|designed)\s+me\b"
_MADE_ME_ZH = rf"{_MADE_ZH}(?:了|出)我(?![们国校厂方市省])"


@lru_cache(maxsize=1)
def introductions() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Patterns of what models say of themselves: those that ``_BEGINNINGS`` begin, and those that
    ``_ENDS`` end.
    """
    coined, ordinary, words_zh = (
        rf"(?:{_bounded(names)})" for names in (COINED, ORDINARY, ORDINARY_ZH)
    )
    maker = rf"(?:{_bounded((*MAKERS, *COINED, 'mistral', 'cohere', 'moonshot', 'kimi'))})"
    named = rf"(?:{coined}|{ordinary}{_ALONE_EN}|(?:{_bounded((*MAKERS, *ORDINARY_ZH))}){_VERSION})"
    family = rf"(?:{coined}|{ordinary})"
    named_zh = (
        rf"(?:{coined}|{ordinary}(?:{_ALONE_EN}|{_ALONE_ZH})|{words_zh}{_ALONE_ZH}"
        rf"|(?:{_bounded(MAKERS)}){_VERSION})"
    )
    thing_zh = r"[^。！？\n，,]{0,24}?(?:模型|助手|助理|机器人)"
    begun = (
        # I am Claude; my name is Gemini
        rf"{_SELF_EN}{_SOFTLY}(?:the\s+)?{named}",
        # I am a Claude model; I am an AI assistant called Llama, from Google
        rf"{_SELF_EN}{_SOFTLY}an?\s+{family}{_VERSION}?\s+{_AI_NOUN}\b",
        rf"{_SELF_EN}{_SOFTLY}{_DESCRIBED}{_LINKED}(?:{family}|{maker})",
        rf"{_SELF_EN}{_SOFTLY}{_DESCRIBED}[^.!?\n]{{0,40}}?{_MADE_EN}{_TEAM}(?:{maker})",
        rf"\bas\s+{_DESCRIBED}[^.!?\n]{{0,40}}?(?:{_MADE_EN}{_TEAM}|from\s+|called\s+|named\s+)"
        rf"(?:{maker}|{family})[^.!?\n]{{0,30}}?\b(?:i|my|me)\b",
        # I was trained by Google; my creators at Anthropic
        rf"\bi(?:['’]m|['’]ve\s+been|\s+am|\s+was|\s+have\s+been)\s+(?:\w+ly\s+)?{_MADE_EN}{_TEAM}"
        rf"(?:{maker})",
        r"\bmy\s+(?:creators?|developers?|makers?|trainers?|parent\s+company|training\s+team)"
        rf"[\s,:]{{0,4}}(?:at|is|are|from|work\s+at)?\s+(?:the\s+)?(?:{maker})",
        # I am based on GPT-4; my underlying model is Llama 3
        r"\bi(?:['’]m|\s+am|\s+was|\s+run)\s+(?:\w+ly\s+)?(?:based|built|running|powered|trained)?\s*"
        rf"(?:on|by|with|upon)\s+(?:top\s+of\s+)?(?:the\s+|an?\s+)?(?:{coined}|{ordinary}{_VERSION})",
        r"\bmy\s+(?:underlying|base|current|own)\s+(?:language\s+)?(?:model|architecture|version)"
        rf"\s+(?:name\s+)?is\s+(?:the\s+)?{family}",
        # this is PaLM speaking; as Claude, I
        rf"\bthis\s+is\s+(?:{coined}{_VERSION}?(?=\s*(?:$|[.,!\n]))|{family}\s+(?:speaking|here)\b)",
        rf"\bas\s+{family}(?:{_VERSION})?(?:,\s*i\b|\s+i(?:['’](?:m|d|ll|ve)|\s+{_MODAL_EN})\b)",
        # this answer was generated by ChatGPT
        rf"\bthis\s+{_TEXT_EN}\s+(?:was|is|has\s+been)\s+(?:\w+ly\s+)?{_WRITTEN_EN}\s+(?:by|with)\s+"
        rf"(?:the\s+)?{named}",
        rf"\bi,\s*{family},",
        rf"(?:\byours|\bsincerely|\bregards|[—–])[,\s]{{0,4}}{coined}{_VERSION}?\s*$",
        # 我是通义千问；我是来自阿里云的大规模语言模型；我是百度研发的文心
        rf"{_SELF_ZH}{_FILLER_ZH}{named_zh}",
        rf"本人{named_zh}",
        # 我是字节跳动的豆包；我叫腾讯混元
        rf"{_SELF_ZH}{_FILLER_ZH}(?:{maker})(?:公司|集团)?(?:旗下)?的?(?:{coined}|{words_zh})"
        rf"(?:{_VERSION}|{_ALONE_ZH}|(?![ \t]?[{_CJK}a-z]))",
        # 本回答由文心一言生成
        rf"(?:本|以上){_TEXT_ZH}是?由{_FILLER_ZH}(?:{coined}|{ordinary}|文心)[^。！？\n，,]{{0,12}}?"
        r"(?:生成|撰写|提供)",
        rf"{_SELF_ZH}{_FILLER_ZH}(?:{maker}){thing_zh}",
        rf"{_SELF_ZH}[^。！？\n，,]{{1,16}}?(?:旗下|{_MADE_ZH})的[^。！？\n，,]{{0,8}}?"
        rf"(?:{coined}|{ordinary}|{words_zh})",
        # 我是由阿里云训练的；我叫小爱，是由百度开发
        rf"我(?:们)?(?:是|被|(?:名)?叫[^。！？\n，,]{{1,10}}[，,]\s*(?:是)?|是[^。！？\n]{{1,24}}(?:模型|助手|"
        rf"机器人|ai)[，,]\s*(?:是)?)(?:一[个款名位种])?\s*由[^。！？\n，,]{{0,4}}?(?:{maker})"
        rf"[^。！？\n]{{0,16}}?{_MADE_ZH}",
        rf"作为{_FILLER_ZH}(?:{maker}|{ordinary}|{words_zh}){thing_zh}[，,\s]{{0,4}}我",
        rf"作为{_FILLER_ZH}(?:{coined}|{ordinary})(?:{_VERSION})?[，,\s]+我",
        r"我的(?:开发者|创造者|研发团队|开发团队|训练者|开发商|创建者|母公司|开发公司)"
        rf"(?:是|来自|为|：|:)*\s*(?:{maker})",
        rf"叫我(?:做|为|作)?\s*(?:{coined}|{ordinary})",
    )
    ended = (
        # OpenAI trained me; Claude here; 阿里云训练了我
        rf"(?:{maker})(?:['’]s\s+\w+)?\s+(?:has\s+|have\s+)?{_MADE_ME_EN}",
        rf"(?:^|[.!?\n]|\bhi|\bhello|\bhey)[\s,!\-]{{0,4}}{family}\s+here\b",
        rf"(?:{maker})(?:公司|集团|团队|的工程师|的团队)?{_MADE_ME_ZH}",
    )
    return begun, ended


# where one of them may begin, or end; a place too many only costs time
_BEGINNINGS: Final = re.compile(
    r"\b(?:i\s+(?:am|was|have|run|go)|i['’](?:m|ve)|im|my\s+(?:name|creator|developer|maker|trainer|"
    r"parent|training|underlying|base|current|own)|call\s+me|you(?:['’]re|\s+are)|"
    rf"as\s+(?:an?|the|one)\s|this\s+{_TEXT_EN}\s|(?P<near>as\s|i,|this\s+is|yours|sincerely|regards))"
    r"|我(?=们|其实|实际上|并不是|是|叫|名叫|乃|的|被)|本(?:人|助手|模型)|作为|叫(?=我)|[—–]"
    rf"|(?:本|以上)(?={_TEXT_ZH})"
)
_ENDS: Final = re.compile(rf"{_MADE_ME_EN}|\s+here\b|{_MADE_ME_ZH}")
_LONGEST_END: Final = 60


@lru_cache(maxsize=1)
def _spotters() -> tuple[Spotter, Spotter]:
    begun, ended = (re.compile("|".join(patterns)) for patterns in introductions())
    return (
        Spotter(_BEGINNINGS, begun),
        Spotter(_ENDS, ended, reach=_LONGEST_END, reaches_back=True),
    )


_LATIN_WORD = re.compile(r"[a-z]+")
_CHINESE_FAMILY = re.compile("|".join(name for name in FAMILIES if _is_cjk(name)))
_FIRST_WORDS = frozenset(
    word for name in FAMILIES for word in (name.split()[0], name.replace(" ", ""))
)


def family_names(text: str) -> Iterator[int]:
    """Where names of families and makers begin, or words that may; in order, found as asked for."""
    latin = (word.start() for word in _LATIN_WORD.finditer(text) if word.group() in _FIRST_WORDS)
    if text.isascii():
        return latin
    return merge(latin, (name.start() for name in _CHINESE_FAMILY.finditer(text)))


@lru_cache(maxsize=512)
def _first_words(names: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(re.escape(_SEPARATORS.split(n, maxsplit=1)[0]) for n in names))


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
def _own_introduction(names: tuple[str, ...]) -> Spotter:
    name = rf"(?:{_bounded(names)})"
    pattern = re.compile(
        rf"{_SELF_EN}{_SOFTLY}{name}{_ALONE_EN}|{_SELF_ZH}{_FILLER_ZH}{name}(?:{_ALONE_EN}|{_ALONE_ZH})"
    )
    return Spotter(_BEGINNINGS, pattern)


@lru_cache(maxsize=512)
def _folded_names(names: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The distinctive ones, and all of them."""
    return distinctive_names(names), tuple(sorted({_fold(n).strip() for n in names if n.strip()}))


def leaked_name(answer: str, *, model_names: Sequence[str], question: str = "") -> str | None:
    """The words by which ``answer`` tells who wrote it, or None."""
    text = _plain(answer)
    return (
        _introduced_family(text[:SEARCHED_CHARACTERS])
        or _own_name(text, tuple(model_names), question)
        or None
    )


def _introduced_family(text: str) -> str:
    for spotter in _spotters():
        if found := spotter.search(text, family_names(text)):
            return found.group(0)
    return ""


def _own_name(text: str, model_names: tuple[str, ...], question: str) -> str:
    own, short = _folded_names(model_names)
    if own and _first_words(own).search(text):
        mentioned = _own_names(own).search(text)
        if mentioned and not _own_names(own).search(_plain(question)):
            return mentioned.group(0)
    if not short:
        return ""
    names = (name.start() for name in _first_words(short).finditer(text))
    introduced = _own_introduction(short).search(text, names)
    return introduced.group(0) if introduced else ""
