"""Live battles in Chromium, against a local OpenAI-compatible server."""

import re

import pytest
from playwright.sync_api import expect

from arena.models import Battle, Endpoint, Exclusion, LanguageModel, Vote, Voter
from tests.arena.voting.browser.conftest import PHONE, SIZES, SMALL_PHONE, sign_in, sign_out
from tests.conftest import PATIENCE_MS

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
NAMES = ("zqamber", "zqbirch")


@pytest.fixture
def live_models(model_server, policy):
    endpoint = Endpoint.objects.create(
        slug="local", name="local", base_url=model_server.url, max_attempts=1
    )
    for name in NAMES:
        model_server.texts[name] = f"**Bold** words of an answer, {'more ' * 20}end."
        LanguageModel.objects.create(slug=name, display_name=name.title(), endpoint=endpoint)
    return model_server


def ask(tab, text="Why is the sky blue?"):
    agree = tab.page.locator("[data-agree]")
    if agree.count() and not agree.is_checked():
        agree.check()
    tab.page.get_by_label("Your prompt").fill(text)
    tab.page.keyboard.press("Enter")


def let_them_write_on(model_server):
    model_server.waits_before.clear()


def wait_until_answered(tab, times=1):
    expect(tab.page.locator("[data-pane=left] .reply:not(.is-streaming) .prose")).to_have_count(
        times
    )
    expect(tab.page.locator("[data-votes]")).to_be_visible()


def test_a_live_battle_from_prompt_to_reveal(live_models, tab):
    """Everything the browser received before the vote is searched, frames of sockets included."""
    tab.open("/live/")
    ask(tab)
    wait_until_answered(tab)
    expect(tab.page.locator("[data-pane=right] strong")).to_have_text("Bold")
    assert "words of an answer" in tab.everything
    assert not any(name in tab.everything for name in NAMES)
    assert tab.overflow <= 0
    tab.page.get_by_role("button", name="Left is better").click()
    expect(tab.page.locator("[data-reveal]")).to_contain_text(re.compile("Zqamber|Zqbirch"))
    for name in NAMES:
        expect(tab.page.locator("[data-panes]")).to_contain_text(name.title())
        assert name in tab.everything
    assert Vote.objects.get().draw_probability == 1
    assert tab.errors == []


def test_who_forgets_to_agree_is_asked_and_can_go_on(live_models, tab):
    tab.open("/live/")
    tab.page.get_by_label("Your prompt").fill("Why is the sky blue?")
    tab.page.keyboard.press("Enter")
    expect(tab.page.locator("[data-note]")).to_have_text(re.compile("Please agree"))
    expect(tab.page.locator("[data-agree]")).to_be_focused()
    assert live_models.asked == []
    ask(tab, tab.page.get_by_label("Your prompt").input_value())
    wait_until_answered(tab)
    tab.page.get_by_role("button", name="New battle").click()
    expect(tab.page.locator("[data-pane=left] .reply")).to_have_count(0)
    expect(tab.page.locator("[data-agree]")).to_be_hidden()


@pytest.mark.one_round
def test_a_prompt_sent_before_the_room_is_known_again_is_asked_once_it_is(live_models, desktop):
    held = []

    def hold_rooms_after_the_first(browser):
        server = browser.connect_to_server()
        rooms = iter([browser.send])
        server.on_message(
            lambda message: (
                next(rooms, held.append) if '"is":"room"' in message else browser.send
            )(message)
        )
        desktop.let_go = lambda: [browser.send(message) for message in held]

    desktop.page.route_web_socket("**/ws/live/", hold_rooms_after_the_first)
    desktop.open("/live/")
    prompt = desktop.page.get_by_label("Your prompt")
    prompt.fill("Why is the sky blue?")
    desktop.page.keyboard.press("Enter")
    expect(desktop.page.locator("[data-note]")).to_have_text(re.compile("Please agree"))
    desktop.page.locator("[data-agree]").check()
    prompt.press("Enter")
    while not held:
        desktop.page.wait_for_timeout(10)
    desktop.let_go()
    wait_until_answered(desktop)
    assert desktop.errors == []


