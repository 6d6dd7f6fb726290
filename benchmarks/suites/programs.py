"""HumanEval, MBPP and the user's own programming problems, run in the sandbox."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.sandbox.verdicts import Program, Status
from benchmarks.statistics.pass_at_k import pass_at_k
from benchmarks.suites import SUITES
from benchmarks.suites_base import (
    ChatFormatter,
    Json,
    OpenTask,
    PreparedSample,
    Reason,
    RequestKind,
    Response,
    SampleRequest,
    SampleScore,
    TaskCard,
    TaskError,
    TaskOptions,
    TaskTree,
    digest,
    limited,
)

# the stops and length of the published HumanEval harness for base models
HUMANEVAL_STOPS = ("\nclass", "\ndef", "\n#", "\nif", "\nprint")
MBPP_STOPS = ("[DONE]", "\n[BEGIN]")
MAX_TOKENS = 1024
FENCED = re.compile(r"```(?:python|py)?\s*\n(.*?)```", re.DOTALL)
CHAT_INSTRUCTION = (
    "Write the complete Python function that solves the following problem. Reply with one code "
    "block that holds the whole function, imports included.\n\n{problem}"
)
DATASETS = {
    "humaneval": ("openai/openai_humaneval", "openai_humaneval"),
    "mbpp": ("google-research-datasets/mbpp", "full"),
}


class SandboxUnavailableError(RuntimeError):
    """The sandbox itself failed: the sample has no score and may be tried again."""


class ProgramTask:
    """Problems whose answers are run against tests.

    ``samples`` answers are drawn per problem; with more than one they are sampled at temperature
    0.2 unless the run says otherwise (Chen et al. 2021 for pass@1).
    """

    is_thread_safe = True

    def __init__(self, name: str, rows: Sequence[Mapping[str, Any]], options: TaskOptions) -> None:
        self.name, self.rows, self.options = name, rows, options
        self.samples = int(options.settings.get("samples") or 1)
        asked = options.settings.get("k") or [1]
        self.ks = [int(k) for k in (asked if isinstance(asked, list) else [asked])]
        if self.samples < max(self.ks):
            raise TaskError(
                f"pass@{max(self.ks)} needs at least {max(self.ks)} samples per problem; "
                f"there are {self.samples}"
            )
        # the administrator's word, not the run's: whoever starts runs cannot give it
        self.allows_unsafe = os.environ.get("SANDBOX_ALLOW_UNSAFE", "").lower() == "true"
        self.primary_metric = f"pass@{min(self.ks)},none"

    def build(self, chat: ChatFormatter | None = None) -> list[PreparedSample]:
        from benchmarks.sandbox.runner import required_isolation
        from benchmarks.sandbox.verdicts import UnsafeSandboxError

        try:
            # before the model is asked for programs that nobody would run
            required_isolation(allows_unsafe=self.allows_unsafe)
        except UnsafeSandboxError as error:
            raise TaskError(f"task {self.name!r} runs a model's programs: {error}") from error
        count = limited(len(self.rows), self.options.limit)
        return [self._sample(index, row, chat) for index, row in enumerate(self.rows[:count])]

    def _sample(
        self, index: int, row: Mapping[str, Any], chat: ChatFormatter | None
    ) -> PreparedSample:
        asks_in_words = chat is not None or self.options.is_chat
        content = CHAT_INSTRUCTION.format(problem=_problem(row))
        messages = ({"role": "user", "content": content},)
        context = chat(messages) if chat else _base_prompt(row)
        stops = () if asks_in_words else HUMANEVAL_STOPS if "prompt" in row else MBPP_STOPS
        decoding = {
            "max_tokens": MAX_TOKENS,
            "temperature": 0.0 if self.samples == 1 else 0.2,
            "stop": list(stops),
            "seed": self.options.seed,
            **self.options.generation,
        }
        request = SampleRequest(
            RequestKind.GENERATION,
            context,
            decoding=decoding,
            messages=messages if asks_in_words else (),
        )
        name = str(row.get("task_id", index))
        return PreparedSample(index, (request,) * self.samples, name, dict(row), category="")

    def programs(self, index: int, responses: Sequence[Response]) -> list[Program]:
        """What is run for each answer."""
        row = self.rows[index]
        return [_program(row, found.text) for found in responses]

    def score(
        self, index: int, sample: Mapping[str, Json], responses: Sequence[Response]
    ) -> SampleScore:
        from benchmarks.sandbox.runner import required_isolation, run_programs

        level = required_isolation(allows_unsafe=self.allows_unsafe)
        verdicts = run_programs(self.programs(index, responses), isolation=level)
        broken = [v for v in verdicts if v.status is Status.SANDBOX_ERROR]
        if broken:
            raise SandboxUnavailableError(broken[0].detail)
        right = sum(verdict.is_passed for verdict in verdicts)
        metrics = {f"pass@{k},none": pass_at_k(len(verdicts), right, k) for k in self.ks}
        told = [f"{verdict.status}: {verdict.detail}".strip(": ") for verdict in verdicts]
        reasons = [Reason.EMPTY] if not any(r.text.strip() for r in responses) else []
        if any(found.finish_reason == "length" for found in responses):
            reasons.append(Reason.TRUNCATED)
        detail = {"verdicts": told, "isolation": level.name, "passed": right}
        return SampleScore(metrics, "; ".join(told)[:500], tuple(reasons), detail)

    def aggregate(self, metric: str, values: Sequence[Json]) -> None:
        return None

    def identity(self) -> dict[str, Json]:
        kept = [[row.get("task_id"), _problem(row)] for row in self.rows]
        return {"problems": digest(kept), "samples": self.samples,
                "decoding": dict(self.options.generation)}  # fmt: skip


def _problem(row: Mapping[str, Any]) -> str:
    if "prompt" in row and "test" in row:
        return str(row["prompt"])
    tests = "\n".join(row.get("test_list") or [])
    return f"{row.get('text') or row.get('prompt')}\nYour code should pass these tests:\n{tests}"


def _base_prompt(row: Mapping[str, Any]) -> str:
    """For a model without a chat format: code to go on with."""
    if "prompt" in row and "test" in row:
        return str(row["prompt"])
    return f"{_problem(row)}\n[BEGIN]\n"


def _program(row: Mapping[str, Any], answer: str) -> Program:
    """The answer as a whole program: a fenced block, else the prompt's continuation."""
    fenced = FENCED.search(answer)
    if "test" in row:
        name = str(row["entry_point"])
        source = str(row["prompt"]) + answer
        if fenced:
            # the prompt stays in front for its imports and helpers; the block defines the rest
            source = f"{row['prompt']}    pass\n\n{fenced[1]}"
        stub = f"{row['prompt']}    pass\n"
        return Program(source, f"{row['test']}\ncheck({name})\n", helpers=stub, entry=name)
    setup = str(row.get("test_setup_code") or "")
    code = fenced[1] if fenced else answer
    return Program(code, "\n".join([setup, *(row.get("test_list") or [])]))


