"""Signing in where the account has voted before: the browser's votes join the account's."""

import datetime as dt
import json

import pytest
from django.contrib.auth import get_user_model
from django.urls import reverse
from django.utils import timezone

from arena.models import (
    Ballot,
    BallotStatus,
    Battle,
    Exclusion,
    IntegrityAction,
    InviteRound,
    Question,
    SatisfactionRating,
    Vote,
    Voter,
    VoterSession,
)
from arena.voting.merging import VoterGoneError, merge_voter, owner_id, voters_of
from arena.voting.review import lift_from_voter, lift_reason, mark_votes
from arena.voting.rounds import join_round
from arena.voting.voters import new_visitor

pytestmark = pytest.mark.django_db
YESTERDAY = dt.timedelta(days=1)


@pytest.fixture
def user():
    return get_user_model().objects.create_user("alice", password="x")


@pytest.fixture
def account(user):
    return Voter.objects.create(key="account", user=user)


@pytest.fixture
def anonymous():
    return new_visitor(None, "192.0.2.1").voter


def vote(voter, battle, *, ago=dt.timedelta(0), **columns):
    moment = timezone.now() - ago
    return Vote.objects.create(
        battle=battle, voter=voter, outcome="model_a", created_at=moment, **columns
    )


def test_votes_cast_before_signing_in_join_those_of_the_account(
    stored_answers, account, user, alice
):
    alice.cast("left")
    alice.client.force_login(user)
    alice.cast("tie")
    assert account.votes.count() == 2
    assert set(VoterSession.objects.values_list("voter", flat=True)) == {account.pk}


def test_a_battle_on_the_screen_can_still_be_voted_on_after_signing_in(
    stored_answers, account, user, alice
):
    token = alice.token()
    alice.client.force_login(user)
    assert alice.cast("left", token=token).status_code == 200
    assert account.votes.get().ballot.token == token


def test_a_battle_that_both_were_shown_waits_for_the_account(one_battle, anonymous, account):
    for voter in (account, anonymous):
        Ballot.objects.create(voter=voter, battle=one_battle, shown_first="a")
    merge_voter(anonymous=anonymous, account=account)
    assert account.ballots.get().status == BallotStatus.OPEN
    assert anonymous.ballots.get().status == BallotStatus.EXPIRED


@pytest.mark.parametrize("first", ["anonymous", "account"])
def test_of_two_votes_on_one_battle_the_earlier_counts(one_battle, anonymous, account, first):
    earlier, later = (anonymous, account) if first == "anonymous" else (account, anonymous)
    kept = vote(earlier, one_battle, ago=YESTERDAY)
    second = vote(later, one_battle)
    merge_voter(anonymous=anonymous, account=account)
    kept.refresh_from_db()
    second.refresh_from_db()
    assert (kept.exclusion, second.exclusion) == ("", Exclusion.DUPLICATE)
    assert Vote.objects.filter(voter__in=voters_of(account)).count() == 2


def test_a_reason_given_before_is_kept(one_battle, anonymous, account):
    vote(account, one_battle, ago=YESTERDAY)
    marked = vote(anonymous, one_battle, exclusion=Exclusion.TOO_FAST)
    merge_voter(anonymous=anonymous, account=account)
    marked.refresh_from_db()
    assert marked.exclusion == Exclusion.TOO_FAST


def test_what_was_marked_by_merging_is_told_to_the_staff(one_battle, anonymous, account):
    vote(account, one_battle, ago=YESTERDAY)
    vote(anonymous, one_battle)
    merge_voter(anonymous=anonymous, account=account)
    act = IntegrityAction.objects.get()
    assert (act.voter, act.exclusion, act.votes_changed) == (account, Exclusion.DUPLICATE, 1)


@pytest.mark.parametrize("first", ["anonymous", "account"])
def test_counting_votes_again_does_not_count_one_battle_twice(
    one_battle, anonymous, account, admin_user, first
):
    earlier, later = (anonymous, account) if first == "anonymous" else (account, anonymous)
    vote(earlier, one_battle, ago=YESTERDAY)
    second = vote(later, one_battle)
    merge_voter(anonymous=anonymous, account=account)
    lift_from_voter(account, by=admin_user)
    lift_from_voter(anonymous, by=admin_user)
    lift_reason(Exclusion.DUPLICATE, by=admin_user)
    assert mark_votes([second], "", by=admin_user) == 0
    assert Vote.objects.counted().count() == 1


def test_a_duplicate_of_somebody_elses_can_be_counted_again(
    one_battle, anonymous, account, admin_user
):
    """Two people at one address; one vote has nobody any more."""
    vote(account, one_battle, ago=YESTERDAY)
    vote(None, one_battle)
    second = vote(anonymous, one_battle, exclusion=Exclusion.DUPLICATE)
    assert mark_votes([second], "", by=admin_user) == 1


def test_a_battle_judged_before_signing_in_is_not_offered_to_the_account(
    one_battle, account, user, alice, new_browser
):
    alice.cast("left")
    desk = new_browser()
    desk.client.force_login(user)
    open_token = desk.token()
    alice.client.force_login(user)
    alice.page()
    assert Ballot.objects.get(token=open_token).status == "expired"
    assert "You have seen it all" in desk.page().text
    assert desk.cast("right", token=open_token).status_code == 410
    assert Vote.objects.count() == 1


