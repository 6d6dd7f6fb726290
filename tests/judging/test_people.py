"""People and judges on the same battles."""

import pytest
from django.urls import reverse

from arena.models import Vote, Voter, WorkStatus
from judging.models import Judge, Judgment, JudgmentMode
from judging.people import people_page

pytestmark = pytest.mark.django_db


@pytest.fixture
def judge(db):
    return Judge.objects.create(slug="referee", name="Referee", kind="scripted")


@pytest.fixture
def decide(question_set, alpha, beta, make_battle, judge):
    """``decide(0, votes=["model_a"], verdicts=["model_a", "model_a"])`` for question number 0."""
    questions = list(question_set.questions.all())

    def make(number, votes, verdicts):
        battle = make_battle(questions[number], alpha, beta)
        for place, outcome in enumerate(votes):
            voter, _ = Voter.objects.get_or_create(key=f"voter-{place}")
            Vote.objects.create(battle=battle, voter=voter, outcome=outcome)
        for game, outcome in enumerate(verdicts, start=1):
            Judgment.objects.create(
                judge=judge,
                mode=JudgmentMode.PAIRWISE,
                battle=battle,
                game=game,
                status=WorkStatus.DONE,
                is_readable=True,
                outcome=outcome,
            )
        return battle

    return make


def overall(page):
    return next(row for row in page.rows if not row.label)


def test_agreement_is_the_share_of_votes_that_match_the_verdict(decide):
    decide(0, ["model_a", "model_b"], ["model_a", "model_a"])
    decide(1, ["model_a"], ["model_a", "model_a"])
    decide(2, ["tie"], ["model_b", "model_b"])
    row = overall(people_page(include_demo=False))
    assert row.with_ties.value == pytest.approx(2 / 4)
    assert row.without_ties.value == pytest.approx(2 / 3)


def test_a_judge_who_changes_with_the_order_is_counted_and_left_out(decide):
    decide(0, ["model_a"], ["model_a", "model_b"])
    decide(1, ["model_a"], ["model_a", "model_a"])
    page = people_page(include_demo=False)
    assert page.undecided == 1
    assert overall(page).with_ties.n == 1


def test_marked_votes_are_left_out(decide):
    decide(0, ["model_a", "model_b"], ["model_a", "model_a"])
    Vote.objects.filter(outcome="model_b").update(exclusion="too_fast")
    assert overall(people_page(include_demo=False)).with_ties.value == 1


def test_agreement_is_shown_by_category(decide):
    decide(0, ["model_a"], ["model_a", "model_a"])
    decide(1, ["model_a"], ["model_b", "model_b"])
    by_label = {str(row.label): row.with_ties.value for row in people_page(include_demo=False).rows}
    assert sorted(value for label, value in by_label.items() if label) == [0.0, 1.0]


def test_alpha_between_people_is_one_when_they_always_agree(decide):
    decide(0, ["model_a", "model_a"], [])
    decide(1, ["model_b", "model_b"], [])
    assert people_page(include_demo=False).alphas[0].alpha.value == pytest.approx(1)


def test_disputes_list_battles_where_the_majority_and_the_judge_differ(decide):
    battle = decide(0, ["model_a", "model_a", "model_b"], ["model_b", "model_b"])
    decide(1, ["model_a"], ["model_a", "model_a"])
    disputes = people_page(include_demo=False).disputes
    assert [(d.battle, d.people, d.votes) for d in disputes] == [(battle, "model_a", 3)]


def test_the_page_is_public_and_links_to_the_disputes(decide, client):
    battle = decide(0, ["model_a"], ["model_b", "model_b"])
    page = client.get(reverse("people_and_judges")).text
    assert reverse("battle_detail", args=[battle.pk]) in page


def test_after_the_vote_the_voter_learns_what_the_judge_said(decide, client):
    from judging.voting_panels import verdicts_after_vote

    battle = decide(0, [], ["model_a", "model_a"])
    panel = verdicts_after_vote(battle, None)
    assert [said.winner for said in panel.context["verdicts"]] == [battle.model_a]


@pytest.mark.parametrize("votes", [["model_a", "model_b"], ["model_b", "model_a"]])
def test_split_votes_are_no_dispute_whoever_voted_first(decide, client, votes):
    decide(0, votes, ["model_b", "model_b"])
    decide(1, ["model_a"], ["model_b", "model_b"])
    page = people_page(include_demo=False)
    assert ([dispute.votes for dispute in page.disputes], page.split) == ([1], 1)
    assert (
        "1 battle is left out: its votes are split" in client.get(reverse("people_and_judges")).text
    )
