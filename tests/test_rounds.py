"""Which round runs which test, and in what environment."""

import os
import sys
from types import SimpleNamespace

import pytest

from tests import rounds
from tests.conftest import belongs_here
from tests.rounds import ROUNDS, pytest_call


def rounds_of(*marks, fixtures=(), names=ROUNDS):
    """The rounds of ``names``, run at the same time, that run a test with these marks."""
    test = SimpleNamespace(
        get_closest_marker=lambda name: True if name in marks else None, fixturenames=fixtures
    )
    found = []
    for name in names:
        command, _ = pytest_call(name, [], is_alone=len(names) == 1)
        where = command[command.index("--one-round") + 1] if "--one-round" in command else None
        told = {"--only-database": "--only-database" in command, "--one-round": where}
        if belongs_here(SimpleNamespace(getoption=told.get), test):
            found.append(name)
    return found


def test_what_uses_the_database_runs_on_both():
    assert rounds_of("django_db") == ["sqlite", "services"]
    assert rounds_of(fixtures=["live_server"]) == ["sqlite", "services"]


def test_what_needs_no_database_runs_once():
    assert rounds_of() == ["sqlite"]


@pytest.mark.parametrize("marks", [("one_round",), ("one_round", "django_db")])
def test_what_is_the_same_on_any_database_runs_in_the_round_with_less_to_do(marks):
    assert rounds_of(*marks) == ["services"]


def test_a_round_alone_leaves_nothing_to_the_other():
    for marks in ((), ("django_db",), ("one_round",), ("one_round", "django_db")):
        assert rounds_of(*marks, names=["sqlite"]) == ["sqlite"]


def test_the_processes_of_a_round_keep_what_they_compile(monkeypatch):
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    for name in ROUNDS:
        _, environment = pytest_call(name, [], is_alone=False)
        assert "PYTHONDONTWRITEBYTECODE" not in environment


def test_the_last_lines_name_what_failed(monkeypatch, capsys):
    said = "FAILED tests/a.py::test_b - AssertionError: nothing\n==== 1 failed, 2 passed ===="

    def call(name, arguments, *, is_alone):
        command = [sys.executable, "-c", f"print({said!r}); raise SystemExit({name == 'sqlite':d})"]
        return command, dict(os.environ)

    monkeypatch.setattr(rounds, "pytest_call", call)
    monkeypatch.setattr(rounds, "missing_service", lambda: None)
    assert rounds.main(["sqlite"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == "FAILED tests/a.py::test_b - AssertionError: nothing"
