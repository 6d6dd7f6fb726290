"""Putting a multiple-choice question to a model and reading its answer.

Two ways: by likelihood of each option, and by a letter in a written answer.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from string import ascii_uppercase

from benchmarks.metrics.letters import DEFAULT_EXTRACTOR, EXTRACTORS, INVALID
from benchmarks.suites_base import (
    AskProtocol,
    ChatFormatter,
    Json,
    Reason,
    RequestKind,
    Response,
    SampleRequest,
    SampleScore,
    TaskOptions,
    UnsuitableTaskError,
)

INSTRUCTION = (
    "Answer the following multiple-choice question. You may think step by step. End with a line "
    'of the form "ANSWER: X", where X is one of {letters}.'
)
INSTRUCTION_ZH = (
    "请回答下面的单项选择题，可以先逐步思考。最后一行请写成“ANSWER: X”，其中 X 是 {letters} 之一。"
)
INSTRUCTION_NAME = (
    "Say to which of the classes below the following text belongs. You may think step by step. End "
    'with a line of the form "ANSWER: X", where X is one of the names of the classes.'
)
INSTRUCTION_NAME_ZH = (
    "请从下面列出的类别中选出文本所属的一类，可以先逐步思考。"
    "最后一行请写成“ANSWER: X”，其中 X 是类别的名称。"
)
INSTRUCTION_LETTER = "Answer with the letter of the right option only."
MAX_ANSWER_TOKENS = 1024
# what likelihood prompts put around a question, and a written one has in its own words
_FRAME = re.compile(r"^(?:Question|Q)\s*:\s*|\n(?:Answer|A|答案)\s*[:：]\s*$")
TOP_LOGPROBS = 20  # the most that OpenAI-compatible endpoints return


@dataclass(frozen=True, slots=True)
class ChoiceQuestion:
    """A question with options; ``gold`` are indices of right ones, empty when not known.

    ``lists_options`` False says that the text shows its options already. More options than there
    are letters are called by their own names.
    """

    text: str
    choices: tuple[str, ...]
    gold: tuple[int, ...] = ()
    lists_options: bool = True
    is_chinese: bool = False

    @property
    def is_named(self) -> bool:
        return len(self.choices) > len(ascii_uppercase)

    @property
    def letters(self) -> tuple[str, ...]:
        return called(self.choices)

    @property
    def gold_letters(self) -> list[str]:
        return [self.letters[index] for index in self.gold]

    def shown(self) -> str:
        text = _FRAME.sub("", self.text.strip()).strip()
        if not self.lists_options:
            return text
        if self.is_named:
            # last, so that of a text that is too long its beginning is cut
            return f"{text}\n\n{('、' if self.is_chinese else ', ').join(self.choices)}"
        options = (f"{letter}) {c}" for letter, c in zip(self.letters, self.choices, strict=True))
        return "\n".join([text, "", *options])


def called(choices: Sequence[str]) -> tuple[str, ...]:
    """What options are called: by letters, or by their names where there are too many."""
    named = len(choices) > len(ascii_uppercase)
    return tuple(map(str, choices)) if named else tuple(ascii_uppercase[: len(choices)])


def reordered(question: ChoiceQuestion, seed: Json, index: int) -> ChoiceQuestion:
    """The same question with its options in an order drawn from ``seed``; None leaves it alone.

    A question that shows its options in its own text cannot be reordered and is left alone.
    """
    if seed is None or not question.lists_options:
        return question
    order = list(range(len(question.choices)))
    random.Random(f"{seed} {index}").shuffle(order)
    choices = tuple(question.choices[old] for old in order)
    gold = tuple(sorted(order.index(old) for old in question.gold))
    return replace(question, choices=choices, gold=gold)


@dataclass(frozen=True, slots=True)
class Shot:
    """An example with its right letter."""

    question: ChoiceQuestion
    letter: str


def ask_for_letter(
    question: ChoiceQuestion,
    shots: Sequence[Shot],
    options: TaskOptions,
    chat: ChatFormatter | None,
) -> tuple[SampleRequest, ...]:
    """One request: a written answer, or the first token's likeliest letters."""
    by_letters = options.protocol is AskProtocol.LETTERS
    if by_letters and question.is_named:
        raise UnsuitableTaskError(
            f"{len(question.choices)} options are more than there are letters; use the protocol "
            "'native' or 'generation'"
        )
    instruction = INSTRUCTION_LETTER if by_letters else _instruction(question)
    messages = _conversation(question, shots, instruction, options.system_prompt, by_letters)
    context = chat(messages) if chat else _as_text(messages)
    if by_letters:
        return (
            SampleRequest(
                RequestKind.LETTERS,
                context,
                letters=question.letters,
                messages=tuple(messages),
            ),
        )
    decoding = {
        "max_tokens": MAX_ANSWER_TOKENS,
        "temperature": 0.0,
        "stop": [],
        **options.generation,
    }
    if not chat and not options.is_chat:
        # a base model would go on with a question of its own
        decoding["stop"] = [*decoding["stop"], "\n\nQuestion:"]
    return (
        SampleRequest(RequestKind.GENERATION, context, decoding=decoding, messages=tuple(messages)),
    )


def _instruction(question: ChoiceQuestion) -> str:
    if question.is_named:
        return INSTRUCTION_NAME_ZH if question.is_chinese else INSTRUCTION_NAME
    template = INSTRUCTION_ZH if question.is_chinese else INSTRUCTION
    return template.format(letters=", ".join(question.letters))


def _conversation(
    question: ChoiceQuestion,
    shots: Sequence[Shot],
    instruction: str,
    system_prompt: str,
    by_letters: bool,
) -> list[dict[str, str]]:
    messages = [{"role": "system", "content": system_prompt}] if system_prompt else []
    for shot in shots:
        answer = shot.letter if by_letters else f"ANSWER: {shot.letter}"
        messages.append(
            {"role": "user", "content": f"{instruction}\n\nQuestion: {shot.question.shown()}"}
        )
        messages.append({"role": "assistant", "content": answer})
    messages.append({"role": "user", "content": f"{instruction}\n\nQuestion: {question.shown()}"})
    return messages


def _as_text(messages: Sequence[Mapping[str, str]]) -> str:
    """The conversation for a model without a chat format: the answer comes after a blank line."""
    return "\n\n".join(message["content"] for message in messages) + "\n\n"


def choice_score(sample: Mapping[str, Json], found: Response, extractor: str = "") -> SampleScore:
    """Read the letter and compare; an answer without one is wrong and marked as invalid."""
    letters = called(sample["choices"])
    reader = EXTRACTORS[extractor or DEFAULT_EXTRACTOR]
    is_named = len(letters) > len(ascii_uppercase)
    reasons: list[str] = []
    if found.letters:
        known = {letter: found.letters[letter] for letter in letters if letter in found.letters}
        extracted = max(known, key=lambda letter: known[letter]) if known else INVALID
    else:
        read = reader.extract_name if is_named else reader.extract
        extracted = read(found.text, letters)
        if found.finish_reason == "length":
            reasons.append(Reason.TRUNCATED)
        if not found.text.strip():
            reasons.append(Reason.EMPTY)
    if extracted == INVALID:
        reasons.append(Reason.INVALID)
    if found.is_prompt_cut:
        reasons.append(Reason.PROMPT_CUT)
    right = float(extracted in (sample.get("target") or []))
    return SampleScore({"acc,letter": right}, extracted, tuple(reasons))
