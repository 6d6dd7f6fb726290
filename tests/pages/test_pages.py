"""The public pages of what is compared: what they show, to whom, in how many queries."""

import re

import pytest
from django.urls import reverse

from arena.models import Exclusion, Outcome, Question, QuestionSet, Vote, VoteSource, WorkStatus


@pytest.fixture
def question(question_set):
    return question_set.questions.first()


@pytest.fixture
def battle(make_battle, question, alpha, beta):
    return make_battle(question, alpha, beta)


def page_of(client, name, *args, **query):
    response = client.get(reverse(name, args=args), query)
    assert response.status_code == 200
    return response.content.decode()


def partial_of(client, name, *args, target, **query):
    headers = {"HX-Request": "true", "HX-Target": target}
    return client.get(reverse(name, args=args), query, headers=headers).content.decode()


# -- the first page


def test_the_first_page_offers_three_things_to_try(client, db):
    assert page_of(client, "home").count('class="card card-link step"') == 3


def test_a_visitor_is_not_offered_the_console(client, db):
    assert reverse("console") not in page_of(client, "home")


def test_staff_are_offered_the_console(admin_client):
    assert reverse("console") in page_of(admin_client, "home")


def test_demo_data_is_announced_on_the_first_page(client, make_model):
    assert "notice-demo" not in page_of(client, "home")
    make_model("demo", is_demo=True)
    assert "notice-demo" in page_of(client, "home")


# -- questions


def test_the_question_list_leads_to_every_question(client, question_set):
    page = page_of(client, "question_list")
    for question in question_set.questions.all():
        assert reverse("question_detail", args=[question.pk]) in page


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"category": "math"}, {"q0", "q2", "q4"}),
        ({"language": "zh"}, {"q1", "q3", "q5"}),
        ({"category": "math", "q": "Question 2"}, {"q2"}),
        ({"q": "q5"}, {"q5"}),
        ({"q": "QUESTION 3"}, {"q3"}),
        ({"category": "no-such-category"}, {"q0", "q1", "q2", "q3", "q4", "q5"}),
    ],
)
def test_questions_are_narrowed_by_what_was_chosen(client, question_set, query, expected):
    response = client.get(reverse("question_list"), query)
    assert {question.external_id for question in response.context["page"]} == expected


def test_chinese_words_find_their_question(client, question_set):
    Question.objects.create(
        question_set=question_set,
        external_id="zh",
        turns=[[{"type": "text", "text": "什么是熵？"}]],
    )
    response = client.get(reverse("question_list"), {"q": "熵"})
    assert [question.external_id for question in response.context["page"]] == ["zh"]


def test_questions_are_narrowed_by_tag(client, question_set):
    question_set.questions.filter(external_id="q1").update(tags=["two_turn"])
    response = client.get(reverse("question_list"), {"tag": "two_turn"})
    assert [question.external_id for question in response.context["page"]] == ["q1"]


def test_a_filter_fetches_the_table_alone(client, question_set):
    partial = partial_of(client, "question_list", target="question-table", category="math")
    assert partial.lstrip().startswith('<div id="question-table">')
    assert "<html" not in partial
    assert partial.strip() in page_of(client, "question_list", category="math")


def test_a_page_beyond_the_last_shows_the_last(client, question_set):
    assert "Question 0?" in page_of(client, "question_list", page="99")


def test_the_question_list_takes_the_same_queries_for_any_length(
    client, question_set, django_assert_num_queries
):
    with django_assert_num_queries(6):
        page_of(client, "question_list")
    extra = QuestionSet.objects.create(slug="more", name="More")
    Question.objects.bulk_create(
        Question(question_set=extra, external_id=f"m{n}", turns=[[{"type": "text", "text": "?"}]])
        for n in range(60)
    )
    with django_assert_num_queries(6):
        page_of(client, "question_list")


def test_all_answers_to_a_question_stand_side_by_side(client, question, alpha, beta, make_answer):
    make_answer(alpha, question, "**first** answer")
    make_answer(beta, question, "second answer")
    page = page_of(client, "question_detail", question.pk)
    assert "<strong>first</strong> answer" in page
    assert "second answer" in page


def test_a_reader_chooses_whose_answers_are_shown(client, question, alpha, beta, make_answer):
    make_answer(alpha, question, "from alpha")
    make_answer(beta, question, "from beta")
    page = page_of(client, "question_detail", question.pk, models="beta")
    assert "from beta" in page
    assert "from alpha" not in page


def test_a_failed_answer_is_shown_as_failed_not_as_empty(client, question, alpha, make_answer):
    answer = make_answer(alpha, question)
    type(answer).objects.filter(pk=answer.pk).update(
        status=WorkStatus.FAILED, error_kind="timeout", turns=[]
    )
    page = page_of(client, "question_detail", question.pk)
    assert "This answer failed and is not counted." in page
    assert "<code>timeout</code>" in page


def test_two_turns_are_told_apart(client, question, alpha, make_answer):
    Question.objects.filter(pk=question.pk).update(
        turns=[[{"type": "text", "text": "one?"}], [{"type": "text", "text": "two?"}]]
    )
    make_answer(alpha, question, "first", "second")
    page = page_of(client, "question_detail", question.pk)
    assert page.count(">Turn 2</p>") == 2


