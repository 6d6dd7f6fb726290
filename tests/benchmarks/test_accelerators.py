"""Devices, their queues, and who works on what first."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from arena.models import RunStatus, WorkStatus
from arena.services.runs import resume_run
from benchmarks import hardware
from benchmarks.management.commands import gpu_worker
from benchmarks.models import BenchmarkRun, BenchmarkTask, Device, EngineKind, Sample
from benchmarks.routing import device_queue, send_benchmark
from benchmarks.services import accelerators, engines
from benchmarks.services.accelerators import (
    is_outranked,
    next_run,
    report_device,
    work_on_accelerator,
)
from benchmarks.services.checkpoints import memory_needed_bytes
from benchmarks.services.workload import LEAST_SHARD, shard_size

LINES = (
    "0, NVIDIA H200, 143771, 512, 37, 570.86.15, GPU-aaaa\n"
    "1, NVIDIA H200, 143771, 0, [N/A], 570.86.15, GPU-bbbb\n"
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


def test_visible_devices_may_be_named_by_the_beginning_of_their_unique_name(monkeypatch):
    monkeypatch.setattr(hardware, "_nvidia_smi", lambda: LINES)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "GPU-bb")
    assert [gpu.slot for gpu in hardware.find_accelerators()] == ["cuda:1"]


def test_devices_are_chosen_and_joined_by_name():
    found = hardware.parse_nvidia(LINES)
    assert [gpu.slot for gpu in hardware.chosen(found, ["1"])] == ["cuda:1"]
    assert [gpu.slot for gpu in hardware.chosen(found, ["0+1"])] == ["cuda:0+1"]
    with pytest.raises(LookupError, match="'2' here; there are: 0, 1"):
        hardware.chosen(found, ["2"])


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


@pytest.fixture
def messages(monkeypatch):
    """The queues that a message about a local run went to; None is the ordinary one."""
    sent = []
    monkeypatch.setattr(
        "benchmarks.tasks.wake_accelerator.apply_async", lambda *, queue: sent.append(queue)
    )
    monkeypatch.setattr("benchmarks.tasks.wake_accelerator.delay", lambda: sent.append(None))
    monkeypatch.setattr("arena.tasks.drive_run.delay", lambda *message: sent.append(message))
    return sent


@pytest.mark.django_db
def test_a_local_run_wakes_every_living_device_by_its_own_queue(local_run, messages):
    run = local_run()
    for gpu in hardware.parse_nvidia(LINES):
        report_device("host", gpu)
    send_benchmark(run.pk)
    assert messages == [device_queue("host", "cuda:0"), device_queue("host", "cuda:1")]


@pytest.mark.django_db
def test_without_a_listening_device_an_ordinary_worker_takes_a_local_run(local_run, messages):
    run = local_run()
    report_device("host", hardware.processor())
    Device.objects.update(queue="")  # a worker that leaves when nothing waits
    send_benchmark(run.pk)
    assert messages == [None]


@pytest.mark.django_db
def test_a_run_over_an_endpoint_is_ordinary_work(local_run, messages):
    run = local_run()
    report_device("host", hardware.processor())
    BenchmarkRun.objects.update(engine=EngineKind.ENDPOINT)
    send_benchmark(run.pk)
    assert messages == [("benchmark", run.pk)]


@pytest.mark.django_db
def test_a_resumed_run_wakes_every_device_too(
    local_run, messages, django_capture_on_commit_callbacks
):
    run = local_run()
    BenchmarkRun.objects.update(status=RunStatus.STOPPED)
    for gpu in hardware.parse_nvidia(LINES):
        report_device("host", gpu)
    with django_capture_on_commit_callbacks(execute=True):
        resume_run(run)
    assert len(messages) == 2


@pytest.mark.django_db
def test_the_most_urgent_run_with_rows_is_next_and_the_loaded_model_among_equals(
    local_run, monkeypatch
):
    plain, loaded, urgent = local_run(), local_run(checkpoint="loaded"), local_run(priority=5)
    monkeypatch.setattr(
        accelerators, "is_loaded", lambda arguments: arguments["checkpoint"] == "loaded"
    )
    assert next_run() == urgent
    urgent.items().update(status=WorkStatus.DONE)
    assert next_run() == loaded
    loaded.items().update(status=WorkStatus.DONE)
    assert next_run() == plain
    plain.items().update(status=WorkStatus.DONE)
    assert next_run() is None


@pytest.mark.django_db
def test_a_run_is_outranked_by_a_more_urgent_one_that_has_rows_and_by_no_equal(local_run):
    run, equal = local_run(), local_run()
    assert not is_outranked(run.pk)
    BenchmarkRun.objects.filter(pk=equal.pk).update(priority=1)
    assert is_outranked(run.pk)
    BenchmarkRun.objects.filter(pk=run.pk).update(priority=2)
    assert not is_outranked(run.pk)
    assert is_outranked(equal.pk)
    run.items().update(status=WorkStatus.DONE)
    assert not is_outranked(equal.pk)


@pytest.mark.django_db
def test_reporting_twice_keeps_one_row_per_device():
    for _ in range(2):
        report_device("host", hardware.processor())
    assert Device.objects.get().is_alive


@pytest.mark.django_db
def test_a_device_shows_what_its_worker_is_at(local_run, monkeypatch):
    run = local_run()
    monkeypatch.setattr(
        accelerators, "ACTIVITY", accelerators.Activity(None, True, "working", run.pk)
    )
    device = report_device("host", hardware.processor())
    assert (device.run, device.get_state_display()) == (run, "at work")


@pytest.mark.django_db
def test_the_processor_is_shown_while_an_ordinary_worker_is_at_it(local_run, monkeypatch):
    run = local_run()
    seen = []
    monkeypatch.setattr(accelerators, "engine_for", lambda arguments: None)

    def drive(kind, run_id, *, options):
        monkeypatch.setattr(accelerators.ACTIVITY, "reported_at", -1e9)  # long ago
        assert not options.gives_way()
        seen.append(Device.objects.get())
        Sample.objects.filter(run_id=run_id).update(status=WorkStatus.DONE)

    monkeypatch.setattr(accelerators, "drive_run_chunk", drive)
    work_on_accelerator()
    (device,) = seen
    assert (device.kind, device.state, device.run, device.queue) == ("cpu", "working", run, "")
    assert not Device.objects.exists()


@pytest.mark.django_db
def test_every_waiting_run_is_driven_once_its_model_is_loaded(local_run, monkeypatch):
    first, second = local_run(), local_run(priority=1)
    done = []
    monkeypatch.setattr(accelerators, "engine_for", lambda arguments: done.append("load"))

    def drive(kind, run_id, *, options):
        done.append(run_id)
        Sample.objects.filter(run_id=run_id).update(status=WorkStatus.DONE)

    monkeypatch.setattr(accelerators, "drive_run_chunk", drive)
    assert work_on_accelerator() == 2
    assert done == ["load", second.pk, "load", first.pk]


@pytest.mark.django_db
def test_a_second_thread_leaves_the_accelerator_to_the_first(local_run, monkeypatch):
    local_run()
    monkeypatch.setattr(accelerators, "drive_run_chunk", pytest.fail)
    with engines.turn_at_accelerator() as is_mine:
        assert is_mine
        assert work_on_accelerator() == 0
        assert not engines.release_if_idle()
    assert engines.release_if_idle()


@pytest.mark.django_db
def test_a_model_that_cannot_be_loaded_stops_its_run_before_a_sample_is_spent(local_run):
    run = local_run(checkpoint="/there/is/no/such/folder")
    assert work_on_accelerator() == 1
    run.refresh_from_db()
    assert run.status == RunStatus.STOPPED
    assert "/there/is/no/such/folder" in run.status_detail
    assert run.items().status_counts()["pending"] == 1


@pytest.mark.django_db
def test_a_model_larger_than_the_device_is_left_to_joined_gpus(local_run, monkeypatch):
    run = local_run()
    small, _ = hardware.parse_nvidia(LINES)
    report_device("host", small)
    monkeypatch.setattr(accelerators, "ACTIVITY", accelerators.Activity(small))
    monkeypatch.setattr(accelerators, "memory_needed_bytes", lambda _: 2 * small.memory_bytes)
    assert next_run() is None
    run.refresh_from_db()
    assert "--gpus-per-worker 2" in run.status_detail
    (pair,) = hardware.joined(hardware.parse_nvidia(LINES), 2)
    monkeypatch.setattr(accelerators, "ACTIVITY", accelerators.Activity(pair))
    assert next_run() == run


def test_needed_memory_follows_the_precision(tmp_path):
    (tmp_path / "model.safetensors").write_bytes(bytes(1000))
    (tmp_path / "config.json").write_text('{"dtype": "bfloat16"}')
    needed = {
        name: memory_needed_bytes({"checkpoint": str(tmp_path), "precision": name})
        for name in ("auto", "fp32", "bf16")
    }
    assert needed == {"auto": 1080, "fp32": 2160, "bf16": 1080}
    assert memory_needed_bytes({"checkpoint": "owner/on-a-hub"}) is None


@pytest.mark.django_db
def test_shards_are_small_enough_for_every_worker_to_get_some(local_run):
    run = local_run()
    task = run.tasks.get()
    Sample.objects.bulk_create(
        Sample(run=run, task=task, index=i, requests={}, prompt_hash="x") for i in range(1, 400)
    )
    assert shard_size(run, 256) == 512
    for gpu in hardware.parse_nvidia(LINES):
        report_device("host", gpu)
    # a driver claims two shards ahead: 100 of 400 rows for one of two workers
    assert shard_size(run, 256) == 50
    assert shard_size(run, 20) == 40
    Sample.objects.filter(index__gt=10).delete()
    assert shard_size(run, 256) == LEAST_SHARD


def test_the_command_says_what_it_found(monkeypatch):
    monkeypatch.setattr(hardware, "_nvidia_smi", lambda: LINES)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    out = StringIO()
    call_command("gpu_worker", list=True, stdout=out)
    assert "cuda:0: NVIDIA H200, 143771 MiB, driver 570.86.15" in out.getvalue()


def test_the_command_says_that_the_processor_serves_where_no_gpu_is(monkeypatch):
    monkeypatch.setattr(hardware, "_nvidia_smi", lambda: "")
    out = StringIO()
    call_command("gpu_worker", list=True, stdout=out)
    assert "No GPU is attached" in out.getvalue()
    assert "sandbox for programs: level" in out.getvalue()


def test_without_torch_the_command_says_how_to_install_it(monkeypatch):
    monkeypatch.setattr(
        "benchmarks.management.commands.gpu_worker.missing_packages", lambda _: ["torch"]
    )
    with pytest.raises(CommandError, match=r"pip install 'agon\[local\]'"):
        call_command("gpu_worker", stdout=StringIO())


class DyingProcess:
    returncode = 1

    def poll(self):
        return 1


def test_a_worker_that_dies_again_and_again_is_restarted_less_and_less_often(monkeypatch):
    starts = []
    monkeypatch.setattr(gpu_worker, "_start", lambda *_: starts.append(1) or DyingProcess())
    worker = gpu_worker.Watched(hardware.processor(), until_idle=False, started_at=0.0)
    assert "restarting in 2 s" in worker.look(1.0)
    worker.look(2.0)
    assert len(starts) == 1
    worker.look(3.0)
    assert len(starts) == 2
    assert "restarting in 10 s" in worker.look(4.0)
