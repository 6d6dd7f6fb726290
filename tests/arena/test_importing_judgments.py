"""Judges' verdicts from files, and the battles and answers they are about."""

import json

import pytest

from arena.importing import import_files
from arena.models import Answer, Battle, Question
from arena.services.battles import stored_battle
from judging.models import Judge, JudgePrompt, Judgment
from tests.arena.dialects.samples import SAMPLES

pytestmark = pytest.mark.django_db
QUESTION = SAMPLES["mt_bench_questions"][0]


@pytest.fixture
def load(tmp_path):
    """Import rows as a file of a format."""

    def load_rows(format, rows, **options):
        path = tmp_path / f"{format}-{len(list(tmp_path.iterdir()))}.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        return import_files([path], format=format, **options)

    return load_rows


@pytest.fixture
def answered(load):
    """Question 81, answered by alpha and beta."""
    load("mt_bench_questions", [QUESTION, {**QUESTION, "question_id": 82}])
    row = SAMPLES["mt_bench_answers"][0]
    choices = [{"index": 0, "turns": ["2", "3"]}]
    for model in ("alpha", "beta"):
        load("mt_bench_answers", [{**row, "model_id": model, "choices": choices}])
    load("mt_bench_answers", [{**row, "question_id": 82, "choices": choices}])


@pytest.mark.usefixtures("answered")
def test_single_scores_stand_on_their_answers(load):
    load("mt_bench_single", SAMPLES["mt_bench_single"])
    readable, unreadable = Judgment.objects.order_by("id")
    assert (readable.answer.model.slug, readable.turn, readable.score) == ("alpha", 2, 9.0)
    assert (unreadable.is_readable, unreadable.score, unreadable.raw_text) == (False, None, "hm")


def test_a_score_without_its_answer_says_what_to_import_first(load):
    load("mt_bench_questions", [QUESTION])
    report = load("mt_bench_single", SAMPLES["mt_bench_single"][:1])
    assert "import the answers first" in report.files[0].bad_rows[0].remedy


@pytest.mark.usefixtures("answered")
def test_both_games_of_a_pair_stand_on_one_battle(load):
    load("mt_bench_pair", SAMPLES["mt_bench_pair"])
    battle = Battle.objects.get()
    first, second = battle.judgments.order_by("game")
    assert (battle.origin, first.outcome, second.is_readable) == ("stored", "model_a", False)
    assert first.prompt == [{"role": "user", "content": "p1"}]
    assert first.judge.kind == "imported"


@pytest.mark.usefixtures("answered")
def test_a_pair_finds_the_battle_that_the_arena_made(load):
    alpha, beta = Answer.objects.filter(question__external_id="81").order_by("id")
    made = stored_battle(beta, alpha)
    row = {**SAMPLES["mt_bench_pair"][0], "model_1": "beta", "model_2": "alpha"}
    load("mt_bench_pair", [row])
    assert Battle.objects.get() == made
    # beta was model_1 and won game 1, in which it stood first; it is side b here
    game = Judgment.objects.get(is_readable=True)
    assert (game.outcome, game.game) == ("model_b", 2)


def test_a_pair_without_answers_is_a_battle_without_answers(load):
    load("mt_bench_questions", [QUESTION])
    row = SAMPLES["mt_bench_pair"][0]
    load("mt_bench_pair", [row, {**row, "model_1": "beta", "model_2": "alpha", "turn": 2}])
    battle = Battle.objects.get()
    assert (battle.origin, battle.answer_a) == ("imported", None)
    assert battle.judgments.get(turn=1, outcome="model_a").game == 1
    assert battle.judgments.get(turn=2, outcome="model_b").game == 2


def test_alpaca_annotations_bring_their_answers(load):
    load("alpaca_eval_annotations", SAMPLES["alpaca_eval_annotations"])
    judgment = Judgment.objects.get()
    assert judgment.preference == 1.25
    assert judgment.battle.answer_a.turns == ["2"]
    assert Answer.objects.in_answer_set().count() == 2
    assert Question.objects.get().category == "koala"


def test_a_text_that_differs_from_the_answer_set_is_kept_beside_it(load):
    load("alpaca_eval_outputs", SAMPLES["alpaca_eval_outputs"])
    row = {**SAMPLES["alpaca_eval_annotations"][0], "output_2": "another text of alpha"}
    load("alpaca_eval_annotations", [row])
    assert Answer.objects.in_answer_set().get(model__slug="alpha").turns == ["2"]
    assert Answer.objects.get(sample_index=None).turns == ["another text of alpha"]


@pytest.mark.parametrize(
    "name", ["alpaca_eval_annotations", "arena_hard_judgments", "llmuses_battles", "mt_bench_human"]
)
def test_importing_judgments_twice_changes_nothing(load, name):
    load("arena_hard_questions", SAMPLES["arena_hard_questions"])
    rows = [
        {**row, "judge": ["gpt-4", ""]} if name == "mt_bench_human" else row
        for row in SAMPLES[name]
    ]
    first = load(name, rows)
    again = load(name, rows)
    assert first.stored["judgment"] == again.already_there["judgment"] == Judgment.objects.count()
    assert again.stored.total() == 0


def test_another_verdict_on_the_same_game_is_refused(load):
    row = SAMPLES["alpaca_eval_annotations"][0]
    load("alpaca_eval_annotations", [row])
    report = load("alpaca_eval_annotations", [{**row, "preference": 2}])
    assert "another verdict" in report.files[0].bad_rows[0].remedy


def test_an_imported_judge_never_takes_the_place_of_one_set_up_here(load):
    ours = Judge.objects.create(slug="weighted_gpt4", name="Ours", kind="chat", fingerprint="x")
    load("alpaca_eval_annotations", SAMPLES["alpaca_eval_annotations"])
    assert Judge.objects.current().get(slug="weighted_gpt4") == ours
    assert Judgment.objects.get().judge.slug == "weighted_gpt4-imported"


def test_strong_verdicts_of_arena_hard_keep_their_strength(load):
    load("arena_hard_questions", SAMPLES["arena_hard_questions"])
    load("arena_hard_judgments", SAMPLES["arena_hard_judgments"])
    judgment = Judgment.objects.get(is_readable=True)
    winner = getattr(judgment.battle, judgment.outcome)
    assert (winner.slug, judgment.strength) == ("alpha", 3)


def test_judge_prompts_are_stored_with_the_way_their_replies_are_read(load):
    load("judge_prompts", SAMPLES["judge_prompts"])
    prompt = JudgePrompt.objects.get(name="pair-v2")
    assert (prompt.mode, prompt.convention) == ("pairwise", "mt_bench_pair")


def test_a_judge_prompt_that_nothing_can_fill_is_refused(load):
    row = {**SAMPLES["judge_prompts"][0], "prompt_template": "{colour}"}
    report = load("judge_prompts", [row])
    assert "{colour}" in report.files[0].bad_rows[0].remedy
