"""Workloads: what is asked, how long, with which salt."""

import orjson
import pytest

from registry import UnknownPartError
from speed.plan import SALT_MARKER
from speed.workloads import WORKLOADS, Recipe, WorkloadError, write_requests
from speed.workloads.trace import read_trace


def prepared(tmp_path, workload, recipe):
    path = tmp_path / "requests.jsonl"
    write_requests(path, recipe, workload)
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


def contents(entry):
    return [message["content"] for message in entry["body"]["messages"]]


def options_for(workload, tmp_path):
    prompts, trace = tmp_path / "prompts.txt", tmp_path / "trace.jsonl"
    prompts.write_text("one\ntwo\n", encoding="utf-8")
    trace.write_text('{"timestamp": 0, "input_length": 3, "output_length": 4}\n')
    path = {"prompts": prompts, "trace": trace}.get(workload)
    return {"path": str(path), "turns": [["one", "two"]] if workload == "questions" else 2}


@pytest.mark.parametrize("workload", WORKLOADS)
def test_every_workload_salts_its_prompts_by_default(tmp_path, workload):
    recipe = Recipe("mock", count=2, output_tokens=5, options=options_for(workload, tmp_path))

    entries = prepared(tmp_path, workload, recipe)

    assert entries
    assert all(any(SALT_MARKER in text for text in contents(entry)) for entry in entries)


@pytest.mark.parametrize("workload", WORKLOADS)
def test_the_salt_can_be_left_out(tmp_path, workload):
    recipe = Recipe("mock", count=2, is_salted=False, options=options_for(workload, tmp_path))

    entries = prepared(tmp_path, workload, recipe)

    assert not any(SALT_MARKER in text for entry in entries for text in contents(entry))


@pytest.mark.parametrize(
    "line",
    [
        '{"prompt": "Hi"}',
        '{"question": "Hi"}',
        '{"messages": [{"role": "user", "content": "Hi"}]}',
        '{"turns": ["Hi", "And?"]}',
        '"Hi"',
    ],
)
def test_jsonl_prompts_are_read_in_the_common_spellings(tmp_path, line):
    file = tmp_path / "p.jsonl"
    file.write_text(line + "\n", encoding="utf-8")

    entries = prepared(
        tmp_path, "prompts", Recipe("mock", is_salted=False, options={"path": str(file)})
    )

    assert contents(entries[0]) == ["Hi"]


@pytest.mark.parametrize("line", ["{broken", '{"id": 3}', "3"])
def test_a_prompt_that_cannot_be_read_is_named_with_its_line(tmp_path, line):
    file = tmp_path / "p.jsonl"
    file.write_text('"Hi"\n' + line + "\n", encoding="utf-8")

    with pytest.raises(WorkloadError, match="line 2"):
        prepared(tmp_path, "prompts", Recipe("mock", options={"path": str(file)}))


def test_a_missing_prompt_file_is_named(tmp_path):
    with pytest.raises(WorkloadError, match=r"gone\.txt"):
        prepared(tmp_path, "prompts", Recipe("mock", options={"path": "gone.txt"}))


@pytest.mark.parametrize("distribution", ["uniform", "lognormal"])
def test_random_lengths_keep_their_mean(tmp_path, distribution):
    options = {"input_tokens": 200, "distribution": distribution, "spread": 0.5}
    recipe = Recipe("mock", count=1000, output_tokens=50, is_salted=False, options=options)

    entries = prepared(tmp_path, "random", recipe)

    lengths = [len(contents(entry)[0].split()) for entry in entries]
    assert sum(lengths) / 1000 == pytest.approx(200, rel=0.06)  # standard error: 1.6 %
    assert len(set(lengths)) > 50


def test_shared_prefixes_are_common_within_a_group_and_new_in_every_run(tmp_path):
    recipe = Recipe("mock", count=4, options={"groups": 2, "prefix_tokens": 20})

    first = [contents(entry)[0] for entry in prepared(tmp_path, "shared_prefix", recipe)]
    second = [contents(entry)[0] for entry in prepared(tmp_path, "shared_prefix", recipe)]

    assert len(set(first)) == 2
    assert not set(first) & set(second)
    assert not any(SALT_MARKER in prefix for prefix in first)


def test_later_turns_carry_the_history(tmp_path):
    recipe = Recipe("mock", count=1, options={"turns": 3})

    lengths = [len(contents(entry)) for entry in prepared(tmp_path, "multi_turn", recipe)]

    assert lengths == [1, 3, 5]


def test_a_fixed_length_can_forbid_the_end_token(tmp_path):
    recipe = Recipe("mock", count=1, output_tokens=9, ignore_eos=True)

    body = prepared(tmp_path, "random", recipe)[0]["body"]

    assert (body["max_tokens"], body["min_tokens"], body["ignore_eos"]) == (9, 9, True)


def test_completions_get_a_plain_prompt(tmp_path):
    body = prepared(tmp_path, "random", Recipe("mock", api="completions", count=1))[0]["body"]

    assert "messages" not in body
    assert isinstance(body["prompt"], str)


def test_a_trace_counts_from_its_first_arrival(tmp_path):
    file = tmp_path / "t.jsonl"
    line = '{"timestamp": %d, "input_length": 3, "output_length": 4}\n'
    file.write_text("".join(line % time for time in (5000, 5250)))

    assert [entry.offset_s for entry in read_trace(str(file))] == [0.0, 0.25]


def test_an_unknown_workload_is_refused_with_the_known_ones(tmp_path):
    with pytest.raises(UnknownPartError, match="multi_turn"):
        prepared(tmp_path, "nonsense", Recipe("mock"))
