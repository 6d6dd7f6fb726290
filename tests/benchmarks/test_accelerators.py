"""Devices, their queues, and who works on what first."""

from io import StringIO

import pytest
from django.core.management import call_command

from arena.models import RunStatus, WorkStatus
from benchmarks import hardware
from benchmarks.models import BenchmarkRun, BenchmarkTask, Device, EngineKind, Sample
from benchmarks.routing import device_queue, route_task
from benchmarks.services import accelerators
from benchmarks.services.accelerators import next_run, report_device, wake_accelerators
from benchmarks.services.launching import prepare_and_start

LINES = (
    "0, NVIDIA H200, 143771, 512, 37, 570.86.15\n"
    "1, NVIDIA H200, 143771, 0, [N/A], 570.86.15\n"
    "a line that is not one\n"
)


def test_the_drivers_lines_become_devices():
    first, second = hardware.parse_nvidia(LINES)
    assert (first.slot, first.name, first.driver) == ("cuda:0", "NVIDIA H200", "570.86.15")
    assert first.memory_bytes == 143771 << 20
    assert (first.utilisation, second.utilisation) == (0.37, None)


def test_without_a_driver_the_processor_serves(monkeypatch):
    monkeypatch.setattr(hardware, "_nvidia_smi", lambda: "")
    (found,) = hardware.find_accelerators()
    assert found.kind == "cpu"
    assert found.memory_bytes > found.memory_used_bytes > 0


def test_visible_devices_are_respected(monkeypatch):
    monkeypatch.setattr(hardware, "_nvidia_smi", lambda: LINES)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    assert [gpu.slot for gpu in hardware.find_accelerators()] == ["cuda:1"]


def test_large_models_get_several_gpus_together():
    (pair,) = hardware.joined(hardware.parse_nvidia(LINES), 2)
    assert pair.slot == "cuda:0+1"
    assert pair.indices == ["0", "1"]
    assert pair.memory_bytes == 2 * (143771 << 20)


@pytest.fixture
def local_run(alpha):
    def make(priority=0, checkpoint="here"):
        run = BenchmarkRun.objects.create(
            language_model=alpha, engine=EngineKind.LOCAL, status=RunStatus.ACTIVE,
            model_args={"checkpoint": checkpoint}, priority=priority,
        )  # fmt: skip
        task = BenchmarkTask.objects.create(
            run=run, name="t", suite="own", protocol="native", primary_metric="acc,none",
            fingerprint_hash="x",
        )  # fmt: skip
        Sample.objects.create(run=run, task=task, index=0, requests={}, prompt_hash="x")
        return run

    return make


@pytest.mark.django_db
def test_local_runs_go_to_the_accelerators_queue_while_one_lives(local_run):
    run = local_run()
    message = ("arena.tasks.drive_run", ("benchmark", run.pk), {}, {})
    assert route_task(*message) is None
    report_device("host", hardware.processor())
    assert route_task(*message) == {"queue": "accelerators"}
    assert route_task("arena.tasks.drive_run", ("generation", 1), {}, {}) is None
    BenchmarkRun.objects.update(engine=EngineKind.ENDPOINT)
    assert route_task(*message) is None


@pytest.mark.django_db
def test_the_most_urgent_run_with_rows_is_next_and_the_loaded_model_among_equals(
    local_run, monkeypatch
):
    plain, loaded, urgent = local_run(), local_run(checkpoint="loaded"), local_run(priority=5)
    monkeypatch.setattr(accelerators, "loaded_checkpoint", lambda: "loaded")
    assert next_run() == urgent
    urgent.items().update(status=WorkStatus.DONE)
    assert next_run() == loaded
    loaded.items().update(status=WorkStatus.DONE)
    assert next_run() == plain
    plain.items().update(status=WorkStatus.DONE)
    assert next_run() is None


@pytest.mark.django_db
def test_every_living_device_is_woken_by_its_own_queue(
    monkeypatch, django_capture_on_commit_callbacks
):
    sent = []
    monkeypatch.setattr(
        "benchmarks.tasks.wake_accelerator.apply_async", lambda *, queue: sent.append(queue)
    )
    for gpu in hardware.parse_nvidia(LINES):
        report_device("host", gpu)
    with django_capture_on_commit_callbacks(execute=True):
        assert wake_accelerators() == 2
    assert sent == [device_queue("host", "cuda:0"), device_queue("host", "cuda:1")]


@pytest.mark.django_db
def test_reporting_twice_keeps_one_row_per_device():
    for _ in range(2):
        report_device("host", hardware.processor())
    assert Device.objects.get().is_alive


@pytest.mark.django_db
def test_a_run_that_cannot_be_prepared_says_so_and_stays_a_draft(alpha):
    run = BenchmarkRun.objects.create(
        language_model=alpha, engine=EngineKind.LOCAL, model_args={"checkpoint": "nowhere"},
        selection=["general_mcq:x"], options={},
    )  # fmt: skip
    assert prepare_and_start(run.pk) is None
    run.refresh_from_db()
    assert run.status == RunStatus.DRAFT
    assert "needs a file" in run.status_detail


def test_the_command_says_what_it_found(monkeypatch):
    monkeypatch.setattr(hardware, "_nvidia_smi", lambda: LINES)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    out = StringIO()
    call_command("gpu_worker", list=True, stdout=out)
    assert "cuda:0: NVIDIA H200, 143771 MiB, driver 570.86.15" in out.getvalue()
