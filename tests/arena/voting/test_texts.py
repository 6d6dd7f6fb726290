"""What voters are shown is rendered once, by whoever comes first, and never out of date."""

import pytest

from arena.models import Answer, Question, RenderedAnswer, RenderedQuestion
from arena.tasks import render_answers_ahead
from arena.voting import rendering_ahead, texts
from arena.voting.pool import POOLS
from arena.voting.rendering_ahead import RenderingAhead
from arena.voting.texts import read_answers, read_facts

pytestmark = pytest.mark.django_db


@pytest.fixture
def no_rendering(monkeypatch):
    """From when it is called, rendering and judging fail."""

    def forbid():
        def fail(*_, **__):
            raise AssertionError("rendered again")

        monkeypatch.setattr(texts, "render_markdown", fail)
        monkeypatch.setattr(texts, "leaked_name", fail)

    return forbid


@pytest.fixture
def answer(two_replies):
    return two_replies("A *bold* reply.", "Another.")[0]


def html_of(answer):
    return read_answers([answer.pk])[answer.pk].turns[0].html


def test_what_was_rendered_once_is_read_by_everybody(answer, no_rendering):
    first = read_answers([answer.pk])
    no_rendering()
    assert read_answers([answer.pk]) == first
    assert read_facts([answer.pk]) == {answer.pk: first[answer.pk].facts}
    assert "<em>bold</em>" in html_of(answer)


def test_facts_are_the_same_kept_or_not(answer):
    fresh = read_facts([answer.pk])
    assert RenderedAnswer.objects.count() == 0
    read_answers([answer.pk])
    assert read_facts([answer.pk]) == fresh


def test_a_changed_answer_is_shown_as_it_is_now(answer):
    html_of(answer)
    Answer.objects.filter(pk=answer.pk).update(turns=["A **new** reply."])
    assert "<strong>new</strong>" in html_of(answer)
    assert RenderedAnswer.objects.get(answer=answer).turns == [html_of(answer)]


def test_an_edited_question_is_on_the_next_page(answer, alice):
    assert "edited" not in alice.page().text
    question = Question.objects.get(pk=answer.question_id)
    question.turns = [[{"type": "text", "text": "The *edited* question"}]]
    question.save()
    assert "The <em>edited</em> question" in alice.page().text
    kept = RenderedQuestion.objects.get(question=question)
    assert "The <em>edited</em> question" in kept.turns[0]


def test_a_model_renamed_to_what_its_answer_says_is_found_out(two_replies):
    answer = two_replies("Says Zeta-9 itself.", "Another.")[0]
    assert read_answers([answer.pk])[answer.pk].facts.doubt == ""
    type(answer.model).objects.filter(pk=answer.model_id).update(display_name="Zeta-9")
    assert read_answers([answer.pk])[answer.pk].facts.doubt == "identity_leak"
    assert RenderedAnswer.objects.get(answer=answer).doubt == "identity_leak"


def test_another_renderer_renders_anew(answer, monkeypatch):
    html_of(answer)
    monkeypatch.setattr(texts, "renderer", lambda: "another")
    monkeypatch.setattr(texts, "render_markdown", lambda text: f"<p>anew: {text}</p>")
    assert html_of(answer) == "<p>anew: A *bold* reply.</p>"
    assert RenderedAnswer.objects.get(answer=answer).renderer == "another"


def test_the_renderer_is_named_by_code_and_packages(monkeypatch):
    present = texts.renderer()
    texts.renderer.cache_clear()
    monkeypatch.setattr(texts, "version", lambda name: "0.0.0")
    assert texts.renderer() != present
    texts.renderer.cache_clear()


def test_images_of_a_question_are_shown_and_stored_once(answer, alice):
    image = "data:image/png;base64,iVBORw0KGgo="
    question = Question.objects.get(pk=answer.question_id)
    question.turns = [[{"type": "text", "text": "Look"}, {"type": "image", "url": image}]]
    question.save()
    for _ in range(2):
        assert read_answers([answer.pk])[answer.pk].question[0].images == (image,)
    assert RenderedQuestion.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_an_answer_deleted_while_it_is_rendered_is_still_shown(answer, monkeypatch):
    def read_and_delete(ids, **how):
        rows = texts_of_ids(ids, **how)
        Answer.objects.all().delete()
        return rows

    texts_of_ids = texts.answers_of_ids
    monkeypatch.setattr(texts, "answers_of_ids", read_and_delete)
    assert "<em>bold</em>" in html_of(answer)
    assert RenderedAnswer.objects.count() == 0


def test_what_is_rendered_ahead_is_drawn_without_rendering(stored_answers, alice, no_rendering):
    assert RenderingAhead().go_on() == Answer.objects.count()
    no_rendering()
    for _ in range(3):
        assert alice.cast("tie").json()["next"]


def test_the_workers_task_renders_ahead(stored_answers, monkeypatch):
    monkeypatch.setattr("arena.tasks.AHEAD", RenderingAhead())
    render_answers_ahead()
    assert RenderedAnswer.objects.count() == Answer.objects.count()


def test_nothing_is_looked_for_until_answers_or_the_renderer_change(
    stored_answers, make_model, make_answer, monkeypatch
):
    ahead, looks = RenderingAhead(), []
    search = rendering_ahead._next_ids
    monkeypatch.setattr(rendering_ahead, "_next_ids", lambda a: looks.append(a) or search(a))
    ahead.go_on()
    looks.clear()
    assert (ahead.go_on(), looks) == (0, [])
    make_answer(make_model("delta"), stored_answers.questions.first())
    POOLS.forget()
    assert ahead.go_on() == 1
    monkeypatch.setattr(rendering_ahead, "renderer", lambda: "another")
    monkeypatch.setattr(texts, "renderer", lambda: "another")
    assert ahead.go_on() == Answer.objects.count()


def test_rendering_ahead_stops_in_time_and_goes_on_where_it_was(stored_answers, monkeypatch):
    monkeypatch.setattr(rendering_ahead, "AT_ONCE", 4)
    ahead = RenderingAhead(now=lambda: 0.0)
    steps = [ahead.go_on(seconds=0.0) for _ in range(7)]
    assert steps == [4, 4, 4, 4, 2, 0, 0]


def test_an_answer_finished_behind_a_pass_is_rendered_by_the_next(stored_answers, monkeypatch):
    monkeypatch.setattr(rendering_ahead, "AT_ONCE", 10)
    first = Answer.objects.order_by("id").first()
    Answer.objects.filter(pk=first.pk).update(status="pending")
    ahead = RenderingAhead(now=lambda: 0.0)
    assert ahead.go_on(seconds=0.0) == 10
    Answer.objects.filter(pk=first.pk).update(status="done", finished_at="2026-01-01T00:00:00Z")
    assert [ahead.go_on() for _ in range(2)] == [7, 1]
