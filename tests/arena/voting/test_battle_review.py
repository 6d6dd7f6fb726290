"""Staff leave battles out and count them again; a leak is lifted from the answer."""

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from arena.models import (
    Answer,
    Battle,
    ClearedAnswer,
    Exclusion,
    IntegrityAction,
    LanguageModel,
    RenderedAnswer,
    SatisfactionRating,
    Vote,
    Voter,
)
from arena.voting import integrity, texts
from arena.voting.battle_review import (
    FactError,
    battles_left_out,
    count_again,
    leave_out,
    withdraw_clearance,
)
from arena.voting.satisfaction import next_rating
from arena.voting.texts import read_answers, read_facts
from arena.voting.voters import Visitor

pytestmark = pytest.mark.django_db

LEAK = Exclusion.IDENTITY_LEAK
WORDS = "I am ChatGPT."


@pytest.fixture
def staff(db):
    return get_user_model().objects.create_user("staff", password="x", is_staff=True)


@pytest.fixture
def page(client, staff):
    """What the staff do on the page: ``page(battle, act="lift", reason="staff")``."""
    client.force_login(staff)

    def press(battle, **fields):
        return client.post(reverse("integrity_battle", args=[battle.pk]), fields, follow=True)

    return press


@pytest.fixture
def leaky(two_replies, alice):
    """A battle that a draw has marked."""
    two_replies(WORDS, "Palm trees are plants.")
    alice.page()
    battle = Battle.objects.get()
    assert battle.exclusion == LEAK
    return battle


@pytest.fixture
def three_replies(question_set, three_models, make_answer, make_battle, policy):
    """Battles of three answers to one question, each with one vote, by the models' letters."""

    def make(**replies):
        question = question_set.questions.first()
        models = dict(zip("abc", three_models, strict=True))
        for letter, model in models.items():
            make_answer(model, question, replies.get(letter, f"Number {letter}."))
        pairs = {pair: make_battle(question, models[pair[0]], models[pair[1]]) for pair in PAIRS}
        for battle in pairs.values():
            Vote.objects.create(battle=battle, outcome="tie")
        return pairs

    return make


PAIRS = ("ab", "ac", "bc")


def reasons(battles):
    for battle in battles.values():
        battle.refresh_from_db()
    return tuple(battles[pair].exclusion for pair in PAIRS)


def mark_leaks(battles, *pairs):
    Battle.objects.filter(pk__in=[battles[pair].pk for pair in pairs]).update(exclusion=LEAK)


# -- a leak that is none


def test_a_cleared_pair_is_drawn_for_the_next_voter(leaky, staff, mallory):
    count_again(leaky, reason=LEAK, by=staff)
    assert mallory.ballot().battle == leaky
    assert mallory.cast().status_code == 200
    assert Vote.objects.counted().count() == 1


def test_a_cleared_answer_may_be_rated(leaky, staff, random):
    answer = Answer.objects.get(turns=[WORDS])
    voter = Voter.objects.create(key="bob")
    visitor = Visitor(voter, voter.sessions.create(key="bob"))
    SatisfactionRating.objects.create(
        voter=voter,
        answer=Answer.objects.exclude(pk=answer.pk).get(),
        score=3,
        rated_at=timezone.now(),
    )
    assert next_rating(visitor, random) is None
    count_again(leaky, reason=LEAK, by=staff)
    assert next_rating(visitor, random).answer == answer


@pytest.mark.parametrize("change", ["answer", "model"])
def test_a_clearance_is_void_once_the_text_or_the_models_name_changes(leaky, staff, alice, change):
    count_again(leaky, reason=LEAK, by=staff)
    if change == "answer":
        Answer.objects.filter(turns=[WORDS]).update(turns=["I am Claude, made by Anthropic."])
    else:
        LanguageModel.objects.update(provider_model="gpt-9")
    assert "Nothing to judge yet" in alice.page().text
    leaky.refresh_from_db()
    assert leaky.exclusion == LEAK


def test_a_clearance_holds_whichever_process_renders_the_answer(leaky, staff, monkeypatch):
    answer = Answer.objects.get(turns=[WORDS])
    count_again(leaky, reason=LEAK, by=staff)
    doubts = [read_answers([answer.pk])[answer.pk].facts.doubt]
    RenderedAnswer.objects.all().delete()
    doubts += [read_facts([answer.pk])[answer.pk].doubt]
    doubts += [read_answers([answer.pk])[answer.pk].facts.doubt]
    monkeypatch.setattr(texts, "renderer", lambda: "another")
    doubts += [read_answers([answer.pk])[answer.pk].facts.doubt]
    assert doubts == [""] * 4


def test_answers_without_a_leak_are_read_without_a_look_at_clearances(two_replies):
    answers = [answer.pk for answer in two_replies("one", "two")]
    for read in (read_answers, read_answers, read_facts):
        with CaptureQueriesContext(connection) as queries:
            read(answers)
        assert not [q for q in queries if "clearedanswer" in q["sql"]]


