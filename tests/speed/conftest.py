"""A mock in its own process, and short ways to run the generator against it."""

from pathlib import Path

import numpy as np
import pytest

from speed.mock_command import MockProcess
from speed.plan import Phase, Target
from speed.runner import run_to_end, scratch_plan
from speed.stamps import REQUEST_DTYPE, Category, ChunkKind, RequestFlag, Stamps
from speed.workloads import Recipe

MS = 1_000_000


@pytest.fixture(scope="module")
def mock():
    with MockProcess() as process:
        yield process


def run_against(mock, *phases, recipe=None, workload="random", path="/v1/chat/completions", **plan):
    """Stamps of a run and the mock's truth by request id."""
    recipe = recipe or Recipe(model="mock", count=20, output_tokens=10)
    with scratch_plan([Target(mock.url + path)], list(phases), recipe, workload, **plan) as ready:
        stamps = run_to_end(ready)
    return stamps, {record["request_id"]: record for record in mock.truth()}


def truth_of(row, truth):
    return truth.get(f"run-{row['index']:08d}")


def closed(requests=20, concurrency=4, **settings):
    return Phase("closed", concurrency=concurrency, requests=requests, **settings)


def text_at(*moments_ms, kind=ChunkKind.CONTENT):
    """Chunks of one answer: (ms, kind) each."""
    return [(moment, kind) for moment in moments_ms]


def stamps_of(*requests, phases=None, header=None):
    """Stamps built by hand. A request: dict with sent, end (ms), chunks [(ms, kind)], tokens."""
    rows = np.zeros(len(requests), dtype=REQUEST_DTYPE)
    at, kinds = [], []
    for number, request in enumerate(requests):
        chunks = request.get("chunks", [])
        row = rows[number]
        row["index"] = number
        row["role"] = request.get("role", 1)
        row["phase"] = request.get("phase", 0)
        row["category"] = request.get("category", Category.SUCCEEDED)
        row["status"] = request.get("status", 200)
        row["flags"] = request.get("flags", RequestFlag.STREAMED | RequestFlag.USAGE)
        row["sent_ns"] = request["sent"] * MS
        row["scheduled_ns"] = request.get("scheduled", request["sent"]) * MS
        row["end_ns"] = request["end"] * MS
        row["first_byte_ns"] = (chunks[0][0] if chunks else request["end"]) * MS
        row["output_tokens"] = request.get("tokens", -1)
        row["prompt_tokens"] = request.get("prompt", 10)
        row["cached_tokens"] = request.get("cached", -1)
        row["reasoning_tokens"] = request.get("reasoning", -1)
        row["expected_output"] = request.get("expected", 0)
        row["connect_ns"] = request.get("connect", 0) * MS
        row["first_chunk"] = len(at)
        row["chunks"] = len(chunks)
        at += [moment * MS for moment, _ in chunks]
        kinds += [int(kind) for _, kind in chunks]
    return Stamps(
        header=header or healthy_header(phases),
        requests=rows,
        chunk_at=np.array(at, dtype=np.int64),
        chunk_kind=np.array(kinds, dtype=np.uint8),
        chunk_chars=np.ones(len(at), dtype=np.uint16),
        chunk_tokens=np.zeros(len(at), dtype=np.uint16),
        lags_ns=np.full(100, 100_000, dtype=np.int64),
    )


def healthy_header(phases=None):
    phase = {"name": "level", "load": "closed", "concurrency": 2, "requests": 3}
    return {
        "plan": {"phases": phases or [phase]},
        "health": {"cpu_share": 0.1, "cpu_share_peak": 0.2},
        "timestamp_source": "kernel",
        "clock_step_ns": 0,
    }


@pytest.fixture
def certificate(tmp_path):
    """A self-signed certificate for 127.0.0.1 with its key in one file."""
    return make_certificate(tmp_path)


def make_certificate(folder: Path) -> Path:
    import datetime
    import ipaddress

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "mock")])
    now = datetime.datetime.now(datetime.UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    path = folder / "mock.pem"
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    path.write_bytes(built.public_bytes(serialization.Encoding.PEM) + pem)
    return path
