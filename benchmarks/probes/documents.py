"""A document with its options in another order, in the fields that benchmark data have.

A model that knows the answers loses nothing by it; one that learnt where they stand does.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping, Sequence
from string import ascii_uppercase
from typing import Any

Document = dict[str, Any]  # a row of any data set
# the new order for these options, as their old places; None leaves them alone
Ordering = Callable[[Sequence[str]], list[int] | None]

LAST_OPTION = re.compile(
    r"^\s*(?:all|none|both|neither|any) of (?:the )?(?:above|these|those)|^\s*以上", re.IGNORECASE
)
# an option that speaks of others by their letters means something else in another place
NAMES_OPTIONS = re.compile(
    r"(?<![A-Za-z])(?:both|neither|either)?\s*\(?[A-D]\)?\s*(?:and|or|nor|,|、|和|或)\s*\(?[A-D]\)?"
    r"(?![A-Za-z])"
)


def new_order(options: Sequence[str], shuffle: Callable[[list[int]], None]) -> list[int] | None:
    """A shuffled order in which "all of the above" stays last; None where letters are named."""
    if len(options) < 2 or any(NAMES_OPTIONS.search(option) for option in options):
        return None
    fixed = len(options) - 1 if LAST_OPTION.search(options[-1]) else len(options)
    order = list(range(fixed))
    shuffle(order)
    return order + list(range(fixed, len(options)))


def reorder_options(doc: Mapping[str, Any], ordering: Ordering) -> Document | None:
    """``doc`` with its options reordered and its answer moved along; None for unknown fields."""
    for change in (_lettered, _labelled, _problems, _numbered, _listed):
        found = change(dict(doc), ordering)
        if found is not None:
            return found
    return None


def _moved(options: Sequence[Any], ordering: Ordering) -> tuple[list[Any], list[int]]:
    order = ordering([str(option) for option in options]) or list(range(len(options)))
    return [options[old] for old in order], order


def _lettered(doc: Document, ordering: Ordering) -> Document | None:
    """C-Eval, CMMLU: one field per letter, the answer is a letter."""
    name = next((key for key in ("answer", "Answer") if key in doc), None)
    letters = [letter for letter in ascii_uppercase[:10] if doc.get(letter) is not None]
    if name is None or len(letters) < 2 or doc[name] not in letters:
        return None
    options, order = _moved([doc[letter] for letter in letters], ordering)
    answer = letters[order.index(letters.index(doc[name]))]
    return {**doc, **dict(zip(letters, options, strict=True)), name: answer}


def _labelled(doc: Document, ordering: Ordering) -> Document | None:
    """ARC, OpenBookQA, CommonsenseQA: texts with labels, the answer is a label."""
    choices, key = doc.get("choices"), doc.get("answerKey")
    if not isinstance(choices, Mapping) or key not in (choices.get("label") or ()):
        return None
    labels = list(choices["label"])
    texts, order = _moved(choices["text"], ordering)
    answer = labels[order.index(labels.index(key))]
    return {**doc, "choices": {**choices, "text": texts}, "answerKey": answer}


def _problems(doc: Document, ordering: Ordering) -> Document | None:
    """RACE: the questions about an article, written out as a Python list."""
    if not isinstance(doc.get("problems"), str):
        return None
    problems = []
    for problem in ast.literal_eval(doc["problems"]):
        options, order = _moved(problem["options"], ordering)
        place = order.index(ascii_uppercase.index(problem["answer"]))
        problems.append({**problem, "options": options, "answer": ascii_uppercase[place]})
    return {**doc, "problems": repr(problems)}


def _numbered(doc: Document, ordering: Ordering) -> Document | None:
    """WinoGrande: two options counted from 1."""
    if "option1" not in doc or str(doc.get("answer")) not in ("1", "2"):
        return None
    options, order = _moved([doc["option1"], doc["option2"]], ordering)
    answer = order.index(int(doc["answer"]) - 1) + 1
    kept = str(answer) if isinstance(doc["answer"], str) else answer
    return {**doc, "option1": options[0], "option2": options[1], "answer": kept}


def _listed(doc: Document, ordering: Ordering) -> Document | None:
    """MMLU, HellaSwag and their like: a list, and the answer's place or letter."""
    listed = next(
        (k for k in ("choices", "options", "endings") if isinstance(doc.get(k), list)), ""
    )
    answer = next((k for k in ("answer", "label", "gold", "answer_index") if k in doc), "")
    place = _place(doc.get(answer), len(doc.get(listed) or ()))
    if not listed or place is None:
        return None
    options, order = _moved(doc[listed], ordering)
    return {**doc, listed: options, answer: _like(doc[answer], order.index(place))}


def _place(answer: Any, count: int) -> int | None:
    if isinstance(answer, str):
        if len(answer) == 1 and answer in ascii_uppercase[:count]:
            return ascii_uppercase.index(answer)
        answer = int(answer) if answer.isdigit() else -1
    is_place = isinstance(answer, int) and not isinstance(answer, bool) and 0 <= answer < count
    return answer if is_place else None


def _like(old: Any, place: int) -> Any:
    """``place`` in the form that the answer had: a letter, digits, or a number."""
    if isinstance(old, str):
        return str(place) if old.isdigit() else ascii_uppercase[place]
    return place
