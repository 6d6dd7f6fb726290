"""A user's questions as tasks, by likelihood or in writing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.harness.task import passage_cluster, reasons_of
from benchmarks.metrics.choices import best_choice, best_per_character
from benchmarks.metrics.text import TEXT_METRICS, bleu_n, rouge
from benchmarks.probes.variation import variation_of
from benchmarks.questions.asking import (
    ChoiceQuestion,
    Shot,
    ask_for_letter,
    called,
    choice_score,
    reordered,
)
from benchmarks.questions.judged import (
    PROMPT_VERSION,
    UNJUDGED,
    judge_request,
    judged_score,
)
from benchmarks.questions.reading import AnswerRow, ChoiceRow, read_answers, read_choices
from benchmarks.suites_base import (
    AskProtocol,
    ChatFormatter,
    Json,
    PreparedSample,
    RequestKind,
    Response,
    SampleRequest,
    SampleScore,
    TaskError,
    TaskOptions,
    WrittenTaskError,
    digest,
    limited,
)

MAX_FILE_BYTES = 64 << 20
LIKELIHOOD_METRICS = ("acc", "acc_norm")


def read_file(path: Path) -> str:
    """The text of a user's file, bounded and in UTF-8."""
    if not path.is_file():
        raise TaskError(f"the question file {path} does not exist")
    if path.stat().st_size > MAX_FILE_BYTES:
        raise TaskError(f"the question file {path} is larger than {MAX_FILE_BYTES >> 20} MiB")
    try:
        return path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise TaskError(
            f"the question file {path} is not UTF-8 (byte {error.start}); save it as UTF-8"
        ) from error


class ChoiceTask:
    """Multiple-choice rows; examples, where asked for, are the first rows of a dev file."""

    def __init__(
        self, name: str, rows: Sequence[ChoiceRow], dev: Sequence[ChoiceRow], options: TaskOptions
    ) -> None:
        self.name, self.rows, self.dev, self.options = name, rows, dev, options
        is_native = options.protocol is AskProtocol.NATIVE
        self.primary_metric = "acc,none" if is_native else "acc,letter"
        self.shots = min(options.num_fewshot or 0, len(dev))
        self.variation = variation_of(options.settings, options.seed)

    def build(self, chat: ChatFormatter | None = None) -> list[PreparedSample]:
        count = limited(len(self.rows), self.options.limit)
        return [self._sample(index, row, chat) for index, row in enumerate(self.rows[:count])]

    def _sample(self, index: int, row: ChoiceRow, chat: ChatFormatter | None) -> PreparedSample:
        order = self.options.settings.get("choice_order")
        question = reordered(_with_passage(row), order, index)
        if self.variation is not None:
            question = self.variation.choice(question, index)
        shots = [
            Shot(_with_passage(example), example.question.gold_letters[0])
            for example in self.dev[: self.shots]
        ]
        if self.options.protocol is AskProtocol.NATIVE:
            requests = likelihood_requests(question, shots)
        else:
            requests = ask_for_letter(question, shots, self.options, chat)
        return PreparedSample(
            index=index,
            requests=requests,
            target=question.gold_letters,
            doc={"question": question.text},
            choices=question.choices,
            category=row.category,
            cluster=passage_cluster(row.passage),
        )

    def score(
        self, index: int, sample: Mapping[str, Json], responses: Sequence[Response]
    ) -> SampleScore:
        if self.options.protocol is not AskProtocol.NATIVE:
            return choice_score(sample, responses[0], self.options.extractor)
        return likelihood_score(sample, responses)

    def aggregate(self, metric: str, values: Sequence[Json]) -> None:
        return None

    def identity(self) -> dict[str, Json]:
        made = [[row.question.text, row.question.choices, row.question.gold] for row in self.rows]
        order = self.options.settings.get("choice_order")
        return {"questions": digest(made), "num_fewshot": self.shots, "asks": "choices/2",
                "choice_order": order}  # fmt: skip


