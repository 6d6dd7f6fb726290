"""A multiple-choice task of lm-eval asked for a letter, for models without likelihoods."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from string import ascii_uppercase
from typing import Any

from benchmarks.harness.task import (
    HarnessTask,
    category_of,
    cluster_of,
    readable,
)
from benchmarks.questions.asking import (
    ChoiceQuestion,
    Shot,
    ask_for_letter,
    choice_score,
    reordered,
)
from benchmarks.suites_base import (
    AskProtocol,
    ChatFormatter,
    Json,
    PreparedSample,
    Response,
    SampleScore,
    TaskError,
    TaskOptions,
    WrittenTaskError,
    limited,
)


class LetterTask:
    """The same documents, choices and shots, put as a question with lettered options."""

    primary_metric = "acc,letter"

    def __init__(self, name: str, task: Any, options: TaskOptions) -> None:
        self.inner = HarnessTask(name, task, options)
        self.name, self.task, self.options = name, task, options
        if task.get_config("output_type") != "multiple_choice":
            is_written = task.get_config("output_type") == "generate_until"
            raise (WrittenTaskError if is_written else TaskError)(
                f"task {name!r} has no choices, so it cannot be asked for a letter; "
                "leave the protocol at its own"
            )

    def build(self, chat: ChatFormatter | None = None) -> list[PreparedSample]:
        docs = self.inner.documents
        self.task.set_fewshot_seed(seed=self.options.seed)
        samples = []
        for index in range(limited(len(docs), self.options.limit)):
            doc = docs[index]
            order = self.options.settings.get("choice_order")
            question = reordered(self._question(doc), order, index)
            samples.append(
                PreparedSample(
                    index=index,
                    requests=ask_for_letter(question, self._shots(doc), self.options, chat),
                    target=question.gold_letters,
                    doc=readable(doc),
                    choices=question.choices,
                    category=category_of(doc),
                    cluster=cluster_of(doc),
                )
            )
        return samples

    def _question(self, doc: Any) -> ChoiceQuestion:
        text, target = self.task.doc_to_text(doc), self.task.doc_to_target(doc)
        choices = [str(choice).strip() for choice in self.task.doc_to_choice(doc)]
        if isinstance(text, int):
            # WinoGrande's form: the choices are beginnings and the target is the common end
            ended = tuple(f"{choice} {str(target).strip()}" for choice in choices)
            return ChoiceQuestion("Which of these sentences makes sense?", ended, (text,))
        gold = _gold(target, choices)
        if all(choice == ascii_uppercase[i] for i, choice in enumerate(choices)):
            # the options stand in the question already
            return ChoiceQuestion(str(text), tuple(choices), gold, lists_options=False)
        return ChoiceQuestion(str(text), tuple(choices), gold)

    def _shots(self, doc: Any) -> list[Shot]:
        count = self.inner.num_fewshot
        if not count:
            return []
        is_same_split = self.task.fewshot_cfg.split == self.task.config.test_split
        drawn = self.task.sampler.sample(n=count, eval_doc=doc if is_same_split else None)
        return [Shot(question, question.gold_letters[0]) for question in map(self._question, drawn)]

    def score(
        self, index: int, sample: Mapping[str, Json], responses: Sequence[Response]
    ) -> SampleScore:
        return choice_score(sample, responses[0], self.options.extractor)

    def aggregate(self, metric: str, values: Sequence[Json]) -> None:
        return None

    def identity(self) -> dict[str, Json]:
        order = self.options.settings.get("choice_order")
        return self.inner.identity() | {"asks": "letter/1", "choice_order": order}


def _gold(target: Any, choices: Sequence[str]) -> tuple[int, ...]:
    found = target if isinstance(target, list) else [target]
    gold = []
    for part in found:
        if isinstance(part, int):
            gold.append(part)
        elif str(part).strip() in choices:
            gold.append(choices.index(str(part).strip()))
    return tuple(gold)


def open_harness_task(name: str, task: Any, options: TaskOptions) -> HarnessTask | LetterTask:
    if options.protocol is AskProtocol.NATIVE:
        return HarnessTask(name, task, options)
    return LetterTask(name, task, options)
