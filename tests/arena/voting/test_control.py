"""Control questions are shown to anybody: only stored battles that could be voted on."""

import datetime as dt

import pytest
from django.contrib.auth import get_user_model
from django.urls import reverse
from django.utils import timezone

from arena.models import (
    Answer,
    Ballot,
    Battle,
    GoldBattle,
    InviteRound,
    Question,
    QuestionSet,
    RoundBattle,
    Vote,
    Voter,
    WorkStatus,
)
from arena.models.question import LIVE_SET
from arena.voting.control import control_questions, why_no_control
from arena.voting.rounds import EmptyRoundError, create_round

pytestmark = pytest.mark.django_db
SECRET = "bob@example.org"


@pytest.fixture
def staff(client):
    made = get_user_model().objects.create_user("staff", password="x", is_staff=True)
    client.force_login(made)
    return made


@pytest.fixture
def live_question(db):
    chosen = QuestionSet.objects.create(slug=LIVE_SET, name="Live")
    return Question.objects.create(
        question_set=chosen,
        external_id="live-1",
        turns=[[{"type": "text", "text": f"I am {SECRET}, help"}]],
        tags=["live"],
    )


@pytest.fixture
def live_battle(live_question, alpha, beta, make_answer, policy):
    answers = [
        make_answer(model, live_question, f"For {model.slug}.", sample_index=None)
        for model in (alpha, beta)
    ]
    return Battle.objects.create(
        question=live_question,
        model_a=alpha,
        model_b=beta,
        answer_a=answers[0],
        answer_b=answers[1],
        origin="live",
    )


@pytest.fixture
def answered_live_question(live_question, alpha, beta, make_answer, policy):
    """Staff have let two models answer it once more."""
    return [make_answer(model, live_question, f"Of {model.pk}.") for model in (alpha, beta)]


def offer(client, battle, **changed):
    fields = {"battle": battle, "expected": "model_a", "note": "a note of mine"}
    return client.post(reverse("integrity_gold"), fields | changed)


def refused(page):
    """What the form says beside the battle; nothing is stored and all values are kept."""
    form = page.context["gold_form"]
    assert not GoldBattle.objects.exists()
    assert 'value="a note of mine"' in page.text
    assert "* battle" not in page.text
    return form.errors["battle"][0]


def test_a_live_battle_is_refused_as_a_control_question(client, staff, live_battle):
    assert "what a visitor asked" in refused(offer(client, live_battle.pk))


def test_an_answered_live_question_is_refused_too(client, staff, answered_live_question):
    first, second = answered_live_question
    battle = Battle.objects.create(
        question=first.question, model_a=first.model, model_b=second.model,
        answer_a=first, answer_b=second,
    )  # fmt: skip
    assert "what a visitor asked" in refused(offer(client, battle.pk))


@pytest.mark.parametrize("exclusion", ["named", "error", "identity_leak", "staff"])
def test_a_battle_that_is_left_out_is_refused(client, staff, one_battle, exclusion):
    Battle.objects.update(exclusion=exclusion)
    assert "is left out" in refused(offer(client, one_battle.pk))


def test_an_imported_battle_is_refused(client, staff, one_battle):
    Battle.objects.update(origin="imported")
    assert "was imported" in refused(offer(client, one_battle.pk))


@pytest.mark.parametrize(
    "columns", [{"status": WorkStatus.FAILED}, {"turns": [" "]}, {"turns": ["I am Zqalpha."]}]
)
def test_a_battle_without_two_texts_that_stay_blind_is_refused(
    client, staff, one_battle, alpha, columns
):
    type(alpha).objects.filter(pk=alpha.pk).update(display_name="Zqalpha")
    Answer.objects.filter(model=alpha).update(**columns)
    assert "failed, is empty or names its model" in refused(offer(client, one_battle.pk))


