"""What is pressed twice counts once, whatever came meanwhile; what a thumb presses is large."""

import datetime as dt
import re

import pytest
from django.db.models import F
from playwright.sync_api import expect

from arena.live import rooms
from arena.models import Ballot, Endpoint, LanguageModel, SatisfactionRating, Vote
from tests.arena.voting.browser.conftest import DESKTOP, PHONE

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
NAMES = ("zqamber", "zqbirch")
TOUCH_PX = 44
PRESSED = "main :is(button, summary, select, a, .chip)"
TOO_SMALL = """([pressed, least]) => [...document.querySelectorAll(pressed)]
    .filter((one) => one.checkVisibility() && !one.closest(".prose, .vote-note"))
    .map((one) => [one.textContent.trim() || one.tagName, one.getBoundingClientRect().height])
    .filter(([, height]) => height && height < least - 0.5)"""


@pytest.fixture
def battles(question_set, make_model, make_answer, policy):
    for name in NAMES:
        model = make_model(name, display_name=name.title())
        for question in question_set.questions.all():
            make_answer(model, question, f"An answer that ends on {name[2]}.")


@pytest.fixture
def live_models(model_server, policy):
    endpoint = Endpoint.objects.create(
        slug="local", name="local", base_url=model_server.url, max_attempts=1
    )
    for name in NAMES:
        model_server.texts[name] = "A few words."
        LanguageModel.objects.create(slug=name, display_name=name.title(), endpoint=endpoint)


@pytest.fixture
def live_tab(live_models, open_tab):
    """A live battle to vote on, with what the browser sent."""

    def open_(size=DESKTOP):
        tab = open_tab(size)
        tab.sent = []
        tab.page.on(
            "websocket",
            lambda socket: socket.on("framesent", lambda frame: tab.sent.append(str(frame))),
        )
        tab.page.add_init_script(
            "const Real = WebSocket; window.WebSocket = class extends Real { constructor(url) {"
            " super(url); window.latest = this; if (window.isCutOff) this.close(); } };"
        )
        tab.open("/live/").page.locator("[data-agree]").check()
        tab.page.get_by_label("Your prompt").fill("Why is the sky blue?")
        tab.page.keyboard.press("Enter")
        expect(tab.page.locator("[data-said]")).to_contain_text("Both answers are complete")
        tab.page.keyboard.press("Escape")
        return tab

    return open_


def double_click(tab, button):
    """Wherever the second click lands: the button may be gone by then."""
    box = button.bounding_box()
    tab.page.mouse.dblclick(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)


def test_a_double_click_on_the_next_battle_does_not_vote_on_it(battles, desktop):
    desktop.open("/vote/")
    desktop.page.keyboard.press("t")
    following = desktop.page.get_by_role("link", name="Next battle")
    expect(following).to_be_visible()
    double_click(desktop, following)
    expect(desktop.page.get_by_role("button", name="Tie")).to_be_visible()
    desktop.page.keyboard.press("b")
    expect(desktop.page.locator("[data-reveal]")).to_contain_text("Neither")
    assert sorted(Vote.objects.values_list("outcome", flat=True)) == ["both_bad", "tie"]


def test_after_a_day_the_battles_in_hand_are_not_offered_either(battles, desktop):
    with desktop.page.expect_response("**/vote/next/*"):
        desktop.open("/vote/")
    Ballot.objects.update(drawn_at=F("drawn_at") - dt.timedelta(hours=25))
    old = set(Ballot.objects.values_list("token", flat=True))
    shown = desktop.page.locator("[name=token]")
    first = shown.input_value()
    desktop.page.keyboard.press("t")
    expect(desktop.page.get_by_text("open for too long")).to_be_visible()
    expect(shown).not_to_have_value(first)
    assert shown.input_value() not in old


@pytest.mark.one_round
def test_a_vote_from_before_the_script_was_there_goes_on_to_what_was_asked_for(battles, desktop):
    desktop.page.route("**/vote/next/*", lambda route: route.abort())
    desktop.open("/vote/?language=en")
    desktop.page.evaluate(
        "const form = document.querySelector('[data-ballot]'); form.append(Object.assign("
        "document.createElement('input'), { name: 'choice', value: 'tie' })); form.submit()"
    )
    expect(desktop.page.locator("[data-reveal]")).to_be_visible()
    desktop.page.wait_for_load_state()  # the script listens by then
    desktop.page.keyboard.press("n")
    expect(desktop.page).to_have_url(re.compile(r"/vote/\?language=en$"))


