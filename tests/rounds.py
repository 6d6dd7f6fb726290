"""The two rounds of tests, at the same time: on SQLite, and on PostgreSQL with Redis.

    python -m tests.rounds [sqlite] [services] -- [pytest arguments]

A line of output starts with its round's name; the last lines name the tests that failed. The exit
code is 1 when a round failed. Without PostgreSQL and Redis the second round is left out with the
reason; under CI=true that is a failure.
"""

import os
import subprocess
import sys
import threading
from pathlib import Path

import psycopg
import redis

ROOT = Path(__file__).resolve().parent.parent
DATABASE_URL = os.environ.get("TEST_DATABASE_URL", "postgres://postgres@127.0.0.1:5432/agon")
REDIS_URL = os.environ.get("TEST_REDIS_URL", "redis://127.0.0.1:6379/9")
ROUNDS = ("sqlite", "services")
NO_TESTS_COLLECTED = 5
FAILED = ("FAILED ", "ERROR ")  # how a line of pytest's short summary begins


def missing_service():
    """Why the second round cannot run here, or None."""
    try:
        server = DATABASE_URL.rsplit("/", 1)[0] + "/postgres"
        psycopg.connect(server.replace("postgres://", "postgresql://"), connect_timeout=3).close()
    except psycopg.OperationalError as error:
        return f"PostgreSQL is not there: {error}".strip()
    try:
        redis.Redis.from_url(REDIS_URL, socket_connect_timeout=3).ping()
    except redis.RedisError as error:
        return f"Redis is not there: {error}"
    return None


def pytest_call(name, arguments, *, is_alone):
    """The command and the environment of one round."""
    # two rounds on two cores: more threads than that would only wait for each other
    own = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-m", "pytest", *arguments]
    if not is_alone:
        # the round on SQLite has all that needs no database; with these too it would end last
        command += ["--one-round", "elsewhere" if name == "sqlite" else "here"]
    if name == "sqlite":
        own["AGON_HOME"] = str(ROOT / "var" / "test")
    else:
        own |= {
            "AGON_HOME": str(ROOT / "var" / "test-services"),
            "DATABASE_URL": DATABASE_URL,
            "REDIS_URL": REDIS_URL,
            "SECRET_KEY": "only-for-tests-only-for-tests-only-for-tests-00",
            "ALLOWED_HOSTS": "localhost,127.0.0.1,testserver",
        }
        command += ["--only-database", "-p", "no:cacheprovider"]
    environment = {**os.environ, **own}
    # each of the many processes that tests start would otherwise compile Django anew
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    return command, environment


class Round(threading.Thread):
    """Runs one round and passes its output on as it comes."""

    def __init__(self, name, arguments, *, is_alone):
        super().__init__(name=name)
        self.command, self.environment = pytest_call(name, arguments, is_alone=is_alone)
        self.selective = bool(arguments)
        self.summary = ""
        self.failed = []
        self.code = 1

    def run(self):
        with subprocess.Popen(
            self.command,
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        ) as process:
            for line in process.stdout:
                self.summary = line.strip() or self.summary
                if line.startswith(FAILED):
                    self.failed.append(line[:300].rstrip())
                sys.stdout.write(f"{self.name:<8} | {line}")
                sys.stdout.flush()
        self.code = process.returncode
        if self.selective and self.code == NO_TESTS_COLLECTED:
            self.code = 0


def main(arguments):
    split = arguments.index("--") if "--" in arguments else len(arguments)
    names, passed_on = arguments[:split] or list(ROUNDS), arguments[split + 1 :]
    reason = missing_service() if "services" in names else None
    if reason:
        names.remove("services")
    rounds = [Round(name, passed_on, is_alone=len(names) == 1) for name in names]
    for each in rounds:
        each.start()
    for each in rounds:
        each.join()
    for each in rounds:
        sys.stdout.write(f"\n{each.name}: exit code {each.code}\n{each.summary}\n")
        # again at the very end, which is all that is left of a long log in many places
        sys.stdout.writelines(f"{test}\n" for test in each.failed)
    if reason:
        sys.stdout.write(f"\nSkipped the tests on PostgreSQL and Redis. {reason}\n")
    is_incomplete = reason is not None and os.environ.get("CI", "").lower() == "true"
    return int(is_incomplete or any(each.code for each in rounds))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
