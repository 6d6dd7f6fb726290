"""Closed rounds: a link, assigned battles in order, progress."""

from importlib import import_module

import pytest
from django.apps import apps
from django.contrib.auth import get_user_model
from django.db import IntegrityError, connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.timezone import now

from arena.models import Annotator, Ballot, InviteRound, Vote, Voter
from arena.models.voting import BALLOT_VALID_FOR
from arena.voting.rounds import (
    EmptyRoundError,
    create_round,
    own_progress,
    round_progress,
    votes_in_round,
)
from judging.people import alpha_of_round

pytestmark = pytest.mark.django_db


@pytest.fixture
def invite(stored_answers, three_models):
    return create_round(
        title="Spring round", question_set=stored_answers, language_models=three_models, battles=4
    )


def join(browser, invite, name=""):
    browser.client.post(reverse("round_join", args=[invite.code]), {"name": name})
    return browser


def test_everybody_judges_the_same_battles_in_the_same_order(invite, alice, mallory):
    seen = []
    for browser in (alice, mallory):
        join(browser, invite)
        ballots = []
        for _ in range(4):
            ballot = browser.ballot(round=invite.code)
            ballots.append(ballot.battle_id)
            browser.cast("tie", ballot.token, round=invite.code)
        seen.append(ballots)
    assert (
        seen[0]
        == seen[1]
        == list(invite.assignments.order_by("position").values_list("battle_id", flat=True))
    )


def test_the_end_of_the_round_is_said(invite, alice):
    join(alice, invite)
    for _ in range(4):
        alice.cast("tie", alice.token(round=invite.code), round=invite.code)
    page = alice.page(round=invite.code).text
    assert "The round is done" in page
    assert reverse("live_battle") not in page.split("<main")[1]


def test_progress_counts_votes_and_skips_per_annotator(invite, alice):
    join(alice, invite)
    for choice in ("left", "skip"):
        alice.cast(choice, alice.token(round=invite.code), round=invite.code)
    row = round_progress(invite)[0]
    assert (row.judged, row.skipped, row.percent_of(4)) == (1, 1, 50)


def test_votes_of_a_round_are_ordinary_votes(invite, alice):
    join(alice, invite)
    alice.cast("left", alice.token(round=invite.code), round=invite.code)
    vote = Vote.objects.get()
    assert (vote.exclusion, vote.ballot.round) == ("", invite)


def test_a_closed_round_takes_no_vote_from_who_does_not_name_it(invite, alice):
    join(alice, invite)
    token = alice.token(round=invite.code)
    InviteRound.objects.update(is_open=False)
    for choice in ("left", "skip"):
        refused = alice.cast(choice, token)
        assert (refused.status_code, refused.json()["code"]) == (410, "round_closed")
    InviteRound.objects.update(is_open=True)
    assert alice.cast("left", token, round=invite.code).status_code == 200
    assert Vote.objects.count() == 1


@pytest.fixture
def closed(invite, alice):
    """After alice has been handed a battle of it; its address, and her token."""
    join(alice, invite)
    token = alice.token(round=invite.code)
    InviteRound.objects.update(is_open=False)
    return reverse("round_join", args=[invite.code]), token


def test_a_closed_round_lets_nobody_in_and_says_so(closed, invite, alice, mallory):
    address, _ = closed
    for browser in (alice, mallory):
        page = browser.client.get(address)
        assert page.status_code == 410
        assert "This round is closed" in page.text
    assert alice.page(round=invite.code).url == address
    assert alice.client.get(reverse("vote_next"), {"round": invite.code}).status_code == 204
    assert InviteRound.objects.get().voters.count() == 1


def test_a_vote_in_a_closed_round_is_not_taken_until_it_is_open_again(closed, invite, alice):
    address, token = closed
    refused = alice.cast("left", token, round=invite.code)
    assert (refused.status_code, refused.json()["code"]) == (410, "round_closed")
    fields = {"token": token, "choice": "left", "round": invite.code}
    assert alice.client.post(reverse("vote_cast"), fields).url == address
    assert not Vote.objects.exists()
    InviteRound.objects.update(is_open=True)
    assert alice.cast("left", token, round=invite.code).status_code == 200


