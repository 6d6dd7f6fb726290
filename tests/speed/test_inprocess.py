"""A tiny, randomly initialised transformers model inside a process: measured, stored, shown."""

import re
from importlib import import_module
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from speed.definitions.agon import samples_of
from speed.inprocess import (
    InProcessError,
    InProcessSettings,
    StoppedError,
    TokenClock,
    Watch,
    measure_model,
)
from speed.inprocess_stamps import stamps_of_reports
from speed.metrics.quality import Grade, grade_run
from speed.metrics.timeline import Timeline
from speed.models import SpeedAction, SpeedAudit, SpeedPhase, SpeedRun
from speed.selectors import speed_of_models
from speed.spec import SpecError, spec_from_json
from tests.skipping import IS_CI
from tests.speed.conftest import healthy_header, stamps_of, text_at

# a module-level skip on a developer's machine; under CI the missing package is an error
torch, transformers = (
    import_module(name) if IS_CI else pytest.importorskip(name)
    for name in ("torch", "transformers")
)


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    config = transformers.GPT2Config(
        vocab_size=64,
        n_positions=64,
        n_embd=16,
        n_layer=1,
        n_head=2,
        eos_token_id=5,
        bos_token_id=1,
    )
    return transformers.GPT2LMHeadModel(config)


def test_real_tokens_are_counted_for_every_row(model):
    report = measure_model(
        model, InProcessSettings(prompt_tokens=8, output_tokens=12, batch_size=3)
    )

    assert report.output_tokens == 3 * 3 * 12
    assert report.rows_ended_early == 0
    assert all(len(repeat.steps_s) == 11 for repeat in report.repeats)


def test_figures_are_consistent_with_one_another(model):
    report = measure_model(model, InProcessSettings(prompt_tokens=8, output_tokens=12))

    for repeat in report.repeats:
        assert repeat.ttft_s + sum(repeat.steps_s) <= repeat.latency_s
    assert report.step_p50_s.value <= report.step_p99_s.value
    assert report.peak_memory_bytes > 0


def test_a_stop_ends_the_measurement_at_the_next_step(model):
    steps = []

    def stop_reason():
        steps.append(1)
        return "signal" if len(steps) == 5 else ""

    with pytest.raises(StoppedError, match="signal"):
        measure_model(
            model,
            InProcessSettings(prompt_tokens=4, output_tokens=12),
            watch=Watch(stop_reason=stop_reason),
        )
    assert len(steps) == 5


def test_repeats_made_before_a_stop_are_kept(model):
    kept = []

    report = measure_model(
        model,
        InProcessSettings(prompt_tokens=4, output_tokens=4),
        watch=Watch(kept.append, lambda: "signal" if kept else ""),
    )

    assert report.repeats == tuple(kept)
    assert len(kept) == 1


def test_a_finished_row_no_longer_counts():
    clock = TokenClock(2, frozenset({5}))
    clock.put(torch.zeros(2, 3))
    for step in ([1, 5], [1, 5], [5, 5]):
        clock.put(torch.tensor(step))

    assert clock.tokens_per_row == [3, 1]
    assert clock.ended_early == 2


def test_a_context_that_is_too_short_is_refused(model):
    with pytest.raises(InProcessError, match="64"):
        measure_model(model, InProcessSettings(prompt_tokens=60, output_tokens=60))


def test_fewer_than_three_repeats_are_refused():
    with pytest.raises(InProcessError, match="3 repeats"):
        InProcessSettings(repeats=1)


def test_stamps_hold_every_sequence_of_every_repeat(model):
    report = measure_model(model, InProcessSettings(prompt_tokens=4, output_tokens=6, batch_size=2))

    stamps = stamps_of_reports({2: report}, 6, {"health": {"others_busy_share": 0.0}})
    timeline = Timeline(stamps)

    assert len(timeline) == 3 * 2
    assert set(timeline.output_tokens) == {6}
    ttft = timeline.chunk_times("text").first - timeline.sent
    assert ttft.mean() == pytest.approx(report.ttft_s.value, rel=1e-6)
    tpot = samples_of(timeline)["tpot_s"]
    assert tpot.mean() == pytest.approx(report.tpot_s.value, rel=1e-6)


def in_process_timeline(latencies_ms, others=0.0):
    """One sequence per repeat, four tokens long."""
    requests = [
        {
            "sent": 1000 * n,
            "end": 1000 * n + ms,
            "tokens": 4,
            "chunks": text_at(*[1000 * n + 1] * 4),
        }
        for n, ms in enumerate(latencies_ms)
    ]
    header = healthy_header() | {"in_process": [], "health": {"others_busy_share": others}}
    stamps = stamps_of(*requests, header=header)
    stamps.requests["turn"] = range(len(latencies_ms))
    return Timeline(stamps)


@pytest.mark.parametrize(
    ("latencies_ms", "others", "grade"),
    [
        ([100] * 5, 0.0, Grade.GREEN),
        ([100] * 3, 0.0, Grade.AMBER),
        ([100] * 2, 0.0, Grade.RED),
        ([100, 100, 100, 100, 160], 0.0, Grade.AMBER),
        ([100, 100, 100, 100, 400], 0.0, Grade.RED),
        ([100] * 5, 0.3, Grade.AMBER),
        ([100] * 5, 0.7, Grade.RED),
        ([100] * 5, None, Grade.AMBER),
    ],
)
def test_a_model_in_a_process_is_graded_by_its_repeats_and_its_peace(latencies_ms, others, grade):
    assert grade_run(in_process_timeline(latencies_ms, others), 1).grade is grade


