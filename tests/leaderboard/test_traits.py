"""Derived categories: what a question's own words say about it."""

import pytest

from arena.models import Question
from leaderboard.models import QuestionFacts
from leaderboard.query import BoardQuery
from leaderboard.selection import select_comparisons
from leaderboard.traits import (
    VERSION,
    classify_new_questions,
    classify_outdated_questions,
    derive_traits,
    detected_language,
)

LONG = "Describe the harbour, its ships and its people in the morning light. " * 12


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("What should I cook for six guests on a rainy evening?", "en"),
        ("请用三句话介绍一下长城的历史和意义。", "zh"),
        ("Wie erkläre ich einem Kind, warum der Himmel blau ist?", "de"),
        ("12 + 30 = ?", ""),
    ],
)
def test_the_language_is_detected_where_there_are_words(text, language):
    assert detected_language(text) == language


def test_a_language_that_the_set_gives_is_believed():
    assert derive_traits(["Hello there"], language="zh").language == "zh"


@pytest.mark.parametrize(
    ("turns", "trait"),
    [
        (["Name a tree."], "short"),
        ([LONG], "long"),
        (["Fix this:\n```\nprint(1\n```"], "code"),
        (["用 Python 写一个排序函数"], "code"),
        (["What is the probability of two sixes?"], "mathematics"),
        (["求解方程 x + 3 = 9"], "mathematics"),
        (["Tell me a story.", "Now make it sad."], "two_turn"),
        (["Prove that $a^2 \\ge 0$, then write a Python function that checks it."], "hard"),
    ],
)
def test_a_trait_is_read_off_the_words(turns, trait):
    assert getattr(derive_traits(turns, language="en"), f"is_{trait}")


def test_a_plain_question_has_none_of_the_demanding_traits():
    traits = derive_traits(["Which flowers would you give a friend who moves to another town, and "
                            "what would you write on the card?"], language="en")  # fmt: skip
    demanding = (traits.is_code, traits.is_mathematics, traits.is_hard, traits.is_long)
    assert not any(demanding)


def test_a_set_that_calls_a_question_hard_is_believed():
    assert derive_traits(["Name a tree."], language="en", tags=["hard"]).is_hard


def test_questions_are_classified_once(question_set, django_assert_num_queries):
    assert classify_new_questions() == 6
    assert classify_new_questions() == 0
    assert set(QuestionFacts.objects.values_list("version", flat=True)) == {VERSION}


def test_older_rules_are_applied_anew(question_set):
    classify_new_questions()
    QuestionFacts.objects.update(version=VERSION - 1)
    assert classify_outdated_questions() == 6


@pytest.mark.parametrize(("trait", "rows"), [("short", 9), ("code", 0)])
def test_a_board_can_be_narrowed_to_a_trait(votes, trait, rows):
    classify_new_questions()
    query = BoardQuery(source="people", traits=(trait,))
    assert select_comparisons(query).rows == rows


def test_a_board_can_be_narrowed_to_a_tag(votes):
    Question.objects.filter(category="math").update(tags=["algebra"])
    assert select_comparisons(BoardQuery(source="people", tags=("algebra",))).rows == 5


def test_a_detected_language_narrows_where_the_set_gives_none(votes):
    Question.objects.update(language="")
    classify_new_questions()
    QuestionFacts.objects.update(language="fr")
    assert select_comparisons(BoardQuery(source="people", languages=("fr",))).rows == 9


@pytest.mark.parametrize("wanted", ["fr", "French"])
@pytest.mark.parametrize("stored", ["fr", "French"])
def test_a_language_is_found_by_its_code_and_by_its_name(votes, wanted, stored):
    """Files of the field name it; imports kept that name once."""
    Question.objects.update(language=stored)
    assert select_comparisons(BoardQuery(source="people", languages=(wanted,))).rows == 9
    assert select_comparisons(BoardQuery(source="people", languages=("en",))).rows == 0
