"""Scores of single samples against definitions and reference implementations."""

import math
from importlib import import_module

import numpy as np
import pytest

from benchmarks.harness.squad_metrics import provide_squad_metrics
from benchmarks.metrics.choices import (
    best_choice,
    best_per_byte,
    best_per_character,
    is_tied,
    min_k_percent,
    true_share,
)
from benchmarks.metrics.letters import EXTRACTORS, INVALID
from benchmarks.metrics.text import (
    TEXT_METRICS,
    bleu_n,
    contains_reference,
    exact_match,
    normalise_answer,
    reference_share,
    rouge,
    token_f1,
)


def test_equal_choices_go_to_the_first_and_are_marked():
    assert best_choice([-2.0, -1.0, -1.0]) == 1
    assert is_tied([-2.0, -1.0, -1.0])
    assert not is_tied([-1.0, -2.0, -2.0])


def test_length_normalisation_differs_for_characters_and_bytes():
    choices = ["一二三四", "abcdefgh"]
    assert best_per_character([-4.0, -9.0], choices) == 0
    assert best_per_byte([-10.0, -9.0], choices) == 0
    assert best_per_character([-10.0, -9.0], choices) == 1


def test_mc2_is_the_share_of_true_choices_even_when_all_are_impossible():
    logprobs, labels = [-1.0, -2.0, -3.0], [1, 0, 1]
    p = np.exp(logprobs)
    assert true_share(logprobs, labels) == pytest.approx((p[0] + p[2]) / p.sum())
    assert true_share([x - 900 for x in logprobs], labels) == pytest.approx((p[0] + p[2]) / p.sum())


def test_min_k_reads_the_least_likely_fifth():
    assert min_k_percent([-1, -2, -3, -4, -10, -1, -1, -1, -1, -1]) == -7
    assert math.isnan(min_k_percent([]))


def test_answers_are_normalised_as_squad_does():
    assert normalise_answer("The  Quick, brown fox!") == "quick brown fox"
    assert exact_match("the Answer.", ["an answer", "other"]) == 1
    assert contains_reference("It is the Eiffel Tower, I think", ["eiffel tower"]) == 1


def test_f1_counts_words_as_often_as_they_occur():
    assert token_f1("to be or not", ["to be or not to be"]) == pytest.approx(2 * 4 / (4 + 6))
    assert token_f1("北京市", ["北京"]) == pytest.approx(2 * 2 / (3 + 2))
    assert token_f1("", ["x"]) == 0


def test_rouge_of_chinese_counts_characters():
    found = rouge("今天天气好", ["今天天气很好"])
    assert found["rouge1_r"] == pytest.approx(5 / 6)
    assert found["rougeL_f"] == pytest.approx(2 * 5 / 11)
    assert rouge("the cat", ["the cat sat"])["rouge2_r"] == pytest.approx(1 / 2)


def test_bleu_of_an_equal_text_is_one_in_both_languages():
    assert TEXT_METRICS["bleu"]("今天天气很好啊", ["今天天气很好啊"]) == pytest.approx(1)
    assert TEXT_METRICS["bleu"]("a b c d e", ["a b c d e"]) == pytest.approx(1)


def test_bleu_n_is_one_order_alone_with_the_brevity_penalty():
    assert bleu_n("the the cat", ["the cat sat"], 1) == pytest.approx(2 / 3)
    assert bleu_n("the cat", ["the cat sat"], 2) == pytest.approx(math.exp(1 - 3 / 2))


def test_needles_count_by_the_share_found():
    assert reference_share("It was BLUE", ["blue", "red"]) == 0.5


@pytest.mark.parametrize(
    ("answer", "letter"),
    [
        ("ANSWER: B", "B"),
        ("I think A, but on reflection\nAnswer: (C)", "C"),
        ("The answer is **D**.", "D"),
        ("答案：C", "C"),
        ("正确答案是B。", "B"),
        ("B", "B"),
        ("(A)", "A"),
        ("C. because it is", "C"),
        ("so \\boxed{\\text{D}} follows", "D"),
    ],
)
def test_letters_are_found_where_people_write_them(answer, letter):
    assert EXTRACTORS["lenient"].extract(answer, "ABCD") == letter


@pytest.mark.parametrize("answer", ["", "A plan is needed", "I'd say E", "Because of Bob"])
def test_a_word_is_not_taken_for_an_answer(answer):
    assert EXTRACTORS["marked"].extract(answer, "ABCD") == INVALID


@pytest.mark.parametrize(
    ("gold", "given", "f1", "exact"),
    [("The river!", "river", 1, 1), ("a big dog", "dog", 2 / 3, 0), ("", "the", 1, 1),
     ("", "dog", 0, 0), ("dog", "fox", 0, 0)],
)  # fmt: skip
def test_squads_metrics_stand_where_lm_evals_tasks_look_for_them(gold, given, f1, exact):
    provide_squad_metrics()
    metrics = import_module("transformers.data.metrics.squad_metrics")
    assert metrics.compute_f1(gold, given) == pytest.approx(f1)
    assert metrics.compute_exact(gold, given) == exact
