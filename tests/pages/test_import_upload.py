"""Bringing data through the browser."""

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from arena.models import Question

pytestmark = pytest.mark.django_db
QUESTION = {"question_id": 1, "category": "math", "turns": ["Is 7 a prime?", "And 9?"]}


def upload(client, *rows, name="question.jsonl", **fields):
    text = "\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows)
    file = SimpleUploadedFile(name, text.encode())
    return client.post(
        reverse("import_upload"), {"uploads": file, "question_set": "mine", **fields}
    )


def test_a_file_is_recognised_and_stored(admin_client):
    text = upload(admin_client, QUESTION).content.decode()
    assert Question.objects.get().question_set.slug == "mine"
    assert "mt_bench_questions" in text


def test_the_same_file_twice_changes_nothing(admin_client):
    for _ in range(2):
        text = upload(admin_client, QUESTION).content.decode()
    assert Question.objects.count() == 1
    assert "already there" in text


def test_a_bad_row_is_named_and_nothing_is_stored(admin_client):
    text = upload(admin_client, QUESTION, {**QUESTION, "question_id": 2, "turns": 7})
    assert "turns" in text.content.decode()
    assert not Question.objects.exists()


def test_the_good_rows_are_stored_when_asked(admin_client):
    upload(admin_client, QUESTION, {**QUESTION, "question_id": 2, "turns": 7}, skip_bad="on")
    assert Question.objects.count() == 1


def test_a_file_too_large_for_the_browser_is_sent_to_the_command(admin_client, monkeypatch):
    monkeypatch.setattr("arena.forms.UPLOAD_MAX_BYTES", 10)
    assert "manage.py import_data" in upload(admin_client, QUESTION).content.decode()


def test_a_name_with_a_path_stays_in_its_folder(admin_client, tmp_path):
    upload(admin_client, QUESTION, name="../../etc/question.jsonl")
    assert Question.objects.count() == 1


def test_visitors_are_sent_to_sign_in(client):
    assert upload(client, QUESTION).status_code == 302
