"""Rows into files, and back into the same rows."""

import io
import json
import zipfile

import pytest
from django.core.management import call_command

from arena.dialects.dialect import recognise, writable_formats
from arena.dialects.files.source import Source
from arena.dialects.files.writing import write_file
from arena.exporting import ExportError, export_data
from arena.importing import import_files
from arena.models import (
    Answer,
    Battle,
    Endpoint,
    LanguageModel,
    Question,
    QuestionSet,
    Vote,
    Voter,
)
from arena.services.battles import stored_battle
from judging.models import Judge, Judgment
from leaderboard.models import Board
from tests.arena.dialects.samples import SAMPLES

pytestmark = pytest.mark.django_db


def rows_of(format, **selection):
    stream = io.BytesIO()
    export_data(format=format, out=stream, **selection)
    text = stream.getvalue().decode()
    return json.loads(text) if text.startswith("[") else [json.loads(t) for t in text.splitlines()]


@pytest.fixture
def load(tmp_path):
    def load_sample(*names):
        for name in names:
            folder = "reference_answer" if "reference" in name else "rows"
            path = tmp_path / folder / f"{name}.jsonl"
            path.parent.mkdir(exist_ok=True)
            lines = [json.dumps(row) for row in SAMPLES[name]]
            path.write_text("\n".join(lines), encoding="utf-8")
            report = import_files([path], format=name)
            assert report.is_complete, report.files[0].bad_rows

    return load_sample


ROUND_TRIPS = {
    "alpaca_eval_annotations": (),
    "alpaca_eval_outputs": (),
    "arena_140k": (),
    "arena_expert": (),
    "arena_hard_answers": (),
    "arena_hard_judgments": ("arena_hard_questions",),
    "arena_hard_questions": (),
    "evalscope_queries": (),
    "fastchat_battles": (),
    "llmuses_answers": (),
    "llmuses_battles": (),
    "llmuses_questions": (),
    "llmuses_reviews": (),
    "mt_bench_answers": ("mt_bench_questions",),
    "mt_bench_human": (),
    "mt_bench_pair": ("mt_bench_questions",),
    "mt_bench_questions": (),
}
# what a file says and the arena does not keep: ids of answers, times of rows without one…
UNKEPT = {"answer_id", "ans_id", "tstamp", "timestamp", "scores", "anony", "reviewer", "datasplit"}


@pytest.mark.parametrize("name", ROUND_TRIPS)
def test_a_file_that_was_imported_is_exported_with_the_same_fields(load, name):
    load(*ROUND_TRIPS[name], name)
    exported = rows_of(name)
    assert len(exported) == len(SAMPLES[name])
    for row, original in zip(exported, SAMPLES[name], strict=True):
        shared = set(row) & set(original) - UNKEPT
        assert {k: row[k] for k in shared} == {k: original[k] for k in shared} or name in LOOSE


# formats whose rows hold messages or tags that may be spelled in more than one way
LOOSE = {"arena_140k", "arena_expert", "llmuses_battles", "llmuses_reviews", "arena_hard_answers"}


def everything(make_model):
    """A small arena with a bit of everything, in the state that a bundle must carry."""
    alpha, beta = LanguageModel.objects.get(slug="alpha"), LanguageModel.objects.get(slug="beta")
    alpha.price_in_per_mtok, alpha.organisation = 1.5, "Example"
    alpha.save()
    question = Question.objects.get(question_set__slug="mt-bench", external_id="81")
    answers = [
        Answer.objects.create(
            question=question, model=model, turns=["x", model.slug], status="done", latency_s=1.25
        )
        for model in (beta, alpha)
    ]
    battle = stored_battle(*answers)
    voter = Voter.objects.create(key="alice", is_expert=True)
    Vote.objects.create(battle=battle, voter=voter, outcome="model_b", shown_first="b")
    Vote.objects.create(battle=battle, outcome="tie", exclusion="staff", draw_probability=0.25)
    live = [
        Answer.objects.create(
            question=question, model=m, turns=[t], status="done", sample_index=None,
            origin="live", content_hash=t,
        )
        for m, t in ((alpha, "l1"), (beta, "l2"))
    ]  # fmt: skip
    fought = Battle.objects.create(
        model_a=alpha, model_b=beta, question=question, origin="live",
        answer_a=live[0], answer_b=live[1],
    )  # fmt: skip
    Vote.objects.create(battle=fought, voter=voter, outcome="both_bad", reasons=["wrong"])
    judge = Judge.objects.create(slug="j", version=2, name="J", kind="chat", fingerprint="f")
    for game, outcome in ((1, "model_a"), (2, "")):
        Judgment.objects.create(
            judge=judge, mode="pairwise", battle=battle, game=game, status="done",
            outcome=outcome, is_readable=bool(outcome), raw_text=f"game {game}",
        )  # fmt: skip
    Judgment.objects.create(
        judge=judge, mode="pairwise", battle=fought, status="done", outcome="tie", is_readable=True
    )
    Judgment.objects.create(
        judge=judge, mode="single", answer=answers[0], turn=1, status="done", score=7.5,
        is_readable=True, is_dry_run=True,
    )  # fmt: skip
    Board.objects.create(slug="main", title="Main", query={"source": "people"}, seed=7)


@pytest.fixture
def arena(load, make_model):
    load("mt_bench_questions", "fastchat_battles", "arena_140k", "fastchat_models")
    load("alpaca_eval_annotations", "judge_prompts", "llmuses_reviews", "mt_bench_human")
    everything(make_model)


TABLES = (
    Board, Judgment, Judge, Vote, Battle, Answer, Voter, Question, QuestionSet, LanguageModel,
)  # fmt: skip


