"""Staff see doubtful voters, with reasons, and can set everything right again."""

import numpy as np
import pytest
from django.contrib.auth import get_user_model
from django.urls import reverse
from django.utils import timezone

from arena import keeping, tasks
from arena.models import (
    Ballot,
    Exclusion,
    GoldBattle,
    IntegrityAction,
    SatisfactionRating,
    Vote,
    Voter,
    VotingPolicy,
)
from arena.voting import integrity
from arena.voting.integrity import integrity_figures
from arena.voting.review import lift_from_voter, mark_voter, mark_votes, review_voters

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff(db):
    return get_user_model().objects.create_user("staff", password="x", is_staff=True)


@pytest.fixture
def crowd(question_set, three_models, make_battle):
    """Ten voters agree that alpha beats beta and gamma; mallory says the opposite."""
    battles = [
        make_battle(question, three_models[0], rival)
        for question in question_set.questions.all()
        for rival in three_models[1:]
    ]
    random = np.random.default_rng(2)
    for number in range(10):
        voter = Voter.objects.create(key=f"honest-{number}")
        for battle in battles:
            is_usual = random.random() < 0.95
            Vote.objects.create(
                battle=battle, voter=voter, outcome="model_a" if is_usual else "model_b"
            )
    mallory = Voter.objects.create(key="mallory")
    for battle in battles:
        Vote.objects.create(battle=battle, voter=mallory, outcome="model_b")
    return mallory


def test_an_outlier_is_marked_with_the_reason_and_the_honest_are_not(crowd):
    findings = review_voters()
    assert [finding.voter for finding in findings] == [crowd]
    assert set(crowd.votes.values_list("exclusion", flat=True)) == {Exclusion.OUTLIER_VOTER}
    assert Vote.objects.exclude(exclusion="").count() == crowd.votes.count()
    action = IntegrityAction.objects.get()
    assert "Beta over Alpha" in action.detail or "Gamma over Alpha" in action.detail


def test_a_second_review_changes_nothing_more(crowd):
    review_voters()
    assert review_voters() == []
    assert IntegrityAction.objects.count() == 1


def test_lifting_counts_the_votes_again_and_later_reviews_leave_the_voter_alone(crowd, staff):
    review_voters()
    lift_from_voter(crowd, by=staff)
    assert not crowd.votes.exclude(exclusion="").exists()
    assert review_voters() == []


def test_marking_again_after_lifting_is_possible(crowd, staff):
    lift_from_voter(crowd, by=staff)
    mark_voter(crowd, Exclusion.STAFF, by=staff)
    assert set(crowd.votes.values_list("exclusion", flat=True)) == {Exclusion.STAFF}


def test_a_voter_who_fails_control_questions_is_marked(question_set, three_models, make_battle):
    VotingPolicy.objects.create(pk=1, gold_failures=3)
    careless = Voter.objects.create(key="careless")
    for question in question_set.questions.all()[:4]:
        battle = make_battle(question, *three_models[:2])
        GoldBattle.objects.create(battle=battle, expected="model_a")
        vote = Vote.objects.create(
            battle=battle, voter=careless, outcome="model_b", exclusion=Exclusion.CONTROL
        )
        Ballot.objects.create(
            battle=battle, voter=careless, shown_first="a", is_gold=True, status="voted",
            closed_at=vote.created_at, vote=vote,
        )  # fmt: skip
    ordinary = make_battle(question_set.questions.last(), *three_models[:2])
    Vote.objects.create(battle=ordinary, voter=careless, outcome="tie")
    review_voters()
    marks = list(careless.votes.values_list("exclusion", flat=True))
    assert marks.count(Exclusion.GOLD_FAILED) == 1
    assert marks.count(Exclusion.CONTROL) == 4


def test_visitors_do_not_see_the_integrity_page(client):
    assert client.get(reverse("integrity")).status_code == 302


def test_staff_see_counts_reasons_and_voters(client, crowd, staff):
    review_voters()
    client.force_login(staff)
    page = client.get(reverse("integrity")).text
    assert "outlier voter" in page
    assert "mallory" in page


def test_the_live_part_is_the_same_file(client, crowd, staff):
    client.force_login(staff)
    part = client.get(reverse("integrity"), headers={"HX-Request": "true"}).text
    assert "<html" not in part
    assert "Last minute" in part


def test_staff_lift_and_set_reasons_from_the_page(client, crowd, staff):
    client.force_login(staff)
    client.post(reverse("integrity_review"))
    client.post(reverse("integrity_voter", args=[crowd.pk]), {"act": "lift"})
    assert crowd.votes.filter(exclusion="").count() == 12
    vote = crowd.votes.first()
    client.post(reverse("integrity_vote", args=[vote.pk]), {"act": "mark"})
    vote.refresh_from_db()
    assert vote.exclusion == Exclusion.STAFF


