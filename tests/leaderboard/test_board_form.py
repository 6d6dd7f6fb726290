"""A board's query is put together from fields and toggles, and checked before it is kept."""

import pytest
from django.forms.models import model_to_dict

from leaderboard.board_form import BoardForm
from leaderboard.models import Board
from leaderboard.services import take_snapshot

pytestmark = pytest.mark.django_db


@pytest.fixture
def sent():
    """What a browser sends for a board, with some fields filled in otherwise."""

    def fill(board, **changed):
        form = BoardForm(instance=board)
        shown = {**model_to_dict(board, BoardForm.Meta.fields), **form.initial, "options": "{}"}
        return {key: value for key, value in {**shown, **changed}.items() if value is not None}

    return fill


def saved(board, data):
    form = BoardForm(data, instance=board)
    assert form.is_valid(), form.errors
    return form.save()


def test_fields_become_the_query(board, sent, question_set, alpha):
    data = sent(
        board, source="people", models=["alpha"], question_sets=[question_set.slug],
                tags="hard, new", traits=["code"], since_0="2026-01-01", since_1="00:00:00"
    )  # fmt: skip
    assert saved(board, data).query == {
        "source": "people",
        "models": ["alpha"],
        "question_sets": [question_set.slug],
        "tags": ["hard", "new"],
        "traits": ["code"],
        "since": "2026-01-01T00:00:00Z",
    }


def test_an_exclusion_is_a_toggle(board, sent, votes):
    votes[0].exclusion = "too_fast"
    votes[0].save()
    assert take_snapshot(board=board).excluded == {"too_fast": 1}
    saved(board, sent(board, include=["too_fast"]))
    assert take_snapshot(board=board).excluded == {}


def test_a_saved_form_that_was_not_touched_changes_nothing(board, sent, alpha):
    board.query = {"source": "judges", "models": ["alpha"], "include_demo": True}
    assert saved(board, sent(board)).query == board.query


def test_a_choice_that_nothing_carries_any_more_is_kept(board, sent):
    board.query = {"categories": ["a category of the past"]}
    assert saved(board, sent(board)).query == board.query


def test_a_time_range_that_ends_before_it_begins_is_refused(board, sent):
    data = sent(board, since_0="2026-02-01", since_1="00:00", until_0="2026-01-01", until_1="00:00")
    assert "until" in BoardForm(data, instance=board).errors


def test_a_wrong_option_of_the_method_is_named(board, sent):
    form = BoardForm(sent(board, options='{"scale": "wide"}'), instance=board)
    assert "scale" in str(form.errors["options"])


def test_a_query_that_cannot_be_read_can_be_chosen_anew(board, sent):
    board.query = {"nonsense": 1}
    assert BoardForm(instance=board).initial["source"] == "combined"


def test_staff_make_a_board_on_the_admin_page(admin_client, sent):
    address = "/admin/leaderboard/board/add/"
    assert b"Marked rows are left out" in admin_client.get(address).content
    data = sent(Board(), slug="fresh", title="Fresh", description="", source="judges")
    admin_client.post(address, data)
    assert Board.objects.get(slug="fresh").query == {"source": "judges"}
