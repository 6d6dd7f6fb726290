"""The embedded way to run: web server and worker under one supervisor, one command."""

from __future__ import annotations

import ctypes
import fcntl
import os
import signal
import socket
import subprocess
import sys
import time
from argparse import ArgumentParser
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO

from django.conf import settings
from django.core.management import BaseCommand, CommandError, call_command
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.migrations.executor import MigrationExecutor

from arena.services.sign_in import administrator_link

PR_SET_PDEATHSIG = 1
GRACE_S = 8.0
RESTART_PAUSE_S = 1.0


class Command(BaseCommand):
    help = "Start the arena on this machine: database, web server and workers. Ctrl-C stops all."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--workers", type=int, default=1, help="worker processes")
        parser.add_argument("--threads", type=int, default=4, help="runs at once per worker")
        parser.add_argument("--no-demo", action="store_true", help="do not load the bundled demo")

    def handle(self, *_: Any, **options: Any) -> None:
        host, port = options["host"], options["port"]
        lock = _only_one_here()
        _require_free_port(host, port)
        if _has_unapplied_migrations():
            self.stdout.write("Preparing the database…")
            call_command("migrate", interactive=False, verbosity=0)
        commands = {"web": _web_command(host, port)}
        for number in range(options["workers"]):
            commands[f"worker {number + 1}"] = _worker_command(number, options["threads"])
        children = Children(commands)
        children.start("web")
        if not options["no_demo"]:
            call_command("load_demo", if_wanted=True, stdout=self.stdout)
        children.start_all()
        self._greet(host, port)
        try:
            children.supervise(self.stderr.write)
        finally:
            self.stdout.write("\nStopping…")
            children.stop()
            lock.close()
            self.stdout.write("Stopped. Everything is kept; start again with `make run`.")

    def _greet(self, host: str, port: int) -> None:
        shown = "127.0.0.1" if host in ("0.0.0.0", "::") else host
        url = f"http://{shown}:{port}"
        if not _wait_until_up(shown, port):
            self.stderr.write("The web server is slow to start; see the messages above.")
        self.stdout.write(
            self.style.SUCCESS(f"\nAgon is running at {url}/\n")
            + "\nThree things to try next:\n"
            + f"  1. Read the board and follow a rating to its battles:  {url}/\n"
            + f"  2. Sign in as administrator and start a judge run:     {url}"
            + f"{administrator_link()}\n"
            + "  3. Bring your own data:  .venv/bin/python manage.py import_data FILE --set NAME\n"
            + "\nThe demo is invented; remove it with `.venv/bin/python manage.py remove_demo`."
            + "\nPress Ctrl-C to stop.\n"
        )
        self.stdout.flush()


def _web_command(host: str, port: int) -> list[str]:
    return [
        *(sys.executable, "-m", "uvicorn", "config.asgi:application"),
        *("--host", host, "--port", str(port), "--log-level", "warning", "--lifespan", "off"),
        *("--timeout-graceful-shutdown", "3"),
        # compressing every piece of a live battle costs more than it saves
        *("--ws-per-message-deflate", "false"),
    ]


def _worker_command(number: int, threads: int) -> list[str]:
    beat = ["-B"] if number == 0 else []
    return [
        *(
            sys.executable,
            "-m",
            "celery",
            "--quiet",
            "-A",
            "config",
            "worker",
            "--loglevel",
            "WARNING",
        ),
        *("--pool", "threads", "--concurrency", str(threads), "--hostname", f"agon{number}@%h"),
        *("--without-gossip", "--without-mingle", "--without-heartbeat"),
        *beat,
    ]


class Children:
    """Child processes that are restarted when they die and die when this process does."""

    def __init__(self, commands: dict[str, list[str]]) -> None:
        self.commands = commands
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.is_stopping = False

    def start(self, name: str) -> None:
        # a session of its own: Ctrl-C reaches the supervisor only, which then stops in order
        self.processes[name] = subprocess.Popen(
            self.commands[name],
            cwd=settings.BASE_DIR,
            env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=_die_with_parent,  # noqa: PLW1509  # no thread runs in the supervisor
        )

    def start_all(self) -> None:
        for name in self.commands:
            if name not in self.processes:
                self.start(name)

    def supervise(self, tell: Callable[[str], object]) -> None:
        """Until SIGINT or SIGTERM; whatever dies in the meantime is started again."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._ask_to_stop)
        while not self.is_stopping:
            for name, process in list(self.processes.items()):
                if process.poll() is not None and not self.is_stopping:
                    tell(f"{name} ended with code {process.returncode}; starting it again")
                    self._pause(RESTART_PAUSE_S)
                    if not self.is_stopping:
                        self.start(name)
            self._pause(0.3)

    def _pause(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while not self.is_stopping and time.monotonic() < end:
            signal.sigtimedwait((), 0.1)

    def _ask_to_stop(self, *_: object) -> None:
        self.is_stopping = True

    def stop(self) -> None:
        """SIGTERM to all, SIGKILL to whoever is left after the grace."""
        for process in self.processes.values():
            with suppress(ProcessLookupError):
                process.terminate()
        deadline = time.monotonic() + GRACE_S
        for process in self.processes.values():
            try:
                process.wait(max(deadline - time.monotonic(), 0.1))
            except subprocess.TimeoutExpired:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def _die_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _only_one_here() -> TextIO:
    """Hold a lock on the data folder: two supervisors on one database confuse their users."""
    path = Path(settings.AGON_HOME) / "serve.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = path.open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise CommandError(
            f"Agon is already running on {settings.AGON_HOME}. Open its page, stop it first, or "
            "set AGON_HOME to another folder for a second arena."
        ) from None
    return lock


def _require_free_port(host: str, port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise CommandError(
                f"port {port} on {host} cannot be used ({error.strerror}); "
                f"choose another: make run PORT={port + 1}"
            ) from None


def _has_unapplied_migrations() -> bool:
    executor = MigrationExecutor(connections[DEFAULT_DB_ALIAS])
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def _wait_until_up(host: str, port: int, seconds: float = 20.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with suppress(OSError), socket.create_connection((host, port), timeout=0.5):
            return True
        signal.sigtimedwait((), 0.1)
    return False
