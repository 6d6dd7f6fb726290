from importlib.resources import files

import pytest

PHONE = {"width": 360, "height": 740}
DESK = {"width": 1280, "height": 900}


@pytest.fixture
def open_browser(chromium, live_server):
    """Opens a page of the site in a browser of its own.

    A page that logs an error, a violation of the Content-Security-Policy included, fails the test.
    """
    errors, contexts = [], []

    def open_page(*, cookies=(), **options):
        context = chromium.new_context(base_url=live_server.url, **{"viewport": DESK, **options})
        contexts.append(context)
        context.add_cookies(
            [{"name": name, "value": value, "url": live_server.url} for name, value in cookies]
        )
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert errors == []


@pytest.fixture
def signed_in_as_staff(admin_client, settings):
    """Cookies of a staff session."""
    cookie = admin_client.cookies[settings.SESSION_COOKIE_NAME]
    return [(settings.SESSION_COOKIE_NAME, cookie.value)]


@pytest.fixture
def axe_findings():
    """What axe-core finds that is of moderate impact or more; ``only`` names the one rule."""
    axe = files("axe_playwright_python").joinpath("axe.min.js").read_text()

    def find(page, only=None):
        page.evaluate(axe)
        # working out in full what a page does well would take as long as its faults
        options = {"resultTypes": ["violations"]} | ({"runOnly": [only]} if only else {})
        run = "options => axe.run(document, options).then(result => result.violations)"
        violations = page.evaluate(run, options)
        return [
            (finding["id"], finding["nodes"][0]["html"][:200])
            for finding in violations
            if finding["impact"] in {"moderate", "serious", "critical"}
        ]

    return find
