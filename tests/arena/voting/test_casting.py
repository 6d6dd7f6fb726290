"""One voter, one battle, one vote: what is stored and what is refused."""

import datetime as dt
import html
import re
from urllib.parse import parse_qsl

import numpy as np
import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from arena.models import Ballot, Vote, Voter
from arena.voting import drawing
from arena.voting.casting import (
    SkippedBallotError,
    SpentBallotError,
    cast_vote,
    find_ballot,
    skip_battle,
)
from arena.voting.pool import POOLS, RECORD
from arena.voting.rendering_ahead import RenderingAhead
from arena.voting.voters import COOKIE, Visitor

pytestmark = pytest.mark.django_db


def test_a_vote_for_the_left_is_stored_as_the_side_that_stood_left(stored_answers, alice):
    ballot = alice.ballot()
    alice.cast("left", ballot.token)
    vote = Vote.objects.get()
    assert vote.outcome == ("model_a" if ballot.shown_first == "a" else "model_b")
    assert vote.shown_first == ballot.shown_first


def test_both_sides_come_first_about_equally_often(stored_answers, new_browser):
    first = [new_browser().ballot().shown_first for _ in range(40)]
    assert 8 < first.count("a") < 32


@pytest.mark.parametrize("choice", ["tie", "both_bad"])
def test_ties_and_both_bad_are_kept_apart(stored_answers, alice, choice):
    alice.cast(choice)
    assert Vote.objects.get().outcome == choice


def test_the_probability_of_the_draw_is_stored_with_the_vote(stored_answers, alice):
    alice.cast()
    assert Vote.objects.get().draw_probability == pytest.approx(1 / 3)


def test_strength_and_reasons_are_kept_and_unknown_ones_dropped(stored_answers, alice):
    alice.cast("left", strength="3", reasons=["clear", "<script>", "accurate"])
    vote = Vote.objects.get()
    assert (vote.strength, vote.reasons) == (3, ["accurate", "clear"])


def test_a_tie_has_no_strength(stored_answers, alice):
    alice.cast("tie", strength="3")
    assert Vote.objects.get().strength is None


def test_a_skip_stores_no_vote_and_brings_another_battle(stored_answers, alice):
    first = alice.token()
    assert alice.cast("skip", first).json()["next"]
    assert not Vote.objects.exists()
    assert alice.token() != first


def test_a_double_post_is_refused_and_told_the_first_result(stored_answers, alice):
    token = alice.token()
    alice.cast("left", token)
    again = alice.cast("right", token)
    assert again.status_code == 409
    assert again.json()["choice"] == "left"
    assert Vote.objects.count() == 1


@pytest.mark.parametrize("choice", ["left", "skip"])
def test_after_a_skip_one_is_told_of_the_skip_and_shown_nothing(stored_answers, alice, choice):
    token = alice.token()
    alice.cast("skip", token)
    refused = alice.cast(choice, token)
    assert refused.status_code == 409
    assert refused.json() == {
        "code": "already_skipped",
        "text": "You have skipped this battle; here is the next.",
    }
    page = alice.client.post(reverse("vote_cast"), {"token": token, "choice": choice})
    assert "You have skipped this battle" in page.text
    assert token not in page.text
    assert not Vote.objects.exists()


def test_of_a_skip_and_a_vote_that_saw_an_open_ballot_the_vote_is_told_of_the_skip(
    stored_answers, alice
):
    ballot = alice.ballot()
    visitor = Visitor(ballot.voter, ballot.voter.sessions.get())
    twins = [find_ballot(visitor, ballot.token) for _ in range(2)]
    skip_battle(visitor=visitor, ballot=twins[0])
    with pytest.raises(SkippedBallotError):
        cast_vote(visitor=visitor, ballot=twins[1], choice="right")
    assert not Vote.objects.exists()


def test_a_foreign_token_is_refused_and_reveals_nothing(stored_answers, alice, mallory):
    token = alice.token()
    mallory.page()
    stolen = mallory.cast("left", token)
    assert stolen.status_code == 403
    assert set(stolen.json()) == {"code", "text"}
    assert not Vote.objects.exists()


def test_a_stranger_without_a_cookie_cannot_spend_a_token(stored_answers, alice, mallory):
    assert mallory.cast("left", alice.token()).status_code == 403


def test_an_unknown_token_is_refused(stored_answers, alice):
    alice.page()
    assert alice.cast("left", "no-such-token").status_code == 404


def test_a_stale_token_is_refused_and_a_fresh_battle_offered(stored_answers, alice):
    ballot = alice.ballot()
    Ballot.objects.update(drawn_at=timezone.now() - dt.timedelta(hours=25))
    assert alice.cast("left", ballot.token).status_code == 410
    assert alice.token() != ballot.token


