"""Which battle a voter gets next."""

import re
from collections import Counter
from unittest import mock

import pytest
from django.urls import reverse
from django.utils.timezone import now

from arena.models import Answer, Ballot, Battle, Exclusion, GoldBattle, Question, Vote
from arena.models.voting import BALLOT_VALID_FOR
from arena.voting import drawing, pool
from arena.voting.pool import POOLS, load_pool

pytestmark = pytest.mark.django_db


def test_a_stored_battle_exists_once_however_many_vote_on_it(stored_answers, new_browser):
    for _ in range(25):
        new_browser().cast()
    pairs = Battle.objects.values_list("answer_a", "answer_b")
    assert len({frozenset(pair) for pair in pairs}) == len(pairs)
    assert Vote.objects.count() == 25


def test_a_battle_that_was_made_for_a_judge_is_used_as_it_is(one_battle, alice):
    alice.cast()
    assert Vote.objects.get().battle == one_battle


def test_no_voter_sees_a_battle_twice_and_the_end_is_said(stored_answers, alice):
    tokens = []
    for _ in range(18):
        tokens.append(alice.token())
        alice.cast("tie", tokens[-1])
    assert len(set(tokens)) == 18
    assert "You have seen it all" in alice.page().text


def test_the_search_for_what_is_left_ends_once_enough_was_read(stored_answers, alice, monkeypatch):
    """Or a voter who has seen it all in an arena of many models would have every pair looked at."""
    for _ in range(18):
        alice.cast("tie")
    looked_at = []
    monkeypatch.setattr(drawing, "LEFT_READ_AT_MOST", 0)
    monkeypatch.setattr(drawing._PairDrawing, "_unseen", lambda *pair: looked_at.append(pair) or [])
    assert "You have seen it all" in alice.page().text
    assert looked_at == []


def test_every_pair_gets_its_turn(stored_answers, new_browser):
    drawn = Counter()
    for _ in range(60):
        battle = new_browser().ballot().battle
        drawn[battle.model_a_id, battle.model_b_id] += 1
    assert len(drawn) == 3


@pytest.fixture
def votes_noticed_at_once(monkeypatch):
    """The record of votes is read anew for every draw instead of every few seconds."""
    monkeypatch.setattr(pool, "LOOK_EVERY_S", -1.0)


def test_others_battles_are_shown_again_on_purpose(
    stored_answers, policy, new_browser, votes_noticed_at_once
):
    policy(overlap_share=1.0, overlap_votes=100)
    for _ in range(15):
        new_browser().cast()
    assert Vote.objects.values("battle").distinct().count() == 3


def test_a_battle_with_enough_votes_is_not_shown_again_on_purpose(
    stored_answers, policy, new_browser, votes_noticed_at_once
):
    policy(overlap_share=1.0, overlap_votes=1)
    for _ in range(15):
        new_browser().cast()
    assert Vote.objects.values("battle").distinct().count() > 3


def test_an_answer_that_names_its_model_is_marked_and_not_voted_on(two_replies, alice):
    two_replies("I am ChatGPT.", "Palm trees are plants.")
    assert "Nothing to judge yet" in alice.page().text
    assert Battle.objects.get().exclusion == Exclusion.IDENTITY_LEAK


def test_an_empty_answer_is_marked_and_not_voted_on(two_replies, alice):
    two_replies("  ", "Something.")
    alice.page()
    assert Battle.objects.get().exclusion == Exclusion.EMPTY_ANSWER


def test_two_answers_that_nobody_could_tell_apart_are_not_asked_about(two_replies, alice):
    two_replies("Forty-two.\n", "  Forty-two.")
    assert "Nothing to judge yet" in alice.page().text
    assert not Battle.objects.exists()


def test_a_battle_of_identical_answers_is_not_shown_again_for_overlap(
    two_replies, policy, alice, mallory
):
    policy(overlap_share=1.0, overlap_votes=100)
    answers = two_replies("Forty-two.", "Forty-three.")
    alice.cast("tie")
    Answer.objects.filter(pk=answers[1].pk).update(turns=["Forty-two."])
    assert 'name="token"' not in mallory.page().text


