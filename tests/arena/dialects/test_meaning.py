"""What the formats' own words come to: winners, sides, turns, ids."""

import pytest

from arena.dialects import DIALECTS
from arena.dialects.fields import BadRow, FieldError, Fields, Row
from arena.dialects.outcomes import (
    BRACKETS,
    bracket_of,
    mirrored_preference,
    preference_outcome,
    read_bracket,
    read_outcome,
)
from arena.dialects.records import NOWHERE, ImagePart, Place, TextPart
from tests.arena.dialects.samples import CLEAN_BATTLE, SAMPLES, STATE, conversation


def read(name, *values):
    rows = [Row(value, Place("file", line)) for line, value in enumerate(values, start=1)]
    return list(DIALECTS.get(name)().read(rows))


def fields(**values):
    return Fields(values, NOWHERE)


@pytest.mark.parametrize(
    ("spelled", "outcome"),
    [
        ("model_a", "model_a"),
        ("model_1", "model_a"),
        ("model_b", "model_b"),
        ("tie", "tie"),
        ("Tie", "tie"),
        ("tie (bothbad)", "both_bad"),
        ("both_bad", "both_bad"),
        ("bothbad", "both_bad"),
        ("tie (inconsistent)", "tie"),
    ],
)
def test_spellings_of_the_winner_are_normalised(spelled, outcome):
    assert read_outcome(fields(winner=spelled), "winner") == outcome


@pytest.mark.parametrize("spelled", ["", "model_c", "error", "unknown", "0.5"])
def test_an_unknown_winner_is_an_error_and_never_a_tie(spelled):
    with pytest.raises(FieldError, match="unknown winner"):
        read_outcome(fields(winner=spelled), "winner")


def test_game_two_of_arena_hard_is_read_from_the_other_side():
    first = read_bracket(fields(score="A>>B"), "score", 1)
    second = read_bracket(fields(score="A>>B"), "score", 2)
    assert (first.outcome, second.outcome) == ("model_a", "model_b")
    assert first.strength == second.strength == 3


@pytest.mark.parametrize("game", [1, 2])
@pytest.mark.parametrize("spelled", ["A>>B", "A>B", "A=B", "B>A", "B>>A"])
def test_arena_hard_verdicts_are_written_as_they_were_read(spelled, game):
    verdict = read_bracket(fields(score=spelled), "score", game)
    assert bracket_of(verdict.outcome, verdict.strength, game) == spelled


def test_the_spellings_with_a_smaller_sign_mean_the_same():
    assert BRACKETS["A<<B"] == BRACKETS["B>>A"]
    assert BRACKETS["A<B"] == BRACKETS["B>A"]


@pytest.mark.parametrize(
    ("preference", "outcome"),
    [
        (1, "model_a"),
        (1.49, "model_a"),
        (1.5, "tie"),
        (0, "tie"),
        (1.51, "model_b"),
        (2, "model_b"),
    ],
)
def test_alpaca_preferences_below_the_middle_are_for_output_1(preference, outcome):
    assert preference_outcome(preference) == outcome


@pytest.mark.parametrize("preference", [1.0079119609, 1.3333333333, 1.9999999999])
def test_a_preference_mirrored_twice_is_itself(preference):
    assert mirrored_preference(mirrored_preference(preference)) == preference


def test_a_null_preference_is_unreadable_and_not_a_draw():
    row = {**SAMPLES["alpaca_eval_annotations"][0], "preference": None}
    (record,) = read("alpaca_eval_annotations", row)
    assert (record.is_readable, record.outcome, record.preference) == (False, "", None)


def test_alpaca_rows_keyed_by_id_point_at_their_instruction():
    row = {"instruction_id": 16, "generator": "alpha", "output": "2"}
    (record,) = read("alpaca_eval_outputs", row)
    assert record.question.is_pointer
    assert record.question.external_id == "16"


def test_hints_of_mt_bench_questions_are_not_reference_answers():
    (record,) = read("mt_bench_questions", SAMPLES["mt_bench_questions"][0])
    assert record.references == ()
    assert record.metadata == {"reference": ["2", "3"]}


def test_a_score_of_minus_one_is_unreadable_and_not_a_low_score():
    record = read("mt_bench_single", *SAMPLES["mt_bench_single"])[1]
    assert (record.is_readable, record.score, record.raw_text) == (False, None, "hm")


def test_both_games_of_an_mt_bench_pair_name_the_same_sides():
    row = {**SAMPLES["mt_bench_pair"][0], "g1_winner": "model_1", "g2_winner": "model_1"}
    games = read("mt_bench_pair", row)
    assert [(game.game, game.outcome) for game in games] == [(1, "model_a"), (2, "model_a")]


def test_the_oldest_pair_files_keep_only_the_aggregate():
    row = {
        key: value
        for key, value in SAMPLES["mt_bench_pair"][0].items()
        if not key.startswith(("g1_", "g2_"))
    }
    (record,) = read("mt_bench_pair", {**row, "winner": "model_2"})
    assert record.outcome == "model_b"
    assert record.metadata["is_aggregate"] is True


