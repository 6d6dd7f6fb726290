"""A release as somebody else's program reads it: the published sets' fields, types and spellings.

The reader here shares nothing with ours. It does what the notebooks around those sets do: sort by
time, keep blind battles and the sample of frequent prompts, and count who won.
"""

import gzip
import io
import json
from collections import Counter

import pyarrow as pa
import pyarrow.json
import pyarrow.parquet
import pytest
from django.core.management import call_command

from arena.importing import import_files
from arena.models import Answer, Battle, Question, Vote, Voter

WINNERS = {"model_a", "model_b", "tie", "tie (bothbad)"}
FIELDS = {
    "question_id": str,
    "model_a": str,
    "model_b": str,
    "winner": str,
    "judge": str,
    "conversation_a": list,
    "conversation_b": list,
    "turn": int,
    "anony": bool,
    "language": str,
    "tstamp": float,
    "dedup_tag": dict,
}


def strict_row(row):
    """The row, if it is one of the public set's; a field too few or of another type is an error."""
    for name, kind in FIELDS.items():
        assert type(row[name]) is kind, (name, row[name])
    assert row["winner"] in WINNERS
    assert all(row[name] for name in ("model_a", "model_b", "language", "question_id"))
    assert row["judge"].startswith("arena_user_")
    assert set(row["dedup_tag"]) == {"high_freq", "sampled"}
    sides = [row["conversation_a"], row["conversation_b"]]
    for messages in sides:
        assert [message["role"] for message in messages] == ["user", "assistant"] * row["turn"]
        assert all(type(message["content"]) is str for message in messages)
    asked = [[m["content"] for m in messages if m["role"] == "user"] for messages in sides]
    assert asked[0] == asked[1]
    return row


def battles_of(rows):
    """As the public notebooks choose and order them."""
    rows = sorted((strict_row(row) for row in rows), key=lambda row: row["tstamp"])
    return [row for row in rows if row["anony"] and row["dedup_tag"].get("sampled", False)]


def wins(rows):
    """Who won over whom how often; both kinds of tie count half for either side, as in Elo."""
    count = Counter()
    for row in rows:
        first, second = row["model_a"], row["model_b"]
        share = {"model_a": 1.0, "model_b": 0.0}.get(row["winner"], 0.5)
        count[first, second] += share
        count[second, first] += 1 - share
    return dict(count)


def wins_here():
    count = Counter()
    for vote in Vote.objects.counted().select_related("battle__model_a", "battle__model_b"):
        first, second = vote.battle.model_a.slug, vote.battle.model_b.slug
        share = {"model_a": 1.0, "model_b": 0.0}.get(vote.outcome, 0.5)
        count[first, second] += share
        count[second, first] += 1 - share
    return dict(count)


AWKWARD = [
    "Short, and in ASCII.",
    "中文、日本語、한국어, emoji 👩‍🚀 and \U0001f3f4.",
    'Quotes " and \\ and / and </script>, a tab\tand a bell\a.',
    "Lines\nof\r\nevery\rkind\u2028here\u2029and\x85there\x0c.",
    "Long. " * 20_000,
    "",
]


