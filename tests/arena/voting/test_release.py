"""Publishing votes without the people in them."""

import json

import pytest
from django.core.management import call_command

from arena.models import Battle, Vote, Voter
from arena.voting.personal_data import find_personal_data, remove_personal_data


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Write to alice.smith+x@mail.example.org today", "email"),
        ("Call +44 20 7946 0958 now", "phone"),
        ("My number is (212) 736-5000.", "phone"),
        ("我的电话是13812345678，谢谢", "phone"),
        ("The server at 93.184.216.34 is down", "network_address"),
        ("2001:db8:85a3::8a2e:370:7334 answered", "network_address"),
        ("Send it to 1600 Pennsylvania Avenue NW, Washington, DC 20500", "postal_address"),
        ("She lives at 221B Baker Street, London NW1 6XE.", "postal_address"),
        ("寄到北京市海淀区中关村南大街5号", "postal_address"),
    ],
)
def test_personal_data_is_found_and_replaced(text, kind):
    clean, found = remove_personal_data(text)
    assert found[kind] == 1
    assert f"[{kind}]" in clean


@pytest.mark.parametrize(
    "text",
    [
        "Pi is 3.14159265358979 and e is 2.718281828.",
        "In 1945 there were 2,345,678 of them.",
        "Use python 3.11.7 or 3.12; bind to 127.0.0.1.",
        "def f(a, b): return a @ b",
        "The ratio 1:2:3 and the time 12:30:45.",
        "2 + 2 = 4, 10^9 + 7 = 1000000007",
        "北京市是中国的首都。",
        "There were 12 people in the street and 3 ways to go.",
    ],
)
def test_ordinary_text_is_left_alone(text):
    assert find_personal_data(text) == []


@pytest.fixture
def battles(question_set, alpha, beta, make_battle):
    questions = list(question_set.questions.all())
    return [make_battle(question, alpha, beta) for question in questions]


def release(tmp_path, **options):
    path = tmp_path / "votes.json"
    call_command("release_votes", out=str(path), verbosity=0, **options)
    return json.loads(path.read_text()), path.read_text()


def vote(battle, outcome="model_a", *, voter="alice", **columns):
    person, _ = Voter.objects.get_or_create(key=voter)
    return Vote.objects.create(battle=battle, voter=person, outcome=outcome, **columns)


@pytest.mark.django_db
class TestRelease:
    def test_voters_get_fresh_names_that_hold_together(self, battles, tmp_path):
        vote(battles[0])
        vote(battles[1])
        vote(battles[1], voter="bob")
        first, text = release(tmp_path)
        judges = [row["judge"] for row in first]
        assert judges[0] == judges[1] != judges[2]
        assert "alice" not in text
        assert release(tmp_path)[0][0]["judge"] != judges[0]

    def test_marked_votes_and_battles_are_held_back(self, battles, tmp_path):
        vote(battles[0], exclusion="too_fast")
        vote(battles[1])
        vote(battles[2])
        Battle.objects.filter(pk=battles[2].pk).update(exclusion="identity_leak")
        assert len(release(tmp_path)[0]) == 1

    def test_side_a_is_the_left_one(self, battles, tmp_path):
        vote(battles[0], "model_a", shown_first="b")
        row = release(tmp_path)[0][0]
        assert row["model_a"] == "beta"
        assert row["winner"] == "model_b"
        assert row["conversation_a"][-1]["content"] == battles[0].answer_b.turns[0]

    def test_personal_data_is_removed_from_stored_questions(self, battles, tmp_path):
        question = battles[0].question
        question.turns = [[{"type": "text", "text": "Mail bob@example.org about it"}]]
        question.save()
        vote(battles[0])
        row = release(tmp_path)[0][0]
        assert row["conversation_a"][0]["content"] == "Mail [email] about it"

    def test_a_live_prompt_of_one_person_with_personal_data_is_held_back(self, battles, tmp_path):
        question = battles[0].question
        question.turns = [[{"type": "text", "text": "I am bob@example.org, help"}]]
        question.save()
        Battle.objects.filter(pk=battles[0].pk).update(origin="live")
        vote(battles[0])
        vote(battles[1])
        assert len(release(tmp_path)[0]) == 1

    def test_a_prompt_that_is_too_frequent_is_sampled_down(self, battles, tmp_path):
        for number in range(20):
            vote(battles[0], voter=f"voter-{number}")
        rows = release(tmp_path, most_per_prompt=5)[0]
        assert len(rows) == 5
        assert rows[0]["dedup_tag"] == {"high_freq": True, "sampled": True}

    def test_times_are_rounded_to_the_hour(self, battles, tmp_path):
        vote(battles[0])
        assert release(tmp_path)[0][0]["tstamp"] % 3600 == 0

    def test_demo_votes_are_held_back(self, battles, tmp_path):
        vote(battles[0], source="demo")
        assert release(tmp_path)[0] == []
        assert len(release(tmp_path, include_demo=True)[0]) == 1
