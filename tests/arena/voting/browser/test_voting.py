"""Voting on stored answers in Chromium, at the desk and on the phone."""

import re

import pytest
from playwright.sync_api import expect

from arena.models import Answer, Ballot, Question, Vote
from tests.arena.voting.browser.conftest import (
    DESKTOP,
    PHONE,
    SIZES,
    SMALL_PHONE,
    sign_in,
    sign_out,
)

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

LONG = "\n\n".join(
    f"Paragraph {n} of a long answer, with `code` and **weight**." for n in range(60)
)
RICH = """### Plan

| step | cost |
|---|---:|
| one | 3 |

```python
def area(r):
    return 3.14159 * r ** 2
```

The integral $\\int_0^1 x^2 dx = \\frac13$.
"""
NAMES = ("zqamber", "zqbirch")


@pytest.fixture
def battles(question_set, make_model, make_answer, policy):
    models = [make_model(name, display_name=name.title(), organisation="") for name in NAMES]
    for number, question in enumerate(question_set.questions.all()):
        for place, model in enumerate(models):
            text = (LONG, RICH, "短答。中文也要好读。")[number % 3]
            make_answer(model, question, f"{text}\n\n{place}")
    return question_set


def choose(tab, key):
    tab.page.keyboard.press(key)
    expect(tab.page.locator("[data-reveal]")).to_be_visible()


@pytest.mark.one_round
@pytest.mark.parametrize(
    ("key", "position"),
    [("ArrowLeft", "left"), ("ArrowRight", "right"), ("t", "tie"), ("b", "both_bad")],
)
def test_one_key_votes(battles, desktop, key, position):
    desktop.open("/vote/")
    choose(desktop, key)
    vote = Vote.objects.get()
    expected = {"tie": "tie", "both_bad": "both_bad"}
    left = "model_a" if vote.shown_first == "a" else "model_b"
    right = "model_b" if left == "model_a" else "model_a"
    assert vote.outcome == (expected | {"left": left, "right": right})[position]


def test_a_whole_session_needs_only_the_keyboard(battles, tab):
    tab.open("/vote/")
    for _ in range(3):
        choose(tab, "ArrowLeft")
        tab.page.keyboard.press("Enter")
        expect(tab.page.locator("[data-reveal]")).to_have_count(0)
    tab.page.keyboard.press("s")
    expect(tab.page.locator("[data-ballot]")).to_be_visible()
    assert Vote.objects.count() == 3
    assert tab.errors == []


def test_the_next_battle_is_there_before_it_is_asked_for(battles, desktop):
    with desktop.page.expect_response("**/vote/next/**"):
        desktop.open("/vote/")
    choose(desktop, "t")
    requests = []
    desktop.page.on("request", lambda request: requests.append(request.url))
    desktop.page.keyboard.press("n")
    expect(desktop.page.locator("[data-reveal]")).to_have_count(0)
    assert [url for url in requests if "/vote/" in url and "verdicts" not in url] == []


def test_names_reach_the_browser_only_with_the_reveal(battles, tab):
    """Everything it received is searched: bodies, headers, addresses, and frames of sockets."""
    with tab.page.expect_response("**/vote/next/**"):
        tab.open("/vote/")
    tab.page.wait_for_load_state("networkidle")
    assert not any(name in tab.everything for name in NAMES)
    assert not any(name in tab.page.content().lower() for name in NAMES)
    choose(tab, "ArrowLeft")
    for name in NAMES:
        expect(tab.page.locator("[data-panes]")).to_contain_text(name.title())
        assert name in tab.everything


@pytest.mark.one_round
def test_shift_and_arrow_says_much_better(battles, desktop):
    desktop.open("/vote/")
    choose(desktop, "Shift+ArrowRight")
    assert Vote.objects.get().strength == 3


def test_reasons_are_sent_with_the_vote(battles, desktop):
    desktop.open("/vote/")
    desktop.page.get_by_text("Say more (optional)").click()
    desktop.page.get_by_text("Clearer").click()
    desktop.page.get_by_role("button", name="Left is better").click()
    expect(desktop.page.locator("[data-reveal]")).to_be_visible()
    assert Vote.objects.get().reasons == ["clear"]