def test_an_unreadable_choice_is_refused_and_the_token_stays_good(stored_answers, alice):
    token = alice.token()
    assert alice.cast("model_a", token).status_code == 400
    assert alice.cast("left", token).status_code == 200


def test_of_two_casts_that_saw_an_open_ballot_one_is_stored(stored_answers, alice):
    ballot = alice.ballot()
    session = ballot.voter.sessions.get()
    visitor = Visitor(ballot.voter, session)
    twins = [find_ballot(visitor, ballot.token) for _ in range(2)]
    cast_vote(visitor=visitor, ballot=twins[0], choice="left")
    with pytest.raises(SpentBallotError):
        cast_vote(visitor=visitor, ballot=twins[1], choice="right")
    assert Vote.objects.count() == 1


def test_a_second_ballot_for_the_same_voter_and_battle_is_forbidden(stored_answers, alice):
    ballot = alice.ballot()
    with pytest.raises(IntegrityError), transaction.atomic():
        Ballot.objects.create(voter=ballot.voter, battle=ballot.battle, shown_first="a")


def test_a_closed_ballot_without_a_time_is_forbidden(stored_answers, alice):
    ballot = alice.ballot()
    with pytest.raises(IntegrityError), transaction.atomic():
        Ballot.objects.filter(pk=ballot.pk).update(status="voted")


def test_a_reload_shows_the_same_battle_again(stored_answers, alice):
    assert alice.token() == alice.token()


def test_two_tabs_share_the_battle_and_the_second_vote_is_told_so(stored_answers, alice):
    first_tab, second_tab = alice.token(), alice.token()
    alice.cast("left", first_tab)
    assert alice.cast("left", second_tab).status_code == 409


def test_the_cookie_is_stored_as_a_keyed_hash_only(stored_answers, alice):
    alice.page()
    cookie = alice.client.cookies[COOKIE]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    voter = Voter.objects.get()
    assert cookie.value not in {voter.key, voter.sessions.get().key}


def test_an_address_is_stored_as_a_keyed_hash_only(stored_answers, alice):
    key = alice.ballot().address_key
    assert key
    assert "192.0.2" not in key


def test_a_made_up_cookie_gets_a_new_one(stored_answers, alice):
    alice.client.cookies[COOKIE] = "chosen-by-mallory"
    alice.page()
    assert alice.client.cookies[COOKIE].value != "chosen-by-mallory"


def test_the_vote_page_is_never_cached(stored_answers, alice):
    assert "no-store" in alice.page()["Cache-Control"]


def test_without_script_the_vote_shows_the_names_and_a_way_on(stored_answers, alice):
    page = alice.client.post(reverse("vote_cast"), {"token": alice.token(), "choice": "left"})
    assert page.status_code == 200
    assert sum(name in page.text for name in ("Alpha", "Beta", "Gamma")) == 2
    assert "data-next" in page.text


def test_who_asks_again_for_the_page_of_a_vote_goes_on_voting(stored_answers, alice):
    """Its address is what the language switch and the way to sign in lead back to."""
    alice.client.post(reverse("vote_cast"), {"token": alice.token(), "choice": "left"})
    switch = {"language": "zh-hans", "next": reverse("vote_cast")}
    page = alice.client.post(reverse("set_language"), switch, follow=True)
    assert (page.status_code, page.request["PATH_INFO"]) == (200, reverse("vote"))
    assert page.context["ballot"]


@pytest.fixture
def writing(stored_answers):
    """What to ask for, so that half of the questions suit."""
    some = stored_answers.questions.order_by("pk")[:3].values("pk")
    stored_answers.questions.filter(pk__in=list(some.values_list("pk", flat=True))).update(
        category="writing", language="zh"
    )
    return {"language": "zh", "category": "writing"}


def test_without_script_a_repetition_is_told_what_the_first_vote_was_told(stored_answers, alice):
    token = alice.token()
    form = {"token": token, "choice": "left"}
    first = alice.client.post(reverse("vote_cast"), form)
    again = alice.client.post(reverse("vote_cast"), {**form, "choice": "right"})
    assert again.status_code == 409
    assert "the first vote counts" in again.text
    names = re.findall(r"(Alpha|Beta|Gamma)", first.text)
    assert names
    assert re.findall(r"(Alpha|Beta|Gamma)", again.text) == names
    assert "Next battle" in again.text


def leads_on_to(bar):
    address, _, query = html.unescape(re.search(r'href="([^"]+)" data-next', bar)[1]).partition("?")
    assert address == reverse("vote")
    return dict(parse_qsl(query))


