"""The figures of five tools once more, in plain loops over single requests: a second opinion.

Nothing here uses the arrays of ``speed.metrics`` or ``speed.definitions``; a request is a small
object with the moments of a stamp file, in seconds.
"""

from dataclasses import dataclass
from statistics import fmean, median

from speed.stamps import Category, ChunkKind, RequestFlag

TEXT = ChunkKind.CONTENT | ChunkKind.REASONING | ChunkKind.TOOL
CHOICE = TEXT | ChunkKind.ROLE_ONLY


@dataclass
class Seen:
    """One measured attempt; ``events`` are (moment, kind)."""

    sent: float
    end: float
    connect: float
    is_success: bool
    is_streamed: bool
    prompt: int
    output: int
    events: list

    def moments(self, kinds=None):
        return [at for at, kind in self.events if kinds is None or kind & kinds]


def requests_of(stamps, phase):
    found = []
    for row in stamps.requests:
        if row["phase"] != phase or row["role"] != 1 or row["category"] == Category.CANCELLED:
            continue
        first, last = int(row["first_chunk"]), int(row["first_chunk"]) + int(row["chunks"])
        moments = [int(at) / 1e9 for at in stamps.chunk_at[first:last]]
        kinds = [ChunkKind(int(kind)) for kind in stamps.chunk_kind[first:last]]
        is_cold = bool(row["flags"] & RequestFlag.COLD)
        found.append(
            Seen(
                sent=int(row["sent_ns"]) / 1e9,
                end=int(row["end_ns"]) / 1e9,
                connect=int(row["connect_ns"]) / 1e9 if is_cold else 0.0,
                is_success=row["category"] == Category.SUCCEEDED,
                is_streamed=bool(row["flags"] & RequestFlag.STREAMED),
                prompt=int(row["prompt_tokens"]),
                output=int(row["output_tokens"]),
                events=list(zip(moments, kinds, strict=True)),
            )
        )
    return found


def llmuses(seen, concurrency, expected):
    """As the tool's consumer did it: results one after the other, in the order of their ends."""
    handled = sorted(seen, key=lambda request: request.end)
    good = [request for request in handled if request.is_success]
    total = handled[-1].end - handled[0].sent
    latencies, firsts, middles, spans = [], [], 0, 0.0
    for request in good:
        moments = request.moments()
        latencies.append(request.end - request.sent)
        if len(moments) > 1:
            firsts.append(moments[0] - request.sent)
            middles += len(moments) - 2
            spans += moments[-2] - moments[0]
        else:
            firsts.append(latencies[-1])
            middles += 1
            spans += latencies[-1]
    output = sum(request.output for request in good)
    return {
        "total_time_s": total,
        "expected_requests": expected,
        "completed_requests": len(seen),
        "succeeded_requests": len(good),
        "failed_requests": len(seen) - len(good),
        "concurrency": concurrency,
        "average_qps": len(good) / total,
        "average_latency_s": fmean(latencies),
        "ttft_s": fmean(firsts),
        "throughput_tokens_per_s": output / total,
        "tpot_run_s": total / output,
        "packages_per_request": middles / len(good) + 2,
        "time_per_package_s": spans / middles,
        "input_tokens_per_request": sum(request.prompt for request in good) / len(good),
        "output_tokens_per_request": output / len(good),
    }


def llmuses_percentile(values, percent):
    ordered = sorted(values)
    return ordered[int(len(ordered) * percent / 100)]


def gaps(seen, kinds):
    return [
        later - earlier
        for request in seen
        if request.is_success
        for earlier, later in zip(request.moments(kinds), request.moments(kinds)[1:], strict=False)
    ]


def vllm(seen):
    good = [request for request in seen if request.is_success]
    firsts = [r.moments(CHOICE)[0] - r.sent + r.connect for r in good]
    wholes = [r.moments(CHOICE)[-1] - r.sent + r.connect for r in good]
    per_token = [
        (whole - first) / (r.output - 1)
        for r, first, whole in zip(good, firsts, wholes, strict=True)
        if r.output > 1
    ]
    return {
        "mean_ttft_s": fmean(firsts),
        "mean_e2el_s": fmean(wholes),
        "mean_tpot_s": fmean(per_token),
        "mean_itl_s": fmean(gaps(seen, CHOICE)),
    }


def evalscope(seen):
    good = [r for r in seen if r.is_success and r.is_streamed]
    firsts = [r.moments(CHOICE)[0] - r.sent for r in good]
    wholes = [r.moments()[-1] - r.sent for r in good]
    per_token = [
        (whole - first) / (r.output - 1) if r.output > 1 else 0.0
        for r, first, whole in zip(good, firsts, wholes, strict=True)
    ]
    return {
        "average_ttft_s": fmean(firsts),
        "average_tpot_s": fmean(per_token),
        "average_itl_s": fmean(gaps(seen, CHOICE)),
        "average_latency_s": fmean(wholes),
    }


def guidellm(seen):
    good = [request for request in seen if request.is_success]
    return {
        "ttft_s": median(r.moments(TEXT)[0] - r.sent for r in good),
        "tpot_s": median((r.moments(TEXT)[-1] - r.sent) / r.output for r in good),
        "itl_s": median(
            (r.moments(TEXT)[-1] - r.moments(TEXT)[0]) / (r.output - 1)
            for r in good
            if r.output > 1
        ),
        "request_latency_s": median(r.end - r.sent for r in good),
    }


def aiperf(seen):
    good = [request for request in seen if request.is_success]
    return {
        "time_to_first_token_s": fmean(r.moments(TEXT)[0] - r.sent for r in good),
        "inter_token_latency_s": fmean(
            (r.moments(TEXT)[-1] - r.moments(TEXT)[0]) / (r.output - 1)
            for r in good
            if r.output > 1
        ),
        "inter_chunk_latency_s": fmean(gaps(seen, TEXT)),
        "request_latency_s": fmean(r.moments(TEXT)[-1] - r.sent for r in good),
    }


MODERN = {"vllm": vllm, "evalscope": evalscope, "guidellm": guidellm, "aiperf": aiperf}
