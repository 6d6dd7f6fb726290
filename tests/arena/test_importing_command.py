"""``manage.py import_data`` as a user meets it."""

import json
from contextlib import suppress

import pytest
from django.core.management import CommandError, call_command

from arena.models import Question
from tests.arena.dialects.samples import CLEAN_BATTLE, SAMPLES

pytestmark = pytest.mark.django_db


@pytest.fixture
def questions(tmp_path):
    path = tmp_path / "question.jsonl"
    path.write_text(json.dumps(SAMPLES["mt_bench_questions"][0]), encoding="utf-8")
    return path


@pytest.fixture
def broken(tmp_path):
    path = tmp_path / "battles.jsonl"
    rows = [CLEAN_BATTLE, {**CLEAN_BATTLE, "winner": "nobody"}]
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    return path


def test_it_says_what_was_stored_and_where(questions, capsys):
    call_command("import_data", questions)
    assert "1 question stored (mt_bench_questions, set mt-bench)" in capsys.readouterr().out


def test_its_json_counts_what_was_stored(questions, capsys):
    call_command("import_data", questions, question_set="primes", json=True)
    report = json.loads(capsys.readouterr().out)
    assert report["is_complete"] is True
    assert report["stored"] == {"question": 1}
    assert report["files"][0]["question_set"] == "primes"


def test_a_bad_row_ends_it_with_1_and_a_line_on_the_error_stream(broken, capsys):
    with pytest.raises(SystemExit) as ended:
        call_command("import_data", broken)
    output = capsys.readouterr()
    assert ended.value.code == 1
    assert "battles.jsonl:2: field winner: 'nobody'" in output.err
    assert "nothing of this file was stored" in output.out


def test_its_json_lists_bad_rows_with_place_and_remedy(broken, capsys):
    with pytest.raises(SystemExit):
        call_command("import_data", broken, json=True)
    (bad,) = json.loads(capsys.readouterr().out)["files"][0]["bad_rows"]
    assert (bad["line"], bad["field"], bad["value"]) == (2, "winner", "nobody")


@pytest.mark.parametrize(("skip_bad", "lines"), [(False, 101), (True, 120)])
def test_a_refused_file_shows_its_first_bad_rows_and_a_skipped_row_is_always_listed(
    tmp_path, capsys, skip_bad, lines
):
    path = tmp_path / "battles.jsonl"
    bad = json.dumps({**CLEAN_BATTLE, "winner": "nobody"}) + "\n"
    path.write_text(json.dumps(CLEAN_BATTLE) + "\n" + bad * 120, encoding="utf-8")
    with suppress(SystemExit):
        call_command("import_data", path, skip_bad=skip_bad)
    assert len(capsys.readouterr().err.splitlines()) == lines


def test_skipped_rows_do_not_make_it_fail(broken, capsys):
    call_command("import_data", broken, skip_bad=True)
    assert "1 battle stored, 1 bad row skipped" in capsys.readouterr().out


def test_several_of_a_kind_are_told_in_the_plural(tmp_path, capsys):
    path = tmp_path / "questions.jsonl"
    rows = [{"question_id": n, "category": "math", "turns": [f"What is {n}?"]} for n in (1, 2)]
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    call_command("import_data", path)
    assert "2 questions stored" in capsys.readouterr().out


def test_a_dry_run_says_that_nothing_was_stored(questions, capsys):
    call_command("import_data", questions, dry_run=True)
    assert "nothing was stored" in capsys.readouterr().out
    assert Question.objects.count() == 0


def test_a_file_that_is_not_there_is_wrong_usage(tmp_path):
    with pytest.raises(CommandError, match="no such file") as ended:
        call_command("import_data", tmp_path / "nowhere.jsonl")
    assert ended.value.returncode == 2


def test_an_export_into_a_folder_that_is_not_there_is_wrong_usage(tmp_path):
    out = tmp_path / "nowhere" / "q.jsonl"
    with pytest.raises(CommandError, match="no such folder") as ended:
        call_command("export_data", format="mt_bench_questions", out=str(out))
    assert ended.value.returncode == 2
