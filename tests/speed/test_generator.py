"""The generator in its own process against the mock in another: times, counts, stopping."""

import os
import signal
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import numpy as np
import pytest

from speed.generator.engine import SLOW_CHECKS_EVERY
from speed.generator.health import PROBE_NS
from speed.generator.progress import read_progress
from speed.metrics.outcomes import count_outcomes
from speed.metrics.timeline import Timeline
from speed.mock_command import MockProcess
from speed.plan import Phase, Target
from speed.runner import GeneratorError, GeneratorRun, run_to_end, scratch_plan
from speed.stamps import Category, ChunkKind, RequestFlag, read_stamps
from speed.workloads import Recipe
from tests.speed.conftest import closed, run_against, truth_of

FAST = {"ttft_s": 0.02, "itl_s": 0.005}


def test_first_tokens_and_gaps_agree_with_the_mocks_own_record(mock):
    mock.behave(FAST)

    stamps, truth = run_against(mock, closed(requests=40, concurrency=8))

    text = Timeline(stamps).chunk_times("text")
    origin = stamps.header["origin_ns"]
    records = [truth_of(row, truth) for row in stamps.requests]
    first = np.array([record["sent_ns"][0] - origin for record in records]) / 1e9
    last = np.array([record["sent_ns"][-1] - origin for record in records]) / 1e9
    # A stamp lies after the write it belongs to; the quartile ignores turns other processes took.
    assert np.all(text.first >= first - 1e-4)
    assert np.quantile(text.first - first, 0.25) < 0.001
    assert np.quantile(np.abs((text.last - text.first) - (last - first)), 0.25) < 0.001


def test_token_counts_come_from_the_servers_usage(mock):
    mock.behave(FAST)

    stamps, truth = run_against(mock, closed())

    assert set(stamps.requests["output_tokens"]) == {10}
    assert all(
        truth_of(row, truth)["prompt_tokens"] == row["prompt_tokens"] for row in stamps.requests
    )


def test_every_injected_fault_is_counted_in_its_own_category(mock):
    mock.behave(
        FAST | {"faults": {"429": 0.15, "500": 0.15, "timeout": 0.1, "cut": 0.15, "reset": 0.15}}
    )

    stamps, truth = run_against(mock, closed(requests=120, concurrency=24), timeout_s=3.0)

    expected = {
        "429": Category.RATE_LIMITED,
        "500": Category.SERVER_ERROR,
        "timeout": Category.TIMEOUT,
        "cut": Category.CUT,
        "reset": Category.RESET,
        None: Category.SUCCEEDED,
    }
    assert len(stamps.requests) == 120
    assert all(
        row["category"] == expected[truth_of(row, truth)["fault"]] for row in stamps.requests
    )


def test_categories_add_up_to_the_attempts(mock):
    mock.behave(FAST | {"faults": {"429": 0.3, "cut": 0.2}})

    stamps, _ = run_against(mock, closed(requests=50))

    outcomes = count_outcomes(Timeline(stamps))
    assert sum(outcomes.by_category.values()) == outcomes.attempts == 50
    assert outcomes.succeeded + outcomes.failed == 50


def test_refused_connections_are_counted_one_by_one():
    with MockProcess("--ttft-s", "0.01", "--itl-s", "0.002", "--refuse-after", "10") as mock:
        target = Target(mock.url + "/v1/chat/completions")
        recipe = Recipe(model="mock", output_tokens=5)
        with scratch_plan(
            [target], [closed(requests=30, concurrency=3)], recipe, "random", retry_pause_s=0.001
        ) as plan:
            stamps = run_to_end(plan)

    counts = count_outcomes(Timeline(stamps)).by_category
    assert counts["succeeded"] == 10
    assert counts["refused"] + counts.get("reset", 0) == 20
    assert counts["refused"] >= 17


def test_warm_up_requests_hand_their_slots_over_while_busy(mock):
    mock.behave({"ttft_s": 0.03, "itl_s": 0.005})

    stamps, _ = run_against(mock, closed(requests=20, concurrency=5, warmup_requests=10))

    rows = stamps.requests
    warm, measured = rows[rows["role"] == 0], rows[rows["role"] == 1]
    assert len(warm) >= 10
    assert len(measured) == 20
    first_measured = measured["sent_ns"].min()
    assert np.count_nonzero(warm["end_ns"] > first_measured) >= 1


def test_an_open_loop_keeps_its_schedule_whatever_the_server_does(mock):
    mock.behave({"ttft_s": 0.3, "itl_s": 0.0})

    stamps, _ = run_against(mock, Phase("open", load="open", rate=100, duration_s=1.5))

    timeline = Timeline(stamps)
    assert len(timeline) == 150
    # who waited for answers would be late for good; after a standstill one is in time again
    assert timeline.queue_wait[-50:].min() < 0.005


