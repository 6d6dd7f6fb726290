"""Filling a template in: one literal pass, so that nothing in an answer is ever a placeholder."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial

from judging.digests import sha256_hex
from judging.prompts.template import PromptError, PromptTemplate
from judging.task import JudgingTask
from judging.verdicts.base import Mode

NO_CATEGORY = "–"


@dataclass(frozen=True, slots=True)
class RenderedPrompt:
    """What is sent: a system text, possibly empty, and a user text with its images."""

    template: PromptTemplate
    system: str
    user: str
    images: tuple[str, ...] = ()


def render(template: PromptTemplate, task: JudgingTask) -> RenderedPrompt:
    """Fill ``template`` in for ``task``, which it must fit; the same task gives the same text."""
    values = _values(task, template) | {"rubric": template.rubric}
    return RenderedPrompt(
        template=template,
        system=_fill(template, template.system_pieces, values),
        user=_fill(template, template.user_pieces, values),
        images=task.shown_images,
    )


def fence_code(task: JudgingTask) -> str:
    """A short code for the markers around answers, which no text of the task contains.

    It depends on the texts, not on their order, so that both games carry the same one and an
    answer cannot know it in advance.
    """
    texts = sorted((*task.questions, *task.answers_a, *task.answers_b, *task.references))
    digest = sha256_hex(repr(texts).encode())
    while any(digest[:8] in text for text in texts):
        digest = sha256_hex(digest.encode())
    return digest[:8]


def _fill(
    template: PromptTemplate, pieces: Iterable[tuple[str, str]], values: Mapping[str, str]
) -> str:
    filled = []
    for literal, placeholder in pieces:
        filled.append(literal)
        if placeholder:
            name = placeholder if placeholder in values else placeholder.lower()
            if name not in values:
                raise PromptError(
                    f"prompt {template.name!r} asks for {{{placeholder}}}, which this "
                    f"{template.mode.value} task does not have; choose a template that fits the "
                    "task"
                )
            filled.append(values[name])
    return "".join(filled)


def _values(task: JudgingTask, template: PromptTemplate) -> dict[str, str]:
    fence = fence_code(task)
    values = _question_values(task) | {"fence": fence, "turn": str(task.shown_turns)}
    values["category"] = task.category or NO_CATEGORY
    if task.mode is Mode.SINGLE:
        values |= _single_values(task)
    else:
        values |= _pair_values(task)
    blocks = _blocks(task, fence, template.labels) if template.labels else {}
    asked = {name: block for name, block in blocks.items() if name in template.value_names}
    return values | {name: block() for name, block in asked.items()}


def _question_values(task: JudgingTask) -> dict[str, str]:
    question, reference = task.questions[task.shown_turns - 1], task.reference(task.shown_turns)
    values = dict.fromkeys(("question", "prompt", "instruction"), question)
    values |= dict.fromkeys(("reference", "ref_answer"), reference)
    for turn in range(1, task.shown_turns + 1):
        values[f"question_{turn}"] = task.questions[turn - 1]
        values[f"ref_answer_{turn}"] = task.reference(turn)
    return values


def _single_values(task: JudgingTask) -> dict[str, str]:
    values = dict.fromkeys(("answer", "output"), task.shown_first[-1])
    for turn, answer in enumerate(task.shown_first, start=1):
        values[f"answer_{turn}"] = answer
    return values


def _pair_values(task: JudgingTask) -> dict[str, str]:
    """``answer_1`` and ``output_1`` are the first answer here, as in Arena-Hard and AlpacaEval."""
    values: dict[str, str] = {}
    for letter, number, answers in (("a", 1, task.shown_first), ("b", 2, task.shown_second)):
        for name in (f"answer_{letter}", f"answer_{number}", f"output_{number}"):
            values[name] = answers[-1]
        for turn, answer in enumerate(answers, start=1):
            values[f"answer_{letter}_{turn}"] = answer
    return values


def _blocks(
    task: JudgingTask, fence: str, labels: Mapping[str, str]
) -> dict[str, Callable[[], str]]:
    """What writes each fenced block; a template asks for a few of them."""
    turns = range(1, task.shown_turns + 1)
    last = task.shown_turns

    def block(label: str, turn: int, text: str) -> str:
        title = f"{labels[label]} {turn}" if last > 1 else labels[label]
        return f"<<<{title} | {fence}>>>\n{text}\n<<</{title} | {fence}>>>"

    def conversation(label: str, answers: tuple[str, ...]) -> str:
        return _joined(
            part
            for turn, question, answer in zip(turns, task.questions, answers, strict=False)
            for part in (block("question", turn, question), block(label, turn, answer))
        )

    def references() -> str:
        return _joined(
            block("reference", turn, task.reference(turn)) for turn in turns if task.reference(turn)
        )

    blocks: dict[str, Callable[[], str]] = {
        "question_block": partial(block, "question", last, task.questions[last - 1]),
        "reference_block": references,
    }
    shown = {"answer": task.shown_first}
    if task.mode is Mode.PAIRWISE:
        shown = {"answer_a": task.shown_first, "answer_b": task.shown_second}
    for label, answers in shown.items():
        whole = label.replace("answer", "conversation")
        blocks[f"{label}_block"] = partial(block, label, last, answers[-1])
        blocks[f"{whole}_block"] = partial(conversation, label, answers)
    return blocks


def _joined(blocks: Iterable[str]) -> str:
    return "\n\n".join(blocks)
