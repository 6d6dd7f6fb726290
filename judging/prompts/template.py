"""Prompt templates, and which one fits a task."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from string import Formatter

from judging.task import JudgingError, JudgingTask, TurnScope
from judging.verdicts.base import Mode

FOLLOW_QUESTION = "auto"
PLACEHOLDER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
PLACEHOLDER_OR_ESCAPE = re.compile(r"\{\{|\}\}|" + PLACEHOLDER.pattern)

# Names that MT-Bench, Arena-Hard, AlpacaEval and llmuses files use, and ours (fenced blocks).
PLAIN_NAMES = frozenset(
    {
        *("question", "prompt", "instruction", "answer", "output", "reference", "ref_answer"),
        *("answer_a", "answer_b", "output_1", "output_2"),
        *("fence", "turn", "category", "rubric"),
        *("question_block", "answer_block", "answer_a_block", "answer_b_block"),
        *("conversation_block", "conversation_a_block", "conversation_b_block"),
        "reference_block",
    }
)
_NUMBERED = re.compile(r"(question|answer|answer_a|answer_b|ref_answer)_([1-9]\d?)")
_REFERENCE_NAMES = frozenset({"reference", "ref_answer", "reference_block"})


class PromptError(ValueError):
    """A template that cannot be used; the sentence names it, the fault and the remedy."""


@dataclass(frozen=True)
class PromptTemplate:
    """A system prompt and a user prompt with ``{placeholders}``, for one kind of task.

    ``language`` empty means any. ``categories`` empty means all; otherwise the template is
    preferred for those. ``labels`` name the fenced blocks; ``rubric`` is what the verdict is to
    rest on, for templates that leave it open. Double braces stand for single ones
    when the whole text is a Python format string, as in MT-Bench's files.
    """

    name: str
    mode: Mode
    convention: str
    system: str
    user: str
    scope: TurnScope
    language: str = ""
    categories: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    rubric: str = ""

    def __post_init__(self) -> None:
        unknown = sorted(name for name in self.placeholders if not _is_known(name))
        if unknown:
            raise PromptError(
                f"prompt {self.name!r} has the placeholder {{{unknown[0]}}}, which nothing fills; "
                "use question, answer, answer_a, answer_b, ref_answer_1 and their numbered forms "
                "(question_1, answer_a_2), or write {{…}} for literal braces"
            )

    @cached_property
    def placeholders(self) -> frozenset[str]:
        """The names that stand in braces."""
        pattern = PLACEHOLDER_OR_ESCAPE if self.has_escapes else PLACEHOLDER
        found = pattern.finditer(self.system + "\n" + self.user)
        return frozenset(match[1] for match in found if match[1])

    @cached_property
    def value_names(self) -> frozenset[str]:
        """What the placeholders stand for: a file may write their names in capitals."""
        return frozenset(name.lower() for name in self.placeholders)

    @cached_property
    def system_pieces(self) -> tuple[tuple[str, str], ...]:
        """The system text as literals, each with the placeholder after it."""
        return _pieces(self.system, has_escapes=self.has_escapes)

    @cached_property
    def user_pieces(self) -> tuple[tuple[str, str], ...]:
        """The user text as literals, each with the placeholder after it; the last has none."""
        return _pieces(self.user, has_escapes=self.has_escapes)

    @cached_property
    def has_escapes(self) -> bool:
        """Whether double braces are to be read as single ones."""
        return _is_format_string(self.system) and _is_format_string(self.user)

    @cached_property
    def reference_turns(self) -> tuple[int, ...]:
        """The turns whose reference answer the template needs; ``(0,)`` for any."""
        numbered = {int(m[2]) for m in self._numbered() if m[1] == "ref_answer"}
        if numbered:
            return tuple(sorted(numbered))
        return (0,) if self.placeholders & _REFERENCE_NAMES else ()

    @cached_property
    def turns(self) -> int:
        """How many turns a template with numbered placeholders shows; 0 for any number."""
        return max((int(m[2]) for m in self._numbered() if m[1] == "question"), default=0)

    @cached_property
    def version(self) -> str:
        """A hash of everything in the template that a verdict can depend on."""
        parts = [self.system, self.user, self.convention, sorted(self.labels.items())]
        if self.rubric:
            parts.append(self.rubric)
        return sha256(repr(tuple(parts)).encode()).hexdigest()[:16]

    def fits(self, task: JudgingTask) -> bool:
        """Whether the template can be filled in for ``task``."""
        return (
            self.mode is task.mode
            and self.scope is task.scope
            and self.turns in (0, task.shown_turns)
            and (not self.reference_turns or self._finds_references(task))
        )

    def _finds_references(self, task: JudgingTask) -> bool:
        if self.reference_turns == (0,):
            return any(task.reference(turn) for turn in range(1, task.shown_turns + 1))
        return all(task.reference(turn) for turn in self.reference_turns)

    def _numbered(self) -> Iterator[re.Match[str]]:
        for name in self.placeholders:
            match = _NUMBERED.fullmatch(name)
            if match is not None:
                yield match


@dataclass(frozen=True, slots=True)
class PromptSet:
    """Templates that belong together and cover different kinds of task."""

    name: str
    templates: tuple[PromptTemplate, ...]
    _chosen: dict[tuple[object, ...], PromptTemplate] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def choose(self, task: JudgingTask, language: str = FOLLOW_QUESTION) -> PromptTemplate:
        """The template for ``task``: first one with its reference, then one for its category.

        ``language`` prefers templates in that language, or with ``auto`` in the question's;
        without one in it, English is taken.
        Raises JudgingError when none fits.
        """
        if language == FOLLOW_QUESTION:
            language = "zh" if task.language.lower().startswith(("zh", "chinese")) else "en"
        # all that the choice depends on: most tasks of a run are alike in it
        references = tuple(bool(task.reference(turn)) for turn in range(1, task.shown_turns + 1))
        traits = (task.mode, task.scope, references, task.category, language)
        if traits not in self._chosen:
            self._chosen[traits] = self._choose(task, language)
        return self._chosen[traits]

    def _choose(self, task: JudgingTask, language: str) -> PromptTemplate:
        fitting = [template for template in self.templates if template.fits(task)]
        if not fitting:
            raise JudgingError(
                "no_fitting_prompt",
                f"prompt set {self.name!r} has no {task.mode.value} template for "
                f"{task.scope.value.replace('_', ' ')} of {task.shown_turns} turn(s)"
                f"{'' if task.references else ' without a reference answer'}; "
                "add one or choose another set",
            )
        return min(fitting, key=lambda template: _preference(template, task, language))


def _preference(
    template: PromptTemplate, task: JudgingTask, language: str
) -> tuple[int, bool, int]:
    """Lower is better; the order of the set decides between equals.

    A reference answer counts before the category: MT-Bench files its reference prompts under
    "math" and uses them for reasoning and coding as well.
    """
    languages = (language, "", "en")
    rank = languages.index(template.language) if template.language in languages else len(languages)
    category_rank = 1
    if template.categories:
        category_rank = 0 if task.category in template.categories else 2
    return (rank, not template.reference_turns, category_rank)


def _pieces(text: str, *, has_escapes: bool) -> tuple[tuple[str, str], ...]:
    pieces, literal, end = [], "", 0
    pattern = PLACEHOLDER_OR_ESCAPE if has_escapes else PLACEHOLDER
    for match in pattern.finditer(text):
        literal += text[end : match.start()]
        end = match.end()
        if match[1]:
            pieces.append((literal, match[1]))
            literal = ""
        else:
            literal += match.group()[0]  # {{ and }} stand for single braces
    return (*pieces, (literal + text[end:], ""))


def _is_known(name: str) -> bool:
    return name.lower() in PLAIN_NAMES or _NUMBERED.fullmatch(name) is not None


def _is_format_string(text: str) -> bool:
    try:
        fields = list(Formatter().parse(text))
    except ValueError:
        return False
    names = [name for _, name, _, _ in fields if name is not None]
    has_extras = any(spec or conversion for _, _, spec, conversion in fields)
    return not has_extras and all(name.isidentifier() for name in names)