def test_text_appears_while_the_models_are_still_writing(live_models, tab):
    live_models.waits_before = dict.fromkeys(NAMES, -1)
    tab.open("/live/")
    ask(tab)
    expect(tab.page.locator("[data-pane=left] .is-streaming .reply-text")).to_contain_text("Bold")
    expect(tab.page.get_by_role("button", name="Stop")).to_be_visible()


RICH = (
    """## A heading

Some **bold** words.

1. First `item`
2. Second

```python
def f(x):
    return x
```

| a | b |
|---|--:|
| 1 | 2 |

\\[
x^2
\\]

The last words of it are many, """
    + "more " * 25
    + "and come now."
)


def test_markdown_is_rendered_while_it_is_written_and_stays_as_it_was(live_models, tab):
    """Every node of the answer that is complete before the end is still there after it."""
    live_models.texts = dict.fromkeys(NAMES, RICH)
    live_models.pauses = dict.fromkeys(NAMES, 0.06)
    live_models.waits_before = dict.fromkeys(NAMES, -1)
    tab.open("/live/")
    ask(tab)
    expect(tab.page.locator("[data-pane=left] .is-streaming math")).to_have_count(1)
    writing = tab.page.locator("[data-pane=left] .is-streaming")
    for part in ("h4", "strong", "ol li code", ".code-block .k", "td.numeric"):
        expect(writing.locator(part).first).to_be_attached()
    assert "**" not in writing.inner_text()
    tab.page.evaluate(
        "window.seen = [...document.querySelectorAll('.reply-text *')].filter("
        " (part) => part.closest('.reply-text > :not(:last-child)'))"
    )
    let_them_write_on(live_models)
    wait_until_answered(tab)
    expect(tab.page.locator("[data-pane=left]")).to_contain_text("come now.")
    assert tab.page.evaluate("seen.length > 20 && seen.every((part) => part.isConnected)")
    expect(tab.page.locator("[data-pane=left] .copy-button")).to_have_text("Copy")
    assert tab.errors == []


def test_what_was_selected_in_the_block_that_grows_stays_selected(live_models, desktop):
    live_models.pauses = dict.fromkeys(NAMES, 0.06)
    live_models.waits_before = dict.fromkeys(NAMES, 10)
    desktop.open("/live/")
    ask(desktop)
    expect(desktop.page.locator("[data-pane=left] .reply-text")).to_contain_text("more more")
    desktop.page.evaluate(
        "getSelection().selectAllChildren(document.querySelector('[data-pane=left] strong'))"
    )
    let_them_write_on(live_models)
    wait_until_answered(desktop)
    assert desktop.page.evaluate("getSelection().toString()") == "Bold"


def test_nothing_that_is_written_is_read_out_before_it_is_complete(live_models, desktop):
    live_models.waits_before = dict.fromkeys(NAMES, -1)
    desktop.open("/live/")
    ask(desktop)
    writing = desktop.page.locator("[data-pane=left] .reply")
    expect(writing).to_have_attribute("aria-busy", "true")
    assert desktop.page.locator("[aria-live] .reply, [role=log] .reply").count() == 0
    let_them_write_on(live_models)
    wait_until_answered(desktop)
    expect(writing).to_have_attribute("aria-busy", "false")
    expect(desktop.page.locator("[data-said]")).to_contain_text("Both answers are complete")


def test_arabic_runs_from_right_to_left_and_its_code_does_not(live_models, desktop):
    for name in NAMES:
        live_models.texts[name] = "لماذا السماء زرقاء\n\n```\nx = 1\n```"
    desktop.open("/live/")
    ask(desktop, "لماذا السماء زرقاء؟")
    wait_until_answered(desktop)
    for part, direction in ((".turn-words", "rtl"), (".prose p", "rtl"), (".prose pre", "ltr")):
        shown = desktop.page.locator(f"[data-pane=left] {part}").first
        assert shown.evaluate("part => getComputedStyle(part).direction") == direction


