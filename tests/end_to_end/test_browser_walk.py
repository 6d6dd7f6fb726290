"""A reader's way from a rating to the judge's words, and a judge run from the console."""

import re

import pytest
from playwright.sync_api import expect

from tests.conftest import PATIENCE_MS

pytestmark = [pytest.mark.browser, pytest.mark.slow]


# the fixture names the database, so that this runs once on each
@pytest.fixture(autouse=True)
def both_databases(db):
    return None


def test_from_the_board_to_the_judges_words(arena, page):
    page.goto(f"{arena.url}/boards/demo/")
    page.click("table >> text=Demo Athena")
    expect(page.locator("h1")).to_contain_text("Demo Athena")
    page.goto(f"{arena.url}/boards/demo/demo-athena/vs/demo-hermes/")
    page.click("main table tbody a >> nth=0")
    expect(page).to_have_url(re.compile(r"/battles/\d+/"))
    page.click("summary >> nth=0")
    expect(page.locator("details[open]").first).to_contain_text(re.compile(r"\[\["))


def test_a_cell_of_the_win_matrix_leads_to_its_battles(arena, page):
    page.goto(f"{arena.url}/boards/demo/")
    page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
    figure = page.locator("figure", has_text="Share of battles won")
    figure.locator("summary").click()
    figure.locator("a[href*='/vs/']").first.click()
    expect(page).to_have_url(re.compile(r"/vs/"))


def test_charts_are_drawn_under_the_policy(arena, page):
    page.goto(f"{arena.url}/boards/demo/")
    page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
    expect(page.locator("figure[data-drawn]").first).to_be_visible()


def test_a_judge_run_is_started_in_the_console_and_seen_to_finish(arena, staff_page):
    page = staff_page
    page.goto(f"{arena.url}/console/")
    page.click("text=Start a judge run")
    page.select_option("select[name=question_set]", label="Demo questions")
    page.select_option("select[name=judge]", label="Longest answer wins")
    page.select_option("select[name=mode]", "pairs")
    for box in page.locator("input[name=language_models]").all():
        box.check()
    expect(page.locator("#judge-plan")).to_contain_text("1,600")
    page.click("button[name=start]")
    expect(page).to_have_url(re.compile(r"/runs/judg\w+/\d+/"))
    expect(page.locator("#run-progress")).to_contain_text("completed", timeout=2 * PATIENCE_MS)
    assert page.locator("[role=progressbar]").get_attribute("aria-valuenow") == "100"
