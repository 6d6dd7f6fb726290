"""The pages about speed, and one walk through them in Chromium."""

import json
from dataclasses import replace

import pytest
from django.urls import reverse

from arena.models import Endpoint
from speed.generator.progress import Counters
from speed.models import SpeedAction, SpeedAudit, SpeedPhase, SpeedRun, SpeedStatus
from speed.selectors import live_state
from speed.services.driving import claim, claim_and_drive, sample_of
from speed.services.starting import start_speed_run
from speed.spec import spec_from_json
from tests.pages.conftest import (  # noqa: F401  # fixtures
    axe_findings,
    open_browser,
    signed_in_as_staff,
)

pytestmark = pytest.mark.django_db(transaction=True)
ALL = (
    *("speed_list", "speed_new", "speed_plan", "speed_compare", "speed_history", "speed_audit"),
    *("speed_users", "speed_run", "speed_phase", "speed_json", "speed_csv", "speed_html"),
)


@pytest.fixture(autouse=True)
def no_queue(settings, tmp_path, monkeypatch):
    settings.SPEED_WORK_DIR = tmp_path / "speed"
    monkeypatch.setattr("speed.services.starting.send_to_queue", lambda _: None)
    monkeypatch.setattr("speed.services.driving.send_to_queue", lambda _: None)


@pytest.fixture
def make_run(mock, make_model):
    """Measured runs of model alpha against a quick mock."""
    mock.behave({"ttft_s": 0.005, "itl_s": 0.001})
    endpoint = Endpoint.objects.create(slug="e", name="E", base_url=mock.url + "/v1")
    make_model("alpha", endpoint=endpoint, provider_model="mock")

    def make(is_driven=True, **changes):
        values = {
            "targets": [{"slug": "alpha"}],
            "load": {"levels": [2, 4], "requests": 16},
            "workload": {"output_tokens": 6, "options": {"input_tokens": 4}},
        }
        run = start_speed_run(spec=spec_from_json(values | changes), send=lambda _: None)
        return claim_and_drive(run.pk) if is_driven else run

    return make


FORM = {
    **{"mode": "load", "load": "closed", "levels": "1, 2", "requests": "5", "warmup_requests": "0"},
    **{"workload": "random", "input_tokens": "8", "output_tokens": "8", "highest": "8"},
    **{"url": "http://127.0.0.1:1/v1", "url_model": "m", "is_streamed": "on", "api": "chat"},
    **{"rounds": "4", "distribution": "poisson", "burstiness": "1", "ramp_s": "0"},
    **{"timeout_s": "5", "turns": "3", "think_s": "0", "prefix_tokens": "64", "spread": "0"},
    **{"slo_percent": "95"},
}


def address(name, run):
    arguments = {"speed_phase": [run.pk, 0]}
    per_run = {"speed_run", "speed_json", "speed_csv", "speed_html"}
    return reverse(name, args=arguments.get(name, [run.pk] if name in per_run else []))


def test_every_page_is_for_staff_only(client, make_run, admin_client, django_user_model):
    run = make_run(is_driven=False)
    user = django_user_model.objects.create_user("mallory")
    for name in (*ALL, "speed_list"):
        assert client.get(address(name, run)).status_code == 302
    client.force_login(user)
    for name in ALL:
        assert client.get(address(name, run)).status_code == 403
    for name in ("speed_stop", "speed_again"):
        assert client.post(reverse(name, args=[run.pk])).status_code == 403


def test_every_page_of_a_measured_run_opens(admin_client, make_run):
    run = make_run()
    for name in ALL:
        assert admin_client.get(address(name, run)).status_code == 200, name


def test_a_level_can_be_read_as_any_tool_would(admin_client, make_run):
    place = reverse("speed_phase", args=[make_run().pk, 0])
    for definition, figure in (("llmuses", "average_qps"), ("vllm", "tpot"), ("agon", "tpot_run")):
        page = admin_client.get(place, {"definition": definition}).content.decode().lower()
        assert figure in page


def test_the_calculator_says_when_data_do_not_suffice(admin_client, make_run):
    place = reverse("speed_phase", args=[make_run().pk, 0])
    page = admin_client.get(place, {"ttft_ms": 5000, "percent": 99}).content.decode()
    assert "not enough data" in page
    page = admin_client.get(place, {"ttft_ms": 5000, "percent": 50}).content.decode()
    assert "16 of 16 requests kept every limit" in page