def test_requests_beyond_max_in_flight_wait_and_the_wait_is_kept(mock):
    mock.behave({"ttft_s": 0.1, "itl_s": 0.0})

    stamps, _ = run_against(
        mock, Phase("open", load="open", rate=100, requests=30, max_in_flight=2)
    )

    assert Timeline(stamps).queue_wait.max() > 0.5


def test_a_trace_is_replayed_at_its_own_times(mock):
    mock.behave(FAST)
    offsets = [0.0, 0.05, 0.06, 0.3]

    stamps, _ = run_against(mock, Phase("trace", load="trace", offsets_s=offsets))

    scheduled = stamps.requests["scheduled_ns"] / 1e9
    assert scheduled - scheduled[0] == pytest.approx(offsets, abs=1e-6)


def test_a_phase_ends_after_its_duration(mock):
    mock.behave(FAST)

    stamps, _ = run_against(mock, Phase("timed", concurrency=2, duration_s=0.5))

    assert stamps.header["phases"][0]["stopped_by"] == "duration"
    sent = Timeline(stamps).sent
    # either of the two may have been held up after it had looked at the clock
    assert np.count_nonzero(sent > sent.min() + 0.5) <= 2


def test_a_phase_ends_after_too_many_errors(mock):
    mock.behave(FAST | {"faults": {"500": 1.0}})

    stamps, _ = run_against(mock, closed(requests=1000, concurrency=1, max_errors=5))

    assert len(stamps.requests) == 5
    assert stamps.header["phases"][0]["stopped_by"] == "errors"


def test_a_sweep_keeps_its_levels_apart(mock):
    mock.behave(FAST)

    stamps, _ = run_against(
        mock,
        Phase("one", concurrency=1, requests=3),
        Phase("four", concurrency=4, requests=8),
    )

    assert [len(stamps.of_phase(number)) for number in (0, 1)] == [3, 8]


def test_turns_of_a_conversation_follow_one_another(mock):
    mock.behave(FAST)
    recipe = Recipe(model="mock", count=3, output_tokens=4, options={"turns": 3})

    stamps, _ = run_against(
        mock, closed(requests=9, concurrency=3), recipe=recipe, workload="multi_turn"
    )

    for chain in np.unique(stamps.requests["chain"]):
        rows = stamps.requests[stamps.requests["chain"] == chain]
        rows = rows[np.argsort(rows["turn"])]
        assert np.all(rows["sent_ns"][1:] >= rows["end_ns"][:-1])


def test_prompts_are_fresh_to_a_prefix_cache_by_default(mock):
    mock.behave(FAST | {"prefix_cache": True})

    stamps, _ = run_against(
        mock, closed(requests=12), recipe=Recipe("mock", count=3, output_tokens=4)
    )

    assert set(stamps.requests["cached_tokens"]) == {0}


def test_repeated_prompts_hit_the_cache_when_the_salt_is_off(mock):
    mock.behave(FAST | {"prefix_cache": True})
    recipe = Recipe("mock", count=1, output_tokens=4, is_salted=False)

    stamps, _ = run_against(mock, closed(requests=4, concurrency=1), recipe=recipe)

    assert all(stamps.requests["cached_tokens"][1:] > 0)


def test_answers_that_are_not_streamed_are_one_package(mock):
    mock.behave(FAST)
    recipe = Recipe("mock", output_tokens=6, is_streamed=False)

    stamps, _ = run_against(mock, closed(requests=5, concurrency=1), recipe=recipe)

    assert set(stamps.requests["chunks"]) == {1}
    assert not np.any(stamps.requests["flags"] & int(RequestFlag.STREAMED))
    assert set(stamps.requests["category"]) == {Category.SUCCEEDED}


def test_the_completions_protocol_is_understood(mock):
    mock.behave(FAST)
    recipe = Recipe("mock", api="completions", output_tokens=6)

    stamps, _ = run_against(mock, closed(requests=5), recipe=recipe, path="/v1/completions")

    assert set(stamps.requests["output_tokens"]) == {6}


def test_reasoning_is_told_apart_from_the_answer(mock):
    mock.behave(FAST | {"reasoning_tokens": 4, "reasoning_field": "reasoning"})

    stamps, _ = run_against(mock, closed(requests=4))

    kinds = stamps.chunk_kind
    assert np.count_nonzero(kinds & int(ChunkKind.REASONING)) == 16
    timeline = Timeline(stamps)
    assert np.all(timeline.chunk_times("answer").first > timeline.chunk_times("text").first)