@pytest.fixture
def many_questions(question_set, alpha, beta, make_answer, policy):
    """Two models with answers to more questions than a draw tries at random."""
    for number in range(100):
        question = question_set.questions.create(
            external_id=f"more-{number}", turns=[[{"type": "text", "text": f"{number}?"}]]
        )
        for model in (alpha, beta):
            make_answer(model, question, f"Number {number} by {model.pk}.")
    return question_set.questions.filter(external_id__startswith="more-").order_by("pk")


def test_the_last_battle_of_many_is_found(many_questions, make_battle, alpha, beta, alice):
    voter = alice.ballot().voter
    *seen, last = many_questions
    left = [alice.ballot().battle.question_id, last.pk]
    for question in seen:
        if question.pk not in left:
            battle = make_battle(question, alpha, beta)
            Ballot.objects.create(
                voter=voter,
                battle=battle,
                shown_first="a",
                status="skipped",
                closed_at=now() - BALLOT_VALID_FOR,
            )
    found = set()
    for _ in range(len(set(left))):
        ballot = alice.ballot()
        found.add(ballot.battle.question_id)
        assert ballot.draw_probability == 1
        alice.cast("tie", ballot.token)
    assert found == set(left)
    assert "You have seen it all" in alice.page().text


def test_what_cannot_be_voted_on_is_no_end_while_something_else_is_left(
    many_questions, alpha, beta, alice
):
    """All but one battle are marked, or nobody could tell their answers apart."""
    *marked, last = many_questions
    for number, question in enumerate(marked):
        text = "I am ChatGPT." if number % 2 else "The same."
        question.answers.update(turns=[text])
    assert alice.ballot().battle.question == last


def test_a_ballot_left_open_for_too_long_comes_back_when_nothing_else_is_left(one_battle, alice):
    token = alice.token()
    Ballot.objects.update(drawn_at=now() - BALLOT_VALID_FOR * 2)
    assert alice.cast("left", token).status_code == 410
    fresh = alice.token()
    assert fresh != token
    assert alice.cast("left", fresh).status_code == 200
    assert Ballot.objects.get().reading_s < 3600


def test_an_inactive_model_is_not_drawn(stored_answers, gamma, new_browser):
    gamma.is_active = False
    gamma.save()
    battles = [new_browser().ballot().battle for _ in range(10)]
    assert all(gamma.pk not in (battle.model_a_id, battle.model_b_id) for battle in battles)


def test_a_model_switched_off_is_soon_not_drawn_any_more(stored_answers, gamma, alice):
    alice.page()
    type(gamma).objects.filter(pk=gamma.pk).update(is_active=False)
    POOLS.doubt()
    for _ in range(5):
        alice.cast("tie")
    last = Ballot.objects.order_by("-id").first().battle
    assert gamma.pk not in (last.model_a_id, last.model_b_id)


def test_an_empty_arena_says_what_to_do(db, alice):
    assert "Nothing to judge yet" in alice.page().text


def test_the_demo_steps_back_once_there_are_answers_of_the_arenas_own(
    stored_answers, make_model, make_answer, alice
):
    for slug in ("demo-x", "demo-y"):
        demo = make_model(slug, is_demo=True)
        make_answer(demo, stored_answers.questions.first())
    POOLS.forget()
    models = set()
    for _ in range(18):
        battle = alice.ballot().battle
        models |= {battle.model_a.slug, battle.model_b.slug}
        alice.cast("tie")
    assert models == {"alpha", "beta", "gamma"}


def test_a_voter_may_ask_for_one_language(stored_answers, alice):
    for _ in range(5):
        ballot = alice.ballot(language="zh")
        assert ballot.battle.question.language == "zh"
        alice.cast("tie", ballot.token, language="zh")


