"""What our own suites say about their tasks, marked for translation; names stay as they are.

The suites themselves know no Django. A test compares this list with what they say.
"""

from __future__ import annotations

from django.utils.translation import gettext, gettext_noop

WORDS = (
    gettext_noop("AFQMC: same question or not"),
    gettext_noop("CMNLI: inference"),
    gettext_noop("OCNLI: inference"),
    gettext_noop("C3: reading with choices"),
    gettext_noop("CLUEWSC: what a pronoun means"),
    gettext_noop("TNEWS: sections of a news site"),
    gettext_noop("CSL: keywords of an abstract or not"),
    gettext_noop("IFLYTEK: 119 classes of applications"),
    gettext_noop("ChID: idioms in blanks"),
    gettext_noop("CMRC 2018: answers in a passage"),
    gettext_noop("DRCD: the same, traditional"),
    gettext_noop("Function calling"),
    gettext_noop("JSONL: question, function, ground_truth"),
    gettext_noop("Needle in a haystack"),
    gettext_noop("One fact in a long text, by length and depth"),
    gettext_noop("Own multiple-choice questions"),
    gettext_noop("CSV or JSONL: question, A, B, C…, answer, category"),
    gettext_noop("Own questions with reference answers"),
    gettext_noop("JSONL or CSV: question, answer"),
    gettext_noop("SuperGLUE diagnostics"),
    gettext_noop("AX-b and AX-g, which are no part of SuperGLUE's mean"),
    gettext_noop("164 Python functions, run in the sandbox"),
    gettext_noop("Short Python problems, run in the sandbox"),
    gettext_noop("MBPP, sanitized"),
    gettext_noop("MBPP's hand-verified problems, run in the sandbox"),
    gettext_noop("Own programming problems"),
    gettext_noop("JSONL in HumanEval's or MBPP's fields"),
    gettext_noop("Own safety prompts"),
    gettext_noop("CSV or JSONL: prompt, category, answer (refuse or comply)"),
)


def suite_words(text: str) -> str:
    """A title or description in the reader's language; anything else as it is."""
    return gettext(text) if text in WORDS else text