@pytest.mark.parametrize("number", ["999", "9" * 30, "-1"])
def test_a_wrong_number_is_told_beside_the_field_and_the_values_are_kept(client, staff, number):
    page = offer(client, number)
    assert f"There is no battle {number}" in refused(page)
    assert f'value="{number}"' in page.text


def test_a_second_control_question_on_a_battle_is_refused(client, staff, one_battle):
    assert offer(client, one_battle.pk).status_code == 302
    page = offer(client, one_battle.pk)
    assert "is a control question already" in page.context["gold_form"].errors["battle"][0]


def test_two_answers_alike_may_be_a_control_question(two_replies):
    first, second = two_replies("same", "same")
    battle = Battle.objects.create(
        question=first.question, model_a=first.model, model_b=second.model,
        answer_a=first, answer_b=second,
    )  # fmt: skip
    assert why_no_control(battle) == ""


def test_a_live_battle_stored_as_a_control_question_is_shown_to_nobody(
    live_battle, one_battle, policy, new_browser
):
    policy(gold_share=1.0)
    GoldBattle.objects.create(battle=live_battle, expected="model_a")
    for _ in range(4):
        browser = new_browser()
        assert SECRET not in browser.page().text
        assert browser.ballot().battle == one_battle


def test_a_failed_answer_stored_as_a_control_question_is_not_asked(one_battle, policy, alice):
    policy(gold_share=1.0)
    GoldBattle.objects.create(battle=one_battle, expected="model_a")
    Answer.objects.filter(pk=one_battle.answer_a_id).update(turns=[""])
    alice.page()
    assert not Ballot.objects.exists()


@pytest.mark.parametrize("hours", [0, 30])
@pytest.mark.parametrize("query", [{}, {"language": ""}])
def test_a_live_battle_handed_out_before_does_not_come_back(
    live_battle, one_battle, alice, hours, query
):
    alice.page()
    Ballot.objects.update(battle=live_battle, drawn_at=timezone.now() - dt.timedelta(hours=hours))
    assert SECRET not in alice.page(**query).text


def test_the_set_of_live_battles_is_not_offered_for_rounds(
    client, staff, answered_live_question, alpha, beta
):
    page = client.get(reverse("round_list"))
    assert live_set().pk not in [chosen.pk for chosen in sets_offered(page)]
    sent = {
        "title": "Round", "question_set": live_set().pk, "battles": 3,
        "language_models": [alpha.pk, beta.pk],
    }  # fmt: skip
    assert "question_set" in client.post(reverse("round_list"), sent).context["form"].errors


def live_set():
    return QuestionSet.objects.get(slug=LIVE_SET)


def sets_offered(page):
    return page.context["form"].fields["question_set"].queryset


def test_no_round_is_made_of_live_prompts(answered_live_question, alpha, beta):
    with pytest.raises(EmptyRoundError):
        create_round(
            title="Round", question_set=live_set(), language_models=[alpha, beta], battles=3
        )


def test_a_round_made_of_live_prompts_before_asks_nobody(
    answered_live_question, live_battle, alice
):
    invite = InviteRound.objects.create(title="Old round")
    RoundBattle.objects.create(round=invite, battle=live_battle, position=0)
    alice.client.post(reverse("round_join", args=[invite.code]), {"name": ""})
    assert SECRET not in alice.page(round=invite.code).text
    Ballot.objects.create(
        voter=Voter.objects.get(), battle=live_battle, round=invite, shown_first="a"
    )
    assert SECRET not in alice.page(round=invite.code).text


@pytest.fixture(params=["control question", "closed round"])
def shown_to_alice(request, live_battle, alice):
    """Somebody's live battle that alice has voted on, when that could still happen."""
    alice.page()
    invite = InviteRound.objects.create(title="Old round")
    vote = Vote.objects.create(battle=live_battle, voter=Voter.objects.get(), outcome="tie")
    Battle.objects.update(metadata={"replaced": [{"turn": 1, "prompt": SECRET}]})
    Ballot.objects.create(
        voter=vote.voter, battle=live_battle, shown_first="a", status="voted", vote=vote,
        closed_at=timezone.now(), is_gold=request.param == "control question",
        round=invite if request.param == "closed round" else None,
    )  # fmt: skip
    return live_battle


