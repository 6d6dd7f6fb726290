"""Stored runs: started, refused, driven, stopped, found again after a death, compared."""

import datetime as dt
import shutil
import threading

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from arena.models import Endpoint
from speed.models import SpeedAction, SpeedAudit, SpeedPhase, SpeedRun, SpeedStatus
from speed.runner import run_to_end, scratch_plan
from speed.selectors import history, speed_of_models
from speed.services.comparing import compare_levels, compare_sides
from speed.services.driving import claim, claim_and_drive, work_folder
from speed.services.finishing import load_stamps
from speed.services.planning import check_ceilings
from speed.services.starting import start_speed_run, stop_speed_run
from speed.services.sweeping import sweep
from speed.spec import SpecError, spec_from_json
from speed.stamps import write_stamps
from speed.targets import TargetRefusedError
from speed.workloads import Recipe
from tests.speed.conftest import closed

pytestmark = pytest.mark.django_db(transaction=True)


def nothing(_run_id):
    """Sends no message: the test drives the run itself."""


@pytest.fixture(autouse=True)
def own_folder(settings, tmp_path, monkeypatch):
    settings.SPEED_WORK_DIR = tmp_path / "speed"
    monkeypatch.setattr("speed.services.driving.send_to_queue", nothing)
    monkeypatch.setattr("speed.services.sweeping.send_to_queue", nothing)


def spec_for(url="http://127.0.0.1:1/v1", **changes):
    values = {
        "targets": [{"url": url, "model": "mock"}],
        "load": {"levels": [4], "requests": 24},
        "workload": {"output_tokens": 8, "options": {"input_tokens": 8}},
    }
    return spec_from_json(values | changes)


def started(spec, **columns):
    return start_speed_run(spec=spec, send=nothing, **columns)


def measured(spec):
    return claim_and_drive(started(spec).pk)


@pytest.fixture
def quick(mock):
    mock.behave({"ttft_s": 0.01, "itl_s": 0.002})
    return mock


def test_a_run_ends_with_figures_and_its_stamps(quick):
    run = measured(spec_for(quick.url))
    row = run.phases.get()
    assert (run.status, run.status_detail) == (SpeedStatus.COMPLETED, "")
    assert (row.attempts, row.succeeded, row.failed) == (24, 24, 0)
    assert row.ttft_lower_s <= row.ttft_s <= row.ttft_upper_s
    assert len(load_stamps(row.stamps).requests) == 24
    assert run.environment["machine"]["cpus"] >= 1
    assert not work_folder(run).exists()


def test_a_run_leaves_its_lines_in_the_audit_log(quick, admin_user):
    run = started(spec_for(quick.url), created_by=admin_user)
    claim_and_drive(run.pk)
    lines = SpeedAudit.objects.filter(run=run).order_by("id")
    assert [line.action for line in lines] == [SpeedAction.STARTED, SpeedAction.FINISHED]
    assert lines[0].user == admin_user


@pytest.mark.parametrize(
    "url",
    ["http://169.254.169.254/v1", "http://metadata.google.internal/v1", "http://192.0.2.1/v1"],
)
def test_a_target_off_the_list_is_refused_and_the_refusal_kept(url):
    with pytest.raises(TargetRefusedError):
        started(spec_for(url))
    assert not SpeedRun.objects.exists()
    assert SpeedAudit.objects.get().action == SpeedAction.REFUSED


def test_a_registered_endpoint_is_allowed():
    Endpoint.objects.create(slug="e", name="E", base_url="http://192.0.2.1/v1")
    assert started(spec_for("http://192.0.2.1/v1")).status == SpeedStatus.QUEUED


def test_ceilings_count_every_turn_of_an_interleaved_run(settings):
    settings.SPEED_MAX_REQUESTS, settings.SPEED_MAX_DURATION_S = 50, 10
    sides = [{"url": "http://127.0.0.1:1/v1", "model": name} for name in "ab"]

    def check(**load):
        check_ceilings(spec_for(mode="interleaved", targets=sides, rounds=5, load=load))

    check(requests=5)
    with pytest.raises(SpecError, match="60"):
        check(requests=6)
    with pytest.raises(SpecError, match="SPEED_MAX_DURATION_S"):
        check(duration_s=1.5)


def test_a_new_option_left_at_its_default_does_not_break_a_series():
    assert spec_for().workload_key() == spec_for(tokenizer_path="").workload_key()
    stored = spec_for().model_dump(mode="json")
    del stored["load"]["cooldown"]
    assert spec_from_json(stored).workload_key() == spec_for().workload_key()