@pytest.fixture
def folder(model, tmp_path):
    model.save_pretrained(tmp_path / "tiny")
    return tmp_path / "tiny"


@pytest.fixture
def work_dir(settings, tmp_path):
    settings.SPEED_WORK_DIR = tmp_path / "speed"


def measure_local(folder, *arguments):
    out = StringIO()
    short = ("--prompt-tokens", "4", "--output-tokens", "5", "--repeats", "3", "--device", "cpu")
    call_command("measure_local", str(folder), *short, *arguments, stdout=out)
    return out.getvalue()


@pytest.mark.one_round
@pytest.mark.django_db(transaction=True)
def test_the_command_stores_a_run_whose_figures_never_pass_for_served_ones(
    folder, work_dir, admin_client, make_model
):
    alpha = make_model("alpha")

    text = measure_local(folder, "--batch-size", "1", "2", "--model", "alpha")

    assert "inside a process, batch of 1" in text
    run = SpeedRun.objects.get()
    assert run.status == "completed"
    assert [row.output_tokens for row in run.phases.all()] == [3 * 5, 3 * 2 * 5]
    assert [item["batch_size"] for item in run.summary["in_process"]] == [1, 2]
    assert run.environment["machine"]["device"] == "cpu"
    assert run.environment["machine"]["torch"] == torch.__version__
    assert run.environment["machine"]["transformers"] == transformers.__version__
    page = admin_client.get(reverse("speed_run", args=[run.pk])).content.decode()
    assert "batch of 2" in page
    assert "MiB" in page
    for name in ("speed_list", "speed_history", "speed_audit"):
        assert admin_client.get(reverse(name)).status_code == 200
    for name in ("speed_json", "speed_csv", "speed_html"):
        assert admin_client.get(reverse(name, args=[run.pk])).status_code == 200
    assert admin_client.get(reverse("speed_phase", args=[run.pk, 1])).status_code == 200
    SpeedPhase.objects.update(grade="green")
    assert speed_of_models([alpha.pk]) == {}
    assert speed_of_models([alpha.pk], is_in_process=True)[alpha.pk].level == 1


@pytest.mark.one_round
@pytest.mark.django_db(transaction=True)
def test_a_folder_without_a_model_is_refused_and_the_refusal_kept(tmp_path, work_dir):
    with pytest.raises(CommandError, match=r"config\.json") as refused:
        measure_local(tmp_path)

    assert refused.value.returncode == 2
    assert SpeedAudit.objects.get().action == SpeedAction.REFUSED


@pytest.mark.one_round
@pytest.mark.django_db(transaction=True)
def test_a_model_that_cannot_be_measured_fails_with_its_reason(folder, work_dir):
    with pytest.raises(CommandError, match="positions") as failed:
        measure_local(folder, "--prompt-tokens", "60", "--output-tokens", "60")

    assert failed.value.returncode == 1
    assert SpeedRun.objects.get().status == "failed"


def test_the_device_and_the_precision_make_another_series():
    def key(**local):
        return spec_from_json(
            {
                "mode": "in_process",
                "targets": [{"model": "tiny"}],
                "local": {"folder": "/models/tiny"} | local,
            }
        ).workload_key()

    assert key() == key(folder="/elsewhere/tiny")
    assert key(dtype="float16") == key(dtype="fp16")
    assert len({key(), key(dtype="float16"), key(device="cuda"), key(threads=2)}) == 4


def test_an_unknown_precision_is_refused_with_the_known_ones():
    local = {"folder": "/models/tiny", "dtype": "int3"}
    with pytest.raises(SpecError, match="'int3'; choose from auto, float32, bfloat16, float16"):
        spec_from_json({"mode": "in_process", "targets": [{"model": "m"}], "local": local})


@pytest.mark.one_round
@pytest.mark.django_db(transaction=True)
def test_a_model_is_measured_in_the_precision_asked_for(folder, work_dir):
    measure_local(folder, "--dtype", "bf16")
    assert SpeedRun.objects.get().environment["machine"]["dtype"] == "bfloat16"


@pytest.mark.one_round
@pytest.mark.django_db(transaction=True)
def test_a_checkpoint_without_some_of_its_weights_is_not_measured_on_random_numbers(
    folder, work_dir
):
    from safetensors.torch import load_file, save_file

    weights = load_file(folder / "model.safetensors")
    name = next(name for name in weights if ".0." in name)
    save_file({n: w for n, w in weights.items() if n != name}, folder / "model.safetensors",
              metadata={"format": "pt"})  # fmt: skip
    with pytest.raises(CommandError, match=f"lacks weights.*{re.escape(name)}"):
        measure_local(folder)


def test_a_folder_belongs_to_no_other_kind_of_run():
    with pytest.raises(SpecError, match="folder"):
        spec_from_json({"targets": [{"model": "m"}], "local": {"folder": "/models/tiny"}})