def test_a_battle_left_open_overnight_stays_in_the_round(invite, alice):
    join(alice, invite)
    alice.page(round=invite.code)
    Ballot.objects.update(drawn_at=now() - BALLOT_VALID_FOR * 2)
    for _ in range(4):
        alice.cast("tie", alice.token(round=invite.code), round=invite.code)
    assert round_progress(invite)[0].judged == 4
    assert "The round is done" in alice.page(round=invite.code).text


def test_a_vote_posted_twice_in_a_round_is_told_the_progress_of_the_round(invite, alice):
    join(alice, invite)
    token = alice.token(round=invite.code)
    alice.cast("tie", token, round=invite.code)
    told = alice.cast("tie", token, round=invite.code)
    assert told.status_code == 409
    assert "1 of 4 battles" in told.json()["progress_html"]


def test_two_identical_answers_are_not_assigned(question_set, three_models, make_answer):
    question = question_set.questions.first()
    for model, text in zip(three_models, ("Yes.", "Yes. ", "No."), strict=True):
        make_answer(model, question, text)
    made = create_round(
        title="x", question_set=question_set, language_models=three_models, battles=9
    )
    assert made.battles.count() == 2


def test_a_deleted_round_takes_its_names_and_open_battles_along_and_leaves_the_votes(
    invite, alice, admin_client
):
    join(alice, invite, name="Ada")
    alice.cast("left", alice.token(round=invite.code), round=invite.code)
    alice.page(round=invite.code)
    admin_client.post(reverse("round_delete", args=[invite.pk]))
    assert not InviteRound.objects.exists()
    assert not Annotator.objects.exists()
    assert not Ballot.objects.filter(status="open").exists()
    assert Vote.objects.get().exclusion == ""
    assert alice.client.get(reverse("round_join", args=[invite.code])).status_code == 404


def test_only_staff_delete_a_round_and_only_by_post(invite, alice, admin_client):
    address = reverse("round_delete", args=[invite.pk])
    alice.client.post(address)
    assert admin_client.get(address).status_code == 405
    assert InviteRound.objects.exists()


def test_an_unknown_round_is_not_found(invite, alice):
    assert alice.client.get(reverse("round_join", args=["nonsense"])).status_code == 404
    assert alice.page(round="nonsense").status_code == 404


def test_instructions_are_shown_as_markdown_without_html(invite, alice):
    InviteRound.objects.update(instructions="Look at **facts**.<script>alert(1)</script>")
    page = alice.client.get(reverse("round_join", args=[invite.code])).text
    assert "<strong>facts</strong>" in page
    assert "<script>alert" not in page


def test_an_expert_round_makes_experts(invite, alice):
    InviteRound.objects.update(is_expert_round=True)
    join(alice, invite)
    assert Voter.objects.get().is_expert


def test_models_without_common_answers_give_no_round(question_set, three_models):
    with pytest.raises(EmptyRoundError, match="choose other models"):
        create_round(title="x", question_set=question_set, language_models=three_models, battles=3)


def test_staff_create_a_round_and_see_its_link(stored_answers, three_models, client):
    staff = get_user_model().objects.create_user("staff", password="x", is_staff=True)
    client.force_login(staff)
    fields = {
        "title": "New",
        "question_set": stored_answers.pk,
        "language_models": [model.pk for model in three_models],
        "battles": 5,
    }
    page = client.post(reverse("round_list"), fields, follow=True)
    assert InviteRound.objects.get().code in page.text
    assert InviteRound.objects.get().assignments.count() == 5


def test_visitors_cannot_see_rounds(client, invite):
    assert client.get(reverse("round_detail", args=[invite.pk])).status_code == 302