@pytest.mark.parametrize("choice", ["left", "skip"])
def test_without_script_what_was_asked_for_outlasts_a_vote_and_a_skip(writing, alice, choice):
    for _ in range(3):
        page = alice.page(**writing).text
        hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page))
        assert writing.items() <= hidden.items()
        after = alice.client.post(reverse("vote_cast"), {**hidden, "choice": choice})
        bar = f'href="{after.url}" data-next' if choice == "skip" else after.text
        assert leads_on_to(bar) == writing
    ballots = Ballot.objects.filter(battle__question__category="writing")
    assert ballots.count() == Ballot.objects.count()


def test_the_reveal_told_to_a_script_leads_on_to_what_was_asked_for(writing, alice):
    token = alice.token(**writing)
    for status in (200, 409):
        told = alice.cast("left", token, **writing)
        assert told.status_code == status
        assert leads_on_to(told.json()["bar"]) == writing
    assert leads_on_to(alice.cast("left").json()["bar"]) == {}


def test_how_others_voted_is_a_list(stored_answers, alice, mallory):
    ballot = alice.ballot()
    for number, outcome in enumerate(("tie", "both_bad")):
        voter = Voter.objects.create(key=f"other {number}")
        Vote.objects.create(battle=ballot.battle, voter=voter, outcome=outcome)
    bar = alice.cast("left", ballot.token).json()["bar"]
    assert re.findall(r"<li>([^<]+)</li>", bar) == ["tie 50%", "both bad 50%"]


def test_a_post_without_csrf_token_is_refused(stored_answers):
    from django.test import Client

    client = Client(enforce_csrf_checks=True)
    assert client.post(reverse("vote_cast"), {"token": "x"}).status_code == 403


@pytest.fixture
def steady(monkeypatch):
    """No cache grows old meanwhile, and chance is the same each time: a draw that meets a battle
    already seen is made again, in a statement of its own.
    """
    for remembered in (POOLS, RECORD):
        monkeypatch.setattr(remembered, "now", lambda: 0.0)
    drawing._RANDOM.bit_generator.state = np.random.default_rng(1).bit_generator.state


def test_a_vote_on_warm_caches_costs_a_fixed_number_of_queries(stored_answers, new_browser, steady):
    RenderingAhead().go_on()
    new_browser().cast()
    alice = new_browser("192.0.2.9")
    token = alice.token()
    with CaptureQueriesContext(connection) as queries:
        alice.cast("left", token)
    # the turn, two answers with what is kept of them, the vote with the next ballot and its battle;
    # SQLite stores these four one by one; within a savepoint each, as the test is a transaction
    assert len(queries) <= (3 + 2 if connection.vendor == "postgresql" else 6 + 4)


@pytest.fixture
def cast(alice):
    """Cast alice's ballot here instead of through the page."""

    def cast(ballot, **how):
        voter = Voter.objects.get(pk=ballot.voter_id)
        return cast_vote(
            visitor=Visitor(voter, voter.sessions.get()), ballot=ballot, choice="tie", **how
        )

    return cast


def test_a_vote_is_stored_even_if_the_battle_after_it_was_drawn_elsewhere(
    stored_answers, alice, cast
):
    ballot = alice.ballot()
    taken = Ballot(voter=ballot.voter, battle=ballot.battle, shown_first="a")
    vote = cast(ballot, propose=lambda: taken)
    assert (Vote.objects.get(), taken.pk) == (vote, None)
    assert Ballot.objects.get() == ballot


def test_nothing_is_drawn_for_a_vote_that_is_refused(stored_answers, alice, cast):
    ballot, drawn = alice.ballot(), []
    cast(ballot)
    with pytest.raises(SpentBallotError):
        cast(ballot, propose=lambda: drawn.append(ballot))
    assert drawn == []


def test_the_battle_after_a_vote_is_stored_in_the_same_statement(stored_answers, alice, steady):
    RenderingAhead().go_on()
    token = alice.token()
    with CaptureQueriesContext(connection) as queries:
        upcoming = alice.cast("left", token).json()["next"]
    assert Ballot.objects.get(status="open").token in upcoming
    writing = [q["sql"] for q in queries if "INSERT INTO arena_ballot" in q["sql"]]
    assert len(writing) == 1
    assert (connection.vendor == "sqlite") or "INSERT INTO arena_vote" in writing[0]


def test_who_only_asks_whether_the_page_is_there_is_told(stored_answers, alice):
    answer = alice.client.head(reverse("vote"))
    assert (answer.status_code, answer.content) == (200, b"")