def test_staff_make_a_battle_a_control_question(client, one_battle, staff):
    client.force_login(staff)
    fields = {"battle": one_battle.pk, "expected": "model_a", "note": "plain"}
    client.post(reverse("integrity_gold"), fields)
    assert GoldBattle.objects.get().battle == one_battle


def test_staff_change_the_policy(client, staff):
    client.force_login(staff)
    fields = {
        field.name: getattr(VotingPolicy(), field.name)
        for field in VotingPolicy._meta.fields
        if field.name not in ("id", "moderation_endpoint", "model_weights")
    }
    fields |= {"sampling": "active", "model_weights": "{}"}
    assert client.post(reverse("voting_policy"), fields).status_code == 302
    assert VotingPolicy.objects.get().sampling == "active"


def test_marking_a_voter_marks_their_ratings_too_and_lifting_counts_them_again(crowd, staff, alpha):
    answer = alpha.answers.first()
    rating = SatisfactionRating.objects.create(
        voter=crowd, answer=answer, score=5, rated_at=timezone.now()
    )
    mark_voter(crowd, Exclusion.STAFF, by=staff)
    rating.refresh_from_db()
    assert rating.exclusion == Exclusion.STAFF
    lift_from_voter(crowd, by=staff)
    rating.refresh_from_db()
    assert rating.exclusion == ""


def test_staff_make_a_voter_an_expert_and_take_it_back(client, crowd, staff):
    client.force_login(staff)
    for act, is_expert in (("expert", True), ("not_expert", False)):
        client.post(reverse("integrity_voter", args=[crowd.pk]), {"act": act})
        crowd.refresh_from_db()
        assert crowd.is_expert is is_expert


def test_the_page_counts_votes_and_what_is_left_out(crowd, question_set):
    fast = Vote.objects.filter(voter__key="honest-1").first()
    Vote.objects.filter(pk=fast.pk).update(exclusion="too_fast")
    leaky = Vote.objects.filter(voter__key="honest-2").exclude(battle=fast.battle).first().battle
    type(leaky).objects.filter(pk=leaky.pk).update(exclusion="identity_leak")
    Vote.objects.create(battle=fast.battle, outcome="tie", source="imported", exclusion="staff")
    figures = integrity_figures()
    on_leaky = leaky.votes.filter(exclusion="").count()
    assert figures.votes == 11 * 12
    assert figures.counted == Vote.objects.counted().filter(source="human").count()
    assert (figures.marked, figures.unfit) == (
        {"too_fast": 1, "staff": 1},
        {"identity_leak": on_leaky},
    )


def test_outliers_come_first_however_busy_the_others_are(crowd, monkeypatch):
    monkeypatch.setattr(integrity, "SHOWN", 3)
    Vote.objects.filter(pk=crowd.votes.last().pk).delete()  # the least busy of all
    voters = integrity_figures().voters
    assert (voters[0].pk, voters[0].is_outlier, len(voters)) == (crowd.pk, True, 3)
    assert voters[0].evidence > voters[1].evidence


def test_some_of_the_busiest_are_shown_however_many_outliers_there_are(crowd, monkeypatch):
    monkeypatch.setattr(integrity, "OUTLIERS_SHOWN", 0)
    monkeypatch.setattr(integrity, "SHOWN", 2)
    assert len(integrity_figures().voters) == 2


def test_with_many_votes_the_page_waits_for_no_look_at_all_of_them(
    client, crowd, staff, monkeypatch
):
    monkeypatch.setattr(keeping, "MANY_VOTES", 0)
    asked = []
    monkeypatch.setattr(tasks.renew_figures, "delay", asked.append)
    client.force_login(staff)
    page = client.get(reverse("integrity")).text
    assert "being worked out" in page
    assert "mallory"[:12] not in page
    tasks.renew_figures(asked.pop())
    page = client.get(reverse("integrity")).text
    assert "All votes, reasons and evidence as of" in page
    assert crowd.key[:12] in page
    assert asked == []


def test_what_staff_did_is_seen_at_once_and_doubts_what_is_kept(client, crowd, staff, monkeypatch):
    monkeypatch.setattr(keeping, "MANY_VOTES", 0)
    asked = []
    monkeypatch.setattr(tasks.renew_figures, "delay", asked.append)
    integrity.INTEGRITY.renew()
    client.force_login(staff)
    client.post(reverse("integrity_voter", args=[crowd.pk]), {"act": "mark"})
    page = client.get(reverse("integrity"))
    assert page.context["voters"][0].marked == crowd.votes.count()
    assert "Newer figures are being worked out." in page.text
    assert asked == ["arena.voting.integrity.INTEGRITY"]


