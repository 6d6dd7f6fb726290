"""Templates from a judge prompt file, as MT-Bench and llmuses ship them."""

from collections.abc import Iterable, Mapping
from typing import Any

from judging.prompts.template import PLACEHOLDER, PromptError, PromptSet, PromptTemplate
from judging.task import TurnScope
from judging.verdicts.base import Mode

CONVENTION_BY_OUTPUT_FORMAT = {
    "[[A]]": "mt_bench_pair",
    "[[rating]]": "mt_bench_single",
    "[[rating_a,rating_b]]": "mt_bench_pair_scores",
    "[[A>B]]": "arena_hard",
}
_ANY_CATEGORY = frozenset({"", "general", "*"})


# Any: rows are whatever JSON the file holds; each field is checked where it is read.
def prompts_from_rows(name: str, rows: Iterable[Mapping[str, Any]]) -> PromptSet:
    """A set made of the rows of one ``judge_prompts.jsonl``.

    Raises PromptError for a row that lacks a field, has an unknown output format or a placeholder
    that nothing fills.
    """
    return PromptSet(name, tuple(template_from_row(row) for row in rows))


def template_from_row(row: Mapping[str, Any]) -> PromptTemplate:
    """One row: ``name, type, system_prompt, prompt_template, category, output_format``."""
    name = _text(row, "name", "a judge prompt without a name")
    where = f"judge prompt {name!r}"
    kind = _text(row, "type", where)
    output_format = _text(row, "output_format", where).replace(" ", "")
    if output_format not in CONVENTION_BY_OUTPUT_FORMAT:
        known = ", ".join(CONVENTION_BY_OUTPUT_FORMAT)
        raise PromptError(f"{where} has the output_format {output_format!r}; known are {known}")
    system, user = row.get("system_prompt") or "", _text(row, "prompt_template", where)
    is_multi_turn = any(match[1] in _SECOND_TURN for match in PLACEHOLDER.finditer(system + user))
    return PromptTemplate(
        name=name,
        mode=Mode.SINGLE if kind.startswith("single") else Mode.PAIRWISE,
        convention=CONVENTION_BY_OUTPUT_FORMAT[output_format],
        system=system,
        user=user,
        scope=TurnScope.LAST_TURN if is_multi_turn else TurnScope.ONE_TURN,
        categories=_categories(row.get("category")),
    )


_SECOND_TURN = frozenset({"question_2", "answer_a_2", "answer_b_2"})


def _text(row: Mapping[str, Any], key: str, where: str) -> str:
    value = row.get(key)
    if not isinstance(value, str) or not value:
        raise PromptError(f"{where} has no text in {key!r} (found {value!r}); add it to the file")
    return value


def _categories(value: object) -> tuple[str, ...]:
    named = [value] if isinstance(value, str) else value
    if not isinstance(named, list):
        return ()
    return tuple(str(category) for category in named if category not in _ANY_CATEGORY)
