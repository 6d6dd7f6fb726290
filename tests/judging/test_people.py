"""People and judges on the same battles."""

from threading import Thread
from types import SimpleNamespace

import pytest
from django.urls import reverse

from arena.models import Vote, Voter, WorkStatus
from arena.services.battles import stored_battle
from judging import people_kept
from judging.models import Judge, Judgment, JudgmentMode
from judging.people import SHOWN, Wanted, people_page
from judging.people_figures import PeopleFigures
from judging.people_kept import KeptFigures

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
    return next(row.figures for row in page.rows if not row.category)


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
    rows = people_page(include_demo=False).rows
    assert sorted(row.figures.with_ties.value for row in rows if row.category) == [0.0, 1.0]


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


def test_disputes_can_be_narrowed_to_a_judge_and_a_category(decide, judge):
    battles = [decide(number, ["model_a"], ["model_b", "model_b"]) for number in range(3)]
    category = battles[0].question.category
    expected = {battle for battle in battles if battle.question.category == category}
    assert 0 < len(expected) < 3
    wanted = Wanted(judge_id=judge.pk, category=category)
    page = people_page(include_demo=False, wanted=wanted)
    assert {dispute.battle for dispute in page.disputes} == expected
    assert people_page(include_demo=False, wanted=Wanted(judge_id=judge.pk + 1)).disputes == []


def test_each_row_counts_its_disputes_and_leads_to_them(decide, judge, client):
    decide(0, ["model_a"], ["model_b", "model_b"])
    decide(1, ["model_a"], ["model_a", "model_a"])
    rows = people_page(include_demo=False).rows
    assert [row.disputes for row in rows if not row.category] == [1]
    assert f"?judge={judge.pk}#disputes" in client.get(reverse("people_and_judges")).text


def test_all_disputes_can_be_paged_through(question_set, alpha, beta, judge, make_answer, client):
    for number in range(SHOWN + 1):
        question = question_set.questions.create(external_id=f"more-{number}", turns=[[]])
        battle = stored_battle(make_answer(alpha, question), make_answer(beta, question))
        Vote.objects.create(battle=battle, outcome="model_a")
        Judgment.objects.create(
            judge=judge, mode="pairwise", battle=battle, status="done", is_readable=True,
            outcome="model_b",
        )  # fmt: skip
    first, second = (
        people_page(include_demo=False, wanted=Wanted(page=page)).disputes for page in "12"
    )
    assert (len(first), len(second)) == (SHOWN, 1)
    assert not {d.battle for d in first} & {d.battle for d in second}


def test_the_number_of_queries_does_not_grow_with_the_battles(
    decide, client, django_assert_num_queries
):
    decide(0, ["model_a", "model_b", "model_a"], ["model_b", "model_b"])
    with django_assert_num_queries(7):
        client.get(reverse("people_and_judges"))
    for number in range(1, 6):
        decide(number, ["model_a", "model_b"], ["model_b", "model_b"])
    with django_assert_num_queries(7):
        client.get(reverse("people_and_judges"))


@pytest.mark.parametrize("query", ["judge=x", "judge=99999999999999999999", "page=zero", "page=-1"])
def test_an_address_with_nonsense_in_it_shows_the_page(decide, client, query):
    decide(0, ["model_a"], ["model_b", "model_b"])
    assert client.get(f"{reverse('people_and_judges')}?{query}").status_code == 200


class TestKeptFigures:
    @pytest.fixture
    def clock(self, monkeypatch):
        """The time as the keeper sees it; each working out takes ``clock.takes`` seconds."""
        clock = SimpleNamespace(now=100.0, takes=1.0, worked_out=0)

        def work_out(*, include_demo):
            clock.now += clock.takes
            clock.worked_out += 1
            return PeopleFigures(split=clock.worked_out)

        monkeypatch.setattr(people_kept, "people_figures", work_out)
        monkeypatch.setattr(people_kept.time, "monotonic", lambda: clock.now)
        monkeypatch.setattr(people_kept, "KEPT_FROM_S", 0.05)
        return clock

    @pytest.fixture
    def begun(self):
        """Work that was sent to the background and waits there."""
        return []

    @pytest.fixture
    def kept(self, clock, begun):
        return KeptFigures(start=begun.append)

    def shown(self, kept):
        found = kept.get(include_demo=False)
        return found and found.figures.split

    def test_figures_that_took_long_are_kept_twenty_times_as_long(self, kept, clock, begun):
        assert self.shown(kept) == 1
        clock.now += 19
        assert (self.shown(kept), begun) == (1, [])

    def test_who_comes_later_reads_the_last_ones_while_new_ones_are_made(self, kept, clock, begun):
        self.shown(kept)
        clock.now += 21
        assert [self.shown(kept) for _ in range(3)] == [1, 1, 1]
        assert (clock.worked_out, len(begun)) == (1, 1)
        begun.pop()()
        assert (self.shown(kept), begun) == (2, [])

    def test_a_failure_in_the_background_is_tried_again(self, kept, clock, begun, monkeypatch):
        self.shown(kept)
        clock.now += 21
        self.shown(kept)
        monkeypatch.setattr(people_kept, "people_figures", lambda **_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            begun.pop()()
        assert (self.shown(kept), len(begun)) == (1, 1)

    def test_quick_figures_are_worked_out_for_every_reader(self, kept, clock):
        clock.takes = 0.01
        assert [self.shown(kept), self.shown(kept)] == [1, 2]

    def test_the_page_tells_the_time_of_kept_figures(self, kept, begun, client, monkeypatch):
        monkeypatch.setattr("judging.views.people.KEPT_FIGURES", kept)
        assert "renewed in the background" not in client.get(reverse("people_and_judges")).text
        page = client.get(reverse("people_and_judges")).text
        moment = kept.get(include_demo=True).worked_out_at
        assert f"Figures of {moment:%Y-%m-%d %H:%M:%S}" in page

    def test_with_many_votes_the_first_reader_does_not_wait(
        self, kept, clock, begun, client, monkeypatch
    ):
        monkeypatch.setattr("judging.views.people.KEPT_FIGURES", kept)
        monkeypatch.setattr(people_kept, "MANY_VOTES", 0)
        page = client.get(reverse("people_and_judges")).text
        assert "being worked out" in page
        assert clock.worked_out == 0
        begun.pop()()
        page = client.get(reverse("people_and_judges")).text
        assert "being worked out" not in page
        assert "Agreement among people" in page


@pytest.mark.django_db(transaction=True)
def test_the_background_reads_the_rows_as_they_are(decide, monkeypatch):
    monkeypatch.setattr(people_kept, "MANY_VOTES", 0)
    decide(0, ["model_a"], ["model_b", "model_b"])
    threads = []
    monkeypatch.setattr(
        people_kept.threading, "Thread", lambda **how: threads.append(Thread(**how)) or threads[-1]
    )
    kept = KeptFigures()
    assert kept.get(include_demo=False) is None
    threads[0].join(30)
    assert kept.get(include_demo=False).figures.rows[0].disputes == 1
