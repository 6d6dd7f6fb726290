"""Programming problems in the fields of HumanEval and MBPP: read, asked, and made a program."""

from __future__ import annotations

import ast
import builtins
import json
import re
from collections.abc import Mapping
from typing import Any

from benchmarks.questions.reading import QuestionFileError, RowError, rows_of
from benchmarks.sandbox.verdicts import Program

FENCED = re.compile(r"```(?:python|py)?\s*\n(.*?)```", re.DOTALL)
CHAT_INSTRUCTION = (
    "Write the complete Python function that solves the following problem. Reply with one code "
    "block that holds the whole function, imports included.\n\n{problem}"
)
# the form that MBPP was published with (google-research, mbpp/README)
MBPP_FORM = (
    "You are an expert Python programmer, and here is your task: {text} "
    "Your code should pass these tests:\n\n{tests}\n[BEGIN]\n"
)


def is_stub(row: Mapping[str, Any]) -> bool:
    """HumanEval's fields: the beginning of a function, and ``check(candidate)``.

    MBPP's sanitized rows have a ``prompt`` too, which is the task in words.
    """
    return "test" in row and "entry_point" in row


def _words(row: Mapping[str, Any]) -> str:
    return str(row.get("text") or row["prompt"])


def _listed(row: Mapping[str, Any]) -> str:
    return "\n".join(str(test) for test in row.get("test_list") or [])


def problem_of(row: Mapping[str, Any]) -> str:
    if is_stub(row):
        return str(row["prompt"])
    return f"{_words(row)}\nYour code should pass these tests:\n{_listed(row)}"


def instruction(row: Mapping[str, Any]) -> str:
    return CHAT_INSTRUCTION.format(problem=problem_of(row))


def form_of(row: Mapping[str, Any]) -> str:
    return MBPP_FORM.format(text=_words(row), tests=_listed(row))


def solution(row: Mapping[str, Any]) -> str:
    return str(row["code"]).replace("\r\n", "\n").rstrip()


def program_of(row: Mapping[str, Any], answer: str) -> Program:
    """The answer as a whole program: a fenced block, else the prompt's continuation.

    MBPP's ``test_imports`` (sanitized rows) and ``test_setup_code`` (the others; it may use the
    program's own classes) come before its ``test_list``. ``challenge_test_list`` is no part of the
    published score (Austin et al. 2021) and is not run.
    """
    fenced = FENCED.search(answer)
    if is_stub(row):
        name = str(row["entry_point"])
        source = str(row["prompt"]) + answer
        if fenced:
            # the prompt stays in front for its imports and helpers; the block defines the rest
            source = f"{row['prompt']}    pass\n\n{fenced[1]}"
        stub = f"{row['prompt']}    pass\n"
        return Program(source, f"{row['test']}\ncheck({name})\n", helpers=stub, entry=name)
    before = [*(row.get("test_imports") or []), str(row.get("test_setup_code") or "")]
    code = fenced[1] if fenced else answer
    return Program(code, "\n".join([*before, _listed(row)]), entry=_tested_name(row))


def _tested_name(row: Mapping[str, Any]) -> str:
    """The tested function where it is called like a builtin; programs replace no other of them.

    MBPP asks for a function ``sum`` of two numbers, for one.
    """
    try:
        defined = {node.name for node in ast.parse(str(row.get("code") or "")).body
                   if isinstance(node, ast.FunctionDef | ast.ClassDef)}  # fmt: skip
    except (SyntaxError, ValueError):
        return ""
    called = re.findall(r"(\w+)\s*\(", _listed(row))
    return next((n for n in called if n in defined and hasattr(builtins, n)), "")


def read_problems(text: str, name: str) -> list[dict[str, Any]]:
    """Problems of a JSONL file, or of one JSON list (as MBPP's sanitized file is).

    Raises QuestionFileError with every row that cannot be used.
    """
    if text.lstrip().startswith("["):
        text, name = _as_lines(text, name), f"{name} (a list, its entries counted as lines)"
    made, errors = [], []
    for line, row in rows_of(text, ""):
        reason = row if isinstance(row, str) else _missing(row)
        if reason:
            errors.append(RowError(line, reason))
        else:
            made.append(dict(row))  # type: ignore[arg-type]  # a row without a reason is a mapping
    if errors or not made:
        raise QuestionFileError(name, errors or [RowError(1, "the file holds no problems")])
    return made


def _as_lines(text: str, name: str) -> str:
    try:
        return "\n".join(json.dumps(row) for row in json.loads(text))
    except ValueError as error:
        raise QuestionFileError(name, [RowError(1, f"not valid JSON ({error})")]) from error


def _missing(row: Mapping[str, Any]) -> str:
    """What a problem lacks, in words; an empty text for a good one."""
    if is_stub(row):
        return "" if row.get("prompt") else "the prompt is missing"
    if not isinstance(row.get("test_list"), list) or not row["test_list"]:
        return "lacks its tests; give prompt, test and entry_point, or text and test_list"
    return "" if row.get("text") or row.get("prompt") else "the text is missing"
