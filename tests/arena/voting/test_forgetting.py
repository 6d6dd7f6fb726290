"""Visitors who left nothing behind are forgotten; whoever did anything stays."""

import datetime as dt
import threading

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from arena import tasks
from arena.models import (
    Annotator,
    Ballot,
    BallotStatus,
    IntegrityAction,
    InviteRound,
    SatisfactionRating,
    Vote,
    Voter,
    VoterSession,
)
from arena.voting import forgetting
from arena.voting.casting import UnknownBallotError, skip_battle
from arena.voting.forgetting import (
    IDLE_FOR,
    count_idle_visitors,
    forget_expired_sessions,
    forget_idle_visitors,
)
from arena.voting.merging import merge_voter
from arena.voting.satisfaction import RatingError, rate_answer
from arena.voting.voters import Visitor, give_consent

LONG_AGO = IDLE_FOR + dt.timedelta(minutes=1)


def no_pause(_seconds):
    """Nobody else writes."""


def forget():
    return forget_idle_visitors(pause=no_pause)[0]


def age(by=LONG_AGO):
    """Everything was done so much earlier."""
    then = timezone.now() - by
    Voter.objects.update(created_at=then)
    VoterSession.objects.update(created_at=then)
    Ballot.objects.update(drawn_at=then)
    SatisfactionRating.objects.update(drawn_at=then)


@pytest.fixture
def visitor(stored_answers, alice):
    """Alice was shown a battle and an answer a while ago, and left."""
    alice.page()
    alice.client.get(reverse("rate_answer"))
    session = VoterSession.objects.select_related("voter").get()
    age()
    return Visitor(session.voter, session)


def test_a_visitor_who_did_nothing_is_forgotten_with_what_was_handed_out(visitor):
    assert Ballot.objects.count() == SatisfactionRating.objects.count() == 1
    assert forget() == 1
    for model in (Voter, VoterSession, Ballot, SatisfactionRating):
        assert not model.objects.exists()


def test_whoever_comes_back_with_a_forgotten_cookie_is_made_known_anew(visitor, alice):
    forget()
    assert alice.cast().status_code == 200
    assert Vote.objects.get().voter == Voter.objects.get()


def _vote(voter, battle):
    Vote.objects.create(battle=battle, voter=voter, outcome="tie")


def _close(status):
    def close(voter, _battle):
        voter.ballots.update(status=status, closed_at=timezone.now() - LONG_AGO)

    return close


def _act(voter, _battle):
    IntegrityAction.objects.create(voter=voter)


def _name(voter, _battle):
    Annotator.objects.create(round=InviteRound.objects.create(title="r"), voter=voter, name="A")


def _take_part(voter, _battle):
    InviteRound.objects.create(title="r").voters.add(voter)


def _rate(voter, _battle):
    voter.satisfaction_ratings.update(score=3, rated_at=timezone.now() - LONG_AGO)


def _sign_in(voter, _battle):
    Voter.objects.filter(pk=voter.pk).update(user=User.objects.create_user("alice"))


def _become(voter, _battle):
    user = User.objects.create_user("alice")
    merge_voter(anonymous=voter, account=Voter.objects.create(key="alice", user=user))
    age()


def _be_joined(voter, _battle):
    Voter.objects.create(key="once", merged_into=voter)


def _set(**columns):
    return lambda voter, _battle: Voter.objects.filter(pk=voter.pk).update(**columns)


def _consent(voter, _battle):
    give_consent(Visitor(voter, voter.sessions.get()))


KEPT = {
    "a vote": _vote,
    "a skipped battle": _close(BallotStatus.SKIPPED),
    "a failed battle": _close(BallotStatus.FAILED),
    "an expired battle": _close(BallotStatus.EXPIRED),
    "an act of the staff": _act,
    "a name in a round": _name,
    "a part in a round": _take_part,
    "a rating": _rate,
    "an account": _sign_in,
    "an account they became": _become,
    "a former self": _be_joined,
    "being an expert": _set(is_expert=True),
    "being of the demo": _set(is_demo=True),
    "consent": _consent,
}


@pytest.mark.parametrize("what", KEPT)
def test_whoever_left_something_stays(what, visitor):
    battle = visitor.voter.ballots.get().battle
    KEPT[what](visitor.voter, battle)
    kept = Voter.objects.count(), Ballot.objects.count(), SatisfactionRating.objects.count()
    assert forget() == 0
    assert kept == (
        Voter.objects.count(),
        Ballot.objects.count(),
        SatisfactionRating.objects.count(),
    )
    assert VoterSession.objects.exists()


