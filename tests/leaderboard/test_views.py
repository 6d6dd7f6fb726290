"""Pages of the leaderboard: what a reader sees, and at what cost."""

from types import SimpleNamespace

import pytest
from django.urls import reverse

from arena.models import License, Vote
from leaderboard.models import Board
from leaderboard.services import take_snapshot
from leaderboard.templatetags.boards import chance, interval_ends

pytestmark = pytest.mark.django_db


@pytest.fixture
def rated(board, votes):
    return take_snapshot(board=board)


def page(client, name, *args, **query):
    return client.get(reverse(name, args=args), query)


def test_the_board_lists_models_best_first(client, rated):
    text = page(client, "board_detail", "main").content.decode()
    assert text.index("Alpha") < text.index("Beta")


def test_an_empty_board_says_what_would_fill_it(client, board):
    assert "Nothing to rank here yet" in page(client, "board_detail", "main").content.decode()


def test_a_private_board_is_hidden_from_visitors(client, admin_client, rated):
    Board.objects.update(is_public=False)
    assert page(client, "board_detail", "main").status_code == 404
    assert page(admin_client, "board_detail", "main").status_code == 200


def test_a_filter_shows_the_slice_and_htmx_gets_the_table_alone(client, rated):
    response = client.get(
        reverse("board_detail", args=["main"]),
        {"category": "math"},
        headers={"HX-Request": "true", "HX-Target": "board-table"},
    )
    text = response.content.decode()
    assert "<html" not in text
    assert "5 comparisons" in text


def test_a_slice_is_fitted_once_and_then_read(client, rated, board):
    for _ in range(2):
        page(client, "board_detail", "main", category="math")
    assert board.snapshots.filter(slice_key="category=math").count() == 1


def test_a_slice_without_the_anchor_says_why_it_cannot_be_rated(client, board, votes):
    board.options = {"anchor_model": "gamma", "anchor_value": 1200}
    board.save()
    take_snapshot(board=board)
    Vote.objects.filter(battle__model_b__slug="gamma", battle__question__category="math").delete()
    response = page(client, "board_detail", "main", category="math")
    text = response.content.decode()
    assert response.status_code == 200
    assert "This part of the board cannot be rated by itself" in text
    assert "gamma" in text
    for name in ("board_csv", "board_embed", "board_json"):
        assert page(client, name, "main", category="math").status_code in (200, 404)


def test_an_unknown_filter_value_shows_the_whole_board(client, rated, board):
    text = page(client, "board_detail", "main", category="<script>").content.decode()
    assert "9 comparisons" in text
    assert board.snapshots.count() == 1


def test_a_large_board_is_sliced_by_a_worker(client, rated, board, monkeypatch):
    asked = []
    monkeypatch.setattr("leaderboard.board_page.FITTED_AT_ONCE", 3)
    monkeypatch.setattr("leaderboard.tasks.fit_slice.delay", lambda *args: asked.append(args))
    text = page(client, "board_detail", "main", category="math").content.decode()
    assert asked == [(board.pk, {"category": "math"})]
    assert "being computed" in text


def test_the_licence_says_whether_business_may_use_the_model(client, rated, alpha, beta):
    alpha.license = License.objects.get(spdx_id="GPL-3.0-only")
    alpha.save()
    beta.license = License.objects.get(spdx_id="CC-BY-NC-4.0")
    beta.save()
    text = page(client, "board_detail", "main").content.decode()
    assert text.index("GPL-3.0-only") < text.index("Commercial use")
    assert text.index("CC-BY-NC-4.0") < text.index("Non-commercial")


def test_what_was_left_out_is_told_by_reason(client, board, votes):
    votes[0].exclusion = "outlier_voter"
    votes[0].save()
    take_snapshot(board=board)
    assert "1 outlier voter" in page(client, "board_detail", "main").content.decode()


@pytest.fixture
def two_groups(question_set, make_model, make_battle, alice):
    question = question_set.questions.first()
    for first, second in (("a", "b"), ("c", "d")):
        battle = make_battle(question, make_model(first), make_model(second))
        Vote.objects.create(battle=battle, voter=alice, outcome="model_a")


