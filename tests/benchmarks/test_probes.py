"""Variants of documents, other numbers, and traces in a corpus."""

import json
import random
from fractions import Fraction
from string import ascii_uppercase

import pytest

from benchmarks.probes.corpus import ngram_size, overlap_shares, read_corpus
from benchmarks.probes.documents import new_order, reorder_options
from benchmarks.probes.numbers import FINAL, redraw_problem, rewrite_numbers
from benchmarks.probes.variation import variation_of
from benchmarks.questions.asking import ChoiceQuestion
from benchmarks.suites_base import TaskError


def backwards(options):
    return list(range(len(options)))[::-1]


DOCUMENTS = [
    ({"question": "q", "choices": ["a", "b", "c"], "answer": 2},
     lambda d: d["choices"][d["answer"]]),
    ({"question": "q", "options": ["a", "b", "c"], "answer": "C"},
     lambda d: d["options"][ascii_uppercase.index(d["answer"])]),
    ({"endings": ["a", "b", "c"], "label": "2"}, lambda d: d["endings"][int(d["label"])]),
    ({"question": "q", "A": "a", "B": "b", "C": "c", "answer": "C"}, lambda d: d[d["answer"]]),
    ({"Question": "q", "A": "a", "B": "b", "C": "c", "Answer": "C"}, lambda d: d[d["Answer"]]),
    ({"choices": {"text": ["a", "b", "c"], "label": ["1", "2", "3"]}, "answerKey": "3"},
     lambda d: d["choices"]["text"][d["choices"]["label"].index(d["answerKey"])]),
    ({"sentence": "_", "option1": "a", "option2": "c", "answer": "2"},
     lambda d: d["option" + d["answer"]]),
    ({"problems": repr([{"question": "q", "options": ["a", "b", "c"], "answer": "C"}])},
     lambda d: (p := eval(d["problems"])[0])["options"][ascii_uppercase.index(p["answer"])]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("doc", "right"), DOCUMENTS, ids=lambda v: next(iter(v), "") if isinstance(v, dict) else ""
)
def test_the_answer_moves_along_with_its_option_in_every_schema(doc, right):
    moved = reorder_options(doc, backwards)
    assert moved != doc
    assert right(moved) == right(doc) == "c"


def test_a_document_without_known_options_is_left_alone():
    assert reorder_options({"question": "q", "answer": "a text"}, backwards) is None


def test_all_of_the_above_stays_last():
    order = new_order(["x", "y", "z", "All of the above"], lambda order: order.reverse())
    assert order == [2, 1, 0, 3]


@pytest.mark.parametrize("option", ["Both A and B", "A, C", "B 和 C"])
def test_options_that_name_letters_are_not_moved(option):
    assert new_order(["x", "y", option], lambda order: order.reverse()) is None


@pytest.mark.parametrize(
    ("text", "rewritten"),
    [
        ("She has 12 apples and three pears.", "She has twelve apples and 3 pears."),
        ("He ran 105 miles.", "He ran one hundred and five miles."),
        ("他有12个苹果和105本书。", "他有十二个苹果和一百零五本书。"),
        (
            "In 1990 it cost $5 or 5% at 9:30, see x=3.",
            "In 1990 it cost $5 or 5% at 9:30, see x=3.",
        ),
        (r"What is \frac{1}{2} of 12?", r"What is \frac{1}{2} of 12?"),
        ("Which one is it?", "Which one is it?"),
    ],
)
def test_numbers_that_stand_alone_change_their_form(text, rewritten):
    assert rewrite_numbers(text) == rewritten


QUESTION = "Ben has 15 bags of 8 beans and eats 20 of them. How many are left?"
ANSWER = "He had 15*8=<<15*8=120>>120.\nLeft are 120-20=<<120-20=100>>100.\n#### 100"


@pytest.mark.parametrize("seed", range(8))
def test_a_worked_problem_is_drawn_again_with_its_answer(seed):
    question, answer = redraw_problem(QUESTION, ANSWER, random.Random(seed))
    bags, beans, eaten = (int(word) for word in question.split() if word.isdigit())
    assert (bags, beans, eaten) != (15, 8, 20)
    assert int(FINAL.search(answer)[2]) == bags * beans - eaten > 0


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        (QUESTION, "He had <<15*8=121>>121.\n#### 121"),
        (QUESTION, "He had 120.\n#### 120"),
        (QUESTION, "He had <<15*8=120>>120.\n#### 7"),
        ("Tom reads 7 days a week, two hours a day. How long?", "He reads <<7*2=14>>14.\n#### 14"),
        ("Eve is 5 and Joe is 5. Together?", "Both are <<5+5=10>>10.\n#### 10"),
        ("What is 4?", "It is <<__import__('os')=4>>4.\n#### 4"),
    ],
    ids=["wrong step", "no steps", "other final", "unit", "twice", "no arithmetic"],
)
def test_a_problem_that_cannot_be_traced_for_certain_is_left_alone(question, answer):
    assert redraw_problem(question, answer, random.Random(0)) is None


def test_redrawn_results_stay_whole():
    question = "There are 48 cards for 6 players. How many has each?"
    for seed in range(10):
        found = redraw_problem(question, "Each has <<48/6=8>>8.\n#### 8", random.Random(seed))
        assert found is None or Fraction(FINAL.search(found[1])[2]).denominator == 1


def test_a_variation_repeats_with_its_seed_and_differs_between_questions():
    shuffled = variation_of({"variant": "shuffled"}, 3)
    question = ChoiceQuestion("Take 12.", tuple("abcdefgh"), (1,))
    made = [shuffled.choice(question, index) for index in range(5)]
    assert made == [shuffled.choice(question, index) for index in range(5)]
    assert len({m.choices for m in made}) > 1
    assert all(m.choices[m.gold[0]] == "b" and m.text == "Take 12." for m in made)
    assert variation_of({"variant": "redrawn"}, 3).choice(question, 0).text == "Take twelve."
    assert variation_of({}, 3) is None


COPIED = "Two three four five six seven eight nine ten eleven, twelve thirteen fourteen!"
FRESH = "Something else that nobody has written down in any book before this very test ran"


def test_a_question_in_the_corpus_is_seen_across_lines_and_not_across_documents():
    texts = {"t": {0: COPIED, 1: FRESH, 2: "too short"}}
    lines = [["one two three four five six seven\n", "eight nine ten eleven twelve thirteen\n",
              "fourteen"]]  # fmt: skip
    assert overlap_shares(texts, lines) == {("t", 0): 1.0, ("t", 1): 0.0}
    apart = [[line] for line in lines[0]]
    assert overlap_shares(texts, apart) == {("t", 0): 0.0, ("t", 1): 0.0}


def test_the_size_of_ngrams_follows_the_shortest_questions_within_bounds():
    assert (ngram_size([3, 5]), ngram_size([10] * 30), ngram_size([40] * 30)) == (8, 10, 13)


def test_a_corpus_is_a_file_or_a_folder_and_rows_are_documents(tmp_path):
    rows = [{"text": "one\ntwo"}, {"question": "three", "other": "x"}]
    (tmp_path / "a.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    (tmp_path / "b.txt").write_text("four\nfive")
    (tmp_path / "c.bin").write_text("no text")
    found = [list(document) for document in read_corpus(tmp_path)]
    assert found == [["one\ntwo"], ["three"], ["four\n", "five"]]
    (tmp_path / "empty").mkdir()
    with pytest.raises(TaskError, match="no text"):
        list(read_corpus(tmp_path / "empty"))