@pytest.mark.parametrize(
    ("model", "column"),
    [
        (Voter, "created_at"),
        (VoterSession, "created_at"),
        (Ballot, "drawn_at"),
        (SatisfactionRating, "drawn_at"),
    ],
)
def test_whoever_was_here_within_a_week_stays(model, column, visitor):
    model.objects.update(**{column: timezone.now() - IDLE_FOR + dt.timedelta(minutes=1)})
    assert forget() == 0


def test_a_voter_of_an_imported_file_is_no_visitor(db):
    Voter.objects.create(key="imported")
    age()
    assert forget() == 0


def test_every_kind_of_row_about_a_voter_is_decided_on():
    decided = {model for model, _column in forgetting._ALWAYS_KEEP} | {*forgetting._OF_A_VISIT}
    about = {
        getattr(relation, "through", None) or relation.related_model
        for relation in Voter._meta.related_objects
    }
    assert decided == about


def test_every_row_about_a_voter_is_found_by_an_index(db):
    with connection.cursor() as cursor:
        for model, column in (
            *forgetting._ALWAYS_KEEP,
            *((model, "voter") for model in forgetting._OF_A_VISIT),
        ):
            table = model._meta.db_table
            name = model._meta.get_field(column).column
            found = connection.introspection.get_constraints(cursor, table).values()
            assert any(row["index"] and row["columns"][0] == name for row in found), table


def make_visitors(number, *, drawn_for=None):
    then = timezone.now() - LONG_AGO
    voters = Voter.objects.bulk_create(Voter(key=f"v{n}") for n in range(number))
    VoterSession.objects.bulk_create(VoterSession(key=v.key, voter=v) for v in voters)
    if drawn_for is not None:
        Ballot.objects.bulk_create(
            Ballot(voter=v, battle=drawn_for, shown_first="a", drawn_at=then) for v in voters
        )
    age()
    return voters


def test_twenty_thousand_are_forgotten_and_the_one_among_them_who_voted_stays(one_battle):
    voters = make_visitors(20_001, drawn_for=one_battle)
    stays = voters[10_000]
    _vote(stays, one_battle)
    assert count_idle_visitors() == 20_000
    assert forget_idle_visitors(seconds=1e9, pause=no_pause) == (20_000, None)
    assert Voter.objects.get() == Ballot.objects.get().voter == stays


def test_a_page_of_voters_takes_the_same_queries_however_many_are_removed(
    one_battle, django_assert_max_num_queries
):
    make_visitors(300, drawn_for=one_battle)
    with django_assert_max_num_queries(18):
        assert forget() == 300


def test_a_call_ends_in_time_and_tells_where_to_go_on(db, monkeypatch):
    monkeypatch.setattr(forgetting, "AT_ONCE", 2)
    voters = make_visitors(5)
    assert forget_idle_visitors(seconds=0, pause=no_pause) == (2, voters[1].pk)
    assert forget_idle_visitors(after=voters[3].pk, pause=no_pause) == (1, None)
    assert forget() == 2


def test_the_task_goes_on_in_a_new_message_until_all_have_been_looked_at(db, monkeypatch):
    monkeypatch.setattr(forgetting, "AT_ONCE", 2)
    monkeypatch.setattr(forgetting, "PAUSE_S", 0)
    monkeypatch.setattr(tasks, "forget_idle_visitors", _hurried)
    monkeypatch.setattr(tasks.forget_visitors, "delay", tasks.forget_visitors)
    make_visitors(5)
    tasks.forget_visitors()
    assert not Voter.objects.exists()


def _hurried(**how):
    return forget_idle_visitors(seconds=0, **how)


def test_the_command_counts_and_removes(db, capsys):
    make_visitors(3)
    call_command("forget_visitors", count=True)
    call_command("forget_visitors")
    assert capsys.readouterr().out.splitlines() == [
        "3 visitors left nothing behind",
        "3 visitors removed who left nothing behind",
    ]
    assert not Voter.objects.exists()


def test_whoever_votes_between_the_look_and_the_removal_stays(visitor, one_look):
    one_look(lambda: _vote(visitor.voter, visitor.voter.ballots.get().battle))
    assert forget() == 0
    assert Vote.objects.get().voter == visitor.voter
    assert Ballot.objects.exists()