def test_a_human_verdict_on_turn_one_is_about_the_first_turn_alone():
    row = {**SAMPLES["mt_bench_human"][0], "turn": 1}
    (battle,) = read("mt_bench_human", row)
    assert battle.turn_count == 1
    assert battle.answer_a.turns == ("2",)
    assert len(battle.question.turns) == 2


def test_the_gpt4_split_of_the_human_set_is_read_as_judgments():
    row = {**SAMPLES["mt_bench_human"][0], "judge": ["gpt-4", "pair-v2"]}
    (record,) = read("mt_bench_human", row)
    assert (record.judge, record.outcome, record.turn) == ("gpt-4", "tie", 2)


def test_older_arena_hard_questions_have_turns_of_objects():
    row = {"question_id": "9f", "category": "x", "cluster": "y", "turns": [{"content": "Hi"}]}
    (record,) = read("arena_hard_questions", row)
    assert (record.external_id, record.turn_texts) == ("9f", ("Hi",))
    assert record.metadata == {"cluster": "y"}


def test_older_arena_hard_answers_count_tokens_by_turn():
    turns = [{"content": "Hi", "token_len": 2}, {"content": "Ho", "token_len": 3}]
    row = {"question_id": "9f", "model_id": "alpha", "choices": [{"index": 0, "turns": turns}]}
    (record,) = read("arena_hard_answers", row)
    assert (record.turns, record.output_tokens) == (("Hi", "Ho"), 5)


def test_older_arena_hard_judgments_are_against_the_first_baseline():
    games = [{"user_prompt": "p", "judgment": "[[A>B]]", "score": "A>B"}, None]
    row = {"question_id": "9f", "model": "alpha", "judge": "gpt-4", "games": games}
    first, second = read("arena_hard_judgments", row)
    assert (first.model_a, first.model_b, first.outcome) == ("gpt-4-0314", "alpha", "model_a")
    assert second.is_readable is False


def test_the_voter_of_a_raw_log_is_an_address():
    battle = read("fastchat_log", SAMPLES["fastchat_log"][1])[0]
    assert battle.votes[0].is_address
    assert battle.question.turn_texts == ("Name a prime.",)


def test_chats_in_a_raw_log_are_counted_as_ignored():
    (ignored,) = read("fastchat_log", SAMPLES["fastchat_log"][0])
    assert ignored.reason.startswith("chat")


def test_a_named_battle_is_kept_and_not_counted():
    vote = SAMPLES["fastchat_log"][1]
    (battle,) = read("fastchat_log", {**vote, "models": ["alpha", "beta"]})
    assert (battle.is_anonymous, battle.exclusion) == (False, "named")


def test_images_of_a_raw_log_become_parts_of_the_turn():
    url = "https://example.org/a.png"
    state = {**STATE, "messages": [["USER", ["See?", [url]]], ["ASSISTANT", "Yes"]], "offset": 0}
    vote = SAMPLES["fastchat_log"][1]
    states = [{**old, **state} for old in vote["states"]]
    (battle,) = read("fastchat_log", {**vote, "states": states})
    assert battle.question.turns == ((TextPart("See?"), ImagePart(url)),)


def test_an_image_that_is_no_address_is_refused():
    content = [{"type": "image", "image": "javascript:alert(1)"}]
    messages = [{"role": "user", "content": content}, {"role": "assistant", "content": "x"}]
    row = {**CLEAN_BATTLE, "conversation_a": messages, "conversation_b": messages}
    (bad,) = read("fastchat_battles", row)
    assert bad.field == "conversation_a[0].content[0]"


def test_a_simple_battle_has_neither_question_nor_answers():
    row = {key: value for key, value in CLEAN_BATTLE.items() if "conversation" not in key}
    (battle,) = read("fastchat_battles", {**row, "turn": 3})
    assert (battle.question, battle.answer_a, battle.turn_count) == (None, None, 3)


def test_an_empty_answer_is_a_reason_on_the_battle():
    row = {**CLEAN_BATTLE, "conversation_b": conversation("4", " ")}
    (battle,) = read("fastchat_battles", row)
    assert battle.exclusion == "empty_answer"


def test_sides_that_were_asked_different_things_are_refused():
    other = conversation("4", "6", asked=("Name a planet.", "Another?"))
    (bad,) = read("fastchat_battles", {**CLEAN_BATTLE, "conversation_b": other})
    assert isinstance(bad, BadRow)
    assert "one question" in bad.remedy


def test_extra_fields_of_later_stages_are_kept_as_metadata():
    row = {**CLEAN_BATTLE, "dedup_tag": {"high_freq": False, "sampled": True}}
    (battle,) = read("fastchat_battles", row)
    assert battle.metadata == {"dedup_tag": {"high_freq": False, "sampled": True}}


