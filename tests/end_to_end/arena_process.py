"""The whole product as its users run it: real processes on a database of their own.

Embedded: ``manage.py serve`` on SQLite. Production, when the tests run with ``DATABASE_URL``: a
fresh PostgreSQL database, Redis, and separate web, worker and beat processes.
"""

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from uuid import uuid4

ROOT = Path(__file__).resolve().parents[2]
START_S = 300.0
REDIS_NUMBERS = (11, 10, 3, 2)
PORTS = range(20_000, 32_768)  # below those that the kernel picks for outgoing connections


def free_port():
    """Until the server that is to have it has started, nobody is given it as the next free one: no
    connection of either round of tests, not even the one that looks whether the server is there.
    """
    while True:
        port = PORTS[secrets.randbelow(len(PORTS))]
        with closing(socket.socket()) as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


class RedisNumber:
    """One that no other arena has, whose worker would take the messages; the last is shared when
    all are taken. Who was killed gives theirs back after an hour.
    """

    def __init__(self, server):
        from redis import Redis

        self.server = f"{server}/{REDIS_NUMBERS[0]}"
        with Redis.from_url(self.server) as redis:
            for self.value in REDIS_NUMBERS:
                if redis.set(self.key, os.getpid(), nx=True, ex=3600):
                    return

    @property
    def key(self):
        return f"agon:tests:arena-has:{self.value}"

    def give_back(self):
        from redis import Redis

        with Redis.from_url(self.server) as redis:
            redis.delete(self.key)


class ArenaProcess:
    """Start, ask, kill and restart one arena; ``command`` runs manage.py on its data."""

    def __init__(self, home, **environment):
        self.home = Path(home)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.processes = {}
        self.log = self.home / "log.txt"
        self.is_production = bool(os.environ.get("DATABASE_URL"))
        self.environment = {**os.environ, "AGON_HOME": str(self.home), **environment}
        self.environment["LOG_LEVEL"] = "WARNING"
        if self.is_production:
            self._own_database()

    def _own_database(self):
        import psycopg

        server, _, _ = os.environ["DATABASE_URL"].rpartition("/")
        self.database = f"agon_e2e_{uuid4().hex[:8]}"
        self.server = server.replace("postgres://", "postgresql://") + "/postgres"
        with psycopg.connect(self.server, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {self.database}")
        self.environment["DATABASE_URL"] = f"{server}/{self.database}"
        redis, _, _ = os.environ["REDIS_URL"].rpartition("/")
        self.number = RedisNumber(redis)
        self.environment["REDIS_URL"] = f"{redis}/{self.number.value}"

    # -- commands ---------------------------------------------------------------------------

    def command(self, *arguments, check=True):
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        if check and done.returncode:
            raise AssertionError(f"{arguments} ended with {done.returncode}: {done.stderr[-2000:]}")
        return done

    def json(self, *arguments):
        return json.loads(self.command(*arguments, "--json").stdout)

    def shell(self, code):
        return self.command("shell", "--no-imports", "-c", code).stdout.strip()

    # -- processes --------------------------------------------------------------------------

    def start(self):
        if self.is_production:
            self.command("migrate", "--verbosity", "0")
            self.command("collectstatic", "--noinput", "--verbosity", "0")
            self._start_web("web", self.port)
            self.start_worker()
            self._spawn("beat", [*_module("celery"), "-A", "config", "beat", "-l", "WARNING"])
        else:
            self._spawn("serve", [sys.executable, "manage.py", "serve", "--port", str(self.port)])
        self._wait_until_up()
        return self

    def _start_web(self, name, port):
        web = [*_module("uvicorn"), "config.asgi:application", "--port", str(port)]
        self._spawn(name, [*web, "--log-level", "warning", "--lifespan", "off"])

    @contextmanager
    def another_web_process(self):
        """Its port. It is killed at the end, as one is that fails."""
        port = free_port()
        self._start_web("another web", port)
        self._wait_until_up(port)
        try:
            yield port
        finally:
            process = self.processes.pop("another web")
            process.kill()
            process.wait()

    def start_worker(self):
        worker = [*_module("celery"), "--quiet", "-A", "config", "worker", "--pool", "threads"]
        self._spawn("worker", [*worker, "--concurrency", "4", "-l", "WARNING"])

    def _spawn(self, name, command):
        with self.log.open("a") as log:
            self.processes[name] = subprocess.Popen(
                command,
                cwd=ROOT,
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _wait_until_up(self, port=None):
        url = f"http://127.0.0.1:{port}" if port else self.url
        end = time.monotonic() + START_S
        while time.monotonic() < end:
            try:
                with urllib.request.urlopen(url + "/boards/", timeout=10):
                    return
            except OSError:
                self._fail_if_dead()
                time.sleep(0.2)  # a real process is starting; there is nothing to inject
        raise AssertionError(f"the arena did not start: {self.log.read_text()[-3000:]}")

    def _fail_if_dead(self):
        for name, process in self.processes.items():
            if process.poll() is not None:
                raise AssertionError(f"{name} ended: {self.log.read_text()[-3000:]}")

    def sign_in_path(self):
        """The administrator's link; in production the tests make a session by hand instead."""
        return self.shell(
            "from arena.services.sign_in import administrator_link; print(administrator_link())"
        )

    def kill_workers(self):
        """SIGKILL to every worker process: no handler runs, nothing is given back."""
        for pid in self._worker_pids():
            os.kill(pid, signal.SIGKILL)

    def _worker_pids(self):
        import psutil

        if self.is_production:
            return [self.processes["worker"].pid]
        children = psutil.Process(self.processes["serve"].pid).children(recursive=True)
        return [child.pid for child in children if "celery" in " ".join(child.cmdline())]

    def stop(self):
        for process in self.processes.values():
            if process.poll() is None:
                process.terminate()
        for process in self.processes.values():
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def close(self):
        self.stop()
        if self.is_production:
            import psycopg

            self.number.give_back()
            with psycopg.connect(self.server, autocommit=True) as connection:
                connection.execute(f"DROP DATABASE IF EXISTS {self.database} WITH (FORCE)")


def _module(name):
    return [sys.executable, "-m", name]