@pytest.mark.one_round
def test_a_double_click_rates_one_answer_and_tells_who_wrote_it(battles, desktop):
    desktop.open("/rate/")
    fourth = desktop.page.get_by_role("button", name="mostly")
    box = fourth.bounding_box()
    desktop.page.mouse.move(box["x"] + 20, box["y"] + 20)
    desktop.page.mouse.down()
    with desktop.page.expect_navigation():
        desktop.page.mouse.up()
    desktop.page.mouse.down(click_count=2)
    desktop.page.mouse.up(click_count=2)
    expect(desktop.page.get_by_text("1 rating, thank you")).to_be_visible()
    desktop.page.keyboard.press("2")
    expect(desktop.page.get_by_text("you gave 2 of 5")).to_be_visible()
    assert SatisfactionRating.objects.filter(score__isnull=False).count() == 2


@pytest.mark.one_round
def test_a_key_pressed_twice_rates_once_and_tells_who_wrote_it(battles, desktop):
    desktop.open("/rate/")
    with desktop.page.expect_request(lambda request: request.method == "POST"):
        desktop.page.keyboard.press("4")
    desktop.page.keyboard.press("4")
    expect(desktop.page.get_by_text("you gave 4 of 5")).to_be_visible()


@pytest.mark.one_round
def test_a_live_vote_pressed_twice_is_sent_once_and_its_reveal_is_heard(live_tab):
    tab = live_tab()
    tab.page.evaluate(
        "for (const _ of [1, 2]) document.querySelector('[data-choice=left]').click()"
    )
    expect(tab.page.locator("[data-reveal]")).to_be_visible()
    expect(tab.page.locator("[data-said]")).to_have_text(
        re.compile(r"^You preferred Zq\w+ to Zq\w+\.$")
    )
    assert sum('"vote"' in frame for frame in tab.sent) == 1


@pytest.mark.one_round
def test_a_double_click_on_a_live_vote_leaves_the_names_on_the_screen(live_tab):
    tab = live_tab()
    tab.page.keyboard.press("ArrowLeft")
    begin = tab.page.locator("[data-reveal] [data-new]")
    begin.dispatch_event("click", {"detail": 2})
    expect(begin).to_be_visible()
    begin.click()
    expect(begin).to_be_hidden()
    assert sum('"open"' in frame for frame in tab.sent) == 2


@pytest.mark.one_round
def test_a_connection_that_was_given_up_is_taken_up_by_the_next_press(live_tab, monkeypatch):
    monkeypatch.setattr(rooms, "GRACE_S", 3600.0)
    tab = live_tab()
    tab.page.clock.install()
    tab.page.evaluate("window.isCutOff = true; latest.close()")
    said = tab.page.locator("[data-said]")
    expect(said).to_contain_text("The connection dropped")
    for _ in range(200):
        tab.page.clock.run_for(5000)
        if "cannot be reached" in said.inner_text():
            break
        tab.page.wait_for_function("latest.readyState === WebSocket.CLOSED")
    expect(tab.page.locator("[data-note]")).to_contain_text("cannot be reached")
    tab.page.evaluate("window.isCutOff = false")
    tab.page.keyboard.press("ArrowLeft")
    expect(tab.page.locator("[data-reveal]")).to_be_visible()
    assert Vote.objects.count() == 1


@pytest.mark.one_round
def test_what_a_thumb_presses_is_large_enough(battles, phone):
    for address in ("/vote/", "/rate/"):
        phone.open(address).page.locator("summary").tap()
        assert phone.page.evaluate(TOO_SMALL, [PRESSED, TOUCH_PX]) == []


@pytest.mark.one_round
def test_what_a_thumb_presses_in_a_live_battle_is_large_enough(live_tab):
    tab = live_tab(PHONE)
    expect(tab.page.get_by_role("button", name="Edit").first).to_be_visible()
    tab.page.locator("summary").tap()
    assert tab.page.evaluate(TOO_SMALL, [PRESSED, TOUCH_PX]) == []
