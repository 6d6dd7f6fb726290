"""A live board between two snapshots: right after every vote, and anew when rows are marked."""

import datetime as dt

import pytest
from django.utils import timezone

from arena.models import Battle, Exclusion, Vote, Voter, WorkStatus
from arena.voting.battle_review import count_again, leave_out
from arena.voting.review import mark_votes
from leaderboard import live
from leaderboard.fitting import fit, select
from leaderboard.live import advance, keep_live, renew
from leaderboard.models import Board, LiveState
from leaderboard.ratings import METHODS
from leaderboard.slices import board_slice
from leaderboard.tasks import refresh_live_boards

pytestmark = pytest.mark.django_db


@pytest.fixture
def bob(db):
    return Voter.objects.create(key="bob")


@pytest.fixture
def unhurried(monkeypatch):
    """No snapshot until somebody asks for one."""
    monkeypatch.setattr(live, "SNAPSHOT_AT_GROWTH", 1000.0)
    monkeypatch.setattr(live, "SNAPSHOT_AFTER", dt.timedelta(days=1))


def refit(board):
    question = board_slice(board)
    ratings = fit(question, select(question.query, METHODS.get(question.method))).ratings
    return dict(zip(ratings.models, ratings.rating.tolist(), strict=True))


def told(state):
    return {name: rating for name, (rating, _) in state.ratings.items()}


def test_one_more_vote_gives_the_ratings_of_a_full_refit(board, votes, battles, bob, unhurried):
    renew(board)
    Vote.objects.create(battle=battles[6], voter=bob, outcome="model_b")
    state = keep_live(board)
    assert state.added == 1
    assert told(state) == pytest.approx(refit(board), abs=1e-6)
    assert board.snapshots.count() == 1


def test_a_new_model_joins_the_ratings(board, votes, make_model, make_battle, unhurried):
    renew(board)
    known = votes[0].battle
    battle = make_battle(known.question, known.model_a, make_model("delta"))
    Vote.objects.create(battle=battle, outcome="model_a")
    state = keep_live(board)
    assert told(state) == pytest.approx(refit(board), abs=1e-6)


def test_a_verdict_that_was_in_flight_is_counted_when_it_arrives(
    board, votes, battles, make_verdict, unhurried
):
    waiting = make_verdict(battles[0], "", status=WorkStatus.PENDING, is_readable=None)
    assert renew(board).waiting == [waiting.pk]
    waiting.status, waiting.is_readable, waiting.outcome = WorkStatus.DONE, True, "model_b"
    waiting.save()
    state = keep_live(board)
    assert (state.waiting, state.added) == ([], 1)
    assert told(state) == pytest.approx(refit(board), abs=1e-6)


def test_a_vote_whose_transaction_commits_late_is_not_missed(board, votes, battles, bob, unhurried):
    renew(board)
    late = votes[-1].pk + 1
    Vote.objects.create(pk=late + 1, battle=battles[0], voter=bob, outcome="model_b")
    assert keep_live(board).absent_votes == [late]
    Vote.objects.create(pk=late, battle=battles[1], voter=bob, outcome="model_b")
    state = keep_live(board)
    assert (state.absent_votes, state.added) == ([], 2)
    assert told(state) == pytest.approx(refit(board), abs=1e-6)


def test_marking_a_counted_vote_leads_to_a_new_snapshot(board, votes, unhurried, monkeypatch):
    monkeypatch.setattr(live, "MARKS_CHECKED_EVERY", dt.timedelta(0))
    renew(board)
    votes[0].exclusion = "staff"
    votes[0].save()
    assert keep_live(board).snapshot.number == 2
    assert keep_live(board).snapshot.number == 2


def test_marking_a_vote_that_the_snapshot_has_not_seen_is_told_by_the_next_one(
    board, votes, battles, bob, unhurried, monkeypatch, admin_user
):
    monkeypatch.setattr(live, "MARKS_CHECKED_EVERY", dt.timedelta(0))
    renew(board)
    late = Vote.objects.create(battle=battles[0], voter=bob, outcome="model_a")
    mark_votes([late], Exclusion.STAFF, by=admin_user)
    snapshot = keep_live(board).snapshot
    assert (snapshot.number, snapshot.excluded) == (2, {"staff": 1})
    assert keep_live(board).snapshot.number == 2


