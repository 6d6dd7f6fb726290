"""What belongs to the voter: votes, board, data, and the way out."""

import datetime as dt
import json
import re

import pytest
from django.contrib.auth import get_user_model
from django.urls import reverse
from django.utils import timezone

from arena.models import (
    Answer,
    Ballot,
    Battle,
    ClearedAnswer,
    Endpoint,
    Exclusion,
    IntegrityAction,
    Question,
    SatisfactionRating,
    Vote,
    Voter,
    VoterSession,
)
from arena.voting.battle_review import count_again
from arena.voting.review import mark_voter
from arena.voting.voters import COOKIE

pytestmark = pytest.mark.django_db


@pytest.fixture
def voted(stored_answers, alice):
    for _ in range(3):
        alice.cast("left")
    return alice


def test_the_voter_sees_their_own_votes(voted, mallory):
    assert "3 votes" in voted.client.get(reverse("my_votes")).text
    assert "No votes yet" in mallory.client.get(reverse("my_votes")).text


def test_a_vote_that_is_not_counted_says_why_and_leads_to_no_board(voted):
    Vote.objects.filter(pk=Vote.objects.first().pk).update(exclusion="too_fast")
    page = voted.client.get(reverse("my_votes")).text
    assert "1 of your votes is kept but not counted" in page
    assert "voted faster than the answers can be read" in page
    assert "18 more votes for a board of your own" in page


def test_the_export_holds_every_vote_and_no_cookie(voted):
    response = voted.client.get(reverse("my_data"))
    data = json.loads(response.content)
    assert len(data["votes"]) == 3
    assert "attachment" in response["Content-Disposition"]
    assert voted.client.cookies[COOKIE].value not in response.text


def test_removal_cuts_every_link_and_keeps_the_votes_anonymous(voted):
    voted.client.post(reverse("forget_me"))
    assert not Voter.objects.exists()
    assert not VoterSession.objects.exists()
    assert not Ballot.objects.exists()
    assert Vote.objects.filter(voter__isnull=True).count() == 3


def test_votes_of_the_last_day_do_not_count_once_nobody_stands_behind_them(voted, policy):
    Vote.objects.filter(pk=Vote.objects.first().pk).update(
        created_at=timezone.now() - dt.timedelta(hours=25)
    )
    voted.client.post(reverse("forget_me"))
    left = list(Vote.objects.order_by("id").values_list("exclusion", flat=True))
    assert left == ["", Exclusion.WITHDRAWN, Exclusion.WITHDRAWN]


def test_mallory_cannot_vote_be_forgotten_and_vote_again(one_battle, mallory):
    for _ in range(3):
        mallory.cast("left")
        mallory.client.post(reverse("forget_me"))
    assert Vote.objects.count() == 3
    assert not Vote.objects.counted().exists()


def test_a_reason_given_before_outlives_the_voter(voted):
    Vote.objects.update(exclusion=Exclusion.TOO_FAST)
    voted.client.post(reverse("forget_me"))
    assert set(Vote.objects.values_list("exclusion", flat=True)) == {Exclusion.TOO_FAST}


def test_ratings_of_the_last_day_do_not_count_either(stored_answers, alice):
    alice.client.get(reverse("rate_answer"))
    rating = SatisfactionRating.objects.get()
    alice.client.post(reverse("rate_answer"), {"token": rating.token, "score": "4"})
    alice.client.post(reverse("forget_me"))
    assert SatisfactionRating.objects.get().exclusion == Exclusion.WITHDRAWN


def test_removal_leaves_ratings_without_voter_and_address(voted):
    rate = reverse("rate_answer")
    token = re.search(r'name="token" value="([^"]+)"', voted.client.get(rate).text).group(1)
    voted.client.post(rate, {"token": token, "score": "4"})
    voted.client.get(rate)
    assert SatisfactionRating.objects.exclude(address_key="").count() == 2
    voted.client.post(reverse("forget_me"))
    left = SatisfactionRating.objects.get()
    assert (left.score, left.voter, left.address_key) == (4, None, "")


def test_the_vote_page_and_my_votes_ask_for_as_many_more_votes(voted):
    """Marked ones do not bring the board nearer; both pages say so."""
    Vote.objects.filter(pk=Vote.objects.first().pk).update(exclusion="too_fast")
    page = voted.page().text
    assert "3 votes, thank you" in page
    assert "1 not counted" in page
    assert "18 more for a board of your own" in page
    assert "18 more votes for a board of your own" in voted.client.get(reverse("my_votes")).text


def test_a_vote_that_is_marked_at_once_does_not_bring_the_board_nearer(voted, policy):
    policy(minimum_reading_s=60.0, characters_per_second=120.0)
    told = voted.cast("left").json()["progress_html"]
    assert "4 votes, thank you" in told
    assert "1 not counted" in told
    assert "17 more for a board of your own" in told


@pytest.fixture
def live_battle(stored_answers, voted, make_answer, three_models):
    own = Question.objects.create(
        question_set=stored_answers,
        external_id="live-1",
        turns=[[{"type": "text", "text": "my secret"}]],
    )
    first, second = (make_answer(model, own) for model in three_models[:2])
    battle = Battle.objects.create(
        question=own, model_a=first.model, model_b=second.model, answer_a=first,
        answer_b=second, origin="live",
    )  # fmt: skip
    Vote.objects.create(battle=battle, voter=Voter.objects.get(), outcome="tie")
    return battle


def test_removal_deletes_the_prompts_of_ones_live_battles(voted, live_battle):
    voted.client.post(reverse("forget_me"))
    assert not Question.objects.filter(external_id="live-1").exists()
    assert not Battle.objects.filter(origin="live").exists()