def _with_passage(row: ChoiceRow) -> ChoiceQuestion:
    question = row.question
    if not row.passage:
        return question
    text = f"{row.passage.strip()}\n\n{question.text}"
    return ChoiceQuestion(text, question.choices, question.gold, is_chinese=question.is_chinese)


def likelihood_requests(
    question: ChoiceQuestion, shots: Sequence[Shot]
) -> tuple[SampleRequest, ...]:
    """The question with lettered options; each letter is a continuation (MMLU's form).

    Of options that are called by their names, the names are the continuations and are not listed.
    """
    word = "答案：" if question.is_chinese else "Answer:"
    # letters come after a space as everywhere; names of a language without spaces do not
    space = "" if question.is_named and question.is_chinese else " "
    blocks = [_block(s.question, word) + space + s.letter for s in shots]
    context = "\n\n".join([*blocks, _block(question, word)])
    return tuple(
        SampleRequest(RequestKind.LIKELIHOOD, context, space + letter)
        for letter in question.letters
    )


def _block(question: ChoiceQuestion, word: str) -> str:
    if question.is_named:
        return f"{question.text}\n{word}"
    lines = (f"{letter}. {c}" for letter, c in zip(question.letters, question.choices, strict=True))
    return "\n".join([question.text, *lines, word])


def likelihood_score(sample: Mapping[str, Json], responses: Sequence[Response]) -> SampleScore:
    logprobs = [r.logprob if r.logprob is not None else float("-inf") for r in responses]
    choices, target = sample["choices"], sample["target"]
    letters = called(choices)
    best = letters[best_choice(logprobs)]
    # per character of what was scored: of a letter, not of the option that it stands for
    by_length = letters[best_per_character(logprobs, letters)]
    metrics = {"acc,none": float(best in target), "acc_norm,none": float(by_length in target)}
    return SampleScore(metrics, best, reasons_of(responses, best))


