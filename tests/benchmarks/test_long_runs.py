"""A run of many tasks stays readable, on a phone too."""

import pytest
from django.urls import reverse

from tests.benchmarks.test_pages import exam_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.one_round]
PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}


@pytest.fixture
def long_run(alpha, finished_run):
    run = finished_run(alpha, [1, 1, 1, 0])
    exam_of(run, [f"college_level_subject_number_{n}" for n in range(59)])
    return run


def test_its_groups_come_first_and_its_parts_are_linked(client, long_run):
    page = client.get(reverse("benchmark_run", args=[long_run.pk])).text
    assert page.index('id="groups"') < page.index('id="scores"')
    for part in ("groups", "scores", "asked"):
        assert f'href="#{part}"' in page
        assert f'id="{part}"' in page


def test_a_short_run_has_no_links_to_its_parts(client, alpha, finished_run):
    run = finished_run(alpha, [1, 0])
    assert 'href="#scores"' not in client.get(reverse("benchmark_run", args=[run.pk])).text


@pytest.mark.browser
def test_on_a_phone_a_task_takes_two_lines_with_score_interval_and_samples(
    live_server, chromium, long_run
):
    context = chromium.new_context(**PHONE)
    page = context.new_page()
    page.goto(live_server.url + reverse("benchmark_run", args=[long_run.pk]))
    rows = page.locator("#scores tbody tr")
    heights = rows.evaluate_all("rows => rows.map(row => row.offsetHeight)")
    assert len(heights) == 60
    assert max(heights) < 100
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    for text in ("75.0", "30.1 – 95.4", "acc"):
        assert rows.first.get_by_text(text).last.is_visible()
    context.close()