@pytest.mark.one_round
@pytest.mark.parametrize("size", [PHONE, SMALL_PHONE])
def test_who_says_more_on_a_phone_still_sees_the_answers(live_models, open_tab, size):
    phone = open_tab(size).open("/live/")
    ask(phone)
    wait_until_answered(phone)
    summary = phone.page.get_by_text("Say more (optional)")
    summary.tap()
    reasons = phone.page.locator(".ballot-why-body")
    expect(reasons).to_be_visible()
    last = reasons.get_by_text("Safer")
    phone.wait_for_answers_in_sight()
    reasons.evaluate("box => box.scrollTo(0, box.scrollHeight)")
    last.tap()
    expect(last.locator("..").get_by_role("checkbox")).to_be_checked()
    phone.wait_for_answers_in_sight()
    summary.tap()
    expect(phone.page.get_by_label("Your prompt")).to_be_visible()


def test_the_end_of_an_answer_takes_no_focus_away(live_models, desktop):
    live_models.waits_before = dict.fromkeys(NAMES, -1)
    desktop.open("/live/")
    ask(desktop)
    why = desktop.page.locator("[data-why] summary")
    why.click()
    let_them_write_on(live_models)
    wait_until_answered(desktop)
    expect(why).to_be_focused()


def test_who_pressed_a_button_that_goes_away_is_back_at_the_prompt(live_models, desktop):
    live_models.waits_before = dict.fromkeys(NAMES, -1)
    desktop.open("/live/")
    ask(desktop)
    stop = desktop.page.get_by_role("button", name="Stop")
    stop.focus()
    expect(desktop.page.locator("[data-pane=left] .reply-text")).to_contain_text("Bold")
    desktop.page.keyboard.press("Enter")
    expect(stop).to_be_hidden()
    expect(desktop.page.get_by_label("Your prompt")).to_be_focused()


def test_who_votes_while_the_models_think_about_the_next_turn_votes_on_the_answers(
    live_models, tab
):
    tab.open("/live/")
    ask(tab)
    wait_until_answered(tab)
    live_models.silence_s = 600.0
    ask(tab, "And at night?")
    expect(tab.page.locator("[data-pane=left] .is-streaming")).to_have_count(1)
    tab.page.get_by_role("button", name="Left is better").click()
    expect(tab.page.locator("[data-panes]")).to_contain_text("Zqamber")
    expect(tab.page.locator("[data-pane=left] .reply-note")).to_have_text("stopped here")
    battle = Battle.objects.get()
    assert (battle.exclusion, battle.turn_count) == ("", 1)
    assert tab.errors == []


def test_who_stops_before_the_first_word_may_ask_on(live_models, tab):
    live_models.silence_s = 600.0
    tab.open("/live/")
    ask(tab)
    tab.page.get_by_role("button", name="Stop").click()
    expect(tab.page.locator("[data-pane=left] .reply-note")).to_have_text("stopped here")
    expect(tab.page.locator("[data-votes]")).to_be_hidden()
    live_models.silence_s = 0.0
    ask(tab, "Why is the sea blue?")
    wait_until_answered(tab, times=2)
    assert tab.errors == []


def test_an_edit_can_be_left_and_the_next_prompt_goes_on(live_models, desktop):
    desktop.open("/live/")
    ask(desktop, "First?")
    wait_until_answered(desktop)
    desktop.page.get_by_role("button", name="Edit").first.click()
    expect(desktop.page.locator("[data-note]")).to_contain_text("changing an earlier prompt")
    desktop.page.keyboard.press("Escape")
    expect(desktop.page.get_by_label("Your prompt")).to_have_value("")
    expect(desktop.page.locator("[data-note]")).to_be_empty()
    ask(desktop, "Second?")
    wait_until_answered(desktop, times=2)


def test_a_long_prompt_leaves_room_for_the_answer_and_scrolls_by_keyboard(live_models, tab):
    tab.open("/live/")
    ask(tab, "word " * 5_000)
    wait_until_answered(tab)
    asked = tab.page.locator("[data-pane=left] .turn-words")
    assert asked.bounding_box()["height"] < 300
    asked.focus()
    expect(asked).to_be_focused()


@pytest.mark.one_round
def test_a_slow_and_a_fast_model_show_equally_much(live_models, desktop):
    live_models.pauses = {NAMES[0]: 0.0, NAMES[1]: 0.05}
    live_models.waits_before = {NAMES[1]: 10}
    desktop.open("/live/")
    ask(desktop)
    right = desktop.page.locator("[data-pane=right] .reply-text")
    expect(right).to_contain_text("words")
    lengths = desktop.page.evaluate(
        "[...document.querySelectorAll('.reply-text')].map(e => e.textContent.length)"
    )
    assert lengths[0] == lengths[1]