@pytest.fixture
def votes(question_set, alpha, beta, gamma, make_answer, make_battle):
    """Every outcome, either order, awkward texts, some voters known and some forgotten."""
    outcomes = ["model_a", "model_b", "tie", "both_bad"]
    pairs = [(alpha, beta), (beta, gamma), (alpha, gamma)]
    number = 0
    for place, question in enumerate(question_set.questions.order_by("pk")):
        text = AWKWARD[place] or "Say nothing."
        question.turns = [[{"type": "text", "text": text}], [{"type": "text", "text": "And?"}]]
        question.save()
        for pair in pairs:
            battle = make_battle(question, *pair)
            for answer in (battle.answer_a, battle.answer_b):
                turns = [f"{answer.model_id}: {AWKWARD[place]}", AWKWARD[-1 - place]]
                Answer.objects.filter(pk=answer.pk).update(turns=turns)
            Battle.objects.filter(pk=battle.pk).update(
                turn_count=2, language=["en", "zh", ""][place % 3]
            )
            for key in ("alice", "bob", None):
                voter = key and Voter.objects.get_or_create(key=key)[0]
                Vote.objects.create(
                    battle=battle, voter=voter, outcome=outcomes[number % 4],
                    shown_first="ab"[number // 4 % 2],
                )  # fmt: skip
                number += 1
    return number


def released(tmp_path, name="votes.json", **options):
    path = tmp_path / name
    call_command("release_votes", out=str(path), verbosity=0, **options)
    return path


@pytest.mark.django_db
class TestReaders:
    def test_a_strict_reader_gets_the_same_battles(self, votes, tmp_path):
        rows = battles_of(json.loads(released(tmp_path).read_bytes()))
        assert len(rows) == votes
        assert wins(rows) == wins_here()
        assert {row["winner"] for row in rows} == WINNERS
        assert {row["language"] for row in rows} == {"English", "Chinese", "unknown"}

    def test_texts_arrive_unchanged(self, votes, tmp_path):
        rows = battles_of(json.loads(released(tmp_path).read_bytes()))
        read = {message["content"] for row in rows for message in row["conversation_a"]}
        asked = {text for question in Question.objects.all() for text in question.turn_texts}
        assert asked <= read

    @pytest.mark.parametrize("name", ["votes.jsonl", "votes.jsonl.gz"])
    def test_one_row_to_a_line_however_a_reader_tells_lines(self, votes, tmp_path, name):
        raw = released(tmp_path, name).read_bytes()
        raw = gzip.decompress(raw) if name.endswith(".gz") else raw
        assert raw.endswith(b"\n")
        assert b"\r" not in raw
        text = raw.decode()
        assert len(text.splitlines()) == len(raw.split(b"\n")) - 1 == votes
        assert wins(battles_of(map(json.loads, text.splitlines()))) == wins_here()

    def test_a_table_of_the_lines_has_one_type_to_a_column(self, votes, tmp_path):
        table = pa.json.read_json(
            io.BytesIO(released(tmp_path, "votes.jsonl").read_bytes()),
            read_options=pa.json.ReadOptions(block_size=1 << 28),
        )
        assert table.schema.field("question_id").type == pa.string()
        assert table.schema.field("tstamp").type == pa.float64()
        assert table.schema.field("anony").type == pa.bool_()
        assert wins(battles_of(table.to_pylist())) == wins_here()

    def test_parquet_holds_the_same(self, votes, tmp_path):
        table = pa.parquet.read_table(released(tmp_path, "votes.parquet"))
        assert wins(battles_of(table.to_pylist())) == wins_here()

    def test_pandas_reads_the_same(self, votes, tmp_path):
        pandas = pytest.importorskip("pandas")
        for name, options in (("votes.json", {}), ("votes.jsonl", {"lines": True})):
            frame = pandas.read_json(released(tmp_path, name), **options)
            frame = frame.sort_values("tstamp")
            frame = frame[frame["anony"] & frame["dedup_tag"].apply(lambda tag: tag["sampled"])]
            assert wins(frame.to_dict("records")) == wins_here()

    def test_imported_and_own_battles_fit_one_table(self, votes, alpha, beta, tmp_path):
        """Their ids are of different kinds here; a column of a table is of one."""
        battle = Battle.objects.create(
            model_a=alpha, model_b=beta, origin="imported", external_key="k", language="German",
            metadata={"external_id": "a1b2"},
        )  # fmt: skip
        Vote.objects.create(battle=battle, outcome="tie")
        table = pa.parquet.read_table(released(tmp_path, "votes.parquet", format="arena_100k"))
        assert "a1b2" in table["question_id"].to_pylist()
        assert table.num_rows == votes + 1

    def test_forgotten_voters_get_a_name_each(self, votes, tmp_path):
        """Nobody knows any more which of them were one person."""
        forgotten = Vote.objects.filter(voter=None).count()
        judges = Counter(row["judge"] for row in json.loads(released(tmp_path).read_bytes()))
        assert len(judges) == forgotten + 2
        assert sorted(judges.values())[-2:] == [forgotten, forgotten]

    def test_of_a_frequent_prompt_the_sample_is_what_a_reader_keeps(self, votes, tmp_path):
        rows = json.loads(released(tmp_path, most_per_prompt=4).read_bytes())
        assert {tuple(sorted(row["dedup_tag"].items())) for row in rows} == {
            (("high_freq", True), ("sampled", True))
        }
        assert len(battles_of(rows)) == len(rows) == 4 * len(AWKWARD)

    def test_half_a_surrogate_pair_keeps_no_release_from_being_written(
        self, votes, tmp_path, monkeypatch
    ):
        """SQLite holds one; in a file it becomes the character for what cannot be shown."""
        from arena.exporting import arena_records

        told = arena_records.answer_record

        def broken(row, selection):
            record = told(row, selection)
            return type(record)(record.model, record.question, ("half \ud83d of it", "\udc00"))

        monkeypatch.setattr(arena_records, "answer_record", broken)
        for name in ("votes.json", "votes.jsonl", "votes.parquet"):
            path = released(tmp_path, name)
            if name.endswith(".parquet"):
                rows = pa.parquet.read_table(path).to_pylist()
            else:
                text = path.read_bytes().decode()
                rows = (
                    json.loads(text)
                    if name == "votes.json"
                    else map(json.loads, text.split("\n")[:-1])
                )
            replies = [row["conversation_a"][1]["content"] for row in rows]
            assert set(replies) == {"half \ufffd of it"}

    def test_languages_come_back_by_their_codes(self, votes, tmp_path):
        path = released(tmp_path)
        before = Counter(Battle.objects.values_list("language", flat=True))
        Battle.objects.all().delete()
        Question.objects.all().delete()
        assert import_files([path], format="fastchat_battles", question_set="again").is_complete
        assert set(Battle.objects.values_list("language", flat=True)) == set(before)