@pytest.mark.usefixtures("arena")
def test_a_whole_arena_moves_in_a_bundle(tmp_path):
    first, second = tmp_path / "first.zip", tmp_path / "second.zip"
    export_data(format="agon_bundle", out=first)
    before = {table.__name__: table.objects.count() for table in TABLES}
    for table in TABLES:
        table.objects.all().delete()
    report = import_files([first])
    assert report.is_complete, report.files[0].bad_rows
    assert {table.__name__: table.objects.count() for table in TABLES} == before
    export_data(format="agon_bundle", out=second)
    assert first.read_bytes() == second.read_bytes()


@pytest.mark.usefixtures("arena")
def test_a_bundle_read_where_it_was_written_changes_nothing(tmp_path):
    path = tmp_path / "bundle.zip"
    export_data(format="agon_bundle", out=path)
    before = {table.__name__: table.objects.count() for table in TABLES}
    report = import_files([path])
    assert report.stored.total() == 0, report.stored
    assert {table.__name__: table.objects.count() for table in TABLES} == before


@pytest.mark.usefixtures("arena")
def test_no_key_of_an_endpoint_leaves_in_a_bundle(tmp_path):
    endpoint = Endpoint.objects.create(slug="e", api_key="sk-secret-secret")
    LanguageModel.objects.update(endpoint=endpoint)
    path = tmp_path / "rows.jsonl"
    export_data(format="agon_bundle", out=tmp_path / "bundle.zip")
    export_data(format="fastchat_models", out=path)
    with zipfile.ZipFile(tmp_path / "bundle.zip") as archive:
        texts = b"".join(archive.read(name) for name in archive.namelist())
    assert b"sk-secret" not in texts + path.read_bytes()


# the tagged sets are clean battles with more columns, which only their own rows have
ALIKE = {"arena_33k": "fastchat_battles", "arena_100k": "fastchat_battles"}


@pytest.mark.usefixtures("arena")
def test_every_format_that_can_be_written_is_recognised_when_read(tmp_path):
    expected, found = {}, {}
    for format in writable_formats():
        folder = tmp_path / ("reference_answer" if "reference" in format else "written")
        folder.mkdir(exist_ok=True)
        path = folder / format
        if export_data(format=format, out=path):
            expected[format] = ALIKE.get(format, format)
            found[format] = recognise(Source(path).sample()).name
    assert found == expected
    assert len(found) > 20


@pytest.mark.usefixtures("arena")
def test_a_selection_holds_its_set_alone():
    ids = {row["question_id"] for row in rows_of("mt_bench_questions", question_set="mt-bench")}
    assert ids == {81}


@pytest.mark.usefixtures("arena")
def test_an_unknown_set_lists_those_there_are():
    with pytest.raises(ExportError, match=r"no question set 'nowhere'; sets are: .*mt-bench"):
        rows_of("mt_bench_questions", question_set="nowhere")


def test_a_format_that_can_only_be_read_is_refused():
    with pytest.raises(ExportError, match="can be read but not written"):
        rows_of("fastchat_log")


def test_an_export_that_fails_leaves_no_file_behind(tmp_path, monkeypatch, question_set):
    def break_off(*_, **__):
        raise OSError("the disk is full")

    monkeypatch.setattr("arena.dialects.files.writing.json_text", break_off)
    with pytest.raises(OSError, match="full"):
        export_data(format="mt_bench_questions", out=tmp_path / "q.jsonl")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["b.json", "b.jsonl", "b.parquet", "b.jsonl.gz", "b.json.gz"])
def test_the_name_of_an_export_chooses_its_container(tmp_path, load, name):
    load("arena_100k")
    path = tmp_path / name
    export_data(format="arena_100k", out=path)
    source = Source(path)
    assert source.container == name.removesuffix(".gz").rpartition(".")[2]
    (row,) = recognise(source.sample())().read(source.rows())
    assert row.answer_a.turns == ("2", "3")
    assert row.metadata["conv_metadata"]["bold_count_b"] == {"**": 2}


def test_parquet_columns_take_their_types_from_all_rows(tmp_path):
    rows = [{"a": None, "b": {}}] * 300 + [{"a": 1.5, "b": {"c": ["x"]}, "d": 2}]
    path = tmp_path / "rows.parquet"
    write_file(path, iter(rows), container="jsonl", columns=())
    values = [row.value for row in Source(path).rows()]
    assert values[0] == {"a": None, "b": None, "d": None}
    assert values[-1] == rows[-1]


def test_rows_that_do_not_fit_parquet_are_refused_with_another_way(tmp_path, question_set):
    Question.objects.create(question_set=question_set, external_id="7", turns=[])
    with pytest.raises(ExportError, match="write JSON lines instead"):
        export_data(format="mt_bench_questions", out=tmp_path / "q.parquet")
    assert list(tmp_path.iterdir()) == []


def test_a_gzipped_export_is_the_same_each_time(tmp_path, question_set):
    for name in ("a.jsonl.gz", "b.jsonl.gz"):
        export_data(format="mt_bench_questions", out=tmp_path / name)
    assert (tmp_path / "a.jsonl.gz").read_bytes() == (tmp_path / "b.jsonl.gz").read_bytes()
    report = import_files([tmp_path / "a.jsonl.gz"], question_set="copy")
    assert report.stored["question"] == 6


def test_the_export_command_reports_what_it_wrote(tmp_path, question_set, capsys):
    out = tmp_path / "q.jsonl"
    call_command("export_data", format="mt_bench_questions", out=str(out), json=True)
    report = json.loads(capsys.readouterr().out)
    assert report == {"format": "mt_bench_questions", "file": str(out), "rows": 6}