@pytest.mark.one_round
def test_typing_in_a_field_does_not_vote(battles, desktop):
    desktop.open("/vote/")
    desktop.page.evaluate(
        "document.querySelector('main').append(document.createElement('textarea'))"
    )
    desktop.page.locator("textarea").press("t")
    assert not Vote.objects.exists()


def test_a_double_click_votes_once(battles, desktop):
    desktop.open("/vote/")
    desktop.page.get_by_role("button", name="Tie").dblclick()
    expect(desktop.page.locator("[data-reveal]")).to_be_visible()
    assert Vote.objects.count() == 1


def test_the_second_tab_is_told_that_the_first_one_voted(battles, desktop, open_tab):
    desktop.open("/vote/")
    other = open_tab(context=desktop.page.context).open("/vote/")
    choose(desktop, "ArrowLeft")
    other.page.keyboard.press("ArrowRight")
    expect(other.page.get_by_text("You have voted on this battle already")).to_be_visible()
    assert Vote.objects.count() == 1


def test_a_tab_from_before_signing_in_votes_on_for_the_account(
    battles, desktop, open_tab, django_user_model
):
    django_user_model.objects.create_user("alice", password="secret-alice")
    desktop.open("/vote/")
    other = open_tab(context=desktop.page.context).open("/login/")
    other.page.get_by_label("Username").fill("alice")
    other.page.get_by_label("Password").fill("secret-alice")
    other.page.locator("main").get_by_role("button", name="Sign in").click()
    expect(other.page.get_by_title("Signed in as alice")).to_be_visible()
    choose(desktop, "ArrowLeft")
    assert Vote.objects.get().voter.user.username == "alice"
    assert desktop.errors == []


def test_a_tab_from_before_signing_out_keeps_its_battle_for_the_account(
    battles, desktop, open_tab, django_user_model
):
    user = django_user_model.objects.create_user("alice")
    sign_in(desktop, user)
    desktop.open("/vote/")
    other = open_tab(context=desktop.page.context).open("/my-votes/")
    sign_out(other)
    other.open("/vote/")
    desktop.page.keyboard.press("ArrowLeft")
    expect(desktop.page.get_by_text("you have been signed out")).to_be_visible()
    assert not Vote.objects.exists()
    sign_in(other, user)
    choose(desktop, "ArrowLeft")
    assert user.voter.votes.count() == 1
    assert desktop.errors == []


def test_the_back_button_never_offers_a_spent_battle(battles, desktop):
    desktop.open("/vote/")
    spent = desktop.page.locator("[name=token]").input_value()
    choose(desktop, "ArrowLeft")
    desktop.open("/login/")
    desktop.page.go_back()
    expect(desktop.page.locator("[data-ballot]")).to_be_visible()
    assert desktop.page.locator("[name=token]").input_value() != spent


def test_a_lost_connection_keeps_the_battle_and_the_vote_counts_once(battles, tab):
    tab.open("/vote/")
    tab.page.context.set_offline(True)
    tab.page.keyboard.press("ArrowLeft")
    expect(tab.page.get_by_text("The server cannot be reached")).to_be_visible()
    tab.page.context.set_offline(False)
    choose(tab, "ArrowLeft")
    assert Vote.objects.count() == 1


def test_what_went_wrong_is_told_above_the_buttons(battles, tab):
    tab.open("/vote/")
    tab.page.context.set_offline(True)
    tab.page.keyboard.press("ArrowLeft")
    told = tab.page.get_by_text("The server cannot be reached")
    expect(told).to_be_visible()
    bar = tab.page.locator(".ballot-bar").bounding_box()
    notice = told.bounding_box()
    assert notice["y"] + notice["height"] <= bar["y"]
    tab.page.context.set_offline(False)
    tab.page.get_by_role("button", name="Tie").click()
    expect(tab.page.locator("[data-reveal]")).to_be_visible()


