"""Command line of the mock, and the mock as a child process of a test or a calibration."""

import argparse
import signal
import ssl
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import fields
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path
from typing import Any  # JSON of unknown shape

import orjson

from speed.mock_behaviour import FAULTS, MockBehaviour
from speed.mock_server import MockServer
from speed.urgency import pin_to, urgently

START_TIMEOUT_S = 20


def add_options(parser: argparse.ArgumentParser) -> None:
    """Give ``parser`` every setting of the mock; shared with ``manage.py mock_llm``."""
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=8801, help="port; 0 lets the system choose")
    parser.add_argument("--cpu", type=int, help="pin the mock to this CPU")
    parser.add_argument(
        "--urgent", action="store_true", help="run before other processes, where that is allowed"
    )
    parser.add_argument("--certificate", help="PEM certificate; turns TLS on")
    parser.add_argument("--private-key", help="PEM key of the certificate")
    parser.add_argument(
        "--fault",
        action="append",
        default=[],
        metavar="NAME=SHARE",
        help=f"make a share of requests fail; names: {', '.join(FAULTS)}",
    )
    for setting in fields(MockBehaviour):
        if setting.name == "faults":
            continue
        option = "--" + setting.name.replace("_", "-")
        if isinstance(setting.default, bool):
            parser.add_argument(
                option, action=argparse.BooleanOptionalAction, default=setting.default
            )
        else:
            kind = type(setting.default)
            parser.add_argument(option, type=kind, default=setting.default)


def behaviour_from(options: Mapping[str, Any]) -> MockBehaviour:
    """The behaviour that parsed options describe; raises BehaviourError or ValueError."""
    values = {
        item.name: options[item.name] for item in fields(MockBehaviour) if item.name != "faults"
    }
    faults = {name: float(share) for name, _, share in (f.partition("=") for f in options["fault"])}
    return MockBehaviour(faults=faults, **values)


def serve(options: Mapping[str, Any]) -> None:
    """Run the mock until it is interrupted; announces its address as one JSON line."""
    tls = None
    if options["certificate"]:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(options["certificate"], options["private_key"])
    server = MockServer(
        behaviour_from(options), host=options["host"], port=options["port"], tls=tls
    )
    pin_to(options["cpu"])
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: server.stop())
    scheme = "https" if tls else "http"
    url = f"{scheme}://{server.address[0]}:{server.address[1]}"
    sys.stdout.write(orjson.dumps({"url": url}).decode() + "\n")
    sys.stdout.flush()
    with urgently() if options["urgent"] else nullcontext():
        server.run()


def main(arguments: Sequence[str] | None = None) -> None:
    """``python -m speed.mock_server``."""
    parser = argparse.ArgumentParser(description="A deterministic OpenAI-compatible endpoint")
    add_options(parser)
    serve(vars(parser.parse_args(arguments)))


class MockProcess:
    """The mock in a process of its own, for the length of a ``with`` block."""

    def __init__(self, *options: str, certificate: Path | None = None) -> None:
        command = [sys.executable, "-m", "speed.mock_server", "--port", "0", *options]
        if certificate is not None:
            command += ["--certificate", str(certificate)]
        self._certificate = certificate
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE)
        stdout = self._process.stdout
        line = stdout.readline() if stdout is not None else b""
        if not line:
            raise RuntimeError(f"the mock did not start: {' '.join(command)}")
        self.url: str = orjson.loads(line)["url"]

    def __enter__(self) -> "MockProcess":
        return self

    def __exit__(self, *_exception: object) -> None:
        self._process.terminate()
        self._process.wait(START_TIMEOUT_S)
        if self._process.stdout is not None:
            self._process.stdout.close()

    def truth(self) -> list[dict[str, Any]]:
        """What the mock really did, one record per request in order of arrival."""
        records: list[dict[str, Any]] = self._call("GET", "/truth")
        return records

    def behave(self, behaviour: Mapping[str, Any]) -> None:
        """Replace the behaviour and forget the past."""
        self._call("POST", "/behaviour", orjson.dumps(behaviour))

    def _call(self, method: str, path: str, body: bytes | None = None) -> Any:
        scheme, _, address = self.url.partition("://")
        connection: HTTPConnection
        if scheme == "https":
            context = ssl.create_default_context(cafile=self._certificate)
            connection = HTTPSConnection(address, timeout=START_TIMEOUT_S, context=context)
        else:
            connection = HTTPConnection(address, timeout=START_TIMEOUT_S)
        try:
            connection.request(method, path, body)
            response = connection.getresponse()
            content = response.read()
        finally:
            connection.close()
        if response.status != 200:
            raise RuntimeError(f"the mock answered {response.status}: {content[:300]!r}")
        return orjson.loads(content)
