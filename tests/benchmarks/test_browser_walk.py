"""Chromium: upload questions, run two tiny models on them, open a wrong sample, compare."""

import re

import pytest
from playwright.sync_api import expect

from benchmarks.harness.catalogue import kept_file
from tests.benchmarks.tiny import save_checkpoint
from tests.end_to_end.arena_process import ArenaProcess

pytestmark = [pytest.mark.browser, pytest.mark.slow]
PASSWORD = "only-for-this-test-1"
PATIENCE_MS = 120_000  # the worker imports torch and loads the model meanwhile


@pytest.fixture(scope="module")
def arena(tmp_path_factory):
    home = tmp_path_factory.mktemp("arena")
    process = ArenaProcess(home, DJANGO_SUPERUSER_PASSWORD=PASSWORD, PYTHONWARNINGS="")
    # lm-eval's list, which these pages do not need, would be read beside for half a minute
    kept = kept_file(home / "benchmarks")
    kept.parent.mkdir()
    kept.write_text("[]")
    try:
        process.start()
        process.command(
            "createsuperuser", "--noinput", "--username", "boss", "--email", "boss@example.org"
        )
        yield process
    finally:
        process.close()


@pytest.fixture
def page(arena, chromium, db):
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    tab = context.new_page()
    complaints = []
    tab.on("console", lambda told: told.type == "error" and complaints.append(told.text))
    tab.on("pageerror", lambda error: complaints.append(str(error)))
    tab.goto(f"{arena.url}/login/")
    tab.fill("input[name=username]", "boss")
    tab.fill("input[name=password]", PASSWORD)
    tab.click("main button")
    expect(tab.get_by_title("Signed in as boss")).to_be_visible()
    yield tab
    context.close()
    assert complaints == []


def questions():
    lines = ["question,A,B,C,D,answer,category"]
    lines += [
        f"Which is number {i}?,one {i},two,three,four,{'ABCD'[i % 4]},c{i % 2}" for i in range(12)
    ]
    return "\n".join(lines).encode()


def launch(arena, page, checkpoint):
    page.goto(f"{arena.url}/benchmarks/new/")
    page.fill("input[name=model]", str(checkpoint))
    page.check("input[name=question_files]")
    page.select_option("select[name=precision]", "fp32")
    page.click("#launch-form button[value=forecast]")
    expect(page).to_have_url(re.compile(r"/benchmarks/runs/\d+/"))
    forecast = page.locator("#run-scores")
    expect(forecast).to_contain_text("has not been asked anything yet", timeout=PATIENCE_MS)
    expect(forecast.locator(".stats")).to_contain_text("12")
    url = page.url
    page.click("#run-scores button.button-primary")
    # the next address would break the request off
    expect(page.locator("#run-scores button.button-primary")).to_have_count(0)
    return url


def test_questions_are_uploaded_run_watched_and_compared(arena, page, tmp_path):
    page.goto(f"{arena.url}/benchmarks/questions/")
    page.fill("input[name=name]", "Numbers")
    upload = {"name": "numbers.csv", "mimeType": "text/csv", "buffer": questions()}
    page.set_input_files("input[name=file]", upload)
    page.click("main form button.button-primary")
    expect(page).to_have_url(re.compile("/benchmarks/new/"))
    runs = [
        launch(arena, page, save_checkpoint(tmp_path / name, seed=seed))
        for seed, name in enumerate(("first-model", "second-model"))
    ]
    # both are under way together, on one processor
    for url in runs:
        page.goto(url)
        scores = page.locator("#run-scores")
        expect(scores).to_contain_text("completed", timeout=PATIENCE_MS)
        expect(scores).to_contain_text("12 / 12")
    page.click("#run-scores table a >> nth=0")
    page.select_option("#show", "wrong")
    expect(page).to_have_url(re.compile("show=wrong"))
    page.click("#sample-list tbody a >> nth=0")
    expect(page.locator("main")).to_contain_text("Log-probability of each choice")
    expect(page.locator("main")).to_contain_text("Which is number")
    first, second = (url.rstrip("/").rpartition("/")[2] for url in runs)
    page.goto(f"{arena.url}/benchmarks/compare/?a={first}&b={second}")
    expect(page.locator("main table")).to_contain_text("see where they differ")
    page.goto(f"{arena.url}/benchmarks/")
    expect(page.locator("main table >> nth=0")).to_contain_text("first-model")