def _read(name: str, options: TaskOptions) -> list[dict[str, Any]]:
    path = options.settings.get("local_path")
    if path:
        lines = Path(str(path)).read_text().splitlines()
        return [json.loads(line) for line in lines if line.strip()]
    import datasets

    from benchmarks.harness.data import data_from

    dataset, config = DATASETS[name]
    with data_from(options.data):
        loaded = datasets.load_dataset(dataset, config)
    return [dict(row) for row in loaded["test"]]


class ProgramSuite:
    def cards(self, home: Path | None) -> list[TaskCard]:
        return [
            TaskCard("humaneval", "programs", title="HumanEval", output_type="generate_until",
                     description="164 Python functions, run in the sandbox",
                     dataset="openai/openai_humaneval"),
            TaskCard("mbpp", "programs", title="MBPP", output_type="generate_until",
                     description="Short Python problems, run in the sandbox",
                     dataset="google-research-datasets/mbpp"),
            TaskCard("general_code", "programs", title="Own programming problems",
                     output_type="generate_until",
                     description="JSONL in HumanEval's or MBPP's fields"),
        ]  # fmt: skip

    def resolve(self, name: str, home: Path | None) -> TaskTree | None:
        is_ours = name in DATASETS or name.partition(":")[0] == "general_code"
        return TaskTree((name,)) if is_ours else None

    def open(self, name: str, options: TaskOptions) -> OpenTask:
        if name not in DATASETS and not options.settings.get("local_path"):
            raise TaskError(f"task {name!r} needs a file; give it as the setting local_path")
        return ProgramTask(name, _read(name, options), options)


SUITES.register("programs")(ProgramSuite())