class AnswerTask:
    """Questions with reference answers, answered in writing.

    With a ``judge`` (a model's slug) every answer is also graded, and the grade is the score
    unless another metric is asked for.
    """

    primary_metric = "rouge_l,none"

    def __init__(self, name: str, rows: Sequence[AnswerRow], options: TaskOptions) -> None:
        self.name, self.rows, self.options = name, rows, options
        if options.protocol is not AskProtocol.NATIVE:
            raise WrittenTaskError(
                f"task {name!r} has no choices, so it cannot be asked for a letter"
            )
        self.judge = str(options.settings.get("judge") or "")
        chosen = str(options.settings.get("metric") or ("judge" if self.judge else "rouge_l"))
        if chosen == "judge" and not self.judge:
            raise TaskError(
                f"task {name!r} is to be scored by a judge, but none is named; give the slug of a "
                "model with an endpoint as the option judge"
            )
        if chosen not in (*TEXT_METRICS, "judge"):
            known = ", ".join(sorted([*TEXT_METRICS, "judge"]))
            raise TaskError(f"metric {chosen!r} is unknown; choose one of {known}")
        self.primary_metric = f"{chosen},none"
        self.variation = variation_of(options.settings, options.seed)

    def build(self, chat: ChatFormatter | None = None) -> list[PreparedSample]:
        count = limited(len(self.rows), self.options.limit)
        return [self._sample(index, row, chat) for index, row in enumerate(self.rows[:count])]

    def _sample(self, index: int, row: AnswerRow, chat: ChatFormatter | None) -> PreparedSample:
        system = row.system or self.options.system_prompt
        messages = [{"role": "system", "content": system}] if system else []
        question = self.variation.text(row.question) if self.variation else row.question
        messages.append({"role": "user", "content": question})
        decoding = {"max_tokens": 512, "temperature": 0.0, "stop": [], **self.options.generation}
        context = f"{system}\n\n" if system else ""
        context += f"Question: {question}\nAnswer:"
        if chat is None and not self.options.is_chat:
            decoding["stop"] = [*decoding["stop"], "\nQuestion:"]
        request = SampleRequest(
            RequestKind.GENERATION,
            chat(messages) if chat else context,
            decoding=decoding,
            messages=tuple(messages),
        )
        return PreparedSample(
            index=index,
            requests=(request,),
            target=list(row.references),
            doc={"question": question},
            category=row.category,
            cluster=passage_cluster(row.passage),
        )

    def judge_request(
        self, sample: Mapping[str, Json], responses: Sequence[Response]
    ) -> SampleRequest:
        return judge_request(sample["doc"]["question"], sample["target"], responses[0].text)

    def score(
        self, index: int, sample: Mapping[str, Json], responses: Sequence[Response]
    ) -> SampleScore:
        """Every text metric, and the judge's grade from the last response where there is a judge.

        A row without a reference has no text metric and is not averaged in them.
        """
        answer, references = responses[0].text.strip(), sample["target"]
        metrics: dict[str, Any] = {}
        reasons, detail = reasons_of(responses[:1], answer), {}
        if self.judge:
            grade, detail = judged_score(responses[-1]), {"judge": responses[-1].text}
            metrics |= {} if grade is None else {"judge,none": grade}
            reasons += (UNJUDGED,) if grade is None else ()
        if references:
            metrics |= {
                f"{n},none": metric(answer, references) for n, metric in TEXT_METRICS.items()
            }
            for name, value in rouge(answer, references).items():
                metrics[f"{name},none"] = value
            for n in range(1, 5):
                metrics[f"bleu_{n}_alone,none"] = bleu_n(answer, references, n)
        return SampleScore(metrics, answer, reasons, detail)

    def aggregate(self, metric: str, values: Sequence[Json]) -> None:
        return None

    def identity(self) -> dict[str, Json]:
        made = [[row.question, row.references, row.system] for row in self.rows]
        judge = {"judge": self.judge, "judge_prompt": PROMPT_VERSION} if self.judge else {}
        return {"questions": digest(made), "decoding": dict(self.options.generation), **judge}


def open_choices(name: str, path: Path, options: TaskOptions) -> ChoiceTask:
    """``path`` is a file, or a folder of ``<subset>_val`` and ``<subset>_dev`` files."""
    if path.is_dir():
        subsets = options.settings.get("subset_list")
        files = [f for f in sorted(path.glob("*_val.*")) if _is_wanted(f, subsets)]
        rows = [
            row for file in files for row in _subset(read_choices(read_file(file), file.name), file)
        ]
        dev = [
            row
            for file in files
            for other in sorted(path.glob(f"{_subset_name(file)}_dev.*"))
            for row in read_choices(read_file(other), other.name)
        ]
        if not rows:
            raise TaskError(f"no file named <subset>_val.csv or .jsonl is in {path}")
        return ChoiceTask(name, rows, dev, options)
    return ChoiceTask(name, read_choices(read_file(path), path.name), [], options)


def _subset_name(file: Path) -> str:
    return file.stem.rpartition("_")[0]


def _is_wanted(file: Path, subsets: Any) -> bool:
    return not subsets or _subset_name(file) in subsets


def _subset(rows: list[ChoiceRow], file: Path) -> list[ChoiceRow]:
    """Rows without a category of their own are in that of their file."""
    return [
        row if row.category else ChoiceRow(row.question, _subset_name(file), row.passage)
        for row in rows
    ]


def open_answers(name: str, path: Path, options: TaskOptions) -> AnswerTask:
    """``path`` is a file, or a folder of JSONL or CSV files."""
    files = [path]
    if path.is_dir():
        files = sorted(f for f in path.iterdir() if f.suffix in (".jsonl", ".csv"))
        subsets = options.settings.get("subset_list")
        files = [file for file in files if not subsets or file.stem in subsets]
    rows = [row for file in files for row in read_answers(read_file(file), file.name)]
    return AnswerTask(name, rows, options)