def test_the_page_of_an_arena_without_votes(client, staff):
    client.force_login(staff)
    page = client.get(reverse("integrity")).text
    assert "Nobody has voted yet." in page
    assert "Every vote counts." in page


def test_a_voter_who_is_gone_is_left_out_of_what_was_kept(client, crowd, staff, monkeypatch):
    monkeypatch.setattr(keeping, "MANY_VOTES", 0)
    integrity.INTEGRITY.renew()
    crowd.delete()
    client.force_login(staff)
    assert len(client.get(reverse("integrity")).context["voters"]) == 10


@pytest.mark.parametrize("act", [None, "", "remove"])
def test_an_act_nobody_knows_changes_nothing(client, crowd, staff, act):
    client.force_login(staff)
    sent = {} if act is None else {"act": act}
    vote = crowd.votes.first()
    for page, pk in (("integrity_voter", crowd.pk), ("integrity_vote", vote.pk)):
        assert client.post(reverse(page, args=[pk]), sent).status_code == 400
    assert not IntegrityAction.objects.exists()


def test_a_vote_on_a_control_question_is_never_counted(client, crowd, staff):
    """Neither at once, nor by way of another reason."""
    client.force_login(staff)
    vote = crowd.votes.first()
    Vote.objects.filter(pk=vote.pk).update(exclusion=Exclusion.CONTROL)
    page = client.get(reverse("integrity")).text
    assert "a control question" in page
    assert "lift-vote-" not in page
    for act in ("mark", "lift"):
        client.post(reverse("integrity_vote", args=[vote.pk]), {"act": act})
        vote.refresh_from_db()
        assert vote.exclusion == Exclusion.CONTROL
    assert not IntegrityAction.objects.exists()


def test_lifting_one_vote_does_not_spare_its_voter_the_tests(crowd, staff):
    vote = crowd.votes.first()
    mark_votes([vote], Exclusion.STAFF, by=staff)
    mark_votes([vote], "", by=staff)
    assert [finding.voter for finding in review_voters()] == [crowd]


def test_staff_count_all_votes_of_one_reason_again(client, crowd, staff):
    client.force_login(staff)
    fast, flood = Vote.objects.exclude(voter=crowd)[:5], crowd.votes.all()[:3]
    for votes, reason in ((fast, Exclusion.TOO_FAST), (flood, Exclusion.RATE_LIMITED)):
        Vote.objects.filter(pk__in=[vote.pk for vote in votes]).update(exclusion=reason)
    assert "Count all again" in client.get(reverse("integrity")).text
    client.post(reverse("integrity_reason"), {"reason": Exclusion.TOO_FAST})
    left = Vote.objects.exclude(exclusion="").values_list("exclusion", flat=True)
    assert list(left) == [Exclusion.RATE_LIMITED] * 3
    act = IntegrityAction.objects.get()
    assert (act.votes_changed, act.done_by, act.exclusion) == (5, staff, "")


def test_outliers_that_staff_count_again_at_once_are_not_marked_again(client, crowd, staff):
    review_voters()
    client.force_login(staff)
    client.post(reverse("integrity_reason"), {"reason": Exclusion.OUTLIER_VOTER})
    assert not Vote.objects.exclude(exclusion="").exists()
    assert review_voters() == []


@pytest.fixture
def excluded(client, one_battle, staff):
    """Mallory, by staff, and one vote cast since."""
    client.force_login(staff)
    voter = Voter.objects.create(key="mallory")
    client.post(reverse("integrity_voter", args=[voter.pk]), {"act": "mark"})
    Vote.objects.create(battle=one_battle, voter=voter, outcome="model_a")
    return voter


def test_whom_staff_have_excluded_stays_so_with_later_votes(excluded):
    assert [finding.voter for finding in review_voters()] == [excluded]
    assert excluded.votes.get().exclusion == Exclusion.STAFF
    assert review_voters() == []


@pytest.mark.parametrize("by", ["voter", "reason"])
def test_a_voter_whom_staff_count_again_is_excluded_no_more(client, excluded, by):
    review_voters()
    if by == "voter":
        client.post(reverse("integrity_voter", args=[excluded.pk]), {"act": "lift"})
    else:
        client.post(reverse("integrity_reason"), {"reason": Exclusion.STAFF})
    assert review_voters() == []
    assert excluded.votes.get().exclusion == ""


@pytest.mark.parametrize("reason", ["", "control", "nonsense"])
def test_what_cannot_be_lifted_from_all_is_refused(client, crowd, staff, reason):
    client.force_login(staff)
    assert client.post(reverse("integrity_reason"), {"reason": reason}).status_code == 400
