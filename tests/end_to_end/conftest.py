import pytest

from tests.end_to_end.arena_process import ArenaProcess

PASSWORD = "only-for-this-test-1"


@pytest.fixture(scope="session")
def arena(tmp_path_factory):
    """One running arena with the demo and an administrator, shared by the tests of this folder."""
    process = ArenaProcess(
        tmp_path_factory.mktemp("arena"), DJANGO_SUPERUSER_PASSWORD=PASSWORD, PYTHONWARNINGS=""
    )
    try:
        process.start()
        process.command("load_demo")
        process.command(
            "createsuperuser", "--noinput", "--username", "boss", "--email", "boss@example.org"
        )
        yield process
    finally:
        process.close()


@pytest.fixture
def page(arena, chromium):
    """A fresh tab; a message on the console or an uncaught error fails the test."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    tab = context.new_page()
    complaints = []
    tab.on("console", lambda told: told.type == "error" and complaints.append(told.text))
    tab.on("pageerror", lambda error: complaints.append(str(error)))
    yield tab
    context.close()
    assert complaints == []


@pytest.fixture
def staff_page(arena, page):
    page.goto(f"{arena.url}/login/")
    page.fill("input[name=username]", "boss")
    page.fill("input[name=password]", PASSWORD)
    page.click("main button")
    return page