def test_clearing_an_answer_counts_its_battles_again_unless_the_other_answer_is_in_doubt(
    three_replies, staff
):
    battles = three_replies(a=WORDS, c="I am Gemini, made by Google.")
    mark_leaks(battles, *PAIRS)
    act = count_again(battles["ab"], reason=LEAK, by=staff)
    assert reasons(battles) == ("", LEAK, LEAK)
    assert (act.votes_changed, act.battle, act.done_by) == (1, battles["ab"], staff)
    assert "i am chatgpt" in act.detail
    count_again(battles["bc"], reason=LEAK, by=staff)
    assert reasons(battles) == ("", "", "")
    assert IntegrityAction.objects.first().votes_changed == 2


def test_both_answers_of_a_battle_are_cleared_at_once(three_replies, staff):
    battles = three_replies(a=WORDS, c="I am Gemini, made by Google.")
    mark_leaks(battles, *PAIRS)
    act = count_again(battles["ac"], reason=LEAK, by=staff)
    assert reasons(battles) == ("", "", "")
    assert (act.votes_changed, ClearedAnswer.objects.count()) == (3, 2)


def test_an_empty_answer_beside_a_cleared_one_is_the_reason_that_stays(three_replies, staff):
    battles = three_replies(a=WORDS, b=" ")
    mark_leaks(battles, "ab", "ac")
    count_again(battles["ac"], reason=LEAK, by=staff)
    assert reasons(battles) == (Exclusion.EMPTY_ANSWER, "", "")


def test_a_leak_that_is_found_no_more_is_lifted_from_the_battle_alone(three_replies, staff):
    battles = three_replies()
    mark_leaks(battles, *PAIRS)
    count_again(battles["ab"], reason=LEAK, by=staff)
    assert reasons(battles) == ("", LEAK, LEAK)
    assert not ClearedAnswer.objects.exists()


def test_an_imported_battle_without_answers_can_be_counted_again(alpha, beta, staff):
    bare = Battle.objects.create(model_a=alpha, model_b=beta, origin="imported", exclusion=LEAK)
    count_again(bare, reason=LEAK, by=staff)
    bare.refresh_from_db()
    assert bare.exclusion == ""


def test_a_clearance_can_be_withdrawn(three_replies, staff):
    battles = three_replies(a=WORDS)
    mark_leaks(battles, "ab", "ac")
    count_again(battles["ab"], reason=LEAK, by=staff)
    act = withdraw_clearance(battles["ac"], by=staff)
    assert reasons(battles) == (LEAK, LEAK, "")
    assert (act.votes_changed, ClearedAnswer.objects.count()) == (2, 0)
    assert withdraw_clearance(battles["ac"], by=staff) is None


# -- left out by staff


def test_a_battle_left_out_counts_again_as_if_nothing_had_happened(three_replies, staff):
    battles = three_replies()
    assert leave_out(battles["ab"], by=staff).votes_changed == 1
    assert reasons(battles) == (Exclusion.STAFF, "", "")
    assert Vote.objects.counted().count() == 2
    assert count_again(battles["ab"], reason=Exclusion.STAFF, by=staff).votes_changed == 1
    assert reasons(battles) == ("", "", "")


def test_a_battle_left_out_by_staff_is_not_drawn(one_battle, staff, alice):
    leave_out(one_battle, by=staff)
    assert "Nothing to judge yet" in alice.page().text


def test_a_leak_comes_to_light_again_when_staff_count_its_battle(three_replies, staff):
    battles = three_replies(a=WORDS)
    leave_out(battles["ab"], by=staff)
    act = count_again(battles["ab"], reason=Exclusion.STAFF, by=staff)
    assert reasons(battles) == (LEAK, "", "")
    assert (act.exclusion, act.votes_changed) == (LEAK, 0)


def test_an_imported_battle_that_counted_with_a_leak_counts_again(three_replies, staff):
    battles = three_replies(a=WORDS)
    Battle.objects.update(origin="imported")
    leave_out(battles["ab"], by=staff)
    count_again(battles["ab"], reason=Exclusion.STAFF, by=staff)
    assert reasons(battles) == ("", "", "")


def test_what_moderation_removed_can_be_counted_again(three_replies, staff):
    battles = three_replies()
    Battle.objects.filter(pk=battles["bc"].pk).update(exclusion=Exclusion.MODERATED)
    count_again(battles["bc"], reason=Exclusion.MODERATED, by=staff)
    assert reasons(battles) == ("", "", "")


@pytest.mark.parametrize("reason", ["named", "error", "empty_answer", "duplicate", "too_fast"])
def test_facts_cannot_be_lifted(one_battle, staff, reason):
    Battle.objects.update(exclusion=reason)
    with pytest.raises(FactError):
        count_again(one_battle, reason=Exclusion(reason), by=staff)
    one_battle.refresh_from_db()
    assert one_battle.exclusion == reason


# -- the pages