def test_the_exports_hold_every_request_and_no_script(admin_client, make_run):
    run = make_run()
    report = json.loads(admin_client.get(address("speed_json", run)).content)
    lines = admin_client.get(address("speed_csv", run)).content.decode().splitlines()
    page = admin_client.get(address("speed_html", run)).content.decode()
    assert report["phases"][0]["definitions"].keys() >= {"agon", "llmuses", "vllm"}
    assert len(lines) == 1 + 32
    assert "<script" not in page
    assert page.count("<svg") == 3 + 2 * 3  # the sweep, and three charts of each level


def test_the_plan_is_shown_before_anything_is_sent(admin_client):
    page = admin_client.get(reverse("speed_plan"), FORM).content.decode()
    assert "2 at once" in page
    assert "10 requests, at most 80 output tokens" in page
    assert not SpeedRun.objects.exists()


def test_the_form_starts_a_run(admin_client, admin_user):
    answer = admin_client.post(reverse("speed_new"), {**FORM, "start": "1"})
    run = SpeedRun.objects.get()
    assert answer.url == reverse("speed_run", args=[run.pk])
    assert (run.status, run.created_by) == (SpeedStatus.QUEUED, admin_user)


@pytest.mark.parametrize(
    ("entered", "place", "value"),
    [
        ({"load": "open", "distribution": "gamma", "burstiness": "0.5"}, "load.burstiness", 0.5),
        ({"ramp_s": "3", "max_errors": "7"}, "load.max_errors", 7),
        ({"workload": "multi_turn", "turns": "4"}, "workload.options.turns", 4),
        ({"workload": "shared_prefix"}, "workload.options.prefix_tokens", 64),
        ({"spread": "0.5"}, "workload.options.distribution", "lognormal"),
        ({"workload": "prompts", "prompts": "One\n\nTwo"}, "workload.prompts", ["One", "Two"]),
        ({"mode": "search", "slo_ttft_ms": "250"}, "slo.ttft_s", 0.25),
        ({"mode": "search", "preset": "chat"}, "slo.preset", "chat"),
        ({"api": "completions"}, "targets.0.api", "completions"),
        (
            {"mode": "interleaved", "other_url": "http://127.0.0.1:2/v1", "other_url_model": "n"},
            "targets.1.model",
            "n",
        ),
    ],
)
def test_what_the_form_asks_for_reaches_the_run(admin_client, entered, place, value):
    admin_client.post(reverse("speed_new"), FORM | entered)

    found = SpeedRun.objects.get().spec
    for name in place.split("."):
        found = found[int(name) if name.isdigit() else name]
    assert found == value


def test_a_wrong_field_in_a_folded_part_is_shown(admin_client):
    page = admin_client.post(reverse("speed_new"), FORM | {"turns": "0"}).content.decode()

    assert '<details class="disclosure" open>' in page


def test_the_plan_warns_beyond_what_was_calibrated(admin_client, make_run):
    def plan(levels):
        page = admin_client.get(reverse("speed_plan"), FORM | {"levels": levels})
        return "self-calibration timed right" in page.content.decode()

    assert not plan("64")
    run = make_run()
    missed = {"phase": "4 at once", "metric": "ttft_s", "holds": False}
    SpeedRun.objects.filter(pk=run.pk).update(mode="calibration", summary={"calibration": [missed]})
    assert not plan("2")
    assert plan("4")


def test_a_preset_says_its_limits(admin_client):
    page = admin_client.get(reverse("speed_new")).content.decode()

    assert "chat · TTFT ≤ 200 ms · TPOT ≤ 50 ms · 99 %" in page


def test_a_level_says_what_it_costs(admin_client, make_run):
    run = make_run()
    address_of_level = reverse("speed_phase", args=[run.pk, 0])

    prices = {"per_million_input": "0", "per_million_output": "1000000", "win_share": "50"}
    costs = admin_client.get(address_of_level, prices).context["costs"]

    assert [value for _label, value in costs] == ["1,000,000", "0", "6", "12"]


def test_a_level_is_offered_for_comparison_with_its_target_and_grade(admin_client, make_run):
    run = make_run()

    page = admin_client.get(reverse("speed_compare"), {"a": run.phases.first().pk}).content.decode()

    assert f"#{run.pk} alpha · 2 at once" in page
    assert "selected" in page


def test_a_refused_target_is_told_and_kept(admin_client):
    values = {**FORM, "url": "http://169.254.169.254/v1", "start": "1"}
    page = admin_client.post(reverse("speed_new"), values).content.decode()
    assert "load is never sent there" in page
    assert SpeedAudit.objects.get().action == SpeedAction.REFUSED