def test_a_conversation_goes_on_and_the_models_see_what_was_said(live_models, desktop):
    desktop.open("/live/")
    ask(desktop, "First?")
    wait_until_answered(desktop)
    ask(desktop, "Second?")
    wait_until_answered(desktop, times=2)
    said = [message["content"] for message in live_models.asked[-1]["messages"]]
    assert said[0] == "First?"
    assert said[1].startswith("**Bold**")
    assert said[2] == "Second?"


def test_a_prompt_can_be_edited_and_asked_again(live_models, desktop):
    desktop.open("/live/")
    ask(desktop, "Frist?")
    wait_until_answered(desktop)
    desktop.page.get_by_role("button", name="Edit").first.click()
    ask(desktop, "First?")
    wait_until_answered(desktop)
    expect(desktop.page.locator("[data-pane=left] .turn-question")).to_have_count(1)
    expect(desktop.page.locator("[data-pane=left] .turn-question")).to_contain_text("First?")


def test_stop_ends_both_answers_where_they_are(live_models, desktop):
    live_models.waits_before = dict.fromkeys(NAMES, -1)
    desktop.open("/live/")
    ask(desktop)
    expect(desktop.page.locator("[data-pane=left] .reply-text")).to_contain_text("Bold")
    desktop.page.get_by_role("button", name="Stop").click()
    expect(desktop.page.get_by_text("stopped here")).to_have_count(2)
    expect(desktop.page.get_by_role("button", name="Tie")).to_be_visible()


