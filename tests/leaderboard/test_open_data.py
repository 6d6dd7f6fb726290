"""The read API, the embedded board and the methods pages."""

import pytest
from django.urls import reverse

from leaderboard.methods_pages import method_address, method_pages
from leaderboard.models import Board
from leaderboard.ratings import METHODS
from leaderboard.services import take_snapshot

pytestmark = pytest.mark.django_db


@pytest.fixture
def rated(board, votes):
    return take_snapshot(board=board)


def get(client, path):
    return client.get(f"/api/v1/{path}")


def test_boards_are_listed_with_their_newest_snapshot(client, rated):
    told = {board["slug"]: board for board in get(client, "boards").json()}
    assert told["main"]["latest_snapshot"] == 1
    assert told["overall"]["latest_snapshot"] is None


def test_ratings_carry_ranks_and_their_uncertainty(client, rated):
    best, *_ = get(client, "boards/main/snapshots/1/ratings").json()
    assert best["model"] == "alpha"
    assert best["rank_set"][0] == 1
    assert 0.5 < best["probability_best"] <= 1


def test_pairs_count_from_the_first_models_side(client, rated):
    first, *_ = get(client, "boards/main/snapshots/1/pairs").json()
    assert (first["model_a"], first["wins_a"], first["wins_b"]) == ("alpha", 4, 1)


def test_a_slice_is_reached_by_its_key(client, rated, board):
    take_snapshot(board=board, overrides={"category": "math"}, number=1)
    told = client.get("/api/v1/boards/main/snapshots/1", {"slice": "category=math"}).json()
    assert told["battles"] == 5


def test_a_models_standing_on_every_board_is_told(client, rated):
    assert [row["board"] for row in get(client, "models/alpha/ratings").json()] == ["main"]


@pytest.mark.parametrize("path", ["boards/none", "boards/main/snapshots/7", "models/none"])
def test_what_is_not_there_is_a_404_with_a_reason(client, rated, path):
    response = get(client, path)
    assert response.status_code == 404
    assert response.json()["detail"]


def test_private_boards_are_not_in_the_api(client, rated):
    Board.objects.update(is_public=False)
    assert get(client, "boards").json() == []
    assert get(client, "boards/main").status_code == 404


def test_the_api_only_reads(client, rated):
    assert client.post("/api/v1/boards", {}).status_code == 405


def test_the_api_is_explained_on_a_page_of_our_own(client):
    text = client.get(reverse("api_docs")).content.decode()
    assert "/api/v1/boards/{slug}/snapshots/{number}/ratings" in text
    assert "probability_best" in text
    assert "cdn." not in text


def test_only_the_embedded_board_may_be_framed_elsewhere(client, rated):
    embedded = client.get(reverse("board_embed", args=["main"]))
    assert "frame-ancestors *" in embedded.headers["Content-Security-Policy"]
    assert "X-Frame-Options" not in embedded.headers
    board = client.get(reverse("board_detail", args=["main"]))
    assert "frame-ancestors 'self'" in board.headers["Content-Security-Policy"]
    assert board.headers["X-Frame-Options"] == "SAMEORIGIN"


def test_the_embedded_board_lists_the_best_without_a_script(client, rated):
    text = client.get(reverse("board_embed", args=["main"])).content.decode()
    assert text.index("Alpha") < text.index("Beta")
    assert "<script" not in text


@pytest.mark.parametrize("method", list(METHODS.names()))
def test_every_rating_method_has_a_page_that_explains_it(client, method):
    address = method_address(method)
    assert address
    assert client.get(address).status_code == 200


def test_every_methods_page_can_be_read(client):
    listed = client.get(reverse("method_list")).content.decode()
    for slug, page in method_pages().items():
        assert client.get(reverse("method_detail", args=[slug])).status_code == 200
        assert slug == "index" or f"/methods/{slug}/" in listed
        assert ".md)" not in page.text


def test_the_board_links_the_page_of_its_method(client, rated):
    text = client.get(reverse("board_detail", args=["main"])).content.decode()
    assert "/methods/bradley_terry/" in text
