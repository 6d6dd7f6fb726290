"""Public pages of what is compared: the first page, questions, models, battles.

A list answers htmx with the same partial that stands in its full page.
"""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from arena.filters import BattleFilter, ModelFilter, QuestionFilter
from arena.models import Battle, LanguageModel, Question
from arena.panels import page_panels
from arena.selectors.battles import battle_page, listed_battles, tally
from arena.selectors.disclosure import may_read_all
from arena.selectors.home import home_page
from arena.selectors.models import answers_of, listed_models, model_facts
from arena.selectors.questions import listed_question_sets, listed_questions, question_page
from arena.voting.battle_review import battle_review

ROWS_PER_PAGE = 25


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    context = {
        "page": home_page(is_staff=request.user.is_staff),
        "panels": page_panels("home", None, request),
    }
    return render(request, "arena/home.html", context)


@require_safe
def question_list(request: HttpRequest) -> HttpResponse:
    form = QuestionFilter(request.GET)
    chosen = form.chosen()
    pages = Paginator(listed_questions(chosen), ROWS_PER_PAGE)
    context = {
        "filter_form": form,
        "chosen": chosen,
        "page": pages.get_page(request.GET.get("page")),
        "htmx_target": "#question-table",
    }
    return render(request, _template(request, "question"), context)


@require_safe
def question_detail(request: HttpRequest, question_id: int) -> HttpResponse:
    questions = Question.objects.select_related("question_set")
    question = get_object_or_404(questions, pk=question_id)
    may_read = request.user.is_staff or not question.is_live
    page = question_page(question, request.GET.getlist("models"), may_read_all=may_read)
    context = {
        "page": page,
        "question": page.question,
        "panels": page_panels("question_detail", question, request),
    }
    return render(request, "arena/question_detail.html", context)


@require_safe
def question_set_list(request: HttpRequest) -> HttpResponse:
    return render(request, "arena/question_set_list.html", {"sets": listed_question_sets()})


@require_safe
def model_list(request: HttpRequest) -> HttpResponse:
    form = ModelFilter(request.GET)
    context = {
        "filter_form": form,
        "models": listed_models(form.chosen()),
        "htmx_target": "#model-table",
    }
    return render(request, _template(request, "model"), context)


@require_safe
def model_detail(request: HttpRequest, slug: str) -> HttpResponse:
    model = get_object_or_404(LanguageModel.objects.select_related("license"), slug=slug)
    pages = Paginator(answers_of(model), ROWS_PER_PAGE)
    context = {
        "model": model,
        "facts": model_facts(model),
        "panels": page_panels("model_detail", model, request),
        "page": pages.get_page(request.GET.get("page")),
        "htmx_target": "#answer-table",
    }
    is_partial = request.headers.get("HX-Target") == "answer-table"
    template = "arena/_answer_table.html" if is_partial else "arena/model_detail.html"
    return render(request, template, context)


@require_safe
def battle_list(request: HttpRequest) -> HttpResponse:
    form = BattleFilter(request.GET)
    page = Paginator(listed_battles(form.chosen()), ROWS_PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "filter_form": form,
        "page": page,
        "rows": [(battle, tally(battle.votes.all())) for battle in page],
        "htmx_target": "#battle-table",
    }
    return render(request, _template(request, "battle"), context)


@require_safe
def battle_detail(request: HttpRequest, battle_id: int) -> HttpResponse:
    battles = Battle.objects.select_related(
        "model_a", "model_b", "question__question_set", "answer_a", "answer_b"
    )
    battle = get_object_or_404(battles, pk=battle_id)
    context = {
        "battle": battle,
        "page": battle_page(battle, may_read_all=may_read_all(request, battle)),
        "review": battle_review(battle) if request.user.is_staff else None,
        "panels": page_panels("battle_detail", battle, request),
    }
    return render(request, "arena/battle_detail.html", context)


def _template(request: HttpRequest, subject: str) -> str:
    is_partial = request.headers.get("HX-Target") == f"{subject}-table"
    return f"arena/_{subject}_table.html" if is_partial else f"arena/{subject}_list.html"
