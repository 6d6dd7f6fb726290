"""``manage.py run_speed`` with llmuses' options."""

import json
import signal
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from speed.models import SpeedRun
from speed.services.driving import Driver
from speed.services.finishing import load_stamps

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def own_folder(settings, tmp_path):
    settings.SPEED_WORK_DIR = tmp_path / "speed"


def run_speed(*arguments):
    out = StringIO()
    call_command("run_speed", *arguments, stdout=out)
    return out.getvalue()


def short(mock):
    mock.behave({"ttft_s": 0.005, "itl_s": 0.001})
    return ("--url", mock.url, "--model", "mock", "-n", "12", "--max-tokens", "6")


def test_a_sweep_is_reported_as_json(mock):
    report = json.loads(run_speed(*short(mock), "--parallel", "2", "4", "--json"))
    assert [phase["level"] for phase in report["phases"]] == [2, 4]
    old = report["phases"][0]["definitions"]["llmuses"]["metrics"]
    assert old["completed_requests"] == 12
    assert old["output_tokens_per_request"] == 6


def test_the_report_for_people_names_the_grade_and_its_reasons(mock):
    text = run_speed(*short(mock))
    assert "12 (12 succeeded)" in text
    assert "missing_samples" in text


def test_own_prompts_from_a_file_and_from_the_line_are_sent(mock, tmp_path):
    file = tmp_path / "prompts.jsonl"
    file.write_text('{"prompt": "How are you?"}\n{"question": "And now?"}\n')
    run_speed(*short(mock), "--dataset", str(file), "--no-stream")
    run_speed(*short(mock), "--prompt", "One", "--prompt", "Two", "--rate", "100")
    assert SpeedRun.objects.filter(status="completed").count() == 2


def test_an_open_loop_from_a_trace_is_replayed(mock, tmp_path):
    trace = tmp_path / "trace.jsonl"
    lines = [
        json.dumps({"timestamp": 10 * n, "input_length": 5, "output_length": 3}) for n in range(8)
    ]
    trace.write_text("\n".join(lines))
    report = json.loads(run_speed(*short(mock), "--trace", str(trace), "--json"))
    assert report["phases"][0]["outcomes"]["attempts"] == 8


def test_every_option_of_load_and_workload_reaches_the_plan(mock):
    run_speed(
        *short(mock),
        *("--rate", "200", "--distribution", "gamma", "--burstiness", "0.5", "--ramp", "0.1"),
        *("--warmup", "2", "--max-in-flight", "3", "--workload", "multi_turn"),
        *("--option", "turns=2", "--extra-body", '{"top_p": 0.9}', "--temperature", "0.7"),
    )

    run = SpeedRun.objects.get()
    plan = load_stamps(run.stamps.get()).header["plan"]["phases"][0]
    assert (plan["burstiness"], plan["ramp_s"], plan["warmup_requests"]) == (0.5, 0.1, 2)
    assert plan["max_in_flight"] == 3
    assert run.spec["workload"]["options"]["turns"] == 2
    assert run.spec["workload"]["extra_body"] == {"top_p": 0.9}


@pytest.mark.parametrize(
    ("option", "word"),
    [
        (["--option", "turns"], "NAME=VALUE"),
        (["--extra-body", "[1]"], "braces"),
        (["--extra-body", "{"], "no JSON"),
        (["--tokenizer-path", "/nowhere"], "/nowhere"),
    ],
)
def test_an_option_that_makes_no_sense_is_refused_with_its_name(option, word):
    with pytest.raises(CommandError, match=word):
        run_speed("--url", "http://127.0.0.1:1/v1", "--model", "m", *option)


def test_ctrl_c_stops_the_run_and_keeps_what_was_measured(mock, monkeypatch):
    mock.behave({"ttft_s": 0.005, "itl_s": 0.001})
    publish = Driver.publish

    def interrupted(self, counters, *, is_last=False):
        if counters is not None and counters.completed > 10:
            signal.raise_signal(signal.SIGINT)
        publish(self, counters, is_last=is_last)

    monkeypatch.setattr(Driver, "publish", interrupted)
    arguments = ("--url", mock.url, "--model", "mock", "--duration", "600", "--max-tokens", "4")
    with pytest.raises(CommandError) as stopped:
        run_speed(*arguments)

    assert stopped.value.returncode == 130
    assert SpeedRun.objects.get().phases.get().succeeded > 10


def test_a_refused_target_ends_with_code_2():
    with pytest.raises(CommandError, match="metadata") as refused:
        run_speed("--url", "http://169.254.169.254/", "--model", "m")
    assert refused.value.returncode == 2