def test_removal_takes_along_what_staff_did_to_ones_live_battles(voted, live_battle, admin_user):
    Answer.objects.filter(pk=live_battle.answer_b_id).update(turns=["I am ChatGPT."])
    Battle.objects.filter(pk=live_battle.pk).update(exclusion="identity_leak")
    assert "chatgpt" in count_again(live_battle, reason="identity_leak", by=admin_user).detail
    voted.client.post(reverse("forget_me"))
    assert not IntegrityAction.objects.exists()
    assert not ClearedAnswer.objects.exists()


def test_the_privacy_page_says_what_removal_cannot_reach(client):
    assert "published before cannot be taken back" in client.get(reverse("voter_privacy")).text


def test_the_privacy_page_is_there_for_everybody(client):
    assert client.get(reverse("voter_privacy")).status_code == 200


def test_signing_in_makes_the_browsers_votes_the_accounts(voted):
    user = get_user_model().objects.create_user("alice", password="x")
    voted.client.force_login(user)
    voted.cast("tie")
    voter = Voter.objects.get()
    assert voter.user == user
    assert voter.votes.count() == 4


def test_an_account_votes_as_one_voter_from_two_browsers(voted, new_browser):
    user = get_user_model().objects.create_user("alice", password="x")
    voted.client.force_login(user)
    voted.page()
    phone = new_browser("192.0.2.77")
    phone.client.force_login(user)
    phone.cast("tie")
    assert Vote.objects.values("voter").distinct().count() == 1


def test_a_battle_judged_on_the_phone_is_not_shown_again_at_the_desk(one_battle, new_browser):
    user = get_user_model().objects.create_user("alice", password="x")
    desk, phone = new_browser(), new_browser()
    for browser in (desk, phone):
        browser.client.force_login(user)
    phone.cast("tie")
    assert "You have seen it all" in desk.page().text


def test_after_enough_votes_there_is_a_board_of_ones_own(
    stored_answers, alice, three_models, make_battle
):
    alice.page()
    voter = Voter.objects.get()
    other = Voter.objects.create(key="other")
    alpha, beta, gamma = three_models
    for question in stored_answers.questions.all():
        for first, second in ((alpha, beta), (beta, gamma), (alpha, gamma)):
            battle = make_battle(question, first, second)
            Vote.objects.create(battle=battle, voter=voter, outcome="model_b")
            for _ in range(2):
                Vote.objects.create(battle=battle, outcome="model_a", voter=None)
            Vote.objects.create(battle=battle, voter=other, outcome="model_a")
    assert "Your own board" not in alice.client.get(reverse("my_votes")).text
    extra = Question.objects.create(question_set=stored_answers, external_id="x", turns=[[]])
    for first, second in ((alpha, beta), (beta, gamma)):
        Vote.objects.create(
            battle=make_battle(extra, first, second), voter=voter, outcome="model_b"
        )
    page = alice.client.get(reverse("my_votes")).text
    board = page[page.index("Your own board") :]
    assert board.index("Gamma") < board.index("Beta") < board.index("Alpha")
    assert "2 places higher" in board


def test_an_account_is_closed_with_its_data_when_asked(voted):
    user = get_user_model().objects.create_user("alice", password="x")
    voted.client.force_login(user)
    voted.cast("tie")
    page = voted.client.get(reverse("voter_privacy")).text
    assert "Remove my data and my account" in page
    voted.client.post(reverse("forget_me") + "?account=close")
    assert not get_user_model().objects.exists()
    assert Vote.objects.filter(voter__isnull=True).count() == 4


def test_an_account_of_the_staff_is_not_closed_from_the_page(voted, admin_user):
    voted.client.force_login(admin_user)
    voted.cast("tie")
    voted.client.post(reverse("forget_me") + "?account=close")
    assert get_user_model().objects.count() == 1


def test_the_export_tells_reading_time_and_hashed_addresses(voted):
    data = json.loads(voted.client.get(reverse("my_data")).content)
    assert data["votes"][0]["reading_s"] >= 0
    assert data["voter"]["address_hashes"] == [Ballot.objects.first().address_key]


def test_the_export_tells_the_hashed_address_of_a_rating(stored_answers, alice):
    alice.client.get(reverse("rate_answer"))
    data = json.loads(alice.client.get(reverse("my_data")).content)
    assert data["voter"]["address_hashes"] == [SatisfactionRating.objects.get().address_key]


def test_the_export_tells_skips_but_not_of_what(voted):
    voted.cast("skip")
    skip = Ballot.objects.get(status="skipped")
    data = json.loads(voted.client.get(reverse("my_data")).content)
    assert data["skips"] == [{"at": skip.closed_at.isoformat(), "reading_s": skip.reading_s}]


def test_the_export_tells_what_staff_and_tests_did_to_ones_votes(voted, admin_user):
    mark_voter(Voter.objects.get(), Exclusion.STAFF, detail="votes in his sleep", by=admin_user)
    act = json.loads(voted.client.get(reverse("my_data")).content)["acts"][0]
    assert (act["reason"], act["detail"]) == ("staff", "votes in his sleep")
    assert act["votes_changed"] == 3
    assert admin_user.username not in act.values()


def test_the_arenas_own_consent_text_is_shown_where_it_is_asked_for(
    client, policy, make_model, settings
):
    policy(consent_text="Our own <terms>.")
    endpoint = Endpoint.objects.create(slug="e", name="e", provider="scripted")
    for slug in ("one", "two"):
        make_model(slug, endpoint=endpoint)
    for page in ("voter_privacy", "live_battle"):
        assert "Our own &lt;terms&gt;." in client.get(reverse(page)).text
