"""What the bundled demo promises: complete, consistent, readable without an importer."""

import itertools
import json
import re
from collections import Counter, defaultdict
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest

DEMO = Path(__file__).resolve().parents[2] / "arena" / "demo"
FILES = ("questions", "models", "answers", "verdicts", "scores", "votes")

CATEGORIES = {
    *("writing", "roleplay", "reasoning", "math", "coding", "extraction", "stem", "humanities"),
    *("advice", "brainstorming", "classification", "closed_question", "creative_writing"),
    *("persona", "open_question", "rewriting", "summarisation"),
}
DIMENSIONS = {
    *("understanding", "reasoning", "professional_skill", "application"),
    *("instruction_following", "robustness", "bias", "hallucination", "safety"),
}
COVERED_TAGS = ("mathematics", "knowledge", "medicine", "law", "finance", "prompt_injection")
VERDICTS = ("A>>B", "A>B", "A=B", "B>A", "B>>A")
A_SHOWN_WIN = {"A>>B": 1.0, "A>B": 1.0, "A=B": 0.5, "B>A": 0.0, "B>>A": 0.0}
CHINESE = re.compile(r"[\u4e00-\u9fff]")

Row = dict[str, Any]  # rows of JSON: their values differ in type from key to key


@cache
def rows(name: str) -> list[Row]:
    text = (DEMO / f"{name}.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.split("\n") if line]


def questions() -> dict[str, Row]:
    return {row["question_id"]: row for row in rows("questions")}


def slugs() -> list[str]:
    return [row["slug"] for row in rows("models")]


def points_of_model_a(row: Row) -> float:
    points = A_SHOWN_WIN[row["verdict"]]
    return points if row["game"] == 1 else 1.0 - points


def win_rates() -> dict[str, float]:
    won: defaultdict[str, float] = defaultdict(float)
    games: Counter[str] = Counter()
    for row in rows("verdicts"):
        if row["verdict"] is None:
            continue
        points = points_of_model_a(row)
        won[row["model_a"]] += points
        won[row["model_b"]] += 1.0 - points
        games.update((row["model_a"], row["model_b"]))
    return {slug: won[slug] / games[slug] for slug in slugs()}


@pytest.mark.parametrize("name", FILES)
def test_every_file_is_json_lines_ending_in_a_newline(name: str) -> None:
    text = (DEMO / f"{name}.jsonl").read_text(encoding="utf-8")

    assert text.endswith("\n")
    assert "\r" not in text
    assert all(isinstance(json.loads(line), dict) for line in text[:-1].split("\n"))


@pytest.mark.parametrize("name", FILES)
def test_every_row_of_a_file_has_the_same_keys(name: str) -> None:
    assert len({tuple(row) for row in rows(name)}) == 1


def test_the_whole_demo_stays_under_900_kilobytes() -> None:
    assert sum(path.stat().st_size for path in DEMO.glob("*.jsonl")) < 900_000


def test_there_are_64_questions_half_of_them_chinese() -> None:
    assert Counter(row["language"] for row in rows("questions")) == {"en": 32, "zh": 32}
    assert len(questions()) == 64


def test_a_question_is_written_in_the_language_it_names() -> None:
    for row in rows("questions"):
        is_chinese = CHINESE.search("".join(row["turns"])) is not None
        assert is_chinese == (row["language"] == "zh"), row["question_id"]


def test_no_question_is_asked_twice() -> None:
    assert len({tuple(row["turns"]) for row in rows("questions")}) == 64


@pytest.mark.parametrize("language", ["en", "zh"])
def test_each_language_covers_all_categories_and_dimensions(language: str) -> None:
    chosen = [row for row in rows("questions") if row["language"] == language]

    assert {row["category"] for row in chosen} == CATEGORIES
    assert {row["dimension"] for row in chosen} == DIMENSIONS


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("tag", COVERED_TAGS)
def test_each_language_covers_the_promised_fields(language: str, tag: str) -> None:
    assert any(tag in row["tags"] for row in rows("questions") if row["language"] == language)


def test_at_least_twelve_questions_have_two_turns_and_say_so() -> None:
    two_turns = [row for row in rows("questions") if len(row["turns"]) == 2]

    assert len(two_turns) >= 12
    assert all(len(row["turns"]) in (1, 2) for row in rows("questions"))
    assert all(("two_turn" in row["tags"]) == (row in two_turns) for row in rows("questions"))


def test_references_stand_one_per_turn_or_not_at_all() -> None:
    for row in rows("questions"):
        assert len(row["references"]) in (0, len(row["turns"])), row["question_id"]
        assert all(text.strip() for text in row["references"]), row["question_id"]


def test_questions_with_a_right_answer_have_references() -> None:
    for row in rows("questions"):
        if row["category"] in {"math", "coding", "reasoning", "extraction", "classification"}:
            assert row["references"], row["question_id"]


def test_five_models_are_marked_as_demo_under_five_licences() -> None:
    models = rows("models")

    assert len(models) == len(set(slugs())) == 5
    assert all(row["slug"].startswith("demo-") for row in models)
    assert all(row["organisation"] == "Agon demo" for row in models)
    assert all(row["display_name"].startswith("Demo ") for row in models)
    assert len({row["license"] for row in models}) == 5


def test_every_model_answers_every_question_once_in_all_turns() -> None:
    expected = Counter(itertools.product(questions(), slugs()))

    assert Counter((row["question_id"], row["model"]) for row in rows("answers")) == expected
    for row in rows("answers"):
        assert len(row["turns"]) == len(questions()[row["question_id"]]["turns"])
        assert all(turn.strip() for turn in row["turns"])


def test_no_two_answers_to_a_question_are_identical() -> None:
    seen = Counter((row["question_id"], tuple(row["turns"])) for row in rows("answers"))

    assert max(seen.values()) == 1


def test_answer_figures_are_positive_and_the_first_token_precedes_the_last() -> None:
    for row in rows("answers"):
        assert row["output_tokens"] > 0
        assert row["input_tokens"] > 0
        assert 0 < row["ttft_s"] < row["latency_s"]


def test_code_fences_in_answers_are_closed() -> None:
    for row in rows("answers"):
        assert all(turn.count("```") % 2 == 0 for turn in row["turns"]), row["question_id"]


def test_models_differ_in_length_and_markup() -> None:
    length: Counter[str] = Counter()
    bold: Counter[str] = Counter()
    for row in rows("answers"):
        length[row["model"]] += sum(map(len, row["turns"]))
        bold[row["model"]] += sum(turn.count("**") for turn in row["turns"])

    assert length["demo-daedalus"] > length["demo-athena"] > 2 * length["demo-hermes"]
    assert bold.most_common(1)[0][0] == "demo-daedalus"


def test_every_pair_is_judged_once_in_both_games_on_every_question() -> None:
    pairs = itertools.combinations(slugs(), 2)
    expected = Counter(
        (question, first, second, game)
        for (first, second), question, game in itertools.product(pairs, questions(), (1, 2))
    )

    found = Counter(
        (row["question_id"], row["model_a"], row["model_b"], row["game"])
        for row in rows("verdicts")
    )
    assert found == expected


def test_a_verdict_is_what_its_text_ends_with() -> None:
    for row in rows("verdicts"):
        if row["verdict"] is None:
            assert not re.search(r"\[\[.*\]\]", row["text"])
        else:
            assert row["verdict"] in VERDICTS
            assert re.findall(r"\[\[(.+?)\]\]", row["text"]) == [row["verdict"]]
            assert row["text"].endswith(f"[[{row['verdict']}]]")


def test_a_few_verdicts_are_unreadable() -> None:
    assert 2 <= sum(row["verdict"] is None for row in rows("verdicts")) <= 13


def test_verdict_texts_are_in_the_language_of_the_question() -> None:
    for row in rows("verdicts"):
        is_chinese = questions()[row["question_id"]]["language"] == "zh"
        assert (CHINESE.search(row["text"]) is not None) == is_chinese


def test_some_pairs_are_judged_inconsistently_but_most_are_not() -> None:
    games: dict[tuple[str, str, str], list[float]] = {}
    for row in rows("verdicts"):
        if row["verdict"] is not None:
            pair = (row["question_id"], row["model_a"], row["model_b"])
            games.setdefault(pair, []).append(points_of_model_a(row))
    both = [points for points in games.values() if len(points) == 2]

    inconsistent = sum(first != second for first, second in both) / len(both)
    assert 0.02 < inconsistent < 0.25


def test_the_verdicts_order_the_models_without_an_undefeated_or_winless_one() -> None:
    rates = win_rates()

    assert rates["demo-athena"] > max(rates["demo-hermes"], rates["demo-daedalus"])
    assert min(rates["demo-hermes"], rates["demo-daedalus"]) > 0.5
    assert max(rates["demo-echo"], rates["demo-icarus"]) < 0.5
    assert all(0.05 < rate < 0.95 for rate in rates.values())


def test_no_model_wins_every_game_against_another() -> None:
    for first, second in itertools.combinations(slugs(), 2):
        points = {
            points_of_model_a(row)
            for row in rows("verdicts")
            if (row["model_a"], row["model_b"]) == (first, second) and row["verdict"]
        }
        assert len(points) > 1, (first, second)


def test_every_turn_of_every_answer_is_scored_once() -> None:
    expected = Counter(
        (question_id, slug, turn)
        for (question_id, question), slug in itertools.product(questions().items(), slugs())
        for turn in range(1, len(question["turns"]) + 1)
    )

    found = Counter((row["question_id"], row["model"], row["turn"]) for row in rows("scores"))
    assert found == expected


def test_a_score_is_what_its_text_ends_with() -> None:
    for row in rows("scores"):
        if row["score"] is None:
            assert "[[" not in row["text"]
        else:
            assert row["score"] in range(1, 11)
            assert row["text"].endswith(f"[[{row['score']}]]")


def test_there_are_400_simulated_votes_by_thirty_demo_voters() -> None:
    votes = rows("votes")

    assert len(votes) == 400
    assert {row["voter"] for row in votes} == {f"demo-voter-{n:02d}" for n in range(1, 31)}
    assert {row["outcome"] for row in votes} == {"model_a", "model_b", "tie", "both_bad"}
    assert {row["shown_first"] for row in votes} == {"a", "b"}


def test_votes_name_known_questions_and_two_different_known_models() -> None:
    for row in rows("votes"):
        assert row["question_id"] in questions()
        assert row["model_a"] in slugs()
        assert row["model_b"] in slugs()
        assert row["model_a"] != row["model_b"]


def test_no_voter_votes_twice_on_one_pair_and_question() -> None:
    seen = Counter(
        (row["voter"], row["question_id"], frozenset((row["model_a"], row["model_b"])))
        for row in rows("votes")
    )
    assert max(seen.values()) == 1


def test_votes_are_dated_in_2026_and_in_order() -> None:
    dates = [datetime.fromisoformat(row["created_at"]) for row in rows("votes")]

    assert dates == sorted(dates)
    assert {(date.year, date.tzinfo) for date in dates} == {(2026, UTC)}
