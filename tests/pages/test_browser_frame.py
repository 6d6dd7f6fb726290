"""The pages in Chromium: desk and phone, light and dark, under the Content-Security-Policy."""

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from arena.models import Outcome, Vote
from tests.pages.conftest import PHONE

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.one_round]


@pytest.fixture
def paths(question_set, make_battle, alpha, beta):
    """Addresses of all public pages, with something stored on each."""
    question = question_set.questions.first()
    battle = make_battle(question, alpha, beta)
    Vote.objects.create(battle=battle, outcome=Outcome.TIE)
    return [
        *(reverse(name) for name in ("home", "question_list", "question_set_list", "model_list")),
        reverse("battle_list"),
        reverse("question_detail", args=[question.pk]),
        reverse("model_detail", args=["alpha"]),
        reverse("battle_detail", args=[battle.pk]),
        "/login/",
        "/nowhere/",
    ]


@pytest.mark.parametrize(
    ("scheme", "only"), [("light", None), ("dark", "color-contrast")], ids=["light", "dark"]
)
def test_no_page_has_an_accessibility_finding(paths, open_browser, axe_findings, scheme, only):
    """The dark pages differ in nothing but colours."""
    page = open_browser(bypass_csp=True, color_scheme=scheme)
    findings = {}
    for path in paths:
        if path != "/nowhere/":
            page.goto(path)
            findings[path] = axe_findings(page, only)
    assert {path: found for path, found in findings.items() if found} == {}


def test_no_page_is_wider_than_a_small_phone(paths, open_browser):
    page = open_browser(viewport=PHONE)
    too_wide = []
    for path in paths[:-1]:
        page.goto(path)
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            too_wide.append(path)
    assert too_wide == []


def test_charts_are_drawn_when_seen_without_eval_and_inline_styles(
    signed_in_as_staff, open_browser
):
    page = open_browser(cookies=signed_in_as_staff)
    page.goto("/style/")
    for figure in page.locator("[data-chart]").all():
        figure.scroll_into_view_if_needed()
        figure.locator("svg.main-svg").first.wait_for()
    expect(page.locator("[data-chart][data-drawn]")).to_have_count(3)
    assert page.locator("style").count() == 0
    layer = page.locator("svg.main-svg").first
    assert layer.evaluate("node => getComputedStyle(node).position") == "absolute"


def test_charts_take_their_colours_from_the_theme(signed_in_as_staff, open_browser):
    page = open_browser(cookies=signed_in_as_staff, color_scheme="light")
    page.goto("/style/")
    page.locator("[data-chart]").first.scroll_into_view_if_needed()
    page.locator("[data-chart][data-drawn]").first.wait_for()
    label = page.locator("[data-chart] .ytick text").first
    light = label.evaluate("node => node.style.fill")
    page.locator("[data-theme-toggle]").click()
    page.locator("[data-theme-toggle]").click()
    page.wait_for_function(
        "light => document.querySelector('[data-chart] .ytick text').style.fill !== light",
        arg=light,
    )


def test_the_chosen_colours_last(open_browser):
    page = open_browser(color_scheme="light")
    page.goto("/login/")
    page.locator("[data-theme-toggle]").click()
    page.locator("[data-theme-toggle]").click()
    page.reload()
    assert page.locator("html").get_attribute("data-theme") == "dark"
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(16, 20, 22)"


def test_the_menu_of_a_phone_opens_and_closes_by_keyboard(open_browser):
    page = open_browser(viewport=PHONE)
    page.goto("/")
    sections = page.locator("#site-nav")
    assert not sections.is_visible()
    page.locator("[data-nav-toggle]").press("Enter")
    assert sections.is_visible()
    page.keyboard.press("Escape")
    assert not sections.is_visible()


def test_the_first_tab_stop_skips_to_the_content(open_browser):
    page = open_browser()
    page.goto("/")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"


def test_the_language_is_switched_in_place(open_browser):
    page = open_browser()
    page.goto("/questions/?q=x")
    page.get_by_role("button", name="中文").click()
    page.wait_for_selector("html[lang=zh-hans]")
    assert page.url.endswith("/questions/?q=x")


def test_a_filter_changes_the_list_and_the_address_but_not_the_page(paths, open_browser):
    page = open_browser()
    page.goto("/questions/")
    page.evaluate("window.isStillTheSamePage = true")
    page.get_by_label("Category").select_option("math")
    page.wait_for_url("**/questions/?category=math")
    assert page.locator("#question-table tbody tr").count() == 3
    assert page.evaluate("window.isStillTheSamePage")


def test_typing_in_the_search_narrows_the_list(paths, open_browser):
    page = open_browser()
    page.goto("/questions/")
    page.get_by_label("Search").press_sequentially("Question 4")
    page.wait_for_url("**/questions/?q=Question%204")
    assert page.locator("#question-table tbody tr").count() == 1


def test_back_leads_to_the_list_as_it_was(paths, open_browser):
    page = open_browser()
    page.goto("/questions/")
    page.get_by_label("Category").select_option("math")
    page.wait_for_url("**/questions/?category=math")
    page.go_back()
    page.wait_for_url("**/questions/")
    page.wait_for_function("document.querySelectorAll('#question-table tbody tr').length === 6")


def test_a_table_sorts_by_a_column_and_the_address_keeps_the_order(make_model, open_browser):
    for slug, size in (("small", 7), ("large", 70), ("unknown", None), ("middle", 32)):
        make_model(slug, parameters_b=size)
    page = open_browser()
    page.goto("/models/")
    page.get_by_role("button", name="Parameters").click()
    names = page.locator("#model-table tbody th a")
    assert names.all_inner_texts() == ["Large", "Middle", "Small", "Unknown"]
    page.reload()
    assert names.all_inner_texts() == ["Large", "Middle", "Small", "Unknown"]


def test_a_dialog_opens_and_closes(signed_in_as_staff, open_browser):
    page = open_browser(cookies=signed_in_as_staff)
    page.goto("/style/")
    page.get_by_role("button", name="Open a dialog").click()
    assert page.get_by_role("dialog").is_visible()
    page.get_by_role("button", name="Cancel").click()
    assert not page.get_by_role("dialog").is_visible()