@pytest.fixture
def one_look(monkeypatch):
    """Do something after idle visitors were looked for, before any of them is removed."""

    def interrupt(act):
        remove = forgetting._forget

        def later(*arguments):
            act()
            return remove(*arguments)

        monkeypatch.setattr(forgetting, "_forget", later)

    return interrupt


def test_of_two_at_once_the_second_finds_nothing(visitor, one_look):
    one_look(lambda: forgetting._idle([visitor.voter.pk], timezone.now()))
    removed = forgetting._forget({visitor.voter.pk}, timezone.now() - IDLE_FOR)
    again = forgetting._forget({visitor.voter.pk}, timezone.now() - IDLE_FOR)
    assert (removed, again) == (1, 0)


def _in_another_connection(act):
    """Run ``act`` in a thread; returns what it returned."""
    found = []

    def run():
        try:
            found.append(act())
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return found[0]


@pytest.mark.parametrize("touch", ["ballot", "rating", "session", "voter"])
@pytest.mark.django_db(transaction=True)
def test_whoever_is_doing_something_right_now_is_left_alone_and_not_waited_for(visitor, touch):
    """Their rows are locked by a transaction that has not ended yet."""
    if not connection.features.has_select_for_update_skip_locked:
        pytest.skip("one writer at a time: whoever writes has ended before the look")
    rows = {
        "ballot": Ballot.objects.filter(voter=visitor.voter),
        "rating": SatisfactionRating.objects.filter(voter=visitor.voter),
        "session": VoterSession.objects.filter(voter=visitor.voter),
        "voter": Voter.objects.filter(pk=visitor.voter.pk),
    }[touch]
    with forgetting.transaction.atomic():
        assert rows.select_for_update().get()
        assert _in_another_connection(forget) == 0
    assert Ballot.objects.count() == SatisfactionRating.objects.count() == 1
    assert forget() == 1


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_remove_everything_without_an_error(one_battle, monkeypatch):
    monkeypatch.setattr(forgetting, "AT_ONCE", 20)
    make_visitors(200, drawn_for=one_battle)
    removed = []

    def work():
        try:
            removed.append(forget_idle_visitors(seconds=1e9, pause=no_pause)[0])
        finally:
            connection.close()

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sum(removed) + forget() == 200
    assert len(removed) == 2
    assert not Voter.objects.exists()


def test_rating_an_answer_whose_visitor_was_forgotten_is_refused_in_words(visitor, monkeypatch):
    rating = SatisfactionRating.objects.get()
    monkeypatch.setattr("arena.voting.satisfaction._doubt", lambda *_: forget() and "")
    with pytest.raises(RatingError):
        rate_answer(visitor=visitor, token=rating.token, score=4)


def test_closing_a_ballot_that_is_gone_is_refused_in_words(visitor):
    ballot = Ballot.objects.select_related("battle").get()
    Ballot.objects.update(drawn_at=timezone.now())
    ballot.refresh_from_db()
    Ballot.objects.all().delete()
    with pytest.raises(UnknownBallotError):
        skip_battle(visitor=visitor, ballot=ballot)


def _make_sessions(number, *, expire_in):
    Session.objects.bulk_create(
        Session(
            session_key=f"{expire_in.days}-{n}",
            session_data="",
            expire_date=timezone.now() + expire_in,
        )
        for n in range(number)
    )


def test_expired_sessions_are_cleared_and_others_stay(db, monkeypatch):
    monkeypatch.setattr(forgetting, "AT_ONCE", 2)
    _make_sessions(5, expire_in=dt.timedelta(days=-1))
    _make_sessions(1, expire_in=dt.timedelta(days=1))
    assert forget_expired_sessions(pause=no_pause) == (5, True)
    assert Session.objects.get().session_key == "1-0"


def test_clearing_ends_in_time_and_the_task_goes_on_in_a_new_message(db, monkeypatch):
    monkeypatch.setattr(forgetting, "AT_ONCE", 2)
    _make_sessions(5, expire_in=dt.timedelta(days=-1))
    assert forget_expired_sessions(seconds=0, pause=no_pause) == (2, False)
    monkeypatch.setattr(
        tasks, "forget_expired_sessions", lambda: forget_expired_sessions(seconds=0)
    )
    monkeypatch.setattr(tasks.clear_sessions, "delay", tasks.clear_sessions)
    tasks.clear_sessions()
    assert not Session.objects.exists()


def test_sessions_kept_elsewhere_are_left_to_whoever_keeps_them(db, settings):
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.cache"
    _make_sessions(1, expire_in=dt.timedelta(days=-1))
    assert forget_expired_sessions(pause=no_pause) == (0, True)
