"""Our own prompts: paragraphs in ``texts/``, put together for each kind of task.

A file of paragraphs exists per mode and language; a paragraph may stand under a condition. How the
verdict is to be written is a paragraph of its own per convention, so that every convention works
with and without a reference answer, for one turn and for several.
"""

from collections.abc import Iterator
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import yaml

from judging.prompts.template import PromptError, PromptSet, PromptTemplate
from judging.task import TurnScope
from judging.verdicts.base import Mode

TEXTS = Path(__file__).parent / "texts"
LANGUAGES = ("en", "zh")

_SETS: dict[str, tuple[Mode, str]] = {
    "agon_single": (Mode.SINGLE, "mt_bench_single"),
    "agon_single_json": (Mode.SINGLE, "json_verdict"),
    "agon_pair": (Mode.PAIRWISE, "mt_bench_pair"),
    "agon_pair_five_level": (Mode.PAIRWISE, "arena_hard"),
    "agon_pair_scores": (Mode.PAIRWISE, "mt_bench_pair_scores"),
    "agon_pair_json": (Mode.PAIRWISE, "json_verdict"),
    "agon_pair_soft": (Mode.PAIRWISE, "alpaca_eval_logprob"),
    "agon_safety": (Mode.SINGLE, "safety_label"),
}
# sets with a text of their own in place of their mode's; these weigh no reference answer
_OWN_TEXTS = {"agon_safety": "safety"}

_WITHOUT_PROSE = frozenset({"json_verdict", "alpaca_eval_logprob"})


def shipped_prompt_names() -> list[str]:
    """The names of the sets, in alphabetical order."""
    return sorted([*_SETS, *_load("tuned")])


@cache
def shipped_prompts(name: str) -> PromptSet:
    """The set called ``name``: both languages, with and without reference, every turn scope."""
    if name in _load("tuned"):
        return PromptSet(name, tuple(_tuned(name)))
    if name not in _SETS:
        known = ", ".join(shipped_prompt_names())
        raise PromptError(f"there is no shipped prompt set {name!r}; choose one of: {known}")
    variants = product(LANGUAGES, TurnScope, (False,) if name in _OWN_TEXTS else (False, True))
    return PromptSet(
        name,
        tuple(
            _compose(name, language, scope, has_reference=has_reference)
            for language, scope, has_reference in variants
        ),
    )


def _compose(name: str, language: str, scope: TurnScope, *, has_reference: bool) -> PromptTemplate:
    mode, convention = _SETS[name]
    source = _load(f"{_OWN_TEXTS.get(name, mode.value)}.{language}")
    contract = _load(f"contracts.{language}")[mode.value][convention]
    conditions = {scope.value, "several_turns" if scope is not TurnScope.ONE_TURN else ""}
    conditions |= {"reference"} if has_reference else set()
    conditions |= set() if convention in _WITHOUT_PROSE else {"reasons"}
    suffix = "-reference" if has_reference else ""
    return PromptTemplate(
        name=f"{name}-{language}-{scope.value}{suffix}",
        mode=mode,
        convention=convention,
        system="\n\n".join(_paragraphs(source["system"], conditions)),
        user="\n\n".join([*_paragraphs(source["user"], conditions), contract.strip()]),
        scope=scope,
        language=language,
        labels=source["labels"],
    )


def _tuned(name: str) -> Iterator[PromptTemplate]:
    """Templates in the format that a judge model was tuned on: one language, no markers."""
    source = _load("tuned")[name]
    for scope, has_reference in product(TurnScope, (False, True)):
        conditions = {"one_turn" if scope is TurnScope.ONE_TURN else "several_turns"}
        conditions |= {"reference"} if has_reference else set()
        if has_reference and not source.get("takes_reference"):
            continue
        suffix = "-reference" if has_reference else ""
        yield PromptTemplate(
            name=f"{name}-{scope.value}{suffix}",
            mode=Mode(source["mode"]),
            convention=source["convention"],
            system="",
            user="\n\n".join(_paragraphs(source["user"], conditions)),
            scope=scope,
            labels=source["labels"],
            rubric=source.get("rubric", "").strip(),
        )


# Any: what a YAML file of ours holds; a test composes every template.
def _paragraphs(entries: list[str | dict[str, Any]], conditions: set[str]) -> Iterator[str]:
    for entry in entries:
        if isinstance(entry, str):
            yield entry.strip()
        elif entry["when"] in conditions:
            yield entry["text"].strip()


@cache
def _load(stem: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((TEXTS / f"{stem}.yaml").read_text(encoding="utf-8"))
    return loaded
