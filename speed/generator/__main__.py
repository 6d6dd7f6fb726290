"""``python -m speed.generator [plan.json]``: run a plan (stdin without a file), write its stamps.

Prints one JSON line at the end. Exit status 0: the plan was carried out or stopped; 2: it was
refused before any request left.
"""

import gc
import signal
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from time import time_ns
from typing import Any  # JSON header

import numpy as np
import orjson

from speed.generator.digest import Digest, TokenCounter
from speed.generator.engine import Engine
from speed.generator.health import machine
from speed.generator.spool import Spool
from speed.generator.templates import load_chains
from speed.plan import Plan, PlanError, plan_from_json
from speed.stamps import write_stamps
from speed.targets import TargetRefusedError, is_loopback
from speed.urgency import pin_to, urgently

REFUSED = 2


def run_plan(plan: Plan) -> dict[str, Any]:
    """Carry out ``plan`` in this process and write its stamp file; the closing report."""
    pin_to(plan.cpu)
    chains = [load_chains(target.requests_path or plan.requests_path) for target in plan.targets]
    with Spool() as spool:
        engine = Engine(plan, chains, spool)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: engine.request_stop("signal"))
        started_wall_ns = time_ns()
        # Collections would stop the loop at random; nothing here builds cycles during a run.
        gc.collect()
        gc.freeze()
        gc.disable()
        with urgently() as urgency:
            outcome = engine.run()
        gc.enable()
        digest = Digest(outcome.started_ns, token_counter(plan.tokenizer_path))
        for exchange in spool.exchanges:
            digest.add(exchange, spool.response(exchange), spool)
        header = describe(plan, engine, spool, started_wall_ns)
        header["machine"] = machine(urgency)
        write_stamps(plan.output_path, digest.stamps(header, engine.health.lags_ns))
    return {
        "stop_reason": outcome.stop_reason,
        "requests": len(spool.exchanges),
        "timestamp_source": outcome.timestamp_source,
    }


def describe(plan: Plan, engine: Engine, spool: Spool, started_wall_ns: int) -> dict[str, Any]:
    """The stamp file's header: plan without secrets, circumstances, the client's own health."""
    outcome = engine.outcome
    phases = []
    for phase in outcome.phases:
        values = asdict(phase)
        for name in ("started_ns", "measured_from_ns", "ended_ns"):
            values[name] = max(0, values[name] - outcome.started_ns)
        phases.append(values)
    lags = np.array(spool.lags, dtype=np.int64) if spool.lags else np.zeros(1, np.int64)
    connects = [t for pool in engine.pools for t in pool.connect_times_ns] or [0]
    return {
        "plan": plan.public_json(),
        "started_at": datetime.fromtimestamp(started_wall_ns / 1e9, UTC).isoformat(),
        "origin_ns": outcome.started_ns,
        "stop_reason": outcome.stop_reason,
        "timestamp_source": outcome.timestamp_source,
        "clock_step_ns": engine.clock.step_ns,
        "phases": phases,
        "health": {
            **engine.health.result,
            "read_lag_ns": _quantiles(lags),
            "is_loopback": any(is_loopback(pool.address[0]) for pool in engine.pools),
        },
        "connections": {
            "connect_ns": _quantiles(np.array(connects, dtype=np.int64)),
            "opened_during_run": sum(pool.opened_during_run for pool in engine.pools),
            "failed_to_open": sum(pool.failed_to_open for pool in engine.pools),
            "lost_idle": sum(pool.lost_idle for pool in engine.pools),
        },
    }


def _quantiles(values: "np.ndarray[Any, np.dtype[np.int64]]") -> dict[str, int]:
    p50, p99 = np.quantile(values, [0.5, 0.99])
    return {"p50": int(p50), "p99": int(p99), "max": int(values.max())}


def token_counter(path: str | None) -> TokenCounter | None:
    """Counts tokens with a local tokenizer, for servers that state no usage."""
    if path is None:
        return None
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(path, local_files_only=True)
    return lambda text: len(tokenizer.encode(text, add_special_tokens=False))


def main(arguments: Sequence[str]) -> int:
    """Read the plan, run it, report."""
    source = Path(arguments[0]).read_bytes() if arguments else sys.stdin.buffer.read()
    try:
        report = run_plan(plan_from_json(orjson.loads(source)))
    except (PlanError, TargetRefusedError, orjson.JSONDecodeError) as error:
        sys.stdout.write(orjson.dumps({"error": str(error)}).decode() + "\n")
        return REFUSED
    sys.stdout.write(orjson.dumps(report).decode() + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