def test_looking_at_the_invitation_makes_nobody_an_annotator(invite, alice):
    page = alice.client.get(reverse("round_join", args=[invite.code]))
    assert "Spring round" in page.text
    assert not invite.voters.exists()
    assert not Voter.objects.exists()


def test_who_has_not_joined_is_led_to_the_invitation_and_is_handed_nothing(invite, alice, mallory):
    mallory.page()
    for browser in (alice, mallory):
        page = browser.page(round=invite.code)
        assert (page.status_code, page.url) == (302, reverse("round_join", args=[invite.code]))
        following = browser.client.get(reverse("vote_next"), {"round": invite.code})
        assert following.status_code == 204
    assert not invite.ballots.exists()
    assert Voter.objects.count() == 1


def test_a_vote_for_a_round_by_who_has_not_joined_is_refused_and_leads_to_the_invitation(
    invite, alice
):
    token = alice.token()
    refused = alice.cast("left", token, round=invite.code)
    assert (refused.status_code, refused.json()["code"]) == (403, "not_joined")
    form = {"token": token, "choice": "left", "round": invite.code}
    page = alice.client.post(reverse("vote_cast"), form)
    assert page.status_code == 403
    assert "You have not joined this round" in page.text
    assert f'action="{reverse("round_join", args=[invite.code])}"' in page.text
    assert not Vote.objects.exists()
    assert not invite.ballots.exists()
    assert alice.cast("left", token).status_code == 200


def test_a_vote_by_an_annotator_on_a_battle_from_elsewhere_goes_on_in_the_round(invite, alice):
    join(alice, invite)
    told = alice.cast("left", alice.token(), round=invite.code)
    assert told.status_code == 200
    assert Ballot.objects.get(status="open").round == invite


def test_a_vote_within_the_round_asks_no_further_whether_its_voter_takes_part(invite, alice):
    join(alice, invite)
    token = alice.token(round=invite.code)
    with CaptureQueriesContext(connection) as queries:
        alice.cast("left", token, round=invite.code)
    asked = [q["sql"] for q in queries if "arena_inviteround_voters" in q["sql"]]
    assert asked == []


def test_who_voted_in_a_round_before_joining_was_asked_for_has_joined_it(invite, alice, mallory):
    for browser in (alice, mallory):
        join(browser, invite)
        browser.page(round=invite.code)
    voted = alice.ballot(round=invite.code)
    alice.cast("left", voted.token, round=invite.code)
    former = Voter.objects.create(key="former", merged_into=voted.voter)
    Ballot.objects.filter(pk=voted.pk).update(voter=former)
    invite.voters.clear()
    migration = import_module("arena.migrations.0019_annotators_have_joined")
    for _ in range(2):
        migration.join(apps, None)
        assert set(invite.voters.all()) == {former, voted.voter}
    assert [row.judged for row in round_progress(invite)] == [1]
    assert not invite.ballots.filter(voter__in=Voter.objects.exclude(rounds=invite)).exists()


def test_an_annotator_who_comes_back_goes_straight_on(invite, alice):
    join(alice, invite)
    response = alice.client.get(reverse("round_join", args=[invite.code]))
    assert response.url == f"/vote/?round={invite.code}"


def test_staff_see_the_name_an_annotator_gave(invite, alice, mallory, admin_client):
    join(alice, invite, name="Alice A.")
    join(mallory, invite)
    page = admin_client.get(reverse("round_detail", args=[invite.pk])).text
    assert "Alice A." in page
    assert sorted(row.name for row in round_progress(invite)) == ["", "Alice A."]


def test_an_annotator_has_one_name_per_round(invite, alice):
    join(alice, invite, name="Alice")
    with pytest.raises(IntegrityError):
        Annotator.objects.create(round=invite, voter=Voter.objects.get(), name="Other")


def test_the_annotator_sees_how_far_the_round_is(invite, alice):
    join(alice, invite)
    alice.cast("skip", alice.token(round=invite.code), round=invite.code)
    answer = alice.cast("tie", alice.token(round=invite.code), round=invite.code).json()
    assert "2 of 4 battles" in answer["progress_html"]
    assert "2 of 4 battles" in alice.page(round=invite.code).text


