"""People and judges on the same battles."""

import random
from itertools import permutations

import pytest
from django.urls import reverse

from arena import keeping
from arena.models import Ballot, Vote, Voter, WorkStatus
from arena.services.battles import stored_battle
from judging.cards import judge_card
from judging.models import Judge, Judgment, JudgmentMode
from judging.people import SHOWN, Wanted, people_page
from judging.people_kept import PEOPLE

pytestmark = pytest.mark.django_db


@pytest.fixture
def judge(db):
    return Judge.objects.create(slug="referee", name="Referee", kind="scripted")


@pytest.fixture
def decide(question_set, alpha, beta, make_battle, judge):
    """``decide(0, votes=["model_a"], verdicts=["model_a", "model_a"])`` for question number 0.

    An empty verdict is a reply that could not be read.
    """
    questions = list(question_set.questions.all())

    def make(number, votes, verdicts, *, models=(alpha, beta), turn=0, **columns):
        battle = make_battle(questions[number], *models)
        for place, outcome in enumerate(votes):
            voter, _ = Voter.objects.get_or_create(key=f"voter-{place}")
            Vote.objects.create(battle=battle, voter=voter, outcome=outcome)
        for game, outcome in enumerate(verdicts, start=1):
            Judgment.objects.create(
                judge=judge,
                mode=JudgmentMode.PAIRWISE,
                battle=battle,
                game=game,
                turn=turn,
                status=WorkStatus.DONE,
                is_readable=bool(outcome),
                outcome=outcome,
                **columns,
            )
        return battle

    return make


def overall(page):
    (only,) = page.judges
    return only.overall.figures


def test_agreement_is_the_share_of_votes_that_match_the_verdict(decide):
    decide(0, ["model_a", "model_b"], ["model_a", "model_a"])
    decide(1, ["model_a"], ["model_a", "model_a"])
    decide(2, ["tie"], ["model_b", "model_b"])
    row = overall(people_page(include_demo=False))
    assert row.with_ties.value == pytest.approx(2 / 4)
    assert row.without_ties.value == pytest.approx(2 / 3)


def test_a_verdict_that_changes_with_the_order_counts_as_a_tie_and_is_told(decide, client):
    """As in MT-Bench's setup with ties; the setup without leaves it out."""
    decide(0, ["model_a", "tie"], ["model_a", "model_b"])
    decide(1, ["model_a"], ["model_a", "model_a"])
    page = people_page(include_demo=False)
    assert page.wavering == 1
    assert overall(page).with_ties.value == pytest.approx(2 / 3)
    assert (overall(page).without_ties.value, overall(page).without_ties.n) == (1.0, 1)
    assert "1 verdict changed with the order" in client.get(reverse("people_and_judges")).text


def test_a_battle_of_which_one_game_could_not_be_read_is_left_out(decide):
    decide(0, ["model_a"], ["model_a", ""])
    decide(1, ["model_a"], ["model_b", "model_b"])
    assert overall(people_page(include_demo=False)).with_ties.n == 1


@pytest.mark.parametrize("status", [WorkStatus.PENDING, WorkStatus.FAILED])
def test_a_game_that_is_not_finished_leaves_its_battle_out(decide, status):
    battle = decide(0, ["model_a"], ["model_a", ""])
    battle.judgments.filter(game=2).update(status=status, is_readable=None)
    assert people_page(include_demo=False).judges == []


def test_a_judge_that_is_asked_in_one_order_only_is_taken_at_its_word(decide):
    decide(0, ["model_a"], ["model_a"])
    assert overall(people_page(include_demo=False)).with_ties.value == 1


def test_turns_are_added_up_and_do_not_count_as_orders(decide):
    decide(0, ["model_a"], ["model_a", "model_a"], turn=1)
    battle = decide(0, [], ["tie", "tie"], turn=2)
    page = people_page(include_demo=False)
    assert (page.wavering, overall(page).with_ties.value) == (0, 1)
    battle.judgments.filter(turn=2).update(outcome="model_b")
    assert overall(people_page(include_demo=False)).with_ties.value == 0


def test_repeats_and_dry_runs_do_not_count(decide):
    decide(0, ["model_a"], ["model_a", "model_a"])
    decide(0, [], ["model_b", "model_b"], repeat=1)
    decide(0, [], ["model_b", "model_b"], is_dry_run=True)
    assert overall(people_page(include_demo=False)).with_ties.value == 1


def test_marked_votes_are_left_out(decide):
    decide(0, ["model_a", "model_b"], ["model_a", "model_a"])
    Vote.objects.filter(outcome="model_b").update(exclusion="too_fast")
    assert overall(people_page(include_demo=False)).with_ties.value == 1


def test_agreement_is_shown_by_category(decide):
    decide(0, ["model_a"], ["model_a", "model_a"])
    decide(1, ["model_a"], ["model_b", "model_b"])
    (judge,) = people_page(include_demo=False).judges
    assert sorted(row.figures.with_ties.value for row in judge.categories) == [0.0, 1.0]


@pytest.fixture
def busy(decide, alpha, beta, gamma):
    """Votes and verdicts at random on every pair and question, people and judge often alike."""
    rng = random.Random(5)
    outcomes = ["model_a", "model_b", "tie"]
    said = []
    for number in range(6):
        for models in ((alpha, beta), (alpha, gamma), (beta, gamma)):
            true = rng.choice(outcomes)
            votes = [rng.choice([true, true, *outcomes, "both_bad"]) for _ in range(4)]
            games = [rng.choice([true, true, *outcomes]) for _ in range(2)]
            battle = decide(number, votes, games, models=models)
            said.append((battle.question_id, votes, games))
    return said