def test_groups_that_never_met_are_not_ordered_against_each_other(client, board, two_groups):
    take_snapshot(board=board)
    text = page(client, "board_detail", "main").content.decode()
    assert "never met" in text
    assert "Group 2" in text


def test_json_and_csv_stand_beside_the_page(client, rated):
    told = page(client, "board_json", "main").json()
    assert next(row["model"] for row in told["ratings"]) == "alpha"
    csv = page(client, "board_csv", "main")
    assert csv.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert csv.content.decode().startswith("rank,model,")


def test_json_of_a_board_without_snapshot_is_an_explained_404(client, board):
    response = page(client, "board_json", "main")
    assert response.status_code == 404
    assert "no snapshot yet" in response.json()["error"]


def test_charts_come_with_their_tables(client, rated):
    text = page(client, "board_charts", "main").content.decode()
    assert text.count("data-chart-canvas") == 4
    assert text.count("<table") == 4


def test_head_to_head_counts_from_the_first_models_side(client, rated):
    text = page(client, "head_to_head", "main", "beta", "alpha").content.decode()
    assert "Beta 1 · ties 1 · both bad 0 · Alpha 4" in text


def test_a_model_does_not_meet_itself(client, rated):
    assert page(client, "head_to_head", "main", "alpha", "alpha").status_code == 404


def test_the_board_page_makes_a_fixed_number_of_queries(
    client, rated, django_assert_num_queries, django_assert_max_num_queries
):
    page(client, "board_detail", "main")  # what is said of the judges is kept for a minute
    with django_assert_num_queries(7):
        page(client, "board_detail", "main")
    with django_assert_max_num_queries(14):
        page(client, "head_to_head", "main", "alpha", "beta")


def test_pages_speak_chinese_when_asked(client, rated):
    text = client.get(
        reverse("board_detail", args=["main"]), headers={"Accept-Language": "zh-hans"}
    ).content.decode()
    assert 'lang="zh-hans"' in text


def test_the_interval_stands_there_in_figures_and_nothing_is_certain(client, rated):
    text = page(client, "board_detail", "main").content.decode()
    row = rated.ratings.get(model__slug="alpha")
    assert f"{row.rating_lower:.0f}–{row.rating_upper:.0f}</span>" in text
    assert chance(1.0) == chance(0.999) == ">99 %"
    assert chance(0.0) == "<1 %"
    assert chance(0.5) == "50 %"


def test_narrow_intervals_keep_a_decimal():
    line = SimpleNamespace(lower=7.24, upper=7.81)
    assert interval_ends(line) == "7.2–7.8"
    assert interval_ends(SimpleNamespace(lower=None, upper=None)) == ""


def test_findings_name_models_as_readers_know_them(client, rated, alpha):
    evidence = rated.evidence
    influence = {
        "leader": "alpha",
        "overtaken_by": "beta",
        "removals": 2,
        "votes": 9,
        "share": 0.22,
    }
    evidence.examination = {
        "influence": influence,
        "cycles": [{"models": ["alpha", "beta", "gamma"]}],
    }
    evidence.save()
    text = page(client, "board_detail", "main").content.decode()
    assert "would put Beta above Alpha." in text
    assert "<li>Alpha › Beta › Gamma › Alpha</li>" in text


def test_a_single_snapshot_offers_no_comparison_with_itself(client, rated, board):
    text = page(client, "board_history", "main").content.decode()
    assert "Bradley–Terry" in text
    assert 'type="radio"' not in text
    Vote.objects.first().delete()
    take_snapshot(board=board)
    assert 'type="radio"' in page(client, "board_history", "main").content.decode()


def test_prices_are_in_cents_and_licences_without_their_prefix(client, rated, alpha):
    alpha.price_out_per_mtok = 1.2
    alpha.license = License.objects.get(spdx_id="LicenseRef-Llama-3")
    alpha.save()
    text = page(client, "board_detail", "main").content.decode()
    assert "$1.20<" in text
    assert ">Llama-3</span>" in text