def test_markup_in_a_question_and_an_answer_is_not_run(client, question, alpha, make_answer):
    attack = "<script>alert(1)</script><img src=x onerror=alert(1)>"
    Question.objects.filter(pk=question.pk).update(turns=[[{"type": "text", "text": attack}]])
    make_answer(alpha, question, attack)
    page = page_of(client, "question_detail", question.pk)
    assert "<script>alert" not in page
    assert "<img src=x" not in page


@pytest.mark.parametrize(
    ("url", "expected"),
    [("/media/a.png", '<img src="/media/a.png"'), ("https://e.org/a.png", "Image from elsewhere")],
)
def test_an_image_of_a_question_is_shown_when_it_is_our_own(client, question, url, expected):
    Question.objects.filter(pk=question.pk).update(turns=[[{"type": "image", "url": url}]])
    assert expected in page_of(client, "question_detail", question.pk)


def test_the_question_page_takes_the_same_queries_for_any_number_of_answers(
    client, question, make_model, make_answer, django_assert_num_queries
):
    make_answer(make_model("first"), question)
    with django_assert_num_queries(6):
        page_of(client, "question_detail", question.pk)
    for number in range(8):
        make_answer(make_model(f"m{number}"), question)
    with django_assert_num_queries(6):
        page_of(client, "question_detail", question.pk)


def test_a_question_set_tells_what_it_is_made_of(client, question_set):
    page = page_of(client, "question_set_list")
    assert "3 English, 3 Chinese" in page


# -- models


def test_the_model_list_hides_retired_models_until_asked(client, make_model):
    make_model("alpha")
    make_model("omega", is_active=False)
    assert "omega" not in page_of(client, "model_list")
    assert "omega" in page_of(client, "model_list", retired="on")


def test_only_commercially_usable_models_are_shown_on_request(client, make_model, db):
    from arena.models import License

    free = License.objects.get(spdx_id="Apache-2.0")
    closed = License.objects.get(spdx_id="CC-BY-NC-4.0")
    make_model("open", license=free)
    make_model("research", license=closed)
    page = page_of(client, "model_list", commercial="on")
    assert "Open" in page
    assert "Research" not in page


def test_the_model_page_counts_answers_battles_and_failures(client, battle, alpha, make_answer):
    failed = make_answer(alpha, Question.objects.last())
    type(failed).objects.filter(pk=failed.pk).update(
        status=WorkStatus.FAILED, error_kind="rate_limited"
    )
    response = client.get(reverse("model_detail", args=["alpha"]))
    facts = response.context["facts"]
    assert (facts.n_answers, facts.n_battles, facts.failures) == (1, 1, [("rate_limited", 1)])


def test_the_model_page_takes_a_fixed_number_of_queries(
    client, battle, alpha, django_assert_num_queries
):
    with django_assert_num_queries(8):
        page_of(client, "model_detail", "alpha")


# -- battles


def test_the_battle_page_shows_both_answers_and_every_vote(client, battle):
    for outcome in (Outcome.MODEL_A, Outcome.TIE):
        Vote.objects.create(battle=battle, outcome=outcome, source=VoteSource.IMPORTED)
    page = page_of(client, "battle_detail", battle.pk)
    assert battle.answer_a.turns[0] in page
    assert battle.answer_b.turns[0] in page
    assert 'aria-label="A is better: 1, tie: 1"' in page


def test_an_excluded_vote_is_shown_with_its_reason_and_not_counted(client, battle):
    Vote.objects.create(battle=battle, outcome=Outcome.MODEL_A, exclusion=Exclusion.OUTLIER_VOTER)
    page = page_of(client, "battle_detail", battle.pk)
    assert "outlier voter" in page
    assert "A is better: 1" not in page


def test_a_battle_without_question_and_answers_is_still_a_page(client, alpha, beta):
    from arena.models import Battle

    bare = Battle.objects.create(model_a=alpha, model_b=beta, origin="imported")
    assert "imported without its question" in page_of(client, "battle_detail", bare.pk)


def test_battles_are_narrowed_by_both_models_in_any_order(
    client, question, battle, make_battle, gamma
):
    make_battle(question, battle.model_a, gamma)
    response = client.get(reverse("battle_list"), {"model": "beta", "opponent": "alpha"})
    assert list(response.context["page"]) == [battle]


def test_the_battle_list_takes_the_same_queries_for_any_length(
    client, battle, make_battle, gamma, django_assert_num_queries
):
    with django_assert_num_queries(4):
        page_of(client, "battle_list")
    for question in Question.objects.exclude(pk=battle.question_id):
        make_battle(question, battle.model_a, gamma)
    with django_assert_num_queries(4):
        page_of(client, "battle_list")


def test_the_battle_page_takes_a_fixed_number_of_queries(client, battle, django_assert_num_queries):
    with django_assert_num_queries(3):
        page_of(client, "battle_detail", battle.pk)


# -- every page


@pytest.mark.parametrize(
    "name", ["home", "question_list", "question_set_list", "model_list", "battle_list"]
)
def test_a_page_with_nothing_stored_says_so_kindly(client, db, name):
    assert page_of(client, name)


@pytest.mark.parametrize(
    "path", ["/questions/999999/", "/models/nobody/", "/battles/999999/", "/questions/?page=x"]
)
def test_a_strange_address_is_no_server_error(client, db, path):
    assert client.get(path).status_code in {200, 404}


def test_words_from_the_address_are_escaped(client, question_set):
    page = page_of(client, "question_list", q='"><script>alert(1)</script>')
    assert not re.search(r"<script>alert", page)
