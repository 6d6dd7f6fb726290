"""Live battles in Chromium, against a local OpenAI-compatible server."""

import re

import pytest
from playwright.sync_api import expect

from arena.models import Battle, Endpoint, Exclusion, LanguageModel, Vote

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


def wait_until_answered(tab, times=1):
    expect(tab.page.locator("[data-pane=left] .prose")).to_have_count(times, timeout=10_000)
    expect(tab.page.locator("[data-votes]")).to_be_visible()


def test_a_live_battle_from_prompt_to_reveal(live_models, desktop):
    desktop.open("/live/")
    ask(desktop)
    wait_until_answered(desktop)
    expect(desktop.page.locator("[data-pane=right] strong")).to_have_text("Bold")
    assert not any(name in desktop.everything for name in NAMES)
    desktop.page.get_by_role("button", name="Left is better").click()
    expect(desktop.page.locator("[data-reveal]")).to_contain_text(re.compile("Zqamber|Zqbirch"))
    for name in NAMES:
        expect(desktop.page.locator("[data-panes]")).to_contain_text(name.title())
    assert Vote.objects.get().draw_probability == 1
    assert desktop.errors == []


def test_text_appears_while_the_models_are_still_writing(live_models, desktop):
    live_models.pauses = dict.fromkeys(NAMES, 0.08)
    desktop.open("/live/")
    ask(desktop)
    expect(desktop.page.locator("[data-pane=left] .is-streaming .reply-text")).to_contain_text(
        "Bold"
    )
    expect(desktop.page.get_by_role("button", name="Stop")).to_be_visible()


def test_a_slow_and_a_fast_model_show_equally_much(live_models, desktop):
    live_models.pauses = {NAMES[0]: 0.0, NAMES[1]: 0.05}
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
    live_models.pauses = dict.fromkeys(NAMES, 0.1)
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
    expect(desktop.page.get_by_role("button", name="New battle")).to_be_visible()
    assert Battle.objects.get().exclusion == Exclusion.ERROR
    assert not any(name in desktop.everything for name in NAMES)


def test_a_dropped_connection_comes_back_to_the_same_battle(live_models, desktop):
    desktop.page.add_init_script(
        "const Real = WebSocket; window.sockets = []; window.WebSocket = class extends Real {"
        " constructor(url) { super(url); sockets.push(this); } };"
    )
    live_models.pauses = dict.fromkeys(NAMES, 0.05)
    desktop.open("/live/")
    ask(desktop)
    expect(desktop.page.locator("[data-pane=left] .reply-text")).to_contain_text("Bold")
    desktop.page.evaluate("sockets.at(-1).close()")
    wait_until_answered(desktop)
    assert desktop.page.evaluate("sockets.length") == 2
    text = desktop.page.locator("[data-pane=left] .prose").inner_text()
    assert text.startswith("Bold words")
    assert text.endswith("end.")
    desktop.page.get_by_role("button", name="Tie").click()
    expect(desktop.page.locator("[data-reveal]")).to_be_visible()


def test_a_new_battle_starts_clean_after_the_reveal(live_models, desktop):
    desktop.open("/live/")
    ask(desktop)
    wait_until_answered(desktop)
    desktop.page.get_by_role("button", name="Both bad").click()
    desktop.page.locator("[data-reveal] [data-new]").click()
    expect(desktop.page.locator(".turn-question")).to_have_count(0)
    expect(desktop.page.locator("[data-panes]")).not_to_contain_text("Zq")


def test_html_in_a_prompt_and_in_an_answer_is_text(live_models, desktop):
    for name in NAMES:
        live_models.texts[name] = "<img src=x onerror=alert(1)> <script>alert(2)</script> end."
    desktop.open("/live/")
    ask(desktop, "<script>alert(3)</script>")
    wait_until_answered(desktop)
    assert desktop.page.locator("[data-panes] script, [data-panes] img").count() == 0
    expect(desktop.page.locator("[data-pane=left]")).to_contain_text("<script>alert(3)</script>")
    assert desktop.errors == []


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


def test_a_live_battle_on_a_phone(live_models, phone):
    phone.open("/live/")
    ask(phone)
    wait_until_answered(phone)
    assert phone.page.evaluate("document.documentElement.scrollWidth") <= 390
    phone.page.get_by_role("button", name="Right is better").tap()
    expect(phone.page.locator("[data-reveal]")).to_be_visible()


@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_axe_finds_nothing_serious_in_a_live_battle(live_models, request, size):
    tab = request.getfixturevalue(size).open("/live/")
    ask(tab)
    wait_until_answered(tab)
    assert tab.serious_findings() == []


def test_without_endpoints_the_page_points_to_stored_answers(db, policy, desktop):
    desktop.open("/live/")
    expect(desktop.page.get_by_text("No live models yet")).to_be_visible()
