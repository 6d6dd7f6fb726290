"""Models answer question sets: what is asked for, how, and what is stored."""

import pytest

from arena.calling import NotCallableError, api_key_of, conversation, generation_settings
from arena.models import Answer, Endpoint, GenerationRun, Question, RunStatus, WorkStatus
from arena.services.driving import drive_run_chunk
from arena.services.generation import (
    EmptyRunError,
    answer_settings,
    create_generation_run,
    plan_generation,
    start_generation,
)
from providers.base import ImagePart, TextPart

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def no_queue(monkeypatch):
    monkeypatch.setattr("arena.services.runs._send_to_queue", lambda *_: None)


@pytest.fixture
def echo_endpoint(db):
    return Endpoint.objects.create(
        slug="echo", name="Echo", provider="scripted", settings={"script": "echo"}
    )


@pytest.fixture
def delta(make_model, echo_endpoint):
    return make_model("delta", endpoint=echo_endpoint)


def generate(question_set, *models, **options):
    run = start_generation(question_set=question_set, language_models=models, **options)
    drive_run_chunk("generation", run.pk)
    run.refresh_from_db()
    return run


def test_every_question_is_answered_and_the_run_completes(question_set, delta):
    run = generate(question_set, delta)
    assert run.status == RunStatus.COMPLETED
    assert {a.turns[0] for a in Answer.objects.done()} == {f"Question {n}?" for n in range(6)}


def test_each_turn_sees_the_replies_before_it(question_set, delta):
    question = question_set.questions.first()
    question.turns = [[{"type": "text", "text": text}] for text in ("one", "two")]
    messages = conversation(question, ["reply"], system_prompt="be brief")
    assert [(m.role, m.text) for m in messages] == [
        ("system", "be brief"),
        ("user", "one"),
        ("assistant", "reply"),
        ("user", "two"),
    ]


def test_images_are_passed_to_the_provider(question_set):
    parts = [{"type": "text", "text": "What is this?"}, {"type": "image", "url": "https://i.png"}]
    question = Question(question_set=question_set, turns=[parts])
    content = conversation(question, [])[0].content
    assert content == (TextPart("What is this?"), ImagePart("https://i.png"))


@pytest.mark.parametrize(
    ("category", "chosen", "temperature"),
    [
        ("math", {}, 0.0),
        ("writing", {}, 0.7),
        ("humanities", {}, 0.1),
        ("unheard_of", {}, 0.7),
        ("math", {"temperature": 1.0}, 1.0),
    ],
)
def test_the_category_sets_the_temperature_unless_the_run_does(category, chosen, temperature):
    assert answer_settings(Question(category=category), chosen)["temperature"] == temperature


def test_only_what_is_missing_is_asked_for(question_set, delta, make_answer):
    make_answer(delta, question_set.questions.first(), "already there")
    assert plan_generation(question_set=question_set, language_models=[delta]).missing == 5
    run = generate(question_set, delta)
    assert run.answers.count() == 5
    assert Answer.objects.filter(turns=["already there"]).exists()


def test_a_second_run_over_the_same_questions_has_nothing_to_do(question_set, delta):
    generate(question_set, delta)
    with pytest.raises(EmptyRunError, match="has answered all questions of 'set' already"):
        create_generation_run(question_set=question_set, language_models=[delta])


def test_a_stopped_runs_rows_are_taken_over_by_the_next(question_set, delta):
    first = create_generation_run(question_set=question_set, language_models=[delta])
    GenerationRun.objects.filter(pk=first.pk).update(status=RunStatus.STOPPED)
    run = generate(question_set, delta)
    assert run.answers.filter(status=WorkStatus.DONE).count() == 6
    assert first.answers.count() == 0


def test_a_limit_takes_the_first_questions(question_set, delta):
    assert generate(question_set, delta, limit=2).answers.count() == 2


def test_an_empty_reply_is_a_failure_and_not_an_answer(question_set, make_model, echo_endpoint):
    echo_endpoint.settings = {"default": "   "}
    echo_endpoint.save()
    run = generate(question_set, make_model("mute", endpoint=echo_endpoint), limit=1)
    row = run.answers.get()
    assert (row.status, row.error_kind, row.turns) == (WorkStatus.FAILED, "empty_reply", [])


def test_a_model_without_an_endpoint_cannot_be_asked(question_set, alpha):
    with pytest.raises(NotCallableError, match="'alpha' has no endpoint"):
        create_generation_run(question_set=question_set, language_models=[alpha])


def test_a_missing_key_names_its_variable(monkeypatch):
    monkeypatch.delenv("MISSING_KEY", raising=False)
    with pytest.raises(NotCallableError, match="environment variable MISSING_KEY"):
        api_key_of(Endpoint(slug="x", api_key_env="MISSING_KEY"))


def test_the_environments_key_wins_over_the_stored_one(monkeypatch):
    monkeypatch.setenv("SOME_KEY", "from the environment")
    endpoint = Endpoint(slug="x", api_key_env="SOME_KEY", api_key="stored")
    assert api_key_of(endpoint) == "from the environment"


def test_a_key_that_cannot_be_read_any_more_says_so_when_it_is_needed(db, settings):
    Endpoint.objects.create(slug="x", api_key="stored")
    settings.SECRET_KEY = "another secret"
    with pytest.raises(NotCallableError, match=r"endpoint .x.: .*SECRET_KEY has changed"):
        api_key_of(Endpoint.objects.get())


def test_settings_without_a_name_of_their_own_are_sent_as_they_are():
    settings = generation_settings({"temperature": 0, "top_k": 5, "stop": ["END"]})
    assert (settings.temperature, settings.stop, settings.extra) == (0, ("END",), {"top_k": 5})


def test_style_is_measured_when_the_answer_is_stored(question_set, delta):
    generate(question_set, delta, limit=1)
    assert Answer.objects.get().style["characters"] == len("Question 0?")