def test_an_answer_lost_on_the_way_back_is_told_again_and_the_vote_counts_once(battles, tab):
    """The vote arrived, its reveal did not: pressing again brings the reveal, not a second vote."""
    tab.open("/vote/")
    tab.page.route("**/vote/cast/", lambda route: (route.fetch(), route.abort()), times=1)
    tab.page.keyboard.press("ArrowLeft")
    expect(tab.page.get_by_text("The server cannot be reached")).to_be_visible()
    assert Vote.objects.count() == 1
    choose(tab, "ArrowRight")
    assert Vote.objects.count() == 1
    expect(tab.page.locator("[data-panes]")).to_have_attribute("data-chosen", "left")


@pytest.mark.one_round
@pytest.mark.parametrize("year", ["1999", "2099"])
def test_a_browser_whose_clock_is_wrong_votes_like_any_other(battles, policy, desktop, year):
    policy(minimum_reading_s=60.0)
    desktop.page.clock.install(time=f"{year}-01-01T00:00:00Z")
    desktop.open("/vote/")
    choose(desktop, "ArrowLeft")
    assert Vote.objects.get().exclusion == "too_fast"
    assert 0 <= Ballot.objects.get(status="voted").reading_s < 60


@pytest.mark.one_round
@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_a_long_answer_scrolls_within_its_pane_and_the_page_does_not_grow(
    question_set, make_model, make_answer, open_tab, policy, size
):
    for name in NAMES:
        make_answer(make_model(name), question_set.questions.first(), f"{LONG} {name[2]}")
    tab = open_tab(SIZES[size]).open("/vote/")
    heights = "[document.querySelector('[data-ballot]').offsetHeight, innerHeight]"
    ballot, window = tab.page.evaluate(heights)
    assert ballot <= window
    tab.open("/rate/")
    ballot = tab.page.locator("[data-rate]").bounding_box()
    assert ballot["height"] <= window


@pytest.mark.one_round
def test_long_answers_scroll_together(question_set, make_model, make_answer, desktop, policy):
    for name, text in zip(NAMES, (LONG, LONG * 2), strict=True):
        make_answer(make_model(name), question_set.questions.first(), text)
    desktop.open("/vote/")
    left, right = (
        desktop.page.locator(f"[data-pane={side}] [data-scrolls]") for side in ("left", "right")
    )
    left.hover()
    desktop.page.mouse.wheel(0, 900)
    deadline = "new Promise((_, fail) => setTimeout(() => fail('never scrolled'), 60000))"
    right.evaluate(
        f"e => Promise.race([{deadline}, new Promise(done => {{ const look = () =>"
        " (e.scrollTop > 100 ? done() : requestAnimationFrame(look)); look(); })])"
    )
    share = "e => e.scrollTop / (e.scrollHeight - e.clientHeight)"
    assert left.evaluate(share) == pytest.approx(right.evaluate(share), abs=0.03)


@pytest.mark.one_round
@pytest.mark.parametrize("size", [PHONE, DESKTOP | {"has_touch": True}], ids=["phone", "desktop"])
def test_one_thumb_votes(battles, open_tab, size):
    tab = open_tab(size).open("/vote/")
    button = tab.page.get_by_role("button", name="Right is better")
    box = button.bounding_box()
    assert box["height"] >= 44
    assert box["y"] + box["height"] <= size["viewport"]["height"]
    button.tap()
    expect(tab.page.locator("[data-reveal]")).to_be_visible()
    tab.page.locator("[data-next]").tap()
    expect(tab.page.locator("[data-reveal]")).to_have_count(0)
    assert Vote.objects.count() == 1


@pytest.mark.one_round
def test_on_a_phone_the_answers_are_panes_to_swipe(battles, phone):
    phone.open("/vote/")
    right = phone.page.locator("[data-pane=right]")
    assert right.bounding_box()["x"] >= 390
    phone.page.get_by_role("button", name="Right", exact=True).tap()
    expect(right).to_be_in_viewport(ratio=0.9)
    expect(phone.page.locator("[data-shows=right]")).to_have_attribute("aria-current", "true")


