"""In-process measurement of a tiny, randomly initialised transformers model."""

from importlib import import_module

import pytest

from speed.inprocess import InProcessError, InProcessSettings, TokenClock, measure_model
from tests.skipping import IS_CI

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


def test_versions_and_device_are_recorded(model):
    report = measure_model(model, InProcessSettings(prompt_tokens=4, output_tokens=4))

    assert report.circumstances["device"] == "cpu"
    assert report.circumstances["torch"] == torch.__version__
    assert report.circumstances["transformers"] == transformers.__version__


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


def test_the_command_measures_a_folder_at_several_batch_sizes(model, tmp_path):
    import json
    from io import StringIO

    from django.core.management import call_command

    model.save_pretrained(tmp_path)
    out = StringIO()
    sizes = ("--batch-size", "1", "2", "--prompt-tokens", "4", "--output-tokens", "5")
    call_command("measure_local", str(tmp_path), *sizes, "--device", "cpu", "--json", stdout=out)
    report = json.loads(out.getvalue())
    assert [report[f"batch {n}"]["output_tokens"] for n in (1, 2)] == [3 * 5, 3 * 2 * 5]


def test_the_command_refuses_a_folder_without_a_model(tmp_path):
    from django.core.management import CommandError, call_command

    with pytest.raises(CommandError):
        call_command("measure_local", str(tmp_path))