def test_a_broken_model_ends_gracefully_and_cannot_be_voted_on(live_models, desktop):
    del live_models.texts[NAMES[1]]
    desktop.open("/live/")
    ask(desktop)
    expect(desktop.page.get_by_text("This model did not answer").first).to_be_visible()
    expect(desktop.page.locator("[data-votes]")).to_be_hidden()
    assert not Battle.objects.exists()
    desktop.page.get_by_role("button", name="New battle").click()
    for _ in range(PATIENCE_MS // 50):
        if Battle.objects.exists():
            break
        desktop.page.wait_for_timeout(50)
    assert Battle.objects.get().exclusion == Exclusion.ERROR
    assert not any(name in desktop.everything for name in NAMES)


@pytest.mark.one_round
def test_why_a_long_answer_has_ended_is_in_sight(live_models, tab):
    live_models.texts = dict.fromkeys(NAMES, "A line.\n\n " * 60 + "End.")
    live_models.waits_before = dict.fromkeys(NAMES, -1)
    tab.open("/live/")
    ask(tab)
    pane = tab.page.locator("[data-pane=left] [data-scrolls]")
    tab.page.wait_for_function(
        "pane => pane.scrollHeight > 2 * pane.clientHeight", arg=pane.element_handle()
    )
    tab.page.get_by_role("button", name="Stop").click()
    told = tab.page.locator("[data-pane=left] .reply-note").bounding_box()
    box = pane.bounding_box()
    assert told["y"] + told["height"] <= box["y"] + box["height"]


def test_a_failure_in_direct_chat_speaks_of_no_battle(live_models, desktop):
    live_models.texts.clear()
    desktop.open("/chat/")
    ask(desktop)
    expect(desktop.page.locator(".reply-note")).to_contain_text("start a new conversation")


def test_a_dropped_connection_comes_back_to_the_same_battle(live_models, tab):
    tab.page.add_init_script(
        "const Real = WebSocket; window.sockets = []; window.WebSocket = class extends Real {"
        " constructor(url) { super(url); sockets.push(this); } };"
    )
    live_models.pauses = dict.fromkeys(NAMES, 0.05)
    live_models.waits_before = dict.fromkeys(NAMES, 10)
    tab.open("/live/")
    ask(tab)
    expect(tab.page.locator("[data-pane=left] .reply-text")).to_contain_text("Bold")
    tab.page.evaluate("sockets.at(-1).close()")
    let_them_write_on(live_models)
    wait_until_answered(tab)
    assert tab.page.evaluate("sockets.length") == 2
    text = tab.page.locator("[data-pane=left] .prose").inner_text()
    assert text.startswith("Bold words")
    assert text.endswith("end.")
    tab.page.get_by_role("button", name="Tie").click()
    expect(tab.page.locator("[data-reveal]")).to_be_visible()


def test_a_reload_and_the_back_button_come_back_to_the_same_conversation(live_models, desktop):
    desktop.open("/live/")
    ask(desktop)
    wait_until_answered(desktop)
    desktop.page.reload()
    wait_until_answered(desktop)
    desktop.open("/vote/")
    desktop.page.go_back()
    wait_until_answered(desktop)
    desktop.page.get_by_role("button", name="Tie").click()
    expect(desktop.page.locator("[data-reveal]")).to_be_visible()
    desktop.page.reload()
    expect(desktop.page.locator("[data-reveal]")).to_be_visible()
    assert Vote.objects.count() == 1
    assert desktop.errors == []


def test_a_second_tab_takes_the_conversation_over_and_the_first_says_so(live_models, desktop):
    desktop.open("/live/")
    ask(desktop)
    wait_until_answered(desktop)
    with desktop.page.expect_popup() as popup:
        desktop.page.evaluate("window.open(location.href)")
    expect(popup.value.locator("[data-pane=left] .prose")).to_have_count(1)
    expect(desktop.page.get_by_text("goes on in another tab").first).to_be_visible()
    popup.value.get_by_role("button", name="Tie").click()
    expect(popup.value.locator("[data-reveal]")).to_be_visible()
    desktop.page.get_by_role("button", name="New battle").click()
    ask(desktop)
    wait_until_answered(desktop)
    assert Vote.objects.count() == 1


def test_a_conversation_that_is_gone_is_replaced_by_a_new_one_without_a_word(live_models, desktop):
    desktop.page.add_init_script("sessionStorage.setItem('agon-live-blind', 'gone')")
    desktop.open("/live/")
    ask(desktop)
    wait_until_answered(desktop)
    assert desktop.page.locator(".toast").count() == 0


@pytest.mark.one_round
@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_a_live_battle_speaks_chinese(live_models, open_tab, size):
    tab = open_tab(SIZES[size], locale="zh-CN").open("/live/")
    agree = tab.page.locator("[data-agree]")
    agree.check()
    prompt = tab.page.get_by_label("你的提示词")
    prompt.fill("天空为什么是蓝色的？")
    prompt.press("Enter")
    wait_until_answered(tab)
    tab.page.get_by_role("button", name="平局").click()
    expect(tab.page.locator("[data-reveal]")).to_contain_text("平")
    assert Vote.objects.get().battle.language == "zh"
    assert tab.errors == []


def test_a_new_battle_starts_clean_after_the_reveal(live_models, desktop):
    desktop.open("/live/")
    ask(desktop)
    wait_until_answered(desktop)
    desktop.page.get_by_role("button", name="Both bad").click()
    expect(desktop.page.locator("[data-reveal] [data-new]")).to_be_focused()
    desktop.page.keyboard.press("Enter")
    expect(desktop.page.locator(".turn-question")).to_have_count(0)
    expect(desktop.page.get_by_label("Your prompt")).to_be_focused()
    expect(desktop.page.locator("[data-panes]")).not_to_contain_text("Zq")


@pytest.mark.one_round
def test_html_in_a_prompt_and_in_an_answer_is_text(live_models, desktop):
    for name in NAMES:
        live_models.texts[name] = "<img src=x onerror=alert(1)> <script>alert(2)</script> end."
    desktop.open("/live/")
    ask(desktop, "<script>alert(3)</script>")
    wait_until_answered(desktop)
    assert desktop.page.locator("[data-panes] script, [data-panes] img").count() == 0
    expect(desktop.page.locator("[data-pane=left]")).to_contain_text("<script>alert(3)</script>")
    assert desktop.errors == []


@pytest.mark.one_round
def test_an_overlong_prompt_is_refused_and_stays_in_the_field(live_models, desktop):
    desktop.open("/live/")
    ask(desktop, "x" * 30_001)
    expect(desktop.page.locator("[data-note]")).to_contain_text("30001")
    assert len(desktop.page.get_by_label("Your prompt").input_value()) == 30_001


def test_without_consent_the_prompt_comes_back(live_models, desktop):
    desktop.open("/live/")
    desktop.page.get_by_label("Your prompt").fill("Private?")
    desktop.page.keyboard.press("Enter")
    expect(desktop.page.locator("[data-note]")).to_contain_text("agree")
    expect(desktop.page.get_by_label("Your prompt")).to_have_value("Private?")
    expect(desktop.page.locator(".turn-question")).to_have_count(0)


def test_side_by_side_shows_the_chosen_names(live_models, desktop):
    desktop.open("/side-by-side/")
    ask(desktop)
    wait_until_answered(desktop)
    expect(desktop.page.locator("[data-pane=left] [data-name]")).to_have_text("Zqamber")
    desktop.page.get_by_role("button", name="Left is better").click()
    expect(desktop.page.locator("[data-reveal]")).to_contain_text("not counted")


def test_direct_chat_has_one_answer_and_no_vote(live_models, desktop):
    desktop.open("/chat/")
    ask(desktop)
    expect(desktop.page.locator("[data-pane=left] .prose")).to_have_count(1)
    assert desktop.page.locator("[data-votes]").count() == 0
    assert not Battle.objects.exists()


@pytest.mark.one_round
def test_without_endpoints_the_page_points_to_stored_answers(db, policy, desktop):
    desktop.open("/live/")
    expect(desktop.page.get_by_text("No live models yet")).to_be_visible()


@pytest.fixture
def two_tabs(live_models, open_tab):
    """A battle to vote on, and another page in the same browser."""
    first = open_tab()
    first.open("/live/")
    ask(first)
    wait_until_answered(first)
    return first, open_tab(context=first.page.context)


def new_battle(tab):
    tab.page.locator("[data-new]:visible").first.click()
    expect(tab.page.locator(".reply")).to_have_count(0)


def test_who_signs_in_in_another_tab_goes_on_for_the_account(two_tabs, django_user_model):
    first, second = two_tabs
    user = django_user_model.objects.create_user("alice")
    Voter.objects.create(key="account", user=user)
    sign_in(second, user)
    first.page.get_by_role("button", name="Left is better").click()
    expect(first.page.locator("[data-reveal]")).to_be_visible()
    new_battle(first)
    ask(first, "And why red?")
    wait_until_answered(first)
    first.page.get_by_role("button", name="Right is better").click()
    expect(first.page.locator("[data-reveal]")).to_be_visible()
    assert user.voter.votes.count() == 2
    expect(second.open("/my-votes/").page.locator("tbody tr")).to_have_count(2)
    assert first.errors == []


def test_after_signing_out_in_another_tab_a_new_battle_asks_to_reload(
    live_models, open_tab, django_user_model
):
    first = open_tab()
    sign_in(first, django_user_model.objects.create_user("alice"))
    first.open("/live/")
    ask(first)
    wait_until_answered(first)
    second = open_tab(context=first.page.context).open("/my-votes/")
    sign_out(second)
    first.page.get_by_role("button", name="Left is better").click()
    expect(first.page.locator("[data-reveal]")).to_be_visible()
    first.page.locator("[data-new]:visible").first.click()
    expect(first.page.locator("[data-note]")).to_contain_text("reload it")
    first.page.reload()
    ask(first, "And why red?")
    wait_until_answered(first)
    first.page.get_by_role("button", name="Left is better").click()
    expect(first.page.locator("[data-reveal]")).to_be_visible()
    assert sorted(v.voter.user_id is None for v in Vote.objects.all()) == [False, True]
    assert first.errors == []


def test_after_removing_ones_data_in_another_tab_the_page_asks_to_reload(two_tabs):
    first, second = two_tabs
    second.open("/privacy/").page.get_by_role("button", name="Remove my data").click()
    second.page.get_by_role("button", name="Remove", exact=True).click()
    expect(second.page.get_by_text("Done.")).to_be_visible()
    note = first.page.locator("[data-note]")
    first.page.get_by_role("button", name="Left is better").click()
    expect(note).to_contain_text("reload it")
    first.page.locator("[data-new]:visible").first.click()
    expect(note).to_contain_text("reload it")
    first.page.reload()
    ask(first)
    wait_until_answered(first)
    assert not Vote.objects.exists()
    assert first.errors == []