@pytest.mark.parametrize(
    ("load", "name"),
    [
        ({"levels": [9], "requests": 1}, "SPEED_MAX_CONCURRENCY"),
        ({"kind": "open", "levels": [9], "requests": 1}, "SPEED_MAX_RATE"),
        ({"levels": [1, 2], "duration_s": 6}, "SPEED_MAX_DURATION_S"),
        ({"levels": [1], "requests": 99}, "SPEED_MAX_REQUESTS"),
    ],
)
def test_ceilings_hold(settings, load, name):
    settings.SPEED_MAX_CONCURRENCY, settings.SPEED_MAX_RATE = 8, 8.0
    settings.SPEED_MAX_DURATION_S, settings.SPEED_MAX_REQUESTS = 10, 50
    with pytest.raises(SpecError, match=name):
        check_ceilings(spec_for(load=load))


def test_keys_are_never_stored(quick, make_model):
    endpoint = Endpoint.objects.create(
        slug="e", name="E", base_url=quick.url + "/v1", api_key="sk-very-secret"
    )
    make_model("alpha", endpoint=endpoint, provider_model="mock")
    run = measured(spec_for(targets=[{"slug": "alpha"}]))
    header = load_stamps(run.stamps.get()).header
    assert run.status == SpeedStatus.COMPLETED
    assert "sk-very-secret" not in f"{run.spec}{run.summary}{run.environment}{header}"


def test_only_one_run_goes_on_a_machine():
    first, second = started(spec_for()), started(spec_for())
    assert claim(first.pk) is not None
    assert claim(second.pk) is None
    second.refresh_from_db()
    assert second.status == SpeedStatus.QUEUED


def test_a_run_is_claimed_once():
    run = started(spec_for())
    assert claim(run.pk) is not None
    assert claim(run.pk) is None


def test_a_running_run_without_an_owner_is_rejected():
    run = started(spec_for())
    with pytest.raises(IntegrityError, match="owner"), transaction.atomic():
        SpeedRun.objects.filter(pk=run.pk).update(status=SpeedStatus.RUNNING)


def test_outcomes_that_do_not_add_up_are_rejected(quick):
    measured(spec_for(quick.url))
    with pytest.raises(IntegrityError, match="add_up"), transaction.atomic():
        SpeedPhase.objects.update(failed=3)


def test_a_waiting_run_can_be_stopped():
    run = started(spec_for())
    assert stop_speed_run(run=run)
    assert claim_and_drive(run.pk) is None
    assert not stop_speed_run(run=run)


def test_a_running_run_stops_and_keeps_what_it_measured(quick):
    run = started(spec_for(quick.url, load={"levels": [2], "duration_s": 600}))
    stopper = {}

    def stop_after_some(counters):
        if counters.completed > 20 and not stopper:
            stopper["thread"] = threading.Thread(target=stop_in_a_thread, args=(run,))
            stopper["thread"].start()

    ended = claim_and_drive(run.pk, stop_after_some)
    stopper["thread"].join()
    assert ended.status == SpeedStatus.STOPPED
    assert ended.phases.get().succeeded > 20


def stop_in_a_thread(run):
    from django.db import connections

    stop_speed_run(run=run)
    connections.close_all()


def test_a_server_that_is_not_there_is_counted_not_raised():
    run = measured(spec_for("http://127.0.0.1:1/v1", load={"levels": [1], "requests": 3}))
    row = run.phases.get()
    assert row.by_category == {"refused": 3}
    assert run.grade == "red"


def test_a_missing_prompt_file_fails_with_its_name():
    workload = {"name": "prompts", "options": {"path": "/nowhere.txt"}}
    run = measured(spec_for(workload=workload))
    assert run.status == SpeedStatus.FAILED
    assert "/nowhere.txt" in run.status_detail


def abandoned(run):
    """A claimed run whose driver is gone for good."""
    claim(run.pk)
    long_ago = timezone.now() - dt.timedelta(hours=1)
    SpeedRun.objects.filter(pk=run.pk).update(
        lease_owner="elsewhere:1:1/x", lease_expires_at=long_ago
    )
    run.refresh_from_db()


def test_the_run_of_a_dead_worker_is_finished_from_its_stamp_file(quick, tmp_path):
    run = started(spec_for(quick.url))
    abandoned(run)
    folder = work_folder(run) / "0"
    folder.mkdir(parents=True)
    from speed.plan import Target

    target = Target(quick.url + "/v1/chat/completions")
    recipe = Recipe(model="mock", count=5, output_tokens=4)
    with scratch_plan([target], [closed(12, 2)], recipe, "random") as plan:
        write_stamps(folder / "run.stamps", run_to_end(plan))
    assert sweep() == 1
    run.refresh_from_db()
    assert run.status == SpeedStatus.STOPPED
    assert "died" in run.status_detail
    assert run.phases.get().succeeded == 12


def test_the_run_of_a_dead_worker_without_a_file_has_failed():
    run = started(spec_for())
    abandoned(run)
    assert sweep() == 1
    run.refresh_from_db()
    assert run.status == SpeedStatus.FAILED
    assert sweep() == 0