def test_whoever_has_seen_all_of_one_language_is_led_to_the_others(stored_answers, alice):
    while 'name="token"' in (page := alice.page(language="zh").text):
        token = re.search(r'name="token" value="([^"]+)"', page).group(1)
        alice.cast("tie", token, language="zh")
    assert "Nothing of this kind is left" in page
    assert "Vote on all questions" in page


def test_whoever_has_seen_all_is_not_sent_to_live_battles_that_nobody_serves(one_battle, alice):
    alice.cast("tie")
    main = alice.page().text.split("data-stage")[1]
    assert reverse("rate_answer") in main
    assert reverse("live_battle") not in main


def test_new_answers_are_drawn_soon(stored_answers, make_model, make_answer, new_browser):
    new_browser().page()
    delta = make_model("delta")
    for question in stored_answers.questions.all():
        make_answer(delta, question)
    POOLS.doubt()
    battles = [new_browser().ballot().battle for _ in range(30)]
    assert any(delta.pk in (battle.model_a_id, battle.model_b_id) for battle in battles)


def test_a_control_question_tests_the_voter_and_is_kept_out_of_boards(one_battle, policy, alice):
    policy(gold_share=1.0)
    GoldBattle.objects.create(battle=one_battle, expected="model_a")
    ballot = alice.ballot()
    assert ballot.is_gold
    alice.cast("tie", ballot.token)
    vote = Vote.objects.get()
    assert (vote.exclusion, vote.draw_probability) == (Exclusion.CONTROL, None)


@pytest.mark.parametrize("sampling", ["uniform", "weighted", "boosted", "active"])
def test_every_rule_draws_from_stored_answers(stored_answers, policy, new_browser, sampling):
    policy(sampling=sampling, model_weights={"alpha": 3})
    for _ in range(6):
        new_browser().cast()
    assert {ballot.drawn_by for ballot in Ballot.objects.all()} == {sampling}


def test_the_weight_of_a_model_changes_the_stored_probability(stored_answers, policy, alice):
    policy(sampling="weighted", model_weights={"alpha": 3})
    ballot = alice.ballot()
    has_alpha = "alpha" in (ballot.battle.model_a.slug, ballot.battle.model_b.slug)
    assert ballot.draw_probability == pytest.approx(3 / 7 if has_alpha else 1 / 7)


@pytest.mark.django_db(transaction=True)
def test_a_deleted_answer_in_the_pool_is_passed_over(stored_answers, alice):
    alice.page()
    gone = stored_answers.questions.exclude(battles__ballots__isnull=False).values("pk")
    Answer.objects.filter(question__in=gone).delete()
    assert [alice.cast("tie").status_code for _ in range(3)] == [200, 200, 200]
    assert "You have seen it all" in alice.page().text


def test_what_no_question_is_like_is_neither_read_nor_kept(stored_answers, alice):
    alice.page()
    with mock.patch("arena.voting.pool.load_pool", wraps=load_pool) as read:
        for number in range(5):
            page = alice.page(category=f"c{number}", language=f"l{number}")
            assert 'name="token"' not in page.text
    assert not read.called
    assert len(POOLS._loaded) == 1


def test_a_category_that_comes_in_can_be_asked_for(stored_answers, alice):
    alice.page()
    Question.objects.update(category="new")
    POOLS.forget()
    assert alice.token(category="new")


def test_a_control_question_is_of_the_kind_the_voter_asked_for(
    one_battle, make_answer, alpha, beta, policy, alice
):
    GoldBattle.objects.create(battle=one_battle, expected="model_a")
    other = Question.objects.create(
        question_set=one_battle.question.question_set,
        external_id="other",
        category="other kind",
        turns=[[{"type": "text", "text": "Another?"}]],
    )
    for model in (alpha, beta):
        make_answer(model, other, f"Of {model.pk}.")
    policy(gold_share=1.0)
    assert alice.ballot(category="other kind").battle.question == other
