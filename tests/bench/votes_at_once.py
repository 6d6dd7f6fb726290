"""Votes per second with 500 voters at once, through the whole application.

Run from the repository root: ``python -m tests.bench.votes_at_once [--seconds N] [--voters N]
[--answers N] [--web N] [--json]``. Uses the database of the environment (``DATABASE_URL``, else
SQLite under ``AGON_HOME``); what it stores is under the slug prefix ``bench-`` and removed at the
end. Web processes, the client and PostgreSQL share the machine's cores. Every vote is answered
with the reveal and the next battle, as in the browser. Afterwards the rows are audited against
the client's log: nothing lost, nothing counted twice.
"""

import argparse
import asyncio
import json
import os
import random
import re
import signal
import statistics
import subprocess
import sys
import time
import urllib.parse
from collections import Counter

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

HOST, PORT = "127.0.0.1", 8973
MODELS = 20
TOKEN = re.compile(rb'name=\\?"token\\?" value=\\?"([\w-]+)')
CSRF = re.compile(rb"csrftoken=([\w-]+)")
VOTER = re.compile(rb"agon_voter=([\w-]+)")


# -- data ------------------------------------------------------------


def fill(answers):
    """``answers`` stored answers of about 1,200 characters by 20 models."""
    from arena.models import Answer, LanguageModel, Question, QuestionSet, VotingPolicy, WorkStatus

    VotingPolicy.objects.update_or_create(
        pk=1, defaults={"refused_votes_per_minute": 10**6, "gold_share": 0.0}
    )
    chosen, _ = QuestionSet.objects.get_or_create(slug="bench-set", defaults={"name": "bench"})
    if chosen.questions.count() * MODELS >= answers:
        return
    models = [
        LanguageModel.objects.create(slug=f"bench-{n}", display_name=f"Bench {n}")
        for n in range(MODELS)
    ]
    words = random.Random(1).choices(
        ["alpha", "beta", "**gamma**", "`delta`", "epsilon", "zeta", "eta"], k=9000
    )
    for start in range(0, answers // MODELS, 500):
        questions = Question.objects.bulk_create(
            Question(
                question_set=chosen,
                external_id=f"{n}",
                turns=[[{"type": "text", "text": " ".join(words[n % 8000 : n % 8000 + 40])}]],
                language="en",
            )
            for n in range(start, min(start + 500, answers // MODELS))
        )
        Answer.objects.bulk_create(
            (
                Answer(
                    question=question,
                    model=model,
                    turns=[" ".join(words[place : place + 180])],
                    status=WorkStatus.DONE,
                    origin="imported",
                )
                for question in questions
                for place, model in enumerate(models)
            ),
            batch_size=1000,
        )


def clear():
    from arena.models import Ballot, Battle, LanguageModel, QuestionSet, Vote, Voter, VotingPolicy

    Ballot.objects.filter(battle__question__question_set__slug="bench-set").delete()
    Vote.objects.filter(battle__question__question_set__slug="bench-set").delete()
    Battle.objects.filter(question__question_set__slug="bench-set").delete()
    Voter.objects.filter(votes__isnull=True, ballots__isnull=True, user__isnull=True).delete()
    QuestionSet.objects.filter(slug="bench-set").delete()
    LanguageModel.objects.filter(slug__startswith="bench-").delete()
    VotingPolicy.objects.all().delete()


# -- client ------------------------------------------------------------


class Connection:
    """HTTP/1.1 keep-alive with nothing in it that costs time."""

    def __init__(self, address):
        self.address = address

    async def open(self):
        self.reader, self.writer = await asyncio.open_connection(HOST, PORT, limit=2**20)

    async def ask(self, head, body=b""):
        self.writer.write(head + b"\r\n" + body)
        block = await self.reader.readuntil(b"\r\n\r\n")
        size = int(re.search(rb"content-length: (\d+)", block, re.I).group(1))
        return int(block[9:12]), block, await self.reader.readexactly(size)

    def head(self, method, path, cookies, extra=b""):
        return (
            f"{method} {path} HTTP/1.1\r\nHost: {HOST}\r\nX-Forwarded-For: {self.address}\r\n"
            f"Cookie: {cookies}\r\n".encode()
            + extra
        )


async def voter(number, until, log):
    link = Connection(f"10.{number // 250}.{number % 250}.7")
    await link.open()
    status, block, body = await link.ask(link.head("GET", "/vote/", ""))
    assert status == 200, status
    csrf = CSRF.search(block).group(1).decode()
    cookies = f"csrftoken={csrf}; agon_voter={VOTER.search(block).group(1).decode()}"
    token = TOKEN.search(body).group(1).decode()
    dice = random.Random(number)
    while time.perf_counter() < until:
        choice = dice.choice(("left", "right", "tie", "both_bad"))
        form = urllib.parse.urlencode({"token": token, "choice": choice}).encode()
        extra = (
            f"Accept: application/json\r\nX-CSRFToken: {csrf}\r\nContent-Length: {len(form)}\r\n"
            "Content-Type: application/x-www-form-urlencoded\r\n"
        ).encode()
        began = time.perf_counter()
        status, _, body = await link.ask(link.head("POST", "/vote/cast/", cookies, extra), form)
        log.append((token, choice, status, began, time.perf_counter() - began))
        found = TOKEN.search(body)
        if status != 200 or found is None:
            break
        token = found.group(1).decode()
    link.writer.close()


async def crowd(voters, seconds):
    log = []
    ramp_s = 4.0
    until = time.perf_counter() + ramp_s + seconds

    async def later(number):
        await asyncio.sleep(ramp_s * number / voters)
        await voter(number, until, log)

    results = await asyncio.gather(*(later(n) for n in range(voters)), return_exceptions=True)
    failures = [repr(result) for result in results if isinstance(result, Exception)]
    return log, until - seconds, failures


# -- measuring ------------------------------------------------------------


def audit(log):
    """Compare every vote the client was told of with the rows."""
    from arena.models import Ballot, Vote

    told = {token: choice for token, choice, status, _, _ in log if status == 200}
    rows = Ballot.objects.filter(token__in=told).select_related("vote")
    stored = {row.token: row for row in rows.iterator(chunk_size=2000)} if told else {}
    wrong = 0
    for token, choice in told.items():
        row = stored.get(token)
        position = _position(row) if row is not None and row.vote else None
        wrong += position != choice
    per_pair = Counter(Vote.objects.values_list("battle_id", "voter_id"))
    return {
        "told": len(told),
        "stored": sum(1 for row in stored.values() if row.vote_id),
        "lost_or_wrong": wrong,
        "counted_twice": sum(n - 1 for n in per_pair.values()),
    }


def _position(row):
    if row.vote.outcome in ("tie", "both_bad"):
        return row.vote.outcome
    return "left" if row.vote.outcome == f"model_{row.sides[0]}" else "right"


def serve(processes):
    command = [
        *(sys.executable, "-m", "uvicorn", "config.asgi:application", "--lifespan", "off"),
        *("--host", HOST, "--port", str(PORT), "--log-level", "error", "--no-access-log"),
        *("--workers", str(processes), "--timeout-graceful-shutdown", "1"),
    ]
    environment = {**os.environ, "LOG_LEVEL": "ERROR", "ALLOWED_HOSTS": HOST}
    return subprocess.Popen(command, env=environment, start_new_session=True)


async def wait_until_up():
    for _ in range(200):
        try:
            link = Connection("10.9.9.9")
            await link.open()
            await link.ask(link.head("GET", "/vote/", ""))
            return
        except (OSError, asyncio.IncompleteReadError):
            await asyncio.sleep(0.1)


async def measure(voters, seconds):
    await wait_until_up()
    return await crowd(voters, seconds)


def summary(log, started, seconds, failures):
    steady = [entry for entry in log if entry[3] >= started and entry[2] == 200]
    delays = sorted(entry[4] for entry in steady)
    cuts = statistics.quantiles(delays, n=100) if len(delays) > 1 else [0] * 99
    return {
        "votes_per_s": round(len(steady) / seconds, 1),
        "p50_ms": round(1000 * cuts[49], 1),
        "p95_ms": round(1000 * cuts[94], 1),
        "not_200": sum(entry[2] != 200 for entry in log),
        "failures": failures[:3],
    }


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--voters", type=int, default=500)
    parser.add_argument("--answers", type=int, default=100_000)
    parser.add_argument("--web", type=int, default=0, help="web processes; 2, or 1 on SQLite")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--keep", action="store_true", help="leave the rows for the next run")
    options = parser.parse_args()

    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection

    call_command("migrate", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    fill(options.answers)
    processes = options.web or (2 if connection.vendor == "postgresql" else 1)
    server = serve(processes)
    try:
        result = asyncio.run(measure(options.voters, options.seconds))
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        try:
            server.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(server.pid, signal.SIGKILL)
    log, started, failures = result
    report = {
        "database": connection.vendor,
        "voters": options.voters,
        "stored_answers": options.answers,
        **summary(log, started, options.seconds, failures),
        **audit(log),
    }
    if not options.keep:
        clear()
    print(json.dumps(report) if options.json else "\n".join(f"{k}: {v}" for k, v in report.items()))


if __name__ == "__main__":
    main()