def test_a_live_driver_is_left_alone():
    run = started(spec_for())
    claim(run.pk)
    assert sweep() == 0


def test_a_lost_message_is_sent_again(monkeypatch):
    sent = []
    monkeypatch.setattr("speed.services.sweeping.send_to_queue", sent.append)
    run = started(spec_for())
    sweep()
    assert sent == []
    SpeedRun.objects.update(enqueued_at=timezone.now() - dt.timedelta(minutes=5))
    sweep()
    sweep()
    assert sent == [run.pk]


def test_an_interleaved_run_compares_its_sides(quick, make_model):
    endpoint = Endpoint.objects.create(slug="e", name="E", base_url=quick.url + "/v1")
    for slug in ("alpha", "beta"):
        make_model(slug, endpoint=endpoint, provider_model=f"{slug}-served")
    run = measured(
        spec_for(
            mode="interleaved",
            targets=[{"slug": "alpha"}, {"slug": "beta"}],
            load={"levels": [2], "requests": 4},
            rounds=8,
        )
    )
    assert [row.name for row in run.phases.all()][:4] == ["A1", "B1", "B2", "A2"]
    sides = compare_sides(run)
    assert sides.is_fair
    assert sides.lines[0].comparison.lower is not None
    assert {row.language_model.slug for row in run.phases.all()} == {"alpha", "beta"}


def test_too_short_runs_are_not_enough_data(quick):
    run = measured(spec_for(quick.url))
    row = run.phases.get()
    sides = compare_levels(row, row)
    assert {line.comparison.outcome.value for line in sides.lines} == {"not enough data"}


def test_a_slower_second_run_of_equal_work_raises_an_alert(quick):
    spec = spec_for(quick.url, load={"levels": [8], "requests": 240})
    first = measured(spec)
    # so much slower that a machine with other work cannot have been as slow in the first run
    quick.behave({"ttft_s": 0.2, "itl_s": 0.002})
    second = measured(spec)
    assert first.summary["regressions"] == []
    alerts = {alert["metric"]: alert for alert in second.summary["regressions"]}
    assert alerts["ttft_p50"]["before"] == first.pk
    assert alerts["ttft_p50"]["relative_lower"] > 0.5
    assert [len(line.runs) for line in history()] == [2]


@pytest.mark.one_round
def test_a_search_finds_the_level_that_holds(quick):
    # a request is served within 0.12 s and three at a time: at eight, most wait longer than allowed
    quick.behave({"ttft_s": 0.02, "itl_s": 0.01, "capacity": 3})
    run = measured(
        spec_for(
            quick.url,
            mode="search",
            load={"levels": [2], "requests": 24},
            slo={"ttft_s": 0.08, "percent": 70},
            highest=8,
            workload={"output_tokens": 10, "options": {"input_tokens": 4}},
        )
    )
    found = run.summary["search"]
    held = {trial["level"]: trial["holds"] for trial in found["trials"]}
    assert run.status == SpeedStatus.COMPLETED
    assert held[2.0] == "yes"
    assert found["best"] in (2.0, 3.0, 4.0, 5.0)
    assert run.phases.count() == len(found["trials"])


@pytest.mark.one_round
def test_calibration_holds_reported_figures_against_the_truth():
    spec = spec_from_json(
        {
            "mode": "calibration",
            "targets": [],
            "load": {"levels": [2], "requests": 10},
            "workload": {"output_tokens": 6, "options": {"input_tokens": 4}},
        }
    )
    run = measured(spec)
    names = {item["metric"] for item in run.summary["calibration"]}
    assert names == {"ttft_s", "tpot_s"}
    assert all(abs(item["true"] - item["reported"]) < 0.1 for item in run.summary["calibration"])


def test_red_runs_never_reach_a_board(quick, make_model):
    endpoint = Endpoint.objects.create(slug="e", name="E", base_url=quick.url + "/v1")
    alpha = make_model("alpha", endpoint=endpoint, provider_model="mock")
    run = measured(spec_for(targets=[{"slug": "alpha"}]))
    SpeedPhase.objects.update(grade="amber")
    assert speed_of_models([alpha.pk])[alpha.pk].run_id == run.pk
    SpeedPhase.objects.update(grade="red")
    assert speed_of_models([alpha.pk]) == {}


def test_a_question_set_is_what_is_sent(quick, question_set):
    workload = {"name": "questions", "question_set": question_set.slug, "output_tokens": 4}
    run = measured(spec_for(quick.url, workload=workload))
    assert run.phases.get().succeeded == 24


def test_leftovers_of_an_earlier_try_do_not_matter(quick):
    run = started(spec_for(quick.url))
    (work_folder(run) / "0").mkdir(parents=True)
    assert claim_and_drive(run.pk).status == SpeedStatus.COMPLETED
    shutil.rmtree(work_folder(run), ignore_errors=True)
