"""HumanEval, MBPP and the user's own programming problems, run in the sandbox."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.questions.problems import (
    form_of,
    instruction,
    is_stub,
    problem_of,
    program_of,
    read_problems,
    solution,
)
from benchmarks.questions.tasks import read_file
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
# the solved problems that the paper shows first, by their task_id
MBPP_EXAMPLES = (2, 3, 4)
DATASETS = {
    "humaneval": ("openai/openai_humaneval", "openai_humaneval"),
    "mbpp": ("google-research-datasets/mbpp", "full"),
    "mbpp_sanitized": ("google-research-datasets/mbpp", "sanitized"),
}


class SandboxUnavailableError(RuntimeError):
    """The sandbox itself failed: the sample has no score and may be tried again."""


class ProgramTask:
    """Problems whose answers are run against tests.

    ``samples`` answers are drawn per problem; with more than one they are sampled at temperature
    0.2 unless the run says otherwise (Chen et al. 2021 for pass@1). ``examples`` are solved
    problems to show first; a model without a chat format sees MBPP's three unless told otherwise.
    """

    is_thread_safe = True

    def __init__(
        self,
        name: str,
        rows: Sequence[Mapping[str, Any]],
        options: TaskOptions,
        examples: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        self.name, self.rows, self.options, self.examples = name, rows, options, examples
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
        messages = self._conversation(row)
        context = chat(messages) if chat else self._base_prompt(row)
        stops = () if asks_in_words else HUMANEVAL_STOPS if is_stub(row) else MBPP_STOPS
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

    def _conversation(self, row: Mapping[str, Any]) -> tuple[Mapping[str, str], ...]:
        turns = []
        for example in self.examples[: self.options.num_fewshot or 0]:
            turns.append({"role": "user", "content": instruction(example)})
            code = f"```python\n{solution(example)}\n```"
            turns.append({"role": "assistant", "content": code})
        return (*turns, {"role": "user", "content": instruction(row)})

    def _base_prompt(self, row: Mapping[str, Any]) -> str:
        """For a model without a chat format: code to go on with."""
        if is_stub(row):
            return str(row["prompt"])
        wanted = self.options.num_fewshot
        shots = self.examples[: len(MBPP_EXAMPLES) if wanted is None else wanted]
        solved = [f"{form_of(example)}{solution(example)}\n[DONE]\n\n" for example in shots]
        return "".join(solved) + form_of(row)

    def programs(self, index: int, responses: Sequence[Response]) -> list[Program]:
        """What is run for each answer."""
        row = self.rows[index]
        return [program_of(row, found.text) for found in responses]

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
        kept = [[row.get("task_id"), problem_of(row)] for row in self.rows]
        return {"problems": digest(kept), "samples": self.samples,
                "num_fewshot": self.options.num_fewshot if self.examples else 0,
                "decoding": dict(self.options.generation)}  # fmt: skip


def _read(name: str, options: TaskOptions) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The problems to solve, and solved ones to show."""
    path = options.settings.get("local_path")
    if path:
        return read_problems(read_file(Path(str(path))), str(path)), []
    import datasets

    from benchmarks.harness.data import data_from

    dataset, config = DATASETS[name]
    with data_from(options.data):
        loaded = datasets.load_dataset(dataset, config)
    shown = [dict(row) for row in loaded["prompt"]] if "prompt" in loaded else []
    examples = [row for row in shown if row.get("task_id") in MBPP_EXAMPLES]
    return [dict(row) for row in loaded["test"]], examples


class ProgramSuite:
    def cards(self, home: Path | None) -> list[TaskCard]:
        return [
            TaskCard("humaneval", "programs", title="HumanEval", output_type="generate_until",
                     description="164 Python functions, run in the sandbox",
                     dataset="openai/openai_humaneval"),
            TaskCard("mbpp", "programs", title="MBPP", output_type="generate_until",
                     description="Short Python problems, run in the sandbox",
                     dataset="google-research-datasets/mbpp"),
            TaskCard("mbpp_sanitized", "programs", title="MBPP, sanitized",
                     output_type="generate_until",
                     description="MBPP's hand-verified problems, run in the sandbox",
                     dataset="google-research-datasets/mbpp sanitized"),
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
        rows, examples = _read(name, options)
        return ProgramTask(name, rows, options, examples)


SUITES.register("programs")(ProgramSuite())
