"""What a reader can choose on a board, and what the page then says."""

import pytest
from django.core.cache import cache
from django.urls import reverse

from arena.models import License, Vote
from leaderboard import live
from leaderboard.models import Board
from leaderboard.services import take_snapshot
from leaderboard.traits import classify_new_questions

pytestmark = pytest.mark.django_db


@pytest.fixture
def rated(board, votes, make_verdict, battles):
    for battle in battles[:4]:
        make_verdict(battle, "model_a")
    return take_snapshot(board=board)


def shown(client, name="board_detail", *args, **query):
    return client.get(reverse(name, args=["main", *args]), query).content.decode()


@pytest.mark.parametrize(
    ("chosen", "sentence"),
    [
        ({}, "votes and judges&#x27; verdicts count alike"),
        ({"source": "people"}, "Only people&#x27;s votes count"),
        ({"source": "judges"}, "Only judges&#x27; verdicts count"),
        ({"source": "calibrated"}, "People decide"),
    ],
)
def test_the_switch_explains_itself_in_a_sentence(client, rated, chosen, sentence):
    assert sentence in shown(client, **chosen)


def test_choosing_calibrated_drops_style_control_from_the_address(client, rated):
    text = shown(client, style="length")
    assert 'href="?source=calibrated"' in text
    assert 'href="?style=length&amp;source=people"' in text


def test_a_board_of_people_alone_offers_no_judges(client, rated):
    Board.objects.update(query={"source": "people"})
    assert "Calibrated" not in shown(client)


def test_a_search_keeps_the_models_that_match(client, rated):
    text = shown(client, q="alph")
    assert "Alpha" in text
    assert ">Beta<" not in text


def test_a_search_without_a_match_says_so(client, rated):
    assert "No model matches" in shown(client, q="zeta")


def test_only_commercially_usable_models_can_be_shown(client, rated, alpha, beta):
    alpha.license = License.objects.get(spdx_id="Apache-2.0")
    alpha.save()
    beta.license = License.objects.get(spdx_id="CC-BY-NC-4.0")
    beta.save()
    text = shown(client, commercial="1")
    assert ">Alpha<" in text
    assert ">Beta<" not in text


def test_derived_categories_stand_beside_the_sets_own(client, board, votes):
    classify_new_questions()
    take_snapshot(board=board)
    text = shown(client)
    assert "Short prompts (6)" in text
    assert "Mathematics (3)" in text


def test_a_choice_that_leaves_nothing_leads_back(client, rated, question_set):
    question_set.questions.filter(pk=question_set.questions.last().pk).update(tags=["lonely"])
    Vote.objects.filter(battle__question__tags=["lonely"]).delete()
    take_snapshot(board=rated.board)
    assert "Nothing matches this choice" in shown(client, tag="lonely", source="people")


def test_votes_since_the_snapshot_count_and_the_page_says_as_of_when(
    client, board, votes, battles, monkeypatch
):
    monkeypatch.setattr(live, "SNAPSHOT_AT_GROWTH", 1000.0)
    live.renew(board)
    before = board.snapshots.get().ratings.get(model__slug="beta").rating
    Vote.objects.create(battle=battles[0], outcome="model_b")
    now = live.keep_live(board).ratings["beta"][0]
    text = shown(client)
    assert now > before
    assert f"<strong>{now:.1f}</strong>" in text
    assert "Ratings count 1 comparison that came since snapshot 1" in text
    assert "Interval widths and rank ranges are as of" in text


def test_an_older_snapshot_is_shown_as_it_was(client, rated, votes):
    votes[0].delete()
    take_snapshot(board=rated.board)
    text = shown(client, snapshot=1)
    assert "13 comparisons" in text
    assert "This is snapshot 1, as it was published" in text


def test_how_few_votes_carry_rank_1_is_told_and_they_can_be_seen(client, rated):
    assert "would put" in shown(client)
    listed = shown(client, "board_decisive")
    assert "Votes that carry rank 1" in listed
    assert "Question 0?" in listed or "Question 2?" in listed


def test_left_out_rows_lead_to_their_battles(client, rated, votes):
    votes[1].exclusion = "too_fast"
    votes[1].save()
    take_snapshot(board=rated.board)
    text = shown(client, "board_left_out", "too_fast")
    assert "1 row is kept but not counted" in text
    assert f"/battles/{votes[1].battle_id}/" in text
    assert client.get(reverse("board_left_out", args=["main", "outdated"])).status_code == 404


def test_models_that_always_won_are_named_with_their_prior(client, board, battles):
    Vote.objects.create(battle=battles[0], outcome="model_a")
    take_snapshot(board=board)
    text = shown(client)
    assert "Alpha, Beta won or lost everything" in text
    assert "phantom-draw prior" in text


def test_two_models_face_to_face_show_who_is_probably_better(client, rated):
    assert "Probability that Alpha is truly above Beta" in shown(
        client, "head_to_head", "alpha", "beta"
    )


def test_a_new_installation_has_a_board_to_fill(client):
    text = client.get(reverse("board_detail", args=["overall"])).content.decode()
    assert "Nothing to rank here yet" in text


@pytest.mark.parametrize(
    ("name", "queries"),
    [
        ("board_detail", 7),
        ("board_embed", 5),
        ("board_history", 3),
        ("board_compare", 6),
        ("board_decisive", 8),
        ("board_json", 6),
        ("board_csv", 6),
        ("board_feed", 4),
        ("board_charts", 10),
    ],
)
def test_every_board_page_makes_a_fixed_number_of_queries(
    client, rated, django_assert_num_queries, name, queries
):
    take_snapshot(board=rated.board)
    shown(client, name)  # what is said of the judges is kept for a minute
    with django_assert_num_queries(queries):
        shown(client, name)


@pytest.mark.parametrize(("name", "queries"), [("board_detail", 12), ("board_json", 6)])
def test_a_first_visit_makes_a_fixed_number_of_queries(
    client, rated, django_assert_num_queries, name, queries
):
    take_snapshot(board=rated.board)
    cache.clear()
    with django_assert_num_queries(queries):
        shown(client, name)


def test_two_models_face_to_face_cost_a_fixed_number_of_queries(
    client, rated, django_assert_num_queries
):
    with django_assert_num_queries(12):
        shown(client, "head_to_head", "alpha", "beta")


def test_left_out_rows_cost_a_fixed_number_of_queries(
    client, board, votes, django_assert_num_queries
):
    for vote in votes[:3]:
        vote.exclusion = "too_fast"
        vote.save()
    take_snapshot(board=board)
    with django_assert_num_queries(7):
        shown(client, "board_left_out", "too_fast")


def test_the_list_of_boards_makes_two_queries_however_many_there_are(
    client, rated, django_assert_num_queries
):
    with django_assert_num_queries(2):
        client.get(reverse("board_list"))