def test_tls_keeps_the_kernels_stamps(certificate):
    with MockProcess("--ttft-s", "0.02", "--itl-s", "0.005", certificate=certificate) as mock:
        target = Target(mock.url + "/v1/chat/completions", ca_file=str(certificate))
        with scratch_plan([target], [closed()], Recipe("mock", output_tokens=5), "random") as plan:
            stamps = run_to_end(plan)

    assert set(stamps.requests["category"]) == {Category.SUCCEEDED}
    assert stamps.header["timestamp_source"] == "kernel"


def test_a_certificate_nobody_vouches_for_is_a_tls_failure(certificate):
    with MockProcess(certificate=certificate) as mock:
        target = Target(mock.url + "/v1/chat/completions")
        with scratch_plan(
            [target], [closed(requests=2, concurrency=1)], Recipe("mock"), "random"
        ) as plan:
            stamps = run_to_end(plan)

    assert set(stamps.requests["category"]) == {Category.TLS}


def test_stamps_taken_in_user_space_are_named_so(mock):
    mock.behave(FAST)

    stamps, _ = run_against(mock, closed(requests=3), kernel_stamps=False)

    assert stamps.header["timestamp_source"] == "user"


def test_keys_are_not_stored_with_the_result(mock):
    mock.behave(FAST)
    target = Target(
        mock.url + "/v1/chat/completions", headers={"Authorization": "Bearer sk-secret-1"}
    )
    with scratch_plan([target], [closed(requests=2)], Recipe("mock"), "random") as plan:
        run_to_end(plan)
        with open(plan.output_path, "rb") as file:
            assert b"sk-secret-1" not in file.read()


@pytest.mark.parametrize("way", ["signal", "stop file"])
def test_a_stopped_run_keeps_what_it_has(mock, tmp_path, way):
    mock.behave({"ttft_s": 600.0})
    stop_path = tmp_path / "stop"
    target = Target(mock.url + "/v1/chat/completions")
    with scratch_plan(
        [target], [closed(requests=8)], Recipe("mock"), "random", stop_path=str(stop_path)
    ) as plan:
        with GeneratorRun(plan) as run:
            wait_until(lambda: (progress := run.progress()) and progress.in_flight == 4)
            if way == "signal":
                run.stop()
            else:
                stop_path.touch()
            report = run.wait(timeout_s=120)
        stamps = read_stamps(plan.output_path)

    assert report["stop_reason"] == way
    assert set(stamps.requests["category"]) == {Category.CANCELLED}


def test_the_wish_to_stop_is_looked_for_several_times_a_second():
    assert PROBE_NS <= 0.1e9  # signals
    assert PROBE_NS * SLOW_CHECKS_EVERY <= 0.5e9  # stop file, dead parent, lease


def test_the_load_ends_with_its_lease(mock):
    mock.behave({"ttft_s": 600.0})

    stamps, _ = run_against(mock, closed(requests=4), lease_s=0.3)

    assert stamps.header["stop_reason"] == "lease ended"


def test_the_load_ends_when_whoever_started_it_dies(mock, tmp_path):
    mock.behave({"ttft_s": 600.0})
    target = Target(mock.url + "/v1/chat/completions")
    with scratch_plan([target], [closed(requests=8)], Recipe("mock"), "random") as plan:
        parent = os.fork()
        if parent == 0:
            run = GeneratorRun(plan)
            wait_until(lambda: run.progress() is not None)
            os._exit(0)
        os.waitpid(parent, 0)
        wait_until(lambda: (progress := read_progress(plan.progress_path)) and progress.is_over)
        wait_until(lambda: os.path.exists(plan.output_path))

        assert read_stamps(plan.output_path).header["stop_reason"] == "parent process ended"


def test_a_metadata_address_is_refused_before_anything_is_sent():
    target = Target("http://169.254.169.254/v1/chat/completions")
    with (
        scratch_plan([target], [closed()], Recipe("mock"), "random") as plan,
        pytest.raises(GeneratorError, match=r"169\.254\.169\.254"),
    ):
        run_to_end(plan)


def test_a_redirect_is_never_followed():
    answers = []

    class Redirecting(BaseHTTPRequestHandler):
        def do_POST(self):
            answers.append(self.path)
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(307)
            self.send_header("Location", f"http://127.0.0.1:{server.server_port}/followed")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            """Says nothing."""

    with HTTPServer(("127.0.0.1", 0), Redirecting) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        target = Target(f"http://127.0.0.1:{server.server_port}/v1/chat/completions")
        with scratch_plan(
            [target], [closed(requests=3, concurrency=1)], Recipe("m"), "random"
        ) as p:
            stamps = run_to_end(p)
        server.shutdown()

    assert set(answers) == {"/v1/chat/completions"}
    assert Category.SUCCEEDED not in set(stamps.requests["category"])


def wait_until(condition, limit_s=120):
    deadline = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("the awaited state did not come")
        signal.sigtimedwait([], 0.01)
