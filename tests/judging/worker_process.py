"""A real Celery worker in a process of its own, on the database of the tests."""

import os
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path

from celery import Celery
from django.conf import settings
from django.db import connection

QUEUE = "agon-tests"


class Installation:
    """Where the workers of one test live: a data folder, the test database, a queue."""

    def __init__(self, home):
        self.home = home
        self.env = {
            **os.environ,
            "AGON_HOME": str(home),
            "SECRET_KEY": settings.SECRET_KEY,
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
            "LOG_LEVEL": "WARNING",
        }
        if settings.IS_EMBEDDED:
            (home / "agon.sqlite3").symlink_to(connection.settings_dict["NAME"])
        else:
            server = os.environ["DATABASE_URL"].rsplit("/", 1)[0]
            self.env["DATABASE_URL"] = f"{server}/{connection.settings_dict['NAME']}"

    def send(self, kind, run_id):
        """What ``_send_to_queue`` does, into the queue of this installation."""
        with Celery("sender", broker=self._broker()) as app:
            app.conf.broker_transport = getattr(settings, "CELERY_BROKER_TRANSPORT", None)
            app.conf.broker_transport_options = self._transport_options()
            app.send_task("arena.tasks.drive_run", args=[kind, run_id], queue=QUEUE)

    def _broker(self):
        return settings.CELERY_BROKER_URL

    def _transport_options(self):
        if settings.REDIS_URL:
            return {}
        folders = {name: self.home / "queue" / name for name in ("messages", "control")}
        for folder in folders.values():
            folder.mkdir(parents=True, exist_ok=True)
        messages = str(folders["messages"])
        return {
            "data_folder_in": messages,
            "data_folder_out": messages,
            "control_folder": str(folders["control"]),
        }

    @contextmanager
    def worker(self, number=1):
        """A worker process; it is killed at the end of the block if it still lives."""
        command = [
            *(sys.executable, "-m", "celery", "-A", "config", "worker", "--loglevel", "WARNING"),
            *("--pool", "threads", "--concurrency", "1", "--hostname", f"test{number}@%h"),
            *("--queues", QUEUE),
            *("--without-gossip", "--without-mingle", "--without-heartbeat"),
        ]
        log = (self.home / f"worker{number}.log").open("wb")
        sessions = f"agon-tests-{self.home.name}-{number}"[:63]
        environment = {**self.env, "PGAPPNAME": sessions}
        process = subprocess.Popen(
            command, cwd=Path(settings.BASE_DIR), env=environment, stdout=log, stderr=log
        )
        try:
            yield process
        except BaseException:
            sys.stderr.write(Path(log.name).read_text(errors="replace"))
            raise
        finally:
            process.kill()
            process.wait()
            log.close()
            end_sessions(sessions)


def end_sessions(name):
    """PostgreSQL notices late that a killed process is gone, and then keeps its database."""
    if connection.vendor != "postgresql":
        return

    def are_gone():
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = %s AND datname = current_database()",
                [name],
            )
            return not cursor.fetchall()

    wait_until(are_gone)


def kill_hard(process):
    """kill -9, and wait until it is gone."""
    process.send_signal(signal.SIGKILL)
    process.wait()


def wait_until(condition, *, seconds=240.0, every=0.02):
    """Wait for something another process does; fails loudly when it does not come."""
    tick = threading.Event()
    for _ in range(int(seconds / every)):
        if condition():
            return
        tick.wait(every)
    raise AssertionError(f"{condition.__name__} did not come true within {seconds} s")
