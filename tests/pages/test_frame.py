"""The frame around every page: what is offered to whom, and what a browser may run."""

import re
from types import SimpleNamespace

import pytest
from django.contrib.auth import get_user_model
from django.template import Context, Template
from django.test import RequestFactory
from django.urls import reverse

from arena.templatetags import navigation
from arena.templatetags.navigation import Section


@pytest.fixture
def staff(db):
    return get_user_model().objects.create_user("alice", password="secret-alice", is_staff=True)


def site_navigation(path, *, is_staff):
    request = RequestFactory().get(path)
    request.user = SimpleNamespace(is_staff=is_staff)
    return navigation.site_navigation(Context({"request": request}))["links"]


def test_a_section_that_is_not_installed_is_left_out(monkeypatch):
    monkeypatch.setattr(navigation, "SECTIONS", (Section("no_such_page", "Nowhere"),))
    assert site_navigation("/", is_staff=True) == []


def test_a_staff_section_is_hidden_from_others(monkeypatch):
    monkeypatch.setattr(navigation, "SECTIONS", (Section("login", "In", staff_only=True),))
    assert site_navigation("/", is_staff=False) == []
    assert [link.href for link in site_navigation("/", is_staff=True)] == [reverse("login")]


@pytest.mark.parametrize(
    ("path", "current"), [("/login/", "page"), ("/login/more/", "true"), ("/log", "")]
)
def test_the_present_section_is_marked(monkeypatch, path, current):
    monkeypatch.setattr(navigation, "SECTIONS", (Section("login", "In"),))
    assert site_navigation(path, is_staff=False)[0].current == current


@pytest.mark.parametrize("page", ["rate_answer", "live_battle", "direct_chat", "my_votes"])
def test_every_way_to_vote_belongs_to_its_section(page):
    links = site_navigation(reverse(page), is_staff=False)
    assert [link.href for link in links if link.current] == [reverse("vote")]


def test_the_gallery_is_hidden_from_visitors(client, db):
    assert client.get("/style/").status_code == 404


def test_the_gallery_is_open_to_staff(client, staff):
    client.force_login(staff)
    page = client.get("/style/").content.decode()
    assert page.count("data-chart ") == 3


def test_no_page_carries_a_script_or_handler_of_its_own(client, staff):
    client.force_login(staff)
    page = client.get("/style/").content.decode()
    inline = re.findall(r"<script(?![^>]*(?:src=|application/json))[^>]*>", page)
    assert inline == []
    assert not re.search(r"<[^>]*\son\w+=", page)
    assert "javascript:" not in page


def test_pages_forbid_inline_scripts_and_eval(client, db):
    policy = client.get("/login/").headers["Content-Security-Policy"]
    scripts = next(part for part in policy.split("; ") if part.startswith("script-src"))
    assert scripts == "script-src 'self'"


def test_pages_forbid_inline_style_elements(client, db):
    policy = client.get("/login/").headers["Content-Security-Policy"]
    styles = [part for part in policy.split("; ") if part.startswith("style-src")]
    assert sorted(styles) == ["style-src 'self'", "style-src-attr 'unsafe-inline'"]


def test_htmx_is_told_to_do_without_eval_and_inline_styles(client, db):
    page = client.get("/login/").content.decode()
    assert '"allowEval": false' in page
    assert '"includeIndicatorStyles": false' in page


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_the_page_says_its_language(client, db, language):
    page = client.get("/login/", headers={"accept-language": language}).content.decode()
    assert f'<html lang="{language}">' in page


def test_a_missing_page_explains_itself_and_leads_back(client, db):
    response = client.get("/nowhere/")
    assert response.status_code == 404
    assert "There is nothing at this address" in response.content.decode()


@pytest.mark.parametrize("name", ["400", "403", "403_csrf", "404", "500"])
def test_an_error_page_needs_nothing_from_the_request(name):
    assert "<h1>" in Template(f'{{% include "{name}.html" %}}').render(Context())


@pytest.mark.parametrize(
    ("value", "expected"), [(1200.0, "1,200"), (0.25, "0.25"), (-3.0, "-3"), (None, "")]
)
def test_a_compact_number_has_no_idle_decimals(value, expected):
    template = Template("{% load figures %}{{ value|compact_number }}")
    assert template.render(Context({"value": value})) == expected


def test_progress_shows_failures_as_a_part_of_their_own():
    template = Template("{% load figures %}{% progress done=3 failed=1 running=2 total=8 %}")
    bar = template.render(Context())
    assert 'aria-valuenow="50"' in bar
    assert 'class="progress-failed" style="width: 12.5%"' in bar
    assert "3 of 8 done" in bar


def test_progress_of_nothing_is_complete():
    bar = Template("{% load figures %}{% progress done=0 total=0 %}").render(Context())
    assert 'aria-valuenow="100"' in bar


def test_a_split_bar_tells_its_counts_in_words():
    bar = Template("{% load figures %}{% split_bar model_a=3 tie=1 model_b=4 %}").render(Context())
    assert 'aria-label="A is better: 3, tie: 1, B is better: 4"' in bar
    assert 'style="width: 37.5%"' in bar


def test_the_pages_of_rows_wear_the_same_clothes_and_lead_back(admin_client):
    text = admin_client.get("/admin/").content.decode()
    assert "agon/css/admin.css" in text
    assert 'href="/console/"' in text