def test_of_two_ratings_of_one_answer_the_earlier_counts(stored_answers, anonymous, account):
    answer = stored_answers.questions.first().answers.first()
    for voter, ago in ((account, dt.timedelta(0)), (anonymous, YESTERDAY)):
        SatisfactionRating.objects.create(
            voter=voter, answer=answer, score=4, rated_at=timezone.now() - ago
        )
    merge_voter(anonymous=anonymous, account=account)
    marks = {r.voter_id: r.exclusion for r in SatisfactionRating.objects.all()}
    assert marks == {account.pk: Exclusion.DUPLICATE, anonymous.pk: ""}


def test_an_answer_rated_before_signing_in_is_not_asked_for_again(
    stored_answers, anonymous, account
):
    answer = stored_answers.questions.first().answers.first()
    SatisfactionRating.objects.create(voter=account, answer=answer)
    SatisfactionRating.objects.create(
        voter=anonymous, answer=answer, score=4, rated_at=timezone.now()
    )
    merge_voter(anonymous=anonymous, account=account)
    assert SatisfactionRating.objects.get().voter == account


def test_rounds_names_and_expertise_come_along(anonymous, account):
    invite = InviteRound.objects.create(title="R", is_expert_round=True)
    visitor = new_visitor(None, "192.0.2.1")
    join_round(visitor, invite, name="Alice")
    merge_voter(anonymous=visitor.voter, account=account)
    account.refresh_from_db()
    assert account.is_expert
    assert invite.annotators.get().voter == account
    assert account in invite.voters.all()


def test_the_vote_page_counts_what_my_votes_lists(stored_answers, user, alice, new_browser):
    """Also what was judged twice, before signing in and after, of which one counts."""
    alice.cast("left")
    desk = new_browser()
    desk.client.force_login(user)
    desk.page()
    twice = Vote.objects.get().battle
    Vote.objects.create(battle=twice, voter=user.voter, outcome="tie")
    Ballot.objects.filter(voter=user.voter, battle=twice).delete()
    alice.client.force_login(user)
    mine = alice.client.get(reverse("my_votes")).text
    assert "2 votes." in mine
    assert "1 of your votes is kept but not counted" in mine
    assert "19 more votes for a board of your own" in mine
    page = alice.page().text
    told = alice.cast("skip").json()["progress_html"]
    for shown in (page, told):
        assert "2 votes, thank you" in shown
        assert "1 not counted" in shown
        assert "19 more for a board of your own" in shown
    assert "3 votes, thank you" in alice.cast("tie").json()["progress_html"]
    assert "3 votes." in alice.client.get(reverse("my_votes")).text


def test_merging_twice_changes_nothing_more(one_battle, anonymous, account):
    vote(anonymous, one_battle)
    assert merge_voter(anonymous=anonymous, account=account) == 1
    assert merge_voter(anonymous=anonymous, account=account) == 0


def test_a_browser_that_somebody_else_signed_in_with_brings_nothing_along(
    stored_answers, account, user, alice
):
    other = get_user_model().objects.create_user("bob", password="x")
    alice.client.force_login(other)
    alice.cast("left")
    alice.client.force_login(user)
    alice.cast("left")
    assert account.votes.count() == 1
    assert other.voter.votes.count() == 1


def test_the_export_and_the_removal_follow_the_merged_voter(
    question_set, one_battle, account, user, alice, make_answer, three_models
):
    alice.cast("left")
    former = Voter.objects.exclude(pk=account.pk).get()
    vote(account, one_battle, ago=YESTERDAY)
    own = Question.objects.create(
        question_set=question_set,
        external_id="live-1",
        turns=[[{"type": "text", "text": "my secret"}]],
    )
    first, second = (make_answer(model, own) for model in three_models[:2])
    live = Battle.objects.create(
        question=own, model_a=first.model, model_b=second.model, answer_a=first,
        answer_b=second, origin="live",
    )  # fmt: skip
    merge_voter(anonymous=former, account=account)
    vote(former, live)  # a socket that was opened before signing in
    alice.client.force_login(user)
    data = json.loads(alice.client.get(reverse("my_data")).content)
    assert "3 votes." in alice.client.get(reverse("my_votes")).text
    assert [entry["left_out_because"] for entry in data["votes"]] == ["", "duplicate", ""]
    alice.client.post(reverse("forget_me"))
    assert not Voter.objects.exists()
    assert not Battle.objects.filter(origin="live").exists()
    assert Vote.objects.filter(voter__isnull=True).count() == 2


def test_who_became_part_of_somebody_before_becomes_part_of_the_account(anonymous, account):
    former = Voter.objects.create(key="former", merged_into=anonymous)
    merge_voter(anonymous=anonymous, account=account)
    assert set(voters_of(account)) == {former, anonymous, account}
    assert {owner_id(voter.pk) for voter in (former, anonymous, account)} == {account.pk}


def test_a_voter_who_is_gone_has_no_owner(account):
    with pytest.raises(VoterGoneError, match="reload the page"):
        owner_id(account.pk + 1)