def test_marking_one_vote_for_another_leads_to_a_new_snapshot(
    board, votes, unhurried, monkeypatch, admin_user
):
    monkeypatch.setattr(live, "MARKS_CHECKED_EVERY", dt.timedelta(0))
    mark_votes(votes[:1], Exclusion.STAFF, by=admin_user)
    renew(board)
    mark_votes(votes[:1], "", by=admin_user)
    mark_votes(votes[1:2], Exclusion.STAFF, by=admin_user)
    assert keep_live(board).snapshot.number == 2


def test_a_battle_that_staff_leave_out_and_count_again_is_on_the_board_again(
    board, votes, battles, unhurried, monkeypatch, admin_user
):
    monkeypatch.setattr(live, "MARKS_CHECKED_EVERY", dt.timedelta(0))
    renew(board)
    leave_out(battles[0], by=admin_user)
    without = keep_live(board).snapshot
    assert (without.excluded, without.battles) == ({"staff": 1}, len(votes) - 1)
    count_again(battles[0], reason=Exclusion.STAFF, by=admin_user)
    again = keep_live(board).snapshot
    assert (again.excluded, again.battles) == ({}, len(votes))


def test_clearing_an_answer_counts_its_battles_on_the_board_again(
    board, votes, battles, admin_user
):
    battles[0].answer_a.turns = ["I am ChatGPT."]
    battles[0].answer_a.save()
    Battle.objects.filter(pk=battles[0].pk).update(exclusion=Exclusion.IDENTITY_LEAK)
    assert renew(board).snapshot.excluded == {"identity_leak": 1}
    count_again(battles[0], reason=Exclusion.IDENTITY_LEAK, by=admin_user)
    state = renew(board)
    assert (state.snapshot.excluded, state.snapshot.battles) == ({}, len(votes))


def test_a_changed_question_leads_to_a_new_snapshot(board, votes, unhurried):
    renew(board)
    board.options = {"scale": 200}
    board.save()
    assert keep_live(board).snapshot.options["scale"] == 200


def test_growth_by_a_twentieth_takes_a_snapshot(board, votes, battles, bob):
    renew(board)
    Vote.objects.create(battle=battles[0], voter=bob, outcome="tie")
    state = keep_live(board)
    assert (state.snapshot.number, state.added) == (2, 0)


def test_an_old_snapshot_with_news_is_replaced(board, votes, battles, bob, monkeypatch):
    monkeypatch.setattr(live, "SNAPSHOT_AT_GROWTH", 1000.0)
    state = renew(board)
    state.snapshot.created_at = timezone.now() - live.SNAPSHOT_AFTER
    state.snapshot.save()
    assert keep_live(board).snapshot.number == 1
    Vote.objects.create(battle=battles[0], voter=bob, outcome="tie")
    assert keep_live(board).snapshot.number == 2


def test_a_method_without_totals_only_counts_the_news(board, votes, battles, bob, unhurried):
    Board.objects.update(method="elo")
    board.refresh_from_db()
    renew(board)
    Vote.objects.create(battle=battles[0], voter=bob, outcome="tie")
    state = keep_live(board)
    assert (state.added, state.ratings) == (1, {})


def test_an_empty_board_has_no_live_state(board):
    assert keep_live(board) is None
    assert not LiveState.objects.exists()


def test_a_quiet_board_costs_few_queries(board, votes, django_assert_num_queries):
    renew(board)
    with django_assert_num_queries(6):
        keep_live(board)


def test_one_vote_costs_a_fixed_number_of_queries(
    board, votes, battles, unhurried, django_assert_num_queries
):
    renew(board)
    Vote.objects.create(battle=battles[0], outcome="tie")
    # savepoint twice, state, two counts, demo models twice, votes, verdicts, slugs, save
    with django_assert_num_queries(11):
        advance(board, board_slice(board))


def test_one_impossible_board_does_not_stop_the_others(board, votes):
    Board.objects.create(slug="wrong", title="Wrong", query={"catgories": []}, position=0)
    board.position = 1
    board.save()
    refresh_live_boards()
    assert board.snapshots.count() == 1


def test_a_board_whose_anchor_is_missing_does_not_hold_up_the_others(board, votes):
    Board.objects.create(
        slug="adrift", title="Adrift", options={"anchor_model": "nobody"}, position=0
    )
    board.position = 1
    board.save()
    refresh_live_boards()
    assert board.snapshots.count() == 1
