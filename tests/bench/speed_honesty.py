"""The speed tool against the mock's own record of the truth, beside EvalScope's client.

    python tests/bench/speed_honesty.py [--evalscope /path/to/bin/evalscope] [--json out.json]

Needs two cores: the clients run on CPU 0, the mock on CPU 1. Where the system allows it, all of
them run in the real-time class, EvalScope too, so that a busy machine favours nobody. Without
EvalScope (``pip install evalscope uvicorn fastapi sse_starlette`` in a separate environment) its
column stays empty. Exit status 1 when a claim does not hold.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from speed.metrics.detection import find_peculiarities
from speed.metrics.outcomes import count_outcomes
from speed.metrics.saturation import detect_overload
from speed.metrics.summary import report_phases
from speed.metrics.timeline import Timeline
from speed.mock_command import MockProcess
from speed.plan import Phase, Target
from speed.runner import run_to_end, scratch_plan
from speed.stamps import Category, Stamps, read_stamps
from speed.workloads import Recipe
from tests.bench.speed_peer import PeerRun, peer_command, run_peer

CLIENT_CPU, MOCK_CPU = 0, 1
ROOM_MS, ROOM_SHARE = 1.0, 0.02
MILLION = 1_000_000
Truth = list[dict[str, Any]]


@dataclass
class Claim:
    """One line of the result."""

    name: str
    ours: str
    peer: str
    holds: bool


def measure(
    mock: MockProcess, phase: Phase, recipe: Recipe, **plan: Any
) -> tuple[Stamps, dict[str, dict[str, Any]]]:
    """Stamps of one run of ours, and the truth by request id."""
    target = Target(mock.url + "/v1/chat/completions")
    with scratch_plan([target], [phase], recipe, "random", cpu=CLIENT_CPU, **plan) as ready:
        stamps = run_to_end(ready)
    return stamps, {record["request_id"]: record for record in mock.truth()}


def true_times(records: Truth) -> tuple[np.ndarray, np.ndarray]:
    """TTFT and TPOT in ms as the mock lived them."""
    ttft = [(r["sent_ns"][0] - r["received_ns"]) / 1e6 for r in records]
    tpot = [
        (r["sent_ns"][-1] - r["sent_ns"][0]) / 1e6 / (r["completion_tokens"] - 1) for r in records
    ]
    return np.array(ttft), np.array(tpot)


def accuracy(mock: MockProcess, peer: str | None) -> Iterator[Claim]:
    """TTFT and TPOT at 100 and 200 streams that tick together, 25 and 50 tokens/s each."""
    for streams in (100, 200):
        for rate in (25, 50):
            mock.behave({"ttft_s": 0.2, "itl_s": 1 / rate})
            phase = Phase(
                "accuracy", concurrency=streams, requests=3 * streams, warmup_requests=streams
            )
            stamps, truth = measure(mock, phase, Recipe("mock", output_tokens=60))
            timeline = Timeline(stamps)
            records = [truth[f"run-{index:08d}"] for index in timeline.rows["index"]]
            text = timeline.chunk_times("text")
            ours = (
                (text.first - timeline.sent) * 1e3,
                (text.last - text.first) * 1e3 / (timeline.output_tokens - 1),
            )
            theirs = run_peer_on(mock, peer, rate, streams)
            for name, mine, real, reported in zip(
                ("TTFT", "TPOT"), ours, true_times(records), theirs, strict=True
            ):
                error = np.abs(mine - real)
                room = max(ROOM_MS, ROOM_SHARE * float(real.mean()))
                yield Claim(
                    f"{name} at {streams} streams of {rate} tokens/s, error in ms",
                    f"p50 {np.median(error):.4f}, p99 {np.quantile(error, 0.99):.4f}, "
                    f"max {error.max():.4f}",
                    reported,
                    bool(np.quantile(error, 0.99) <= room and abs((mine - real).mean()) <= room),
                )


def run_peer_on(mock: MockProcess, peer: str | None, rate: int, streams: int) -> tuple[str, str]:
    """EvalScope's reported means against the truth of its own run."""
    if peer is None:
        return "not run", "not run"
    mock.behave({"ttft_s": 0.2, "itl_s": 1 / rate})
    run = run_peer(
        peer,
        mock.url + "/v1/chat/completions",
        concurrency=streams,
        requests=3 * streams,
        tokens=60,
        cpu=CLIENT_CPU,
    )
    ttft, tpot = true_times(mock.truth())
    return (
        f"mean off by {run.ttft_s * 1e3 - ttft.mean():+.2f}",
        f"mean off by {run.tpot_s * 1e3 - tpot.mean():+.3f}",
    )


