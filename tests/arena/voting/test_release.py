"""Publishing votes without the people in them."""

import json

import pytest
from django.core.management import call_command

from arena.importing import import_files
from arena.models import Answer, Battle, Question, Vote, Voter
from arena.voting.releasing import release_formats


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

    def test_the_report_can_be_read_by_a_program(self, battles, tmp_path, capsys):
        vote(battles[0])
        vote(battles[1], exclusion="too_fast")
        call_command("release_votes", out=str(tmp_path / "v.json"), json=True)
        report = json.loads(capsys.readouterr().out)
        assert report == {"released": 1, "held_back": {"too_fast": 1}, "removed": {}}

    def test_demo_votes_are_held_back(self, battles, tmp_path):
        vote(battles[0], source="demo")
        assert release(tmp_path)[0] == []
        assert len(release(tmp_path, include_demo=True)[0]) == 1

    def test_a_vote_on_stored_answers_to_a_live_prompt_is_held_back_alike(self, battles, tmp_path):
        vote(battles[0])
        Question.objects.filter(pk=battles[0].question_id).update(tags=["live"])
        assert release(tmp_path, fewest_askers=2)[0] == []

    def test_a_live_prompt_that_too_few_sent_is_held_back(self, battles, tmp_path):
        Battle.objects.update(origin="live")
        vote(battles[0])
        for voter in ("alice", "bob"):
            vote(battles[1], voter=voter)
        rows = release(tmp_path, fewest_askers=2)[0]
        assert {row["question_id"] for row in rows} == {str(battles[1].pk)}

    def test_a_stored_question_is_public_however_few_voted_on_it(self, battles, tmp_path):
        vote(battles[0])
        assert len(release(tmp_path, fewest_askers=5)[0]) == 1

    def test_what_a_model_thought_and_how_it_failed_stays_here(self, battles, tmp_path):
        Answer.objects.update(reasoning=["secret thought"], error_detail="secret key")
        vote(battles[0])
        for format in release_formats():
            path = tmp_path / format
            call_command("release_votes", out=str(path), format=format, verbosity=0)
            assert b"secret" not in path.read_bytes()

    @pytest.mark.parametrize("format", ["fastchat_battles", "arena_140k", "arena_100k"])
    def test_the_file_can_be_imported_again(self, battles, alpha, beta, tmp_path, format):
        """Every vote comes back with models, texts and outcome, seen from the left."""
        said = ["model_a", "model_b", "tie", "both_bad"]
        for number, (battle, outcome) in enumerate(zip(battles, said, strict=False)):
            vote(battle, outcome, voter=f"v{number}", shown_first="ab"[number % 2])
        suffix = ".json" if format == "fastchat_battles" else ".parquet"
        path = tmp_path / f"votes{suffix}"
        call_command("release_votes", out=str(path), format=format, verbosity=0)
        before = sorted(seen(vote) for vote in Vote.objects.all())
        Battle.objects.all().delete()
        Question.objects.all().delete()
        report = import_files([path], format=format, question_set="again")
        assert report.is_complete
        assert sorted(seen(vote) for vote in Vote.objects.all()) == before


def seen(vote):
    """Who won over whom, which stood left, and what was said."""
    battle = vote.battle
    sides = [
        (battle.model_a.slug, tuple(battle.answer_a.turns)),
        (battle.model_b.slug, tuple(battle.answer_b.turns)),
    ]
    outcome = {"model_a": sides[0][0], "model_b": sides[1][0]}.get(vote.outcome, vote.outcome)
    left, right = sides if vote.shown_first != "b" else sides[::-1]
    return battle.question.turn_texts[0], outcome, left, right
