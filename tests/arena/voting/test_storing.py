"""Votes and ballots are stored whole or not at all."""

import pytest
from django.db import IntegrityError
from django.utils import timezone

from arena.models import Answer, Ballot, Battle, Vote, Voter
from arena.voting import storing

pytestmark = pytest.mark.django_db


@pytest.fixture
def ballot(stored_answers, alice):
    return alice.ballot()


@pytest.fixture
def stranger(db):
    return Voter.objects.create(key="stranger")


def new_vote(ballot):
    return Vote(battle=ballot.battle, voter=ballot.voter, outcome="tie", reasons=["clear"])


def new_battle(known):
    names = ("model_a_id", "model_b_id", "answer_a_id", "answer_b_id", "question_id")
    return Battle(**{name: getattr(known, name) for name in names})


def new_ballot(voter, battle):
    return Ballot(voter=voter, battle=battle, shown_first="b", draw_probability=0.25)


def test_of_two_who_close_a_ballot_the_second_is_told_no(ballot):
    now = timezone.now()
    assert storing.close_ballot(ballot.pk, status="skipped", closed_at=now, reading_s=1.5)
    assert not storing.close_ballot(ballot.pk, status="expired", closed_at=now, reading_s=1.5)
    ballot.refresh_from_db()
    assert (ballot.status, ballot.closed_at, ballot.reading_s) == ("skipped", now, 1.5)


def test_a_vote_closes_its_ballot(ballot):
    vote, now = new_vote(ballot), timezone.now()
    assert storing.store_vote(vote, ballot_id=ballot.pk, closed_at=now, reading_s=2.5)
    ballot.refresh_from_db()
    assert (ballot.status, ballot.closed_at, ballot.reading_s) == ("voted", now, 2.5)
    assert ballot.vote == vote == Vote.objects.get()
    assert ballot.vote.reasons == ["clear"]


def test_no_vote_is_stored_for_a_ballot_that_was_skipped_meanwhile(ballot):
    now = timezone.now()
    storing.close_ballot(ballot.pk, status="skipped", closed_at=now, reading_s=1.5)
    assert not storing.store_vote(
        new_vote(ballot), ballot_id=ballot.pk, closed_at=now, reading_s=2.5
    )
    assert not Vote.objects.exists()


def test_a_second_vote_on_the_battle_leaves_its_ballot_open(ballot):
    Vote.objects.create(battle=ballot.battle, voter=ballot.voter, outcome="tie")
    with pytest.raises(IntegrityError):
        storing.store_vote(
            new_vote(ballot), ballot_id=ballot.pk, closed_at=timezone.now(), reading_s=2.5
        )
    ballot.refresh_from_db()
    assert ballot.status == "open"


def test_a_ballot_brings_its_battle_along(ballot, stranger):
    battle = new_battle(ballot.battle)
    Battle.objects.all().delete()
    drawn = new_ballot(stranger, battle)
    assert storing.issue_with_battle(drawn)
    stored = Ballot.objects.get()
    assert stored == drawn
    assert stored.battle == battle == Battle.objects.get()
    assert (stored.shown_first, stored.draw_probability) == ("b", 0.25)
    assert stored.token == drawn.token


def test_a_ballot_takes_the_battle_that_is_there(ballot, stranger):
    drawn = new_ballot(stranger, new_battle(ballot.battle))
    assert storing.issue_with_battle(drawn)
    assert drawn.battle == ballot.battle == Battle.objects.get()


def test_a_battle_the_voter_has_seen_is_not_handed_out_again(ballot):
    assert not storing.issue_with_battle(new_ballot(ballot.voter, new_battle(ballot.battle)))
    assert Ballot.objects.count() == 1


def test_a_marked_battle_is_not_handed_out(ballot, stranger):
    Battle.objects.update(exclusion="staff")
    assert not storing.issue_with_battle(new_ballot(stranger, new_battle(ballot.battle)))
    assert Ballot.objects.count() == 1


def store_with(ballot, drawn):
    vote = new_vote(ballot)
    how = {"ballot_id": ballot.pk, "closed_at": timezone.now(), "reading_s": 2.5}
    return storing.store_vote(vote, **how, drawn=drawn), vote


@pytest.fixture
def unseen(ballot):
    """A battle of the same models that is not stored yet."""
    answers = Answer.objects.exclude(question=ballot.battle.question)
    first = answers.filter(model=ballot.battle.model_a).first()
    second = answers.get(model=ballot.battle.model_b, question=first.question)
    answer_a, answer_b = sorted((first, second), key=lambda answer: answer.pk)
    return Battle(
        question=first.question,
        answer_a=answer_a,
        answer_b=answer_b,
        model_a=answer_a.model,
        model_b=answer_b.model,
    )


def test_a_vote_brings_the_next_ballot_with_a_new_battle_along(ballot, unseen):
    drawn = new_ballot(ballot.voter, unseen)
    is_stored, vote = store_with(ballot, drawn)
    assert is_stored
    assert Vote.objects.get() == vote == Ballot.objects.get(pk=ballot.pk).vote
    stored = Ballot.objects.get(status="open")
    assert (stored, stored.token, stored.battle) == (drawn, drawn.token, drawn.battle)
    assert stored.battle.answer_a == unseen.answer_a


def test_a_vote_brings_the_next_ballot_on_a_stored_battle_along(ballot, unseen):
    unseen.save()
    drawn = new_ballot(ballot.voter, unseen)
    assert store_with(ballot, drawn)[0]
    assert Ballot.objects.get(status="open") == drawn
    assert drawn.battle == unseen


def test_a_vote_that_comes_too_late_brings_nothing_along(ballot, unseen):
    storing.close_ballot(ballot.pk, status="skipped", closed_at=timezone.now(), reading_s=1.5)
    drawn = new_ballot(ballot.voter, unseen)
    assert not store_with(ballot, drawn)[0]
    assert drawn.pk is None
    assert (Vote.objects.count(), Ballot.objects.count(), Battle.objects.count()) == (0, 1, 1)


def test_a_next_battle_that_is_not_to_be_had_does_not_stop_the_vote(ballot, unseen):
    unseen.exclusion = "staff"
    unseen.save()
    drawn = new_ballot(ballot.voter, new_battle(unseen))
    assert store_with(ballot, drawn)[0]
    assert drawn.pk is None
    assert Vote.objects.count() == 1


def test_a_next_ballot_that_exists_takes_the_vote_back(ballot, unseen):
    unseen.save()
    new_ballot(ballot.voter, unseen).save()
    with pytest.raises(IntegrityError):
        store_with(ballot, new_ballot(ballot.voter, unseen))
    assert not Vote.objects.exists()
    assert Ballot.objects.filter(status="open").count() == 2