def test_who_was_shown_a_live_battle_does_not_own_it(shown_to_alice, alice):
    assert SECRET not in alice.client.get(reverse("battle_detail", args=[shown_to_alice.pk])).text
    assert SECRET not in alice.client.get(reverse("my_data")).text
    alice.client.post(reverse("forget_me"))
    assert Battle.objects.filter(pk=shown_to_alice.pk).exists()


@pytest.fixture
def unfit_controls(one_battle, live_battle, make_battle, question_set, alpha, beta):
    """Control questions stored before they became unfit, each for another reason; one is fit."""
    _, *questions = question_set.questions.all()
    battles = [make_battle(question, alpha, beta) for question in questions[:3]]
    Battle.objects.filter(pk=battles[0].pk).update(origin="imported")
    Battle.objects.filter(pk=battles[1].pk).update(exclusion="identity_leak")
    Answer.objects.filter(pk=battles[2].answer_a_id).update(turns=[" "])
    for battle in (one_battle, live_battle, *battles):
        GoldBattle.objects.create(battle=battle, expected="model_a")
    return dict(
        zip(("live", "imported", "left out", "empty"), [live_battle, *battles], strict=True)
    )


def test_each_control_question_that_nobody_is_asked_says_why(unfit_controls):
    told = {each.gold.battle: each.unasked for each in control_questions() if each.unasked}
    assert told == {
        unfit_controls["live"]: "it is about what a visitor asked",
        unfit_controls["imported"]: "the battle was imported as it is",
        unfit_controls["left out"]: "the battle is left out: an answer names its model",
        unfit_controls["empty"]: "an answer failed, is empty or names its model",
    }


def test_what_the_list_marks_is_what_no_voter_is_asked(
    unfit_controls, one_battle, policy, new_browser
):
    """And the other way round: the only question that is not marked is asked."""
    policy(gold_share=1.0)
    assert [each.gold.battle for each in control_questions() if not each.unasked] == [one_battle]
    for _ in range(6):
        new_browser().page()
    assert not Ballot.objects.filter(is_gold=True).exclude(battle=one_battle).exists()
    # drawn beforehand and only then found to be empty, this one is passed over
    GoldBattle.objects.filter(battle=unfit_controls["empty"]).delete()
    assert new_browser().ballot().battle == one_battle


def test_staff_see_the_marks_and_remove_all_that_are_marked_at_once(
    client, staff, unfit_controls, one_battle
):
    page = client.get(reverse("integrity")).text
    assert page.count("not asked</span>") == 4
    assert "4 control questions are asked of nobody any more" in page
    answer = client.post(reverse("integrity_gold"), {"remove": "unasked"}, follow=True)
    assert "4 control questions removed." in answer.text
    assert [gold.battle for gold in GoldBattle.objects.all()] == [one_battle]
    assert "not asked</span>" not in answer.text
    assert 'value="unasked"' not in answer.text


def test_a_control_question_that_became_fit_again_stays(client, staff, unfit_controls):
    Battle.objects.filter(pk=unfit_controls["left out"].pk).update(exclusion="")
    client.post(reverse("integrity_gold"), {"remove": "unasked"})
    assert GoldBattle.objects.filter(battle=unfit_controls["left out"]).exists()


def test_the_list_takes_as_many_queries_for_many_as_for_one(
    unfit_controls, django_assert_num_queries
):
    for _ in range(2):
        with django_assert_num_queries(3):
            control_questions()
        GoldBattle.objects.last().delete()


@pytest.mark.parametrize("number", ["x", "-1", "²", "9" * 30])
def test_what_is_no_number_removes_no_control_question(client, staff, number):
    assert client.post(reverse("integrity_gold"), {"remove": number}).status_code == 400