def throughput(mock: MockProcess, peer: str | None) -> Iterator[Claim]:
    """Requests per second when the server takes no time."""
    for concurrency in (20, 100):
        mock.behave({"ttft_s": 0, "itl_s": 0})
        phase = Phase("zero", concurrency=concurrency, requests=8000, warmup_requests=100)
        recipe = Recipe("mock", output_tokens=20, options={"input_tokens": 10})
        stamps, _ = measure(mock, phase, recipe)
        timeline = Timeline(stamps)
        ours = len(timeline) / timeline.window_s
        theirs: PeerRun | None = None
        if peer is not None:
            mock.behave({"ttft_s": 0, "itl_s": 0})
            theirs = run_peer(
                peer,
                mock.url + "/v1/chat/completions",
                concurrency=concurrency,
                requests=2000,
                tokens=20,
                cpu=CLIENT_CPU,
            )
        yield Claim(
            f"requests/s at zero delay, concurrency {concurrency}",
            f"{ours:.0f}",
            f"{theirs.requests_per_s:.0f} ({ours / theirs.requests_per_s:.1f}x)"
            if theirs
            else "not run",
            theirs is None or ours >= 3 * theirs.requests_per_s,
        )


def million_chunks(mock: MockProcess) -> Iterator[Claim]:
    """Size of the stored run, time to its report, memory of the generator."""
    mock.behave({"ttft_s": 0.05, "itl_s": 0.01})
    recipe = Recipe("mock", output_tokens=250)
    target = Target(mock.url + "/v1/chat/completions")
    phase = Phase("million", concurrency=250, requests=MILLION // 250)
    with scratch_plan([target], [phase], recipe, "random", cpu=CLIENT_CPU) as plan:
        run_to_end(plan)
        size = Path(plan.output_path).stat().st_size
        started = time.perf_counter()
        stamps = read_stamps(plan.output_path)
        report_phases(stamps)
        took_s = time.perf_counter() - started
    chunks = len(stamps.chunk_at)
    memory = stamps.header["health"]["peak_memory_bytes"] / 1e6
    yield Claim(f"{chunks} chunks on disk", f"{size / 1e6:.1f} MB", "", size < 50e6)
    yield Claim(f"full report of {chunks} chunks", f"{took_s:.2f} s", "", took_s < 1.0)
    yield Claim("generator's peak memory", f"{memory:.0f} MB", "", memory < 300)


def poisson_rate(mock: MockProcess) -> Iterator[Claim]:
    """Sixty seconds of Poisson arrivals: the rate that came about, and its distribution."""
    mock.behave({"ttft_s": 0.05, "itl_s": 0.01})
    rate, seconds = 50.0, 60.0
    phase = Phase("poisson", load="open", rate=rate, duration_s=seconds)
    stamps, truth = measure(mock, phase, Recipe("mock", output_tokens=10))
    arrived = np.sort([record["received_ns"] for record in truth.values()]) / 1e9
    begun = stamps.header["origin_ns"] / 1e9 + stamps.header["phases"][0]["started_ns"] / 1e9
    realised = np.count_nonzero(arrived - begun <= seconds) / seconds
    fit = stats.kstest(np.diff(arrived), stats.expon(scale=1 / rate).cdf).pvalue
    yield Claim(
        f"Poisson {rate:g}/s over {seconds:g} s",
        f"{realised:.3f}/s ({(realised / rate - 1) * 100:+.2f} %), KS p = {fit:.2f}",
        "",
        abs(realised / rate - 1) < 0.01 and fit > 0.01,
    )


def faults(mock: MockProcess) -> Iterator[Claim]:
    """Every request in the category that the mock meant for it."""
    shares = {"429": 0.1, "500": 0.1, "timeout": 0.05, "cut": 0.1, "reset": 0.1}
    mock.behave({"ttft_s": 0.02, "itl_s": 0.002, "faults": shares})
    phase = Phase("faults", concurrency=50, requests=2000)
    stamps, truth = measure(mock, phase, Recipe("mock", output_tokens=20), timeout_s=0.5)
    meant = {
        **{"429": Category.RATE_LIMITED, "500": Category.SERVER_ERROR, None: Category.SUCCEEDED},
        **{"timeout": Category.TIMEOUT, "cut": Category.CUT, "reset": Category.RESET},
    }
    wrong = sum(
        row["category"] != meant[truth[f"run-{row['index']:08d}"]["fault"]]
        for row in stamps.requests
    )
    outcomes = count_outcomes(Timeline(stamps))
    adds_up = sum(outcomes.by_category.values()) == outcomes.attempts == 2000
    yield Claim(
        "faults in the wrong category, of 2000",
        f"{wrong}; {outcomes.by_category}",
        "",
        wrong == 0 and adds_up,
    )
    with MockProcess("--ttft-s", "0.01", "--itl-s", "0", "--refuse-after", "300") as dying:
        stamps, truth = measure(DyingMock(dying), phase, Recipe("mock"), retry_pause_s=0.001)
    outcomes = count_outcomes(Timeline(stamps))
    accepted = outcomes.succeeded + outcomes.by_category.get("reset", 0)
    refused = outcomes.by_category["refused"]
    yield Claim(
        "connections refused after 300 answers",
        f"{outcomes.by_category}",
        "",
        outcomes.succeeded == 300 and accepted + refused == 2000,
    )


class DyingMock:
    """A mock that refuses connections cannot be asked for its record either."""

    def __init__(self, mock: MockProcess) -> None:
        self.url = mock.url

    def truth(self) -> Truth:
        """Nothing."""
        return []


def detections(mock: MockProcess) -> Iterator[Claim]:
    """Each peculiarity switched on in the mock, found by the report."""
    cases: dict[str, dict[str, Any]] = {
        "buffered_stream": {"buffering": True},
        "empty_first_event": {"role_lead_s": 0.005},
        "several_tokens_per_event": {"tokens_per_chunk": 4},
        "reasoning": {"reasoning_tokens": 10},
        "cached_prompts": {"prefix_cache": True},
    }
    base = {"ttft_s": 0.05, "itl_s": 0.005}
    for name, settings in cases.items():
        mock.behave(base | settings)
        is_salted = name != "cached_prompts"
        recipe = Recipe("mock", count=5, output_tokens=40, is_salted=is_salted)
        stamps, _ = measure(mock, Phase(name, concurrency=4, requests=40), recipe)
        found = {
            finding.name.value: finding.value for finding in find_peculiarities(Timeline(stamps))
        }
        yield Claim(f"detected: {name}", str(found), "", name in found)
    for rate, overloaded in ((80.0, True), (20.0, False)):
        mock.behave({"ttft_s": 0.1, "itl_s": 0, "capacity": 4})
        phase = Phase("overload", load="open", rate=rate, duration_s=8)
        stamps, _ = measure(mock, phase, Recipe("mock", output_tokens=5))
        verdict = detect_overload(Timeline(stamps)).is_overloaded
        yield Claim(
            f"overload at {rate:g}/s on a server for 40/s",
            str(verdict),
            "",
            verdict == overloaded,
        )


def main() -> int:
    """Run everything, print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--evalscope", help="path of the evalscope executable")
    parser.add_argument("--json", help="write the result here too")
    parser.add_argument("--only", help="run the parts whose name contains this")
    options = parser.parse_args()
    peer = peer_command(options.evalscope)
    claims: list[Claim] = []
    parts = {
        "accuracy": lambda mock: accuracy(mock, peer),
        "throughput": lambda mock: throughput(mock, peer),
        "million": million_chunks,
        "poisson": poisson_rate,
        "faults": faults,
        "detections": detections,
    }
    print(f"{os.cpu_count()} CPUs, peer: {peer or 'not installed'}")
    with MockProcess("--cpu", str(MOCK_CPU), "--urgent") as mock:
        for name, part in parts.items():
            if options.only and options.only not in name:
                continue
            for claim in part(mock):
                claims.append(claim)
                mark = "ok  " if claim.holds else "FAIL"
                print(f"{mark} {claim.name}: {claim.ours}" + f" | {claim.peer}" * bool(claim.peer))
    if options.json:
        Path(options.json).write_text(json.dumps([asdict(claim) for claim in claims], indent=1))
    return 0 if all(claim.holds for claim in claims) else 1


if __name__ == "__main__":
    sys.exit(main())
