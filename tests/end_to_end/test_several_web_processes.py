"""A live battle whose browser comes back to another web process, as behind a load balancer."""

import os

import pytest
from playwright.sync_api import expect

from tests.end_to_end.switch import switched_to
from tests.openai_server import OpenAIServer, run_in_thread

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(
        not os.environ.get("DATABASE_URL"), reason="an embedded arena has one web process"
    ),
]
WORDS = "word " * 400


@pytest.fixture(autouse=True)
def both_databases(db):
    return None


@pytest.fixture
def models(arena):
    """Two that write for ten seconds, each piece slower than a look at the page."""
    answering = OpenAIServer(reply=lambda _: f"{WORDS}end", chunk_delay_s=0.04)
    with run_in_thread(answering) as server:
        arena.shell(
            "from arena.models import *;"
            f"e = Endpoint.objects.create(slug='two', base_url='{server.url}/v1', api_key='k');"
            "[LanguageModel.objects.create(slug=s, display_name=s, endpoint=e)"
            " for s in ('zqamber', 'zqbirch')]"
        )
        yield server
        arena.shell(
            "from arena.models import *; Battle.objects.filter(origin='live').delete();"
            "Question.objects.filter(question_set__slug='live').delete();"
            "LanguageModel.objects.filter(slug__startswith='zq').delete();"
            "Endpoint.objects.filter(slug='two').delete()"
        )


@pytest.fixture
def switch(arena):
    with switched_to(arena.port) as line:
        yield line


@pytest.fixture
def tab(chromium):
    """Dropped connections are what these tests are about; only faults of our own code fail them."""
    context = chromium.new_context(viewport={"width": 390, "height": 844})
    page, faults = context.new_page(), []
    page.on("pageerror", lambda error: faults.append(str(error)))
    yield page
    context.close()
    assert faults == []


def written(tab):
    return tab.locator("[data-pane=left] .prose").inner_text().count("word")


def begin(tab, switch):
    tab.goto(f"{switch.url}/live/")
    agree = tab.locator("[data-agree]")
    if agree.count():  # asked for once
        agree.check()
    tab.get_by_label("Your prompt").fill("Say many words")
    tab.keyboard.press("Enter")
    expect(tab.locator("[data-pane=left] .prose")).to_contain_text("word word")


def vote_and_read_names(tab):
    expect(tab.locator("[data-votes]")).to_be_visible()
    tab.get_by_role("button", name="Left is better").click()
    expect(tab.locator("[data-panes]")).to_contain_text("zqamber")


def test_a_line_cut_in_mid_answer_goes_on_in_another_process(arena, models, switch, tab):
    begin(tab, switch)
    seen = written(tab)
    with arena.another_web_process() as switch.port:
        switch.cut()
        expect(tab.locator("[data-said]")).to_contain_text("Connected again")
        expect(tab.locator("[data-pane=left] .prose")).to_contain_text("end")
        assert written(tab) == 400 > seen
        vote_and_read_names(tab)
    assert arena.shell(
        "from arena.models import Vote; print(Vote.objects.filter(battle__origin='live').count())"
    ).endswith("1")


def test_a_page_reloaded_from_another_process_shows_the_same_battle(arena, models, switch, tab):
    begin(tab, switch)
    with arena.another_web_process() as switch.port:
        tab.reload()
        expect(tab.locator("[data-pane=left] .turn-words")).to_have_text("Say many words")
        expect(tab.locator("[data-pane=left] .prose")).to_contain_text("word word")
        tab.get_by_role("button", name="Stop").click()
        vote_and_read_names(tab)


def test_a_process_that_ends_takes_its_battle_along_and_a_new_one_begins(
    arena, models, switch, tab
):
    with arena.another_web_process() as switch.port:
        begin(tab, switch)
    switch.port = arena.port
    expect(tab.locator("[data-note]")).to_contain_text("a new one begins")
    expect(tab.locator("[data-pane=left] .reply")).to_have_count(0)
    begin(tab, switch)