def test_agreement_and_kappa_equal_a_count_by_hand(busy):
    pairs = [
        (vote.replace("both_bad", "tie"), games[0] if len(set(games)) == 1 else "tie")
        for _, votes, games in busy
        for vote in votes
    ]
    n = len(pairs)
    same = sum(vote == verdict for vote, verdict in pairs)
    decided = [(v, j) for v, j in pairs if "tie" not in (v, j)]
    by_chance = sum(
        sum(vote == outcome for vote, _ in pairs) * sum(said == outcome for _, said in pairs)
        for outcome in ("model_a", "model_b", "tie")
    ) / (n * n)
    figures = overall(people_page(include_demo=False))
    assert figures.with_ties.value == pytest.approx(same / n)
    assert figures.without_ties.value == pytest.approx(
        sum(v == j for v, j in decided) / len(decided)
    )
    assert figures.kappa.value == pytest.approx((same / n - by_chance) / (1 - by_chance))
    assert (figures.with_ties.n, figures.without_ties.n) == (n, len(decided))
    assert figures.with_ties.n_clusters == len({question for question, *_ in busy})


def test_alpha_equals_the_disagreement_of_all_pairs_of_votes(busy):
    """From the definition: observed over expected disagreement of two values drawn at random."""
    units = [votes for _, votes, _ in busy]
    values = [vote for votes in units for vote in votes]
    observed = sum(
        sum(a != b for a, b in permutations(votes, 2)) / (len(votes) - 1) for votes in units
    ) / len(values)
    expected = sum(a != b for a, b in permutations(values, 2)) / len(values) / (len(values) - 1)
    (row, *_) = people_page(include_demo=False).alphas
    assert row.alpha.value == pytest.approx(1 - observed / expected)
    assert (row.battles, row.alpha.n, row.alpha.n_clusters) == (18, 72, 6)


def test_the_judges_card_says_the_same(busy, judge):
    card, figures = judge_card(judge), overall(people_page(include_demo=False))
    for key, estimate in (
        ("people", figures.with_ties),
        ("people_without_ties", figures.without_ties),
        ("kappa", figures.kappa),
    ):
        on_card = card.get(key).estimate
        assert on_card.value == pytest.approx(estimate.value)
        assert (on_card.n, on_card.n_clusters) == (estimate.n, estimate.n_clusters)


def test_more_battles_of_the_same_questions_do_not_feign_certainty(decide, alpha, beta, gamma):
    """All battles of a question alike: three pairs a question say no more than one does."""
    outcomes = ["model_a", "model_b"] * 3
    for number, outcome in enumerate(outcomes):
        decide(number, [outcome, "model_a"], ["model_a", "model_a"])
    once = people_page(include_demo=False)
    for number, outcome in enumerate(outcomes):
        for models in ((alpha, gamma), (beta, gamma)):
            decide(number, [outcome, "model_a"], ["model_a", "model_a"], models=models)
    thrice = people_page(include_demo=False)
    assert overall(thrice).with_ties.lower == pytest.approx(overall(once).with_ties.lower)
    first, second = (page.alphas[0].alpha for page in (once, thrice))
    width = first.upper - first.lower
    # (n - 1) / n of few votes differs a little
    assert second.upper - second.lower == pytest.approx(width, rel=0.1)


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


def test_without_script_the_page_after_the_vote_holds_what_the_judge_said(decide, client):
    battle = decide(0, [], ["model_a", "model_a"])
    client.get(reverse("vote"))
    voter = Voter.objects.latest("pk")
    ballot, _ = Ballot.objects.update_or_create(
        voter=voter, battle=battle, defaults={"shown_first": "a"}
    )
    page = client.post(reverse("vote_cast"), {"token": ballot.token, "choice": "left"}).text
    verdicts = page.split('<div class="reveal-verdicts">')[1].split("</div>")[0]
    assert battle.model_a.display_name in verdicts
    assert "agrees with you" in verdicts


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
    (row,) = people_page(include_demo=False).judges
    assert row.overall.disputes == 1
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
    with django_assert_num_queries(8):
        client.get(reverse("people_and_judges"))
    for number in range(1, 6):
        decide(number, ["model_a", "model_b"], ["model_b", "model_b"])
    with django_assert_num_queries(8):
        client.get(reverse("people_and_judges"))


@pytest.mark.parametrize("query", ["judge=x", "judge=99999999999999999999", "page=zero", "page=-1"])
def test_an_address_with_nonsense_in_it_shows_the_page(decide, client, query):
    decide(0, ["model_a"], ["model_b", "model_b"])
    assert client.get(f"{reverse('people_and_judges')}?{query}").status_code == 200


def test_what_a_worker_keeps_is_what_the_page_shows(decide, client, monkeypatch):
    monkeypatch.setattr(keeping, "KEPT_FROM_S", 0)
    battle = decide(0, ["model_a"], ["model_b", "model_b"])
    PEOPLE.renew()
    decide(1, ["model_a"], ["model_b", "model_b"])
    page = client.get(reverse("people_and_judges")).text
    assert "1 vote counts, as of" in page
    assert reverse("battle_detail", args=[battle.pk]) in page
