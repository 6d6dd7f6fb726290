"""Two snapshots compared, and the feed of rank changes."""

from xml.etree import ElementTree

import pytest
from django.urls import reverse

from arena.models import LanguageModel, Vote
from leaderboard.comparing import Move, compare_snapshots
from leaderboard.models import Board
from leaderboard.services import take_snapshot
from leaderboard.templatetags.boards import move_rows

pytestmark = pytest.mark.django_db
ATOM = "{http://www.w3.org/2005/Atom}"


@pytest.fixture
def turned(board, votes, battles):
    """Two snapshots; between them gamma wins ten battles and a vote is marked."""
    first = take_snapshot(board=board)
    Vote.objects.bulk_create(Vote(battle=battles[6 + i % 3], outcome="model_b") for i in range(10))
    votes[0].exclusion = "staff"
    votes[0].save()
    return first, take_snapshot(board=board)


def test_moves_name_places_points_and_new_battles(turned):
    moves = {move.model.slug: move for move in compare_snapshots(*turned).moves}
    gamma = moves["gamma"]
    assert gamma.rank_change == gamma.before.rank - gamma.after.rank > 0
    assert gamma.rating_change == pytest.approx(gamma.after.rating - gamma.before.rating)
    assert (gamma.new_battles, moves["alpha"].new_battles) == (10, -1)


def test_the_reasons_are_rows_and_exclusions(turned):
    changes = {
        change.name: (change.before, change.after) for change in compare_snapshots(*turned).changes
    }
    assert changes["battles"] == ("9", "18")
    assert changes["excluded by staff"] == ("–", "1")


def test_a_changed_method_and_option_are_reasons(board, votes):
    first = take_snapshot(board=board)
    Board.objects.update(options={"scale": 200})
    board.refresh_from_db()
    comparison = compare_snapshots(first, take_snapshot(board=board))
    assert ("scale", "400.0", "200.0") in {(c.name, c.before, c.after) for c in comparison.changes}
    assert comparison.are_same_rows


def test_a_rating_beyond_the_old_interval_is_marked(turned):
    first, second = turned
    row = first.ratings.get(model__slug="gamma")
    type(row).objects.filter(pk=row.pk).update(
        rating_lower=row.rating, rating_upper=row.rating + 0.1
    )
    moves = {move.model.slug: move for move in compare_snapshots(first, second).moves}
    assert moves["gamma"].is_beyond_interval


def test_the_page_compares_the_newest_two_unless_told_otherwise(client, turned):
    address = reverse("board_compare", args=["main"])
    assert "Snapshot 1 to 2" in client.get(address).content.decode()
    assert "Snapshot 2 to 1" in client.get(address, {"from": 2, "to": 1}).content.decode()
    assert client.get(address, {"from": 9}).status_code == 404


def test_the_history_lists_every_snapshot(client, turned):
    text = client.get(reverse("board_history", args=["main"])).content.decode()
    assert "?snapshot=1" in text
    assert "?snapshot=2" in text


def test_the_feed_tells_rank_changes_only(client, turned, board):
    take_snapshot(board=board)
    response = client.get(reverse("board_feed", args=["main"]))
    assert response.headers["Content-Type"].startswith("application/atom+xml")
    entries = ElementTree.fromstring(response.content).findall(f"{ATOM}entry")
    assert len(entries) == 1
    assert "Gamma from rank" in entries[0].find(f"{ATOM}summary").text


def test_rating_over_time_is_charted_from_the_second_snapshot_on(client, turned):
    text = client.get(reverse("board_charts", args=["main"])).content.decode()
    assert "Rating over time" in text


def test_a_models_name_is_escaped_among_the_moves():
    moves = [Move(LanguageModel(slug="m", display_name="<b>&"), None, None)]
    assert '<th scope="row">&lt;b&gt;&amp; <span' in move_rows(moves)
