"""Real public files: what they hold is what arrives."""

from collections import Counter

import pytest

from arena.importing import import_files
from arena.models import Answer, Question
from judging.models import Judgment

pytestmark = pytest.mark.django_db
BASELINE = "gpt4_1106_preview"


@pytest.fixture
def mt_bench(shared_data):
    folder = shared_data / "mt_bench"
    return import_files(sorted(folder.glob("*.jsonl")))


@pytest.fixture
def alpaca_eval(shared_data):
    return import_files(sorted((shared_data / "alpaca_eval").glob("*.jsonl")))


@pytest.mark.usefixtures("mt_bench")
def test_mt_bench_has_eighty_questions_in_eight_categories_of_ten():
    categories = Counter(Question.objects.values_list("category", flat=True))
    assert len(categories) == 8
    assert set(categories.values()) == {10}


@pytest.mark.usefixtures("mt_bench")
def test_mt_bench_has_thirty_reference_answers_of_two_turns():
    references = Question.objects.exclude(references=[])
    assert references.count() == 30
    assert {len(question.references) for question in references} == {2}
    assert {question.category for question in references} == {"reasoning", "math", "coding"}


def test_the_alpaca_eval_sample_is_complete(alpaca_eval):
    assert alpaca_eval.is_complete
    assert alpaca_eval.stored == {
        "language_model": 5,
        "question": 50,
        "answer": 300,
        "judgment": 250,
    }


def model_preferences():
    """By model, its preference over the baseline from 0 to 1, whichever side it stands on."""
    by_model = {}
    for judgment in Judgment.objects.select_related("battle__model_a", "battle__model_b"):
        battle = judgment.battle
        is_model_b = battle.model_a.display_name == BASELINE
        model = battle.model_b if is_model_b else battle.model_a
        share = judgment.preference - 1
        share = share if is_model_b else 1 - share
        by_model.setdefault(model.display_name, []).append(share)
    return by_model


@pytest.mark.usefixtures("alpaca_eval")
def test_alpaca_eval_win_rates_are_those_published_with_the_sample(shared_data):
    import json

    lines = (shared_data / "alpaca_eval" / "leaderboard.jsonl").read_text().splitlines()
    published = {row["model"]: row for row in map(json.loads, lines)}
    preferences = model_preferences()
    assert {model: len(shares) for model, shares in preferences.items()} == dict.fromkeys(
        published, 50
    )
    for model, shares in preferences.items():
        win_rate = 100 * sum(shares) / len(shares)
        assert win_rate == pytest.approx(published[model]["subset_win_rate"], abs=0.01)


@pytest.mark.usefixtures("alpaca_eval")
def test_alpaca_eval_outcomes_say_the_same_as_the_preferences():
    judgments = Judgment.objects.all()
    assert {j.is_readable for j in judgments} == {True}
    for judgment in judgments:
        preference = judgment.preference
        expected = "tie" if preference == 1.5 else "model_a" if preference < 1.5 else "model_b"
        assert judgment.outcome == expected


def test_importing_the_shared_files_twice_changes_nothing(alpaca_eval, shared_data):
    again = import_files(sorted((shared_data / "alpaca_eval").glob("*.jsonl")))
    assert again.stored.total() == 0
    assert Answer.objects.count() == 300


def test_the_ten_arena_queries_arrive(shared_data):
    import_files([shared_data / "evalscope_arena" / "arena.jsonl"])
    assert Question.objects.filter(question_set__slug="queries", category="generic").count() == 10
