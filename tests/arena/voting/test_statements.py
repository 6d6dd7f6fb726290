"""The statements on the path of a vote select what the ORM would."""

import pytest
from django.db import connection
from django.utils import timezone

from arena.models import Answer, Vote, Voter, VoterSession
from arena.models.voting import BALLOT_VALID_FOR
from arena.voting import statements

pytestmark = pytest.mark.django_db


@pytest.fixture
def ballot(stored_answers, alice):
    return alice.ballot()


def values(row):
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}


def test_a_ballot_by_its_token_is_the_ballot_with_its_models(ballot):
    found = statements.ballot_of_token(ballot.token)
    assert values(found) == values(ballot)
    battle = ballot.battle
    assert found.battle.answer_b_id == battle.answer_b_id
    assert found.battle.model_a.display_name == battle.model_a.display_name
    assert found.battle.model_b.slug == battle.model_b.slug
    assert statements.ballot_of_token("unknown") is None


def test_the_open_ballot_is_the_oldest_that_is_neither_on_the_screen_nor_stale(ballot):
    since = timezone.now() - BALLOT_VALID_FOR
    ask = statements.open_ballot
    assert values(ask(ballot.voter_id, drawn_after=since, besides="")) == values(ballot)
    assert ask(ballot.voter_id, drawn_after=since, besides=ballot.token) is None
    assert ask(ballot.voter_id, drawn_after=timezone.now(), besides="") is None
    assert ask(ballot.voter_id + 1, drawn_after=since, besides="") is None


def test_an_open_ballot_of_a_marked_battle_does_not_come_back(ballot):
    type(ballot.battle).objects.update(exclusion="staff")
    since = timezone.now() - BALLOT_VALID_FOR
    assert statements.open_ballot(ballot.voter_id, drawn_after=since, besides="") is None


def test_a_session_comes_with_its_voter(ballot):
    session = VoterSession.objects.get()
    found = statements.session_of_key(session.key)
    assert values(found) == values(session)
    assert values(found.voter) == values(ballot.voter)


def test_others_votes_are_counted_without_ones_own_and_marked_ones(ballot):
    rows = [("tie", ""), ("tie", ""), ("model_a", ""), ("model_b", "too_fast")]
    votes = [
        Vote.objects.create(
            battle=ballot.battle,
            voter=Voter.objects.create(key=f"v{number}"),
            outcome=outcome,
            exclusion=exclusion,
        )
        for number, (outcome, exclusion) in enumerate(rows)
    ]
    told = statements.outcomes_of_others(ballot.battle_id, votes[0].pk)
    assert told == {"tie": 1, "model_a": 1}


def test_answers_come_with_what_their_facts_need(stored_answers):
    answers = list(Answer.objects.order_by("id")[:3])
    found = sorted(statements.answers_of_ids([a.pk for a in answers]), key=lambda a: a.pk)
    assert [row.text() for row in found] == [statements.AnswerText.of(a) for a in answers]


def test_an_inserted_row_is_the_row_the_orm_would_store(ballot):
    given = Vote(
        battle=ballot.battle,
        voter=ballot.voter,
        outcome="tie",
        strength=2,
        reasons=["clear", "“quoted”"],
        draw_probability=0.25,
    )
    stored = statements.insert(given)
    read = Vote.objects.get()
    assert values(read) == values(stored)
    assert read.reasons == ["clear", "“quoted”"]
    assert not stored._state.adding


def test_an_inserted_row_gets_the_time_its_field_sets(db):
    session = VoterSession(key="k", voter=Voter.objects.create(key="k"))
    assert values(statements.insert(session)) == values(VoterSession.objects.get())
    assert session.created_at is not None


def test_a_voters_votes_are_told_with_those_of_them_that_count_up_to_a_limit(
    stored_answers, ballot, make_battle, alpha, beta
):
    voter, battles = ballot.voter, [ballot.battle]
    questions = stored_answers.questions.exclude(pk=ballot.battle.question_id)
    battles += [make_battle(question, alpha, beta) for question in questions]
    for place, battle in enumerate(battles[:5]):
        reason = "too_fast" if place == 0 else ""
        Vote.objects.create(battle=battle, voter=voter, outcome="tie", exclusion=reason)
    Vote.objects.create(battle=battles[0], voter=Voter.objects.create(key="other"), outcome="tie")
    type(battles[1]).objects.filter(pk=battles[1].pk).update(exclusion="staff")
    assert statements.votes_of(voter.pk, limit=20) == (5, 3)
    assert statements.votes_of(voter.pk, limit=2) == (5, 2)
    former = Voter.objects.create(key="former", merged_into=voter)
    Vote.objects.create(battle=battles[0], voter=former, outcome="tie")
    assert statements.votes_of(voter.pk, limit=20) == (6, 4)
    assert statements.votes_of(former.pk, limit=20) == (1, 1)


def test_votable_battles_are_those_the_voter_has_not_seen(ballot):
    battle, stranger = ballot.battle, Voter.objects.create(key="stranger")
    row = (battle.pk, battle.question_id, battle.answer_a_id, battle.answer_b_id)
    ask = statements.votable_battles
    assert ask(stranger.pk, []) == []
    assert ask(stranger.pk, [battle.pk]) == [(*row, 0)]
    Vote.objects.create(battle=battle, voter=ballot.voter, outcome="tie")
    assert ask(stranger.pk, [0, battle.pk]) == [(*row, 1)]
    assert ask(stranger.pk, [0] * statements.MOST_ASKED_FOR) == []
    assert ask(ballot.voter_id, [battle.pk]) == []
    type(battle).objects.update(exclusion="staff")
    assert ask(stranger.pk, [battle.pk]) == []


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite keeps its plans by itself")
def test_postgresql_plans_a_statement_once(ballot):
    for _ in range(4):
        statements.ballot_of_token(ballot.token)
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement FROM pg_prepared_statements")
        prepared = [row[0] for row in cursor.fetchall()]
    assert any("arena_ballot" in statement for statement in prepared)


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no types of parameters")
def test_small_and_large_numbers_share_one_plan(db):
    for number in (1, 10**6, 10**12) * 3:
        statements.votes_of(number, limit=20)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT generic_plans > 0, custom_plans FROM pg_prepared_statements"
            " WHERE statement LIKE '%COUNT%arena_vote WHERE voter_id%'"
        )
        assert cursor.fetchall() == [(True, 0)]