def test_a_round_may_keep_to_one_category(stored_answers, three_models):
    chosen = stored_answers.questions.first()
    stored_answers.questions.update(category="writing")
    type(chosen).objects.filter(pk=chosen.pk).update(category="math")
    made = create_round(
        title="x",
        question_set=stored_answers,
        language_models=three_models,
        battles=9,
        category="math",
    )
    assert {battle.question_id for battle in made.battles.all()} == {chosen.pk}


def test_agreement_among_annotators_is_shown_once_two_have_judged(
    invite, alice, mallory, admin_client
):
    address = reverse("round_detail", args=[invite.pk])
    for browser in (alice, mallory):
        assert "Krippendorff" not in admin_client.get(address).text
        join(browser, invite)
        for choice in ("tie", "both_bad"):
            browser.cast(choice, browser.token(round=invite.code), round=invite.code)
    assert "2 battles judged by two or more" in admin_client.get(address).text
    assert alpha_of_round(invite).alpha.value == pytest.approx(1)


@pytest.fixture
def again(invite, stored_answers, three_models):
    """A second round on the same battles as the first."""
    return create_round(
        title="Autumn round",
        question_set=stored_answers,
        language_models=three_models,
        battles=4,
        seed=invite.seed,
    )


def battles_of(invite):
    return list(invite.assignments.order_by("position").values_list("battle_id", flat=True))


def judge_all(browser, invite, choice="tie"):
    """Votes as long as there is something to vote on; the battles asked, in order."""
    asked = []
    while "The round is done" not in browser.page(round=invite.code).text:
        ballot = browser.ballot(round=invite.code)
        asked.append(ballot.battle_id)
        assert browser.cast(choice, ballot.token, round=invite.code).status_code == 200
    return asked


def test_the_same_seed_gives_the_same_battles_and_none_gives_others(
    invite, again, stored_answers, three_models
):
    anew = create_round(
        title="x", question_set=stored_answers, language_models=three_models, battles=4, seed=1
    )
    assert battles_of(again) == battles_of(invite) != battles_of(anew)
    drawn = [
        create_round(
            title="x", question_set=stored_answers, language_models=three_models, battles=4
        ).seed
        for _ in range(3)
    ]
    assert len({invite.seed, *drawn}) == 4


def test_staff_enter_the_seed_of_an_earlier_round(
    invite, stored_answers, three_models, admin_client
):
    assert f"Seed {invite.seed}" in admin_client.get(reverse("round_detail", args=[invite.pk])).text
    fields = {
        "title": "New",
        "question_set": stored_answers.pk,
        "language_models": [model.pk for model in three_models],
        "battles": 4,
        "seed": invite.seed,
    }
    admin_client.post(reverse("round_list"), fields)
    assert battles_of(InviteRound.objects.get(title="New")) == battles_of(invite)


def test_votes_of_another_round_are_judgements_of_this_one_too(
    invite, again, alice, mallory, admin_client
):
    for browser in (alice, mallory):
        join(browser, invite)
        judge_all(browser, invite)
        page = browser.client.get(reverse("round_join", args=[again.code]))
        if browser is alice:
            assert "You have judged 4 of these battles before" in page.text
        join(browser, again)
    page = alice.page(round=again.code).text
    assert "The round is done" in page
    assert "You have judged 4 of these battles before; those votes count here too." in page
    assert [(row.judged, row.before) for row in round_progress(again)] == [(4, 4), (4, 4)]
    assert [(row.judged, row.before) for row in round_progress(invite)] == [(4, 0), (4, 0)]
    assert alpha_of_round(again).battles == 4
    shown = admin_client.get(reverse("round_detail", args=[again.pk])).text
    assert "4 / 4" in shown
    assert "4 judged before" in shown


def test_votes_of_strangers_on_the_same_battles_are_none_of_the_round(
    invite, again, alice, mallory
):
    for browser in (alice, mallory):
        join(browser, invite)
        judge_all(browser, invite)
    join(alice, again)
    assert [row.judged for row in round_progress(again)] == [4]
    assert alpha_of_round(again).battles == 0