def test_the_live_part_shows_counters_and_reloads_at_the_end(admin_client, make_run):
    run = make_run(is_driven=False)
    claim(run.pk)
    sample = {"at_s": 1.0, "phase": 0, "in_flight": 7, "done": 41, "failed": 0, "per_s": 5.0}
    SpeedRun.objects.update(progress={**sample, "ttft_s": 0.25, "samples": [sample, sample]})
    place, header = reverse("speed_run", args=[run.pk]), {"HX-Target": "speed-live"}
    page = admin_client.get(place, headers=header).content.decode()
    assert ">41<" in page.replace(" ", "")
    assert "250" in page
    SpeedRun.objects.update(status=SpeedStatus.STOPPED)
    assert admin_client.get(place, headers=header).headers["HX-Refresh"] == "true"


def test_the_live_curves_keep_the_last_wait_through_a_moment_without_answers(make_run):
    run = make_run(is_driven=False)
    before = Counters(elapsed_ns=10**9)
    answered = Counters(
        elapsed_ns=2 * 10**9, completed=4, reads=30, first_byte_count=2, first_byte_sum_ns=10**8
    )
    silent = replace(answered, elapsed_ns=3 * 10**9)
    run.progress = {
        "phase": 1,
        "samples": [sample_of(answered, before, 0), sample_of(silent, answered, 0)],
    }

    live = live_state(run)

    done, packages, _flying, waiting = live.curves
    assert live.level == "4 at once"
    assert (done.peak, packages.peak) == (4, 30)
    assert (done.newest, waiting.newest) == (0, 50)


def test_a_run_is_stopped_from_its_page(admin_client, make_run):
    run = make_run(is_driven=False)
    admin_client.post(reverse("speed_stop", args=[run.pk]))
    run.refresh_from_db()
    assert run.status == SpeedStatus.STOPPED


def test_two_levels_are_compared(admin_client, make_run):
    a, b = make_run().phases.all()
    page = admin_client.get(reverse("speed_compare"), {"a": a.pk, "b": b.pk}).content.decode()
    assert "not enough data" in page


def test_the_same_work_again_makes_a_series(admin_client, make_run):
    run = make_run()
    admin_client.post(reverse("speed_again", args=[run.pk]))
    claim_and_drive(SpeedRun.objects.order_by("-pk").first().pk)
    SpeedPhase.objects.update(grade="amber")
    SpeedRun.objects.update(grade="amber")
    page = admin_client.get(reverse("speed_history")).content.decode()
    assert "No alert" in page or "slower" in page


def test_the_list_takes_as_many_queries_for_many_runs(
    admin_client, make_run, django_assert_num_queries
):
    make_run(is_driven=False)
    with django_assert_num_queries(5):
        admin_client.get(reverse("speed_list"))
    for _ in range(4):
        make_run(is_driven=False)
    with django_assert_num_queries(5):
        admin_client.get(reverse("speed_list"))


def test_a_level_takes_four_queries(admin_client, make_run, django_assert_num_queries):
    run = make_run()
    with django_assert_num_queries(4):
        admin_client.get(reverse("speed_phase", args=[run.pk, 0]))


@pytest.mark.one_round
@pytest.mark.browser
def test_charts_are_drawn_and_the_pages_are_accessible(
    make_run,
    open_browser,  # noqa: F811
    signed_in_as_staff,  # noqa: F811
    axe_findings,  # noqa: F811
):
    run = make_run()
    waiting = make_run(is_driven=False)
    page = open_browser(cookies=signed_in_as_staff)
    page.goto(reverse("speed_phase", args=[run.pk, 0]))
    for figure in page.locator("[data-chart]").all():
        figure.scroll_into_view_if_needed()
        figure.locator("svg.main-svg").first.wait_for()
    page.goto(reverse("speed_new"))
    page.fill("input[name=url]", "http://127.0.0.1:1/v1")
    page.fill("input[name=url_model]", "m")
    page.locator("input[name=levels]").fill("3")
    page.locator("input[name=levels]").blur()
    page.get_by_text("3 at once").wait_for()
    page.goto(reverse("speed_run", args=[waiting.pk]))
    page.get_by_role("button", name="Stop").click()
    page.get_by_role("button", name="Measure again").wait_for()
    page.goto(reverse("speed_compare"))
    for name, place in (("a", 1), ("b", 2)):
        page.locator(f"select[name={name}]").select_option(index=place)
    page.get_by_role("button", name="Apply").click()
    page.get_by_role("table", name="Comparison").wait_for()
    audited = open_browser(cookies=signed_in_as_staff, bypass_csp=True)
    names = ("speed_list", "speed_new", "speed_run", "speed_phase", "speed_audit", "speed_users")
    findings = {}
    for name in names:
        audited.goto(address(name, run))
        findings[name] = axe_findings(audited)
    assert {name: found for name, found in findings.items() if found} == {}