def test_staff_see_the_words_and_whose_answer_they_are_in(client, page, leaky):
    shown = client.get(reverse("battle_detail", args=[leaky.pk])).text
    assert "Found in the answer of Alpha:" in shown
    assert "i am chatgpt" in shown
    listed = client.get(reverse("integrity")).text
    assert "i am chatgpt" in listed
    assert reverse("integrity_battle", args=[leaky.pk]) in listed


def test_the_integrity_page_looks_through_no_text(client, page, leaky, monkeypatch):
    monkeypatch.setattr(texts, "leaked_name", None)
    with CaptureQueriesContext(connection) as queries:
        assert "i am chatgpt" in client.get(reverse("integrity")).text
    assert not [q for q in queries if 'arena_answer"."turns' in q["sql"]]


def test_the_page_lists_no_battle_whose_reason_is_a_fact(three_replies):
    battles = three_replies()
    mark_leaks(battles, "ab")
    Battle.objects.filter(pk=battles["ac"].pk).update(exclusion=Exclusion.ERROR)
    assert [(row.battle, row.votes) for row in battles_left_out(5)] == [(battles["ab"], 1)]
    assert battles_left_out(0) == []


def test_visitors_see_nothing_of_it(client, leaky):
    shown = client.get(reverse("battle_detail", args=[leaky.pk])).text
    assert "Does this battle count?" not in shown
    assert "i am chatgpt" not in shown


def test_the_page_says_why_a_fact_cannot_be_lifted(client, page, one_battle):
    Battle.objects.update(exclusion=Exclusion.NAMED)
    shown = client.get(reverse("battle_detail", args=[one_battle.pk])).text
    assert "This reason cannot be lifted. Who voted knew the names" in shown
    assert 'value="lift"' not in shown


def test_staff_count_a_leak_again_and_take_that_back_on_the_battles_page(page, leaky, staff):
    shown = page(leaky, act="lift", reason=LEAK, back="battle").text
    assert "No leak, said staff on" in shown
    assert "0 votes changed." in shown
    shown = page(leaky, act="withdraw", back="battle").text
    assert "No leak, said" not in shown
    leaky.refresh_from_db()
    assert leaky.exclusion == LEAK


def test_what_was_done_names_the_battle_and_doubts_what_is_kept(page, one_battle, monkeypatch):
    doubted = []
    monkeypatch.setattr(integrity.Keeper, "doubt", lambda keeper: doubted.append(keeper.name))
    shown = page(one_battle, act="mark").text
    assert f">Battle {one_battle.pk}</a> · excluded by staff" in shown
    assert doubted == ["arena.voting.integrity.INTEGRITY"]


def test_the_same_act_twice_does_no_harm_and_says_so(page, three_replies):
    battles = three_replies(a=WORDS)
    for _ in range(2):
        shown = page(battles["ab"], act="mark").text
    assert "Nothing was changed. The battle as it is now: excluded by staff." in shown
    assert IntegrityAction.objects.count() == 1
    for _ in range(2):
        shown = page(battles["ab"], act="lift", reason=Exclusion.STAFF).text
    assert "Nothing was changed. The battle as it is now: an answer names its model." in shown
    assert not ClearedAnswer.objects.exists()
    for _ in range(2):
        shown = page(battles["ab"], act="lift", reason=LEAK).text
    assert "Nothing was changed. The battle as it is now: it counts." in shown
    assert IntegrityAction.objects.count() == 3


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"act": "remove"},
        {"act": "lift"},
        {"act": "lift", "reason": ""},
        {"act": "lift", "reason": "nonsense"},
        {"act": "lift", "reason": "named"},
    ],
)
def test_an_act_nobody_knows_changes_nothing(page, leaky, sent):
    assert page(leaky, **sent).status_code == 400
    leaky.refresh_from_db()
    assert (leaky.exclusion, IntegrityAction.objects.count()) == (LEAK, 0)


def test_only_staff_may_and_only_by_post(client, leaky, staff):
    path, sent = reverse("integrity_battle", args=[leaky.pk]), {"act": "lift", "reason": LEAK}
    assert client.post(path, sent).status_code == 302
    client.force_login(get_user_model().objects.create_user("bob"))
    assert client.post(path, sent).status_code == 403
    client.force_login(staff)
    assert client.get(path).status_code == 405
    assert client.post(reverse("integrity_battle", args=[10**25]), sent).status_code == 404
    leaky.refresh_from_db()
    assert leaky.exclusion == LEAK


# -- what is gone


def test_a_battle_that_is_deleted_takes_its_acts_and_clearances_along(leaky, staff, client):
    count_again(leaky, reason=LEAK, by=staff)
    Answer.objects.all().delete()
    assert not IntegrityAction.objects.exists()
    assert not ClearedAnswer.objects.exists()
    client.force_login(staff)
    assert client.get(reverse("integrity")).status_code == 200


def test_a_clearance_outlives_the_account_that_gave_it(leaky, staff, client, admin_user):
    count_again(leaky, reason=LEAK, by=staff)
    staff.delete()
    client.force_login(admin_user)
    assert "No leak, said – on" in client.get(reverse("battle_detail", args=[leaky.pk])).text