@pytest.mark.one_round
def test_a_swipe_brings_the_other_answer(battles, phone):
    phone.open("/vote/")
    right = phone.page.locator("[data-pane=right]")
    # below the text: a swipe that begins on a wide table scrolls the table
    y = phone.page.locator("[data-bar]").bounding_box()["y"] - 20
    thumb = phone.page.context.new_cdp_session(phone.page)

    def touch(kind, *places):
        points = [{"x": x, "y": y} for x in places]
        thumb.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", 330)
    for x in range(310, 40, -20):
        touch("touchMove", x)
    touch("touchEnd")
    expect(right).to_be_in_viewport(ratio=0.9)
    expect(phone.page.locator("[data-shows=right]")).to_have_attribute("aria-current", "true")


@pytest.mark.one_round
def test_a_two_turn_question_shows_the_follow_up_in_both_panes(
    question_set, make_model, make_answer, desktop, policy
):
    question = question_set.questions.first()
    texts = ("First question?", "And the follow-up?")
    Question.objects.filter(pk=question.pk).update(
        turns=[[{"type": "text", "text": text}] for text in texts]
    )
    for name in NAMES:
        make_answer(make_model(name), question, "One.", f"Two, {name[2]}.")
    desktop.open("/vote/")
    expect(desktop.page.get_by_text("And the follow-up?")).to_have_count(2)
    expect(desktop.page.get_by_text("First question?")).to_have_count(1)


@pytest.mark.one_round
def test_a_screen_reader_hears_the_reveal_and_the_next_battle(battles, desktop):
    desktop.open("/vote/")
    status = desktop.page.locator("[data-said]")
    choose(desktop, "ArrowLeft")
    expect(status).to_have_text(re.compile("Your vote is stored. Left was Zq"))
    desktop.page.keyboard.press("n")
    expect(status).to_have_text(re.compile("Next battle"))
    assert desktop.page.evaluate("document.activeElement.matches('[data-question]')")


def test_code_can_be_copied_in_every_battle(battles, desktop, make_answer):
    Answer.objects.update(turns=["```python\nprint(1)\n```"])
    for answer in Answer.objects.all():
        Answer.objects.filter(pk=answer.pk).update(turns=[*answer.turns, f"Number {answer.pk}."])
    desktop.open("/vote/")
    for _ in range(2):
        expect(desktop.page.locator(".pane .copy-button")).to_have_count(2)
        choose(desktop, "t")
        desktop.page.keyboard.press("n")
        expect(desktop.page.locator("[data-reveal]")).to_have_count(0)


@pytest.fixture
def long_question(question_set, make_model, make_answer, policy):
    question = question_set.questions.first()
    Question.objects.filter(pk=question.pk).update(turns=[[{"type": "text", "text": LONG}]])
    for name in NAMES:
        make_answer(make_model(name), question, f"Short {name[2]}.")


@pytest.mark.parametrize("address", ["/vote/", "/rate/"])
def test_a_long_question_scrolls_by_keyboard_and_unfolds(long_question, tab, address):
    tab.open(address)
    question = tab.page.locator("[data-question]")
    assert tab.findings() == []
    question.focus()
    tab.page.keyboard.press("End")
    expect(question.get_by_text("Paragraph 59")).to_be_in_viewport()
    tab.page.get_by_role("button", name="Show the whole question").click()
    assert question.evaluate("box => box.scrollHeight <= box.clientHeight + 1")
    assert tab.overflow <= 0
    less = tab.page.get_by_role("button", name="Show less of the question")
    expect(less).to_have_attribute("aria-expanded", "true")
    less.click()
    assert question.evaluate("box => box.scrollHeight > box.clientHeight")


def test_a_short_question_offers_nothing_to_unfold(battles, desktop):
    desktop.open("/vote/")
    expect(desktop.page.locator("[data-unfolds]")).to_be_hidden()


def test_arabic_runs_from_right_to_left_and_each_text_says_its_language(
    question_set, make_model, make_answer, desktop, policy
):
    question = question_set.questions.first()
    turns = [[{"type": "text", "text": text}] for text in ("ما هي أكبر مدينة؟", "ولماذا؟")]
    Question.objects.filter(pk=question.pk).update(turns=turns, language="ar")
    for name in NAMES:
        make_answer(make_model(name), question, f"القاهرة {name[2]}", "- أولا\n- ثانيا")
    desktop.open("/vote/")
    texts = desktop.page.locator("[data-ballot] .prose")
    assert texts.count() == 7
    for text in texts.all():
        assert text.evaluate("e => getComputedStyle(e).direction") == "rtl"
        assert text.get_attribute("lang") == "ar"


