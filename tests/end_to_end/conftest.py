import pytest
from playwright.sync_api import expect

from tests.end_to_end.arena_process import ArenaProcess
from tests.end_to_end.identity_provider import (
    CLIENT_ID,
    CLIENT_SECRET,
    IdentityProvider,
    run_in_thread,
)

PASSWORD = "only-for-this-test-1"


PEOPLE = {
    # claims that must give nobody any rights here
    "ada-1": {"preferred_username": "ada", "is_staff": True, "roles": ["admin", "expert"]},
    "boss-2": {
        "preferred_username": "boss",
        "given_name": "Bo",
        "email": "boss@example.org",
        "email_verified": True,
    },
}


@pytest.fixture(scope="session")
def provider():
    """An organisation's OpenID Connect provider; told its client's address by ``arena``."""
    with run_in_thread(IdentityProvider(PEOPLE)) as server:
        yield server


@pytest.fixture(scope="session")
def arena(tmp_path_factory, provider):
    """One running arena with the demo and an administrator, shared by the tests of this folder."""
    process = ArenaProcess(
        tmp_path_factory.mktemp("arena"),
        DJANGO_SUPERUSER_PASSWORD=PASSWORD,
        PYTHONWARNINGS="",
        OIDC_SERVER_URL=provider.url,
        OIDC_CLIENT_ID=CLIENT_ID,
        OIDC_CLIENT_SECRET=CLIENT_SECRET,
    )
    provider.redirect_uri = f"{process.url}/accounts/oidc/oidc/login/callback/"
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
    expect(page.get_by_title("Signed in as boss")).to_be_visible()
    return page
