"""Boards in Chromium: usable with a keyboard, on a phone, and clean for assistive technology."""

from importlib.resources import files

import pytest

from leaderboard.services import take_snapshot

pytestmark = [pytest.mark.browser, pytest.mark.one_round]
PHONE, DESK = {"width": 390, "height": 844}, {"width": 1280, "height": 900}
PAGES = ("/boards/main/", "/boards/main/history/", "/boards/main/compare/", "/boards/main/embed/",
         "/boards/main/decisive/", "/methods/bradley_terry/", "/api/")  # fmt: skip


@pytest.fixture
def rated(transactional_db, board, votes):
    take_snapshot(board=board)
    votes[5].delete()
    return take_snapshot(board=board)


@pytest.fixture
def open_page(chromium, live_server, rated):
    """A page that logs an error, a violation of the security policy included, fails the test."""
    errors, contexts = [], []

    def open_(address, viewport=DESK):
        context = chromium.new_context(base_url=live_server.url, viewport=viewport)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
        page.goto(address)
        return page

    yield open_
    for context in contexts:
        context.close()
    assert errors == []


def axe_findings(page):
    page.evaluate(files("axe_playwright_python").joinpath("axe.min.js").read_text())
    run = "axe.run(document, {resultTypes: ['violations']}).then(result => result.violations)"
    violations = page.evaluate(run)
    return [
        (v["id"], v["nodes"][0]["html"][:200])
        for v in violations
        if v["impact"] in {"moderate", "serious", "critical"}
    ]


@pytest.mark.parametrize("address", PAGES)
def test_axe_finds_nothing_and_nothing_spills_over_a_phone(open_page, address):
    page = open_page(address, PHONE)
    assert axe_findings(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def column_shown(page, label):
    cells = page.locator(f".board-table tbody td[data-label='{label}']")
    return [float(text.split()[0]) for text in cells.all_inner_texts()]


def test_a_board_is_sorted_on_a_phone_where_there_are_no_heads_to_press(open_page):
    page = open_page("/boards/main/", PHONE)
    choice = page.get_by_label("Sort by")
    assert column_shown(page, "Battles") != sorted(column_shown(page, "Battles"), reverse=True)
    choice.select_option(label="Battles")
    assert column_shown(page, "Battles") == sorted(column_shown(page, "Battles"), reverse=True)
    page.reload()
    assert choice.locator("option:checked").inner_text() == "Battles"
    choice.select_option(label="Rating")
    assert column_shown(page, "Rating") == sorted(column_shown(page, "Rating"), reverse=True)


def test_filters_fold_on_a_phone_and_say_how_many_are_chosen(open_page):
    page = open_page("/boards/main/?category=math", PHONE)
    toggle, category = page.get_by_role("button", name="Filters (1)"), page.get_by_label("Category")
    assert not category.is_visible()
    assert page.get_by_label("Search").is_visible()
    toggle.click()
    assert toggle.get_attribute("aria-expanded") == "true"
    category.select_option("")
    page.get_by_role("button", name="Filters", exact=True).click()
    assert not category.is_visible()


def test_a_desk_shows_all_filters(open_page):
    page = open_page("/boards/main/")
    assert page.get_by_label("Category").is_visible()
    assert not page.get_by_role("button", name="Filters").is_visible()


def test_a_desk_has_heads_to_press_and_no_choice(open_page):
    assert not open_page("/boards/main/").get_by_label("Sort by").is_visible()


def test_a_board_can_be_searched_and_sorted_from_the_keyboard(open_page):
    page = open_page("/boards/main/")
    page.focus("#filter-q")
    page.keyboard.type("bet")
    page.wait_for_selector("tbody tr:only-child")
    assert "q=bet" in page.url
    page.fill("#filter-q", "")
    page.wait_for_selector("tbody tr:nth-child(3)")
    page.focus("th:nth-child(2) button")
    page.keyboard.press("Enter")
    assert page.inner_text("tbody tr:first-child th").startswith("Alpha")
    assert "sort=1" in page.url


def test_switching_who_decides_keeps_the_rest_of_the_address(open_page):
    page = open_page("/boards/main/?category=math")
    page.click("text=People")
    page.wait_for_url("**/boards/main/?category=math&source=people")
    assert page.get_attribute("text=People", "aria-current") == "page"


def test_charts_are_drawn_with_their_tables(open_page):
    page = open_page("/boards/main/")
    page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
    page.wait_for_selector("[data-chart][data-drawn]")
    assert page.locator("[data-chart] table").count() >= 4
