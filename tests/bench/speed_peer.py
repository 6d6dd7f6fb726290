"""EvalScope's load client as a yardstick, run from a virtual environment of its own."""

import json
import os
import subprocess
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from speed.urgency import REAL_TIME_PRIORITY


@dataclass(frozen=True)
class PeerRun:
    """What EvalScope reported, in seconds."""

    ttft_s: float
    tpot_s: float
    requests_per_s: float
    succeeded: int


def peer_command(explicit: str | None) -> str | None:
    """The ``evalscope`` executable: given, from AGON_EVALSCOPE, or None."""
    command = explicit or os.environ.get("AGON_EVALSCOPE")
    return command if command and Path(command).exists() else None


def run_peer(
    command: str, url: str, *, concurrency: int, requests: int, tokens: int, cpu: int
) -> PeerRun:
    """One closed-loop run of ``evalscope perf``: on one CPU, in the class that our client gets."""

    def settle() -> None:
        os.sched_setaffinity(0, {cpu})
        with suppress(PermissionError):
            os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(REAL_TIME_PRIORITY))

    with tempfile.TemporaryDirectory() as folder:
        prompts = Path(folder, "prompts.txt")
        prompts.write_text("".join(f"Write a few words about item {i}.\n" for i in range(200)))
        options = {
            "--url": url,
            "--model": "mock",
            "--api": "openai",
            "--dataset": "line_by_line",
            "--dataset-path": str(prompts),
            "--parallel": str(concurrency),
            "--number": str(requests),
            "--max-tokens": str(tokens),
            "--min-tokens": str(tokens),
            "--outputs-dir": folder,
        }
        subprocess.run(
            [
                *(command, "perf", "--stream", "--no-test-connection", "--no-timestamp"),
                *(part for option in options.items() for part in option),
            ],
            check=True,
            capture_output=True,
            preexec_fn=settle,
        )
        summary = json.loads(next(Path(folder).rglob("benchmark_summary.json")).read_text())
    return PeerRun(
        ttft_s=summary["Avg TTFT (ms)"] / 1000,
        tpot_s=summary["Avg TPOT (ms)"] / 1000,
        requests_per_s=summary["Req Throughput (req/s)"],
        succeeded=summary["Success Requests"],
    )