def test_null_turns_of_the_55k_set_are_empty_answers():
    row = {**SAMPLES["arena_55k"][0], "response_b": '["4", null]'}
    (battle,) = read("arena_55k", row)
    assert battle.answer_b.turns == ("4", "")


def test_occupations_that_are_set_become_tags():
    (battle,) = read("arena_expert", SAMPLES["arena_expert"][0])
    assert battle.question.tags == ("law",)


def test_the_voter_of_the_140k_set_is_the_session():
    (battle,) = read("arena_140k", SAMPLES["arena_140k"][0])
    assert battle.votes[0].voter == "s-1"
    assert battle.metadata["evaluation_order"] == 2


def test_one_order_llmuses_reviews_are_one_game():
    row = {
        key: value
        for key, value in SAMPLES["llmuses_reviews"][0].items()
        if not key.endswith(("_1", "_2"))
    }
    (record,) = read("llmuses_reviews", {**row, "win": "model_b", "scores": [1.0, 9.0]})
    assert (record.game, record.outcome, record.metadata) == (1, "model_b", {"scores": [1.0, 9.0]})


def test_an_unknown_llmuses_verdict_is_unreadable():
    _, second = read("llmuses_reviews", SAMPLES["llmuses_reviews"][0])
    assert (second.is_readable, second.outcome, second.raw_text) == (False, "", "?")


def test_single_llmuses_reviews_are_scores():
    row = {"question_id": 1, "question": "Q", "category": "x", "model": "alpha", "score": 8}
    (record,) = read("llmuses_reviews", {**row, "review_text": "[[8]]"})
    assert (record.mode, record.model_a, record.score) == ("single", "alpha", 8.0)


def test_dashes_in_a_model_table_mean_unknown():
    (record,) = read("fastchat_models", {**SAMPLES["fastchat_models"][0], "License": "-"})
    assert record.license == ""


BAD_ROWS = [
    ("mt_bench_questions", {"turns": []}, "turns"),
    ("mt_bench_questions", {"turns": "one"}, "turns"),
    ("mt_bench_questions", {"question_id": None}, "question_id"),
    ("mt_bench_questions", {"question_id": True}, "question_id"),
    ("mt_bench_questions", {"category": 3}, "category"),
    ("mt_bench_answers", {"choices": []}, "choices"),
    ("mt_bench_answers", {"choices": [{"index": 0, "turns": [3]}]}, "choices[0].turns[0]"),
    ("mt_bench_answers", {"model_id": "  "}, "model_id"),
    ("mt_bench_answers", {"tstamp": 1690000000000}, "tstamp"),
    ("mt_bench_single", {"score": "nine"}, "score"),
    ("mt_bench_single", {"score": float("inf")}, "score"),
    ("mt_bench_single", {"turn": -1}, "turn"),
    ("mt_bench_pair", {"g1_winner": "model_3"}, "g1_winner"),
    ("mt_bench_pair", {"judge": []}, "judge"),
    ("arena_hard_judgments", {"games": [{"score": "A>>>B"}]}, "games[0].score"),
    ("arena_hard_judgments", {"model": "o3-mini"}, "model"),
    ("alpaca_eval_annotations", {"preference": 2.5}, "preference"),
    ("alpaca_eval_annotations", {"generator_2": "baseline"}, "generator_2"),
    ("fastchat_battles", {"winner": "nobody"}, "winner"),
    ("fastchat_battles", {"model_b": "alpha"}, "model_b"),
    ("fastchat_battles", {"conversation_a": []}, "conversation_a"),
    ("fastchat_battles", {"conversation_b": None}, "conversation_b"),
    ("fastchat_battles", {"anony": "yes"}, "anony"),
    ("fastchat_battles", {"tstamp": 10**400}, "tstamp"),
    ("mt_bench_answers", {"choices": [{"index": 2**40, "turns": []}]}, "choices[0].index"),
    ("arena_55k", {"winner_tie": "1"}, "winner_model_a"),
    ("arena_55k", {"response_a": "[2]"}, "response_a[0]"),
    ("arena_55k", {"response_a": "not json"}, "response_a"),
    ("arena_55k", {"response_a": '["\\ud83d", "x"]'}, "[0]"),
    ("arena_expert", {"conversation_a": "{}"}, "conversation_a"),
    ("judge_prompts", {"prompt_template": None}, "prompt_template"),
    ("agon_bundle", {"record": "spell"}, "record"),
]


@pytest.mark.parametrize(("name", "change", "field"), BAD_ROWS)
def test_a_bad_row_names_file_line_field_and_remedy(name, change, field):
    good = SAMPLES[name][0]
    bad = [item for item in read(name, good, {**good, **change}) if isinstance(item, BadRow)]
    assert [(row.place, row.field) for row in bad] == [(Place("file", 2), field)]
    assert bad[0].remedy