def test_a_voter_may_choose_the_language_of_the_questions(battles, desktop):
    desktop.open("/vote/")
    with desktop.page.expect_navigation():
        desktop.page.get_by_label("Language of the questions").select_option("zh")
    for _ in range(2):
        expect(desktop.page.locator("[data-question] .prose")).to_have_attribute("lang", "zh-Hans")
        choose(desktop, "t")
        desktop.page.keyboard.press("n")
        expect(desktop.page.locator("[data-reveal]")).to_have_count(0)


@pytest.mark.parametrize("how", [{"button": "middle"}, {"modifiers": ["Control"]}])
def test_the_next_battle_in_another_tab_is_of_the_kind_asked_for(battles, desktop, how):
    desktop.open("/vote/?language=zh&category=writing")
    choose(desktop, "t")
    with desktop.page.context.expect_page() as opened:
        desktop.page.get_by_role("link", name="Next battle").click(**how)
    other = opened.value
    expect(other.locator("[data-question] .prose")).to_have_attribute("lang", "zh-Hans")
    assert other.url.endswith("/vote/?category=writing&language=zh")
    expect(desktop.page.locator("[data-reveal]")).to_be_visible()
    assert desktop.errors == []


def test_on_a_phone_a_mark_stays_on_the_answer_that_has_not_been_looked_at(battles, phone):
    phone.open("/vote/")
    right = phone.page.locator("[data-shows=right]")
    expect(right).to_have_attribute("data-unseen", "")
    right.tap()
    expect(right).not_to_have_attribute("data-unseen", "")


@pytest.mark.one_round
@pytest.mark.parametrize("size", [PHONE, SMALL_PHONE])
def test_who_says_more_on_a_phone_still_sees_the_answers(battles, open_tab, size):
    phone = open_tab(size).open("/vote/")
    phone.page.get_by_text("Say more (optional)").tap()
    reasons = phone.page.locator(".ballot-why-body")
    expect(reasons).to_be_visible()
    last = reasons.get_by_text("Safer")
    phone.wait_for_answers_in_sight()
    reasons.evaluate("box => box.scrollTo(0, box.scrollHeight)")
    last.tap()
    expect(last.locator("..").get_by_role("checkbox")).to_be_checked()
    phone.wait_for_answers_in_sight()
    assert phone.overflow <= 0


def test_the_page_works_without_script(battles, open_tab):
    tab = open_tab(java_script_enabled=False).open("/vote/")
    tab.page.get_by_role("button", name="Left is better").click()
    expect(tab.page.locator("[data-reveal]")).to_be_visible()
    tab.page.get_by_role("link", name="Next battle").click()
    expect(tab.page.get_by_role("button", name="Tie")).to_be_visible()
    assert Vote.objects.count() == 1


@pytest.mark.one_round
@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_the_interface_speaks_chinese(battles, open_tab, size):
    tab = open_tab(SIZES[size], locale="zh-CN").open("/vote/")
    assert tab.page.evaluate("document.documentElement.lang") == "zh-hans"
    expect(tab.page.get_by_role("button", name="左侧更好")).to_be_visible()
    choose(tab, "t")
    expect(tab.page.locator("[data-reveal]")).to_contain_text("平")
    expect(tab.page.locator("[data-said]")).to_contain_text("你的投票已保存")
    assert Vote.objects.count() == 1
    assert tab.errors == []


def test_at_the_end_the_voter_is_thanked(question_set, make_model, make_answer, desktop, policy):
    for name in NAMES:
        make_answer(make_model(name), question_set.questions.first(), f"Only {name[2]}.")
    desktop.open("/vote/")
    choose(desktop, "t")
    desktop.page.keyboard.press("n")
    expect(desktop.page.get_by_text("You have seen it all")).to_be_visible()
    assert Ballot.objects.count() == 1