def test_a_vote_in_ordinary_voting_stands_in_the_round_and_the_rest_is_asked(invite, alice):
    while not Vote.objects.filter(battle__in=battles_of(invite)).exists():
        alice.cast("left")
    join(alice, invite)
    voted = Vote.objects.get(battle__in=battles_of(invite)).battle_id
    assert "1 of 4 battles" in alice.page(round=invite.code).text
    assert "1 judged before" in alice.page(round=invite.code).text
    assert judge_all(alice, invite) == [pk for pk in battles_of(invite) if pk != voted]
    own = own_progress(invite, Voter.objects.get())
    assert (own.judged, own.before, own.skipped, own.assigned) == (4, 1, 0, 4)


def test_what_was_skipped_in_ordinary_voting_is_asked_in_the_round(invite, alice):
    while Ballot.objects.filter(status="skipped", battle__in=battles_of(invite)).count() < 2:
        alice.cast("skip")
    join(alice, invite)
    assert "0 of 4 battles" in alice.page(round=invite.code).text
    assert judge_all(alice, invite) == battles_of(invite)
    assert Ballot.objects.filter(status="skipped", round=None).exists()


def test_what_was_skipped_in_another_round_is_asked_again_and_stays_skipped_there(
    invite, again, alice
):
    join(alice, invite)
    assert judge_all(alice, invite, "skip") == battles_of(invite)
    join(alice, again)
    token = alice.token(round=again.code)
    alice.cast("skip", token, round=again.code)
    row = round_progress(invite)[0]
    assert (row.judged, row.skipped) == (0, 4)
    assert judge_all(alice, again) == battles_of(again)[1:]
    for one in (invite, again):
        row = round_progress(one)[0]
        assert (row.judged, row.skipped) == (3, 1)
        assert "You have judged 3 and skipped 1." in alice.page(round=one.code).text


def test_what_was_only_shown_in_ordinary_voting_is_asked_in_the_round_with_the_same_token(
    invite, alice
):
    while not Ballot.objects.filter(status="open", battle__in=battles_of(invite)).exists():
        alice.cast("skip")
        alice.page()
    Ballot.objects.filter(status="open").update(is_gold=True, drawn_by="uniform")
    Ballot.objects.filter(status="skipped").delete()
    held = Ballot.objects.get(status="open")
    join(alice, invite)
    assert judge_all(alice, invite) == battles_of(invite)
    held.refresh_from_db()
    assert (held.round, held.is_gold, held.drawn_by) == (invite, False, "")
    assert Ballot.objects.filter(battle=held.battle_id).count() == 1
    assert alice.cast("left", held.token).status_code == 409


def test_what_is_open_in_another_round_moves_between_the_rounds_until_it_is_judged(
    invite, again, alice
):
    join(alice, invite)
    token = alice.token(round=invite.code)
    join(alice, again)
    assert alice.token(round=again.code) == token
    assert alice.token(round=invite.code) == token
    alice.cast("tie", token, round=again.code)
    assert "1 of 4 battles" in alice.page(round=again.code).text


def test_of_two_open_ballots_on_a_battle_the_second_is_closed_without_a_vote(invite, again, alice):
    join(alice, invite)
    first = alice.ballot(round=invite.code)
    second = Ballot.objects.create(
        voter=first.voter, battle=first.battle, round=again, shown_first="a"
    )
    assert alice.cast("left", first.token).status_code == 200
    refused = alice.cast("left", second.token)
    assert (refused.status_code, refused.json()["code"]) == (409, "already_voted")
    second.refresh_from_db()
    assert (second.status, Vote.objects.count()) == ("expired", 1)


