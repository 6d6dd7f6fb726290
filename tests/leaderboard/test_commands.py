"""`rate` and `show_board`: stable JSON, meaningful exit codes."""

import csv
import io
import json

import pytest
from django.core.management import CommandError, call_command

pytestmark = pytest.mark.django_db

RATING_KEYS = {
    "model", "rating", "rating_lower", "rating_upper", "rank", "rank_lower", "rank_upper",
    "battles", "wins", "losses", "ties", "both_bad",
}  # fmt: skip


def run(*arguments):
    out = io.StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


def test_rate_stores_a_snapshot_and_prints_it_as_json(board, votes):
    told = json.loads(run("rate", "main", "--json"))
    assert told["snapshot"] == 1
    assert set(told["ratings"][0]) >= RATING_KEYS
    alpha = told["ratings"][0]
    counts = (alpha["battles"], alpha["wins"], alpha["losses"], alpha["ties"])
    assert (alpha["model"], *counts) == ("alpha", 6, 4, 1, 1)


def test_rate_takes_another_method_for_once(board, votes):
    told = json.loads(run("rate", "main", "--method", "elo", "--options", '{"k": 32}', "--json"))
    assert told["method"] == "elo"
    assert told["options"]["k"] == 32
    board.refresh_from_db()
    assert board.method == "bradley_terry"


def test_show_board_prints_what_rate_stored(board, votes):
    stored = json.loads(run("rate", "main", "--json"))
    assert json.loads(run("show_board", "main", "--json")) == stored


def test_show_board_as_csv_has_a_line_per_model(board, votes):
    run("rate", "main")
    rows = list(csv.DictReader(io.StringIO(run("show_board", "main", "--csv"))))
    assert next(row["model"] for row in rows) == "alpha"
    assert set(rows[0]) >= RATING_KEYS


def test_a_name_that_a_spreadsheet_would_run_is_defused(board, votes, alpha):
    alpha.display_name = "=HYPERLINK(1)"
    alpha.save()
    run("rate", "main")
    assert "'=HYPERLINK(1)" in run("show_board", "main", "--csv")


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["rate", "mian"], 2, "there is no board 'mian'; boards are: main"),
        (["rate", "main"], 3, "nothing that this board counts"),
        (["rate", "main", "--method", "glicko"], 2, "no rating method named 'glicko'"),
        (["rate", "main", "--options", "{"], 2, "is not JSON"),
        (["show_board", "main"], 3, "has no snapshot yet"),
        (["show_board", "mian"], 2, "there is no board 'mian'"),
    ],
)
def test_what_cannot_be_done_ends_with_a_code_and_a_remedy(board, arguments, code, told):
    with pytest.raises(CommandError, match=told) as error:
        call_command(*arguments)
    assert error.value.returncode == code


def test_one_battle_in_all_still_makes_a_board(board, battles, alice):
    from arena.models import Vote

    Vote.objects.create(battle=battles[0], voter=alice, outcome="model_a")
    assert len(json.loads(run("rate", "main", "--json"))["ratings"]) == 2
