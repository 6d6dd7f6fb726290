from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db.models import Count, IntegerField, OuterRef, Q, QuerySet, Subquery, TextField
from django.db.models.functions import Cast, Coalesce

from arena.models import Answer, Battle, LanguageModel, Question, QuestionSet, WorkStatus
from arena.models.question import LIVE_SET
from arena.panels import Panel, answer_panels
from arena.selectors.disclosure import disclosed_answer, disclosed_question

ANSWERS_SIDE_BY_SIDE = 6


def listed_questions(chosen: Mapping[str, str]) -> QuerySet[Question]:
    """Questions by set, category, dimension, language, tag and words, with ``n_answers``."""
    tagged = Question.objects.tagged(chosen["tag"]) if "tag" in chosen else Question.objects.all()
    questions: QuerySet[Question] = tagged.select_related("question_set")
    columns = {
        "set": "question_set__slug",
        "category": "category",
        "dimension": "dimension",
        "language": "language",
    }
    for key, column in columns.items():
        if key in chosen:
            questions = questions.filter(**{column: chosen[key]})
    if "q" in chosen:
        # visitors' own words are not to be searched for names and numbers
        visible = questions.exclude(question_set__slug=LIVE_SET)
        questions = _with_words(visible, chosen["q"])
    return questions.annotate(n_answers=_answer_count()).order_by("question_set__slug", "id")


def _answer_count() -> Coalesce:
    # a subquery is counted for the shown page only; a join would group every question first
    answers = Answer.objects.done().in_answer_set().filter(question=OuterRef("pk"))
    counted = answers.order_by().values("question").annotate(n=Count("pk")).values("n")
    return Coalesce(Subquery(counted, output_field=IntegerField()), 0)


def _with_words(questions: QuerySet[Question], words: str) -> QuerySet[Question]:
    # SQLite keeps JSON as it was written, with \u escapes for Chinese; PostgreSQL unescapes it
    escaped = json.dumps(words)[1:-1]
    return questions.annotate(_turns_text=Cast("turns", TextField())).filter(
        Q(_turns_text__icontains=words)
        | Q(_turns_text__icontains=escaped)
        | Q(external_id__icontains=words)
    )


@dataclass(frozen=True, slots=True)
class Exchange:
    """One turn of a conversation: what the user said, and what the model answered."""

    number: int
    text: str
    reasoning: str


@dataclass(frozen=True, slots=True)
class ShownAnswer:
    """A model's answer with what the rooms above say about it."""

    answer: Answer
    turns: list[Exchange]
    panels: list[Panel]

    @property
    def has_failed(self) -> bool:
        return self.answer.status == WorkStatus.FAILED


@dataclass(frozen=True, slots=True)
class ModelChoice:
    model: LanguageModel
    is_shown: bool


@dataclass(frozen=True, slots=True)
class QuestionPage:
    """``choices`` lists every model with an answer; ``answers`` those shown side by side."""

    question: Question
    choices: list[ModelChoice]
    answers: list[ShownAnswer]
    n_battles: int
    previous_id: int | None
    next_id: int | None


def question_page(
    question: Question, wanted: Sequence[str], *, may_read_all: bool = True
) -> QuestionPage:
    """All that one question's page shows; ``wanted`` are slugs of models, none means the first.

    Where the reader may not read all, texts come without personal data.
    """
    rows = (
        Answer.objects.in_answer_set()
        .filter(question=question, status__in=(WorkStatus.DONE, WorkStatus.FAILED))
        .select_related("model")
        .order_by("model__display_name")
    )
    answers = list(rows)
    shown = [row for row in answers if row.model.slug in wanted] or answers
    shown = shown[:ANSWERS_SIDE_BY_SIDE]
    shown_ids = {row.model_id for row in shown}
    siblings = Question.objects.filter(question_set=question.question_set).order_by()
    return QuestionPage(
        question=question if may_read_all else disclosed_question(question),
        choices=[ModelChoice(row.model, row.model_id in shown_ids) for row in answers],
        answers=_shown_answers(shown, may_read_all),
        n_battles=Battle.objects.filter(question=question).count(),
        previous_id=_edge(siblings.filter(pk__lt=question.pk).order_by("-pk")),
        next_id=_edge(siblings.filter(pk__gt=question.pk).order_by("pk")),
    )


def _edge(questions: QuerySet[Question]) -> int | None:
    return questions.values_list("pk", flat=True).first()


def _shown_answers(answers: Sequence[Answer], may_read_all: bool) -> list[ShownAnswer]:
    panels = answer_panels(answers, may_read_all=may_read_all)
    if not may_read_all:
        answers = [disclosed_answer(row) for row in answers]
    return [ShownAnswer(row, exchanges(row), panels.get(row.pk, [])) for row in answers]


def exchanges(answer: Answer) -> list[Exchange]:
    """The answer turn by turn; reasoning stands with its turn where the endpoint gave any."""
    return [
        Exchange(
            number, text, answer.reasoning[number - 1] if len(answer.reasoning) >= number else ""
        )
        for number, text in enumerate(answer.turns, start=1)
    ]


def listed_question_sets() -> QuerySet[QuestionSet]:
    """Sets with ``n_questions`` and, by languages, what they are made of."""
    return QuestionSet.objects.select_related("license").annotate(
        n_questions=Count("questions"),
        n_english=Count("questions", filter=Q(questions__language="en")),
        n_chinese=Count("questions", filter=Q(questions__language="zh")),
        n_with_reference=Count("questions", filter=~Q(questions__references=[])),
        n_categories=Count("questions__category", distinct=True),
    )
