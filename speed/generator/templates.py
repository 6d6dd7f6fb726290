"""Requests made ready to send: everything but the salt and the number is bytes before the start."""

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any  # request bodies are JSON of unknown shape
from urllib.parse import urlsplit

import orjson

from speed.plan import SALT_MARKER, Plan, PlanError, Target

_MARKER = SALT_MARKER.encode()
PROTECTED_HEADERS = frozenset({"host", "content-length", "transfer-encoding", "connection"})


@dataclass(frozen=True, slots=True)
class Template:
    """One prepared request: body pieces around the salt, and what is known about it beforehand."""

    pieces: tuple[bytes, ...]
    body_bytes: int
    expected_output: int
    think_ns: int
    turn: int
    prompt: int

    def body(self, salt: bytes) -> bytes:
        """The body with ``salt`` (16 bytes) in every marked place."""
        return salt.join(self.pieces)


Chain = tuple[Template, ...]


def load_chains(path: str) -> list[Chain]:
    """Conversations from a JSONL file: lines of one ``chain`` number follow one another.

    Each line holds ``body`` (the JSON to post) and optionally ``chain``, ``expected_output``
    (tokens asked for) and ``think_s`` (pause before this turn). Raises PlanError.
    """
    chains: list[list[Template]] = []
    last_chain: object = None
    with Path(path).open("rb") as lines:
        for number, line in enumerate(lines):
            if not line.strip():
                continue
            entry = _entry(line, path, number)
            chain = entry.get("chain")
            if chain is None or chain != last_chain:
                chains.append([])
            last_chain = chain
            chains[-1].append(_template(entry, len(chains[-1]), len(chains) - 1))
    if not chains:
        raise PlanError(f"{path} holds no request; a workload must prepare at least one")
    return [tuple(chain) for chain in chains]


def _entry(line: bytes, path: str, number: int) -> dict[str, Any]:
    try:
        entry = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise PlanError(f"{path}, line {number + 1} is not JSON: {error}") from error
    if not isinstance(entry, dict) or not isinstance(entry.get("body"), dict):
        raise PlanError(f"{path}, line {number + 1} has no object called body")
    return entry


def _template(entry: dict[str, Any], turn: int, prompt: int) -> Template:
    body = orjson.dumps(entry["body"])
    return Template(
        pieces=tuple(body.split(_MARKER)),
        body_bytes=len(body),
        expected_output=int(entry.get("expected_output", 0)),
        think_ns=int(float(entry.get("think_s", 0.0)) * 1e9),
        turn=turn,
        prompt=prompt,
    )


class Endpoint:
    """Where a target's connections go and what every request to it starts with."""

    def __init__(self, target: Target) -> None:
        parts = urlsplit(target.url)
        self.host = parts.hostname or ""
        self.is_tls = parts.scheme == "https"
        self.port = parts.port or (443 if self.is_tls else 80)
        self.address = target.address
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._head = self._render_head(path, parts.netloc.rpartition("@")[2], target)
        self.tls_context = self._tls_context(target) if self.is_tls else None

    def message(self, template: Template, salt: bytes, request_id: bytes) -> bytes:
        """The complete request in bytes."""
        length = b"Content-Length: %d\r\nX-Request-Id: " % template.body_bytes
        return b"".join((self._head, length, request_id, b"\r\n\r\n", template.body(salt)))

    @staticmethod
    def _render_head(path: str, host: str, target: Target) -> bytes:
        lines = [
            f"POST {path} HTTP/1.1",
            f"Host: {host}",
            "Content-Type: application/json",
            "Accept: text/event-stream, application/json",
            "Accept-Encoding: identity",  # compression would hold events back
            "User-Agent: agon-speed",
        ]
        lines += [
            f"{name}: {value}"
            for name, value in target.headers.items()
            if name.lower() not in PROTECTED_HEADERS
        ]
        return ("\r\n".join(lines) + "\r\n").encode("latin-1")

    @staticmethod
    def _tls_context(target: Target) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=target.ca_file)
        context.set_alpn_protocols(["http/1.1"])
        if not target.verify_tls:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context


def run_salt(plan: Plan, entropy: bytes) -> bytes:
    """Eight hexadecimal digits that no other run shares, even one with the same seed."""
    from hashlib import blake2b

    return (
        blake2b(f"{plan.run_id}:{plan.seed}".encode() + entropy, digest_size=4).hexdigest().encode()
    )