def test_a_ballot_taken_back_at_signing_in_comes_back_in_the_round(invite, alice):
    join(alice, invite)
    ballot = alice.ballot(round=invite.code)
    Ballot.objects.filter(pk=ballot.pk).update(status="expired", closed_at=now())
    renewed = alice.ballot(round=invite.code)
    assert (renewed.pk, renewed.closed_at, renewed.token == ballot.token) == (
        ballot.pk,
        None,
        False,
    )
    assert judge_all(alice, invite) == battles_of(invite)


def test_rounds_in_which_the_same_battle_was_skipped_can_be_deleted(
    invite, again, alice, admin_client
):
    for one in (invite, again):
        join(alice, one)
    alice.cast("skip", alice.token(round=invite.code), round=invite.code)
    voted = alice.ballot(round=again.code)
    alice.cast("tie", voted.token, round=again.code)
    for one in (invite, again):
        admin_client.post(reverse("round_delete", args=[one.pk]))
    assert not InviteRound.objects.exists()
    assert Ballot.objects.get(battle=voted.battle_id).vote == Vote.objects.get()


def test_the_newest_round_stands_first_in_the_list(stored_answers, three_models, admin_client):
    for title in ("Spring", "Summer", "Autumn"):
        create_round(
            title=title, question_set=stored_answers, language_models=three_models, battles=2
        )
    page = admin_client.get(reverse("round_list")).text
    assert page.index("Autumn") < page.index("Summer") < page.index("Spring")


@pytest.fixture
def two_selves(invite, alice, new_browser, django_user_model):
    """Her account has judged the first two of four battles, and is shown the last; before signing
    in she has judged the second and the third, and skipped the last.
    """
    user, desk = django_user_model.objects.create_user("alice"), new_browser()
    desk.client.force_login(user)
    for browser, choices in ((desk, "tie tie skip"), (alice, "skip left left skip")):
        join(browser, invite, name="Alice" if browser is alice else "")
        for choice in choices.split():
            browser.cast(choice, browser.token(round=invite.code), round=invite.code)
    desk.page(round=invite.code)
    alice.client.force_login(user)
    return user


def test_who_signs_in_is_one_annotator_with_the_progress_of_both(
    invite, two_selves, alice, admin_client
):
    assert "The round is done" in alice.page(round=invite.code).text
    (row,) = round_progress(invite)
    assert (row.voter, row.name) == (two_selves.voter, "Alice")
    assert (row.judged, row.before, row.skipped) == (3, 0, 1)
    own = own_progress(invite, two_selves.voter)
    assert (own.judged, own.before, own.skipped, own.assigned) == (3, 0, 1, 4)
    assert InviteRound.objects.with_sizes().get().n_voters == 1
    page = admin_client.get(reverse("round_detail", args=[invite.pk])).text
    assert page.count("3 / 4") == 1


def test_of_two_judgements_of_one_annotator_one_stands_in_alpha(invite, two_selves, alice, mallory):
    alice.page(round=invite.code)
    assert Vote.objects.filter(exclusion="duplicate").count() == 1
    assert alpha_of_round(invite).battles == 0
    join(mallory, invite)
    judge_all(mallory, invite)
    assert alpha_of_round(invite).battles == 3
    votes = Vote.objects.counted().filter(pk__in=votes_in_round(invite).values("pk"))
    assert votes.count() == 7


def test_what_was_skipped_before_signing_in_is_not_asked_again(invite, two_selves, alice):
    assert judge_all(alice, invite) == []
    assert not Ballot.objects.filter(status="open").exists()


def test_a_vote_from_before_signing_in_that_counts_instead_stands_in_the_round(
    invite, alice, mallory
):
    for browser in (alice, mallory):
        join(browser, invite)
        judge_all(browser, invite)
    first = Vote.objects.filter(exclusion="").earliest("id")
    former = Voter.objects.create(key="former", merged_into=first.voter)
    Vote.objects.create(battle=first.battle, voter=former, outcome=first.outcome)
    Vote.objects.filter(pk=first.pk).update(exclusion="duplicate")
    assert alpha_of_round(invite).battles == 4
    assert [row.judged for row in round_progress(invite)] == [4, 4]
