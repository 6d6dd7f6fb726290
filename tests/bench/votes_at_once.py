"""Votes per second with 500 voters at once, through the whole application.

Run from the repository root: ``python -m tests.bench.votes_at_once [--seconds N] [--voters N]
[--answers N] [--web N] [--json]``. Uses the database of the environment (``DATABASE_URL``, else
SQLite under ``AGON_HOME``); what it stores is under the slug prefix ``bench-`` and removed at the
end. Web processes, the client and PostgreSQL share the machine's cores. Every vote is answered
with the reveal and the next battle, as in the browser. Votes count from when all voters have their
first battle. Afterwards the rows are audited against the client's log: nothing lost, nothing
counted twice. The answers are rendered before, as a worker does soon after they are stored;
``rendering_ahead_s`` is what that takes of the processor, in seconds.

First one voter alone gives the server's time for the next battle and for a vote with its reveal.
Votes per second depend on who else uses the cores; the processor time per vote of web, database and
client does not, and ``votes_per_s_of_2_free_cores`` is what two cores of their own would give.
"""

import argparse
import asyncio
import contextlib
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

import psutil
import psycopg
from django.db import connection

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

HOST, PORT = "127.0.0.1", 8973
MODELS = 20
GROWING = "arena_ballot, arena_vote, arena_battle, arena_voter, arena_votersession"
WORDS = [
    "the",
    "of",
    "light",
    "air",
    "and",
    "blue",
    "because",
    "wavelength",
    "scattering",
    "is",
    "more",
    "than",
    "red",
    "which",
    "means",
    "that",
    "molecules",
    "are",
    "smaller",
    "so",
    "short",
    "waves",
    "reach",
    "the",
    "eye",
    "from",
    "every",
    "side",
    "at",
    "once",
]
TOKEN = re.compile(rb'name=\\?"token\\?" value=\\?"([\w-]+)')
CSRF = re.compile(rb"csrftoken=([\w-]+)")
VOTER = re.compile(rb"agon_voter=([\w-]+)")


# -- data ------------------------------------------------------------


def fill(answers):
    """``answers`` stored answers of about 1,250 characters by 20 models."""
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
    dice = random.Random(1)
    for start in range(0, answers // MODELS, 500):
        questions = Question.objects.bulk_create(
            Question(
                question_set=chosen,
                external_id=f"{n}",
                turns=[[{"type": "text", "text": words(dice, 40)}]],
                language="en",
            )
            for n in range(start, min(start + 500, answers // MODELS))
        )
        Answer.objects.bulk_create(
            (
                Answer(
                    question=question,
                    model=model,
                    turns=[reply(dice)],
                    status=WorkStatus.DONE,
                    origin="imported",
                )
                for question in questions
                for model in models
            ),
            batch_size=1000,
        )


def words(dice, number):
    return " ".join(dice.choices(WORDS, k=number))


def reply(dice):
    """About 1,250 characters as models write them: a heading, prose, a list, a table, some bold."""
    return (
        f"## {words(dice, 4)}\n\n{words(dice, 40)}, **{words(dice, 2)}** {words(dice, 18)}.\n\n"
        f"1. {words(dice, 12)}\n2. `{words(dice, 1)}` {words(dice, 12)}\n3. {words(dice, 12)}\n\n"
        f"| {words(dice, 1)} | {words(dice, 1)} |\n|---|---|\n| {words(dice, 2)} | 4 |\n\n"
        f"{words(dice, 55)}.\n\n{words(dice, 45)}."
    )


def render_ahead():
    """As the worker does in time; returns the processor seconds it took."""
    from arena.voting.rendering_ahead import AHEAD

    began = time.process_time()
    AHEAD.go_on(seconds=3600)
    return time.process_time() - began


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


class Crowd:
    """Who is there: the steady stretch begins once everybody has a battle on the screen."""

    def __init__(self, voters):
        self.missing, self.until, self.log = set(range(voters)), None, []
        self.everybody = asyncio.Event()

    def seat(self, number):
        self.missing.discard(number)
        if not self.missing:
            self.everybody.set()

    @property
    def goes_on(self):
        return self.until is None or time.perf_counter() < self.until


async def voter(number, crowd):
    link = Connection(f"10.{number // 250}.{number % 250}.7")
    await link.open()
    status, block, body = await link.ask(link.head("GET", "/vote/", ""))
    assert status == 200, status
    csrf = CSRF.search(block).group(1).decode()
    cookies = f"csrftoken={csrf}; agon_voter={VOTER.search(block).group(1).decode()}"
    token = TOKEN.search(body).group(1).decode()
    crowd.seat(number)
    dice = random.Random(number)
    while crowd.goes_on:
        choice = dice.choice(("left", "right", "tie", "both_bad"))
        form = urllib.parse.urlencode({"token": token, "choice": choice}).encode()
        extra = (
            f"Accept: application/json\r\nX-CSRFToken: {csrf}\r\nContent-Length: {len(form)}\r\n"
            "Content-Type: application/x-www-form-urlencoded\r\n"
        ).encode()
        began = time.perf_counter()
        status, _, body = await link.ask(link.head("POST", "/vote/cast/", cookies, extra), form)
        crowd.log.append((token, choice, status, began, time.perf_counter() - began))
        found = TOKEN.search(body)
        if status != 200 or found is None:
            break
        token = found.group(1).decode()
    link.writer.close()


async def alone(votes):
    """Seconds of each request of one voter: the next battle, and a vote with its reveal."""
    link = Connection("10.8.8.8")
    await link.open()
    _, block, body = await link.ask(link.head("GET", "/vote/", ""))
    csrf = CSRF.search(block).group(1).decode()
    cookies = f"csrftoken={csrf}; agon_voter={VOTER.search(block).group(1).decode()}"
    token, drawn_s, told_s = TOKEN.search(body).group(1).decode(), [], []
    for _ in range(votes):
        began = time.perf_counter()
        path = f"/vote/next/?after={token}"
        status, _, body = await link.ask(link.head("GET", path, cookies))
        assert status == 200, status
        drawn_s.append(time.perf_counter() - began)
        following = TOKEN.search(body).group(1).decode()
        # the battle after the next is drawn by the next turn of the loop, not along with the vote
        form = urllib.parse.urlencode({"token": token, "choice": "left", "after": token}).encode()
        extra = (
            f"Accept: application/json\r\nX-CSRFToken: {csrf}\r\nContent-Length: {len(form)}\r\n"
            "Content-Type: application/x-www-form-urlencoded\r\n"
        ).encode()
        began = time.perf_counter()
        status, _, _ = await link.ask(link.head("POST", "/vote/cast/", cookies, extra), form)
        assert status == 200, status
        told_s.append(time.perf_counter() - began)
        token = following
    link.writer.close()
    return drawn_s, told_s


async def vote_together(voters, seconds, note_costs):
    crowd = Crowd(voters)

    async def later(number):
        await asyncio.sleep(4.0 * number / voters)
        try:
            await voter(number, crowd)
        finally:
            crowd.seat(number)  # the others do not wait for who never came

    async def steady():
        await crowd.everybody.wait()
        crowd.until = time.perf_counter() + seconds
        began = note_costs(), len(crowd.log)
        await asyncio.sleep(seconds)
        return began, (note_costs(), len(crowd.log))

    costs = asyncio.create_task(steady())
    results = await asyncio.gather(*(later(n) for n in range(voters)), return_exceptions=True)
    failures = [repr(result) for result in results if isinstance(result, Exception)]
    return crowd.log, crowd.until, failures, await costs


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
    for _ in range(900):
        try:
            link = Connection("10.9.9.9")
            await link.open()
            await link.ask(link.head("GET", "/vote/", ""))
            return
        except (OSError, asyncio.IncompleteReadError):
            await asyncio.sleep(0.1)


def processor_s(server):
    """Processor seconds so far of the web processes, this database's back ends, this client."""
    web = psutil.Process(server.pid)
    name = str(connection.settings_dict["NAME"])
    backends = [
        process
        for process in psutil.process_iter(["cmdline"])
        if (process.info["cmdline"] or [""])[0].startswith("postgres:")
        and name in process.info["cmdline"][0].split()
    ]
    return {
        "web": _seconds([web, *web.children(recursive=True)]),
        "database": _seconds(backends),
        "client": _seconds([psutil.Process()]),
    }


def _seconds(processes):
    total = 0.0
    for process in processes:
        with contextlib.suppress(psutil.Error):
            times = process.cpu_times()
            total += times.user + times.system
    return total


async def keep_house():
    """What autovacuum does each minute, where the server's own is switched off: without it every
    statement stays planned for the empty tables of the start.
    """
    if connection.vendor != "postgresql":
        return
    url = os.environ["DATABASE_URL"]
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as link:
        row = await (await link.execute("SHOW autovacuum")).fetchone()
        while row == ("off",):
            await asyncio.sleep(60)
            await link.execute(f"VACUUM (ANALYZE) {GROWING}")


async def measure(server, voters, seconds):
    await wait_until_up()
    housekeeping = asyncio.create_task(keep_house())
    try:
        return await measure_votes(server, voters, seconds)
    finally:
        housekeeping.cancel()


async def measure_votes(server, voters, seconds):
    await alone(20)
    drawn_s, told_s = await alone(100)
    *result, costs = await vote_together(voters, seconds, lambda: processor_s(server))
    (before, first), (after, last) = costs
    votes = max(last - first, 1)
    per_vote = {name: 1000 * (after[name] - before[name]) / votes for name in after}
    return result, {
        "next_battle_ms_p50_p95": milliseconds(drawn_s),
        "vote_to_reveal_ms_p50_p95": milliseconds(told_s),
        "processor_ms_per_vote": {name: round(value, 2) for name, value in per_vote.items()},
        "votes_per_s_of_2_free_cores": round(2000 / max(sum(per_vote.values()), 1e-9)),
    }


def milliseconds(seconds):
    ordered = sorted(seconds)
    return [round(1000 * ordered[int(share * (len(ordered) - 1))], 1) for share in (0.5, 0.95)]


def summary(log, until, seconds, failures):
    steady = [
        entry
        for entry in log
        if until - seconds <= entry[3] + entry[4] <= until and entry[2] == 200
    ]
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
    parser.add_argument("--web", type=int, default=0, help="web processes; 3, or 1 on SQLite")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--keep", action="store_true", help="leave the rows for the next run")
    options = parser.parse_args()

    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    fill(options.answers)
    rendered_s = render_ahead()
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            # as its autovacuum does in time; never of an empty table, which would be planned for
            cursor.execute(
                "ANALYZE arena_languagemodel, arena_question, arena_answer, "
                "arena_renderedquestion, arena_renderedanswer"
            )
    processes = options.web or (3 if connection.vendor == "postgresql" else 1)
    server = serve(processes)
    try:
        result = asyncio.run(measure(server, options.voters, options.seconds))
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        try:
            server.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(server.pid, signal.SIGKILL)
    (log, until, failures), costs = result
    report = {
        "database": connection.vendor,
        "voters": options.voters,
        "stored_answers": options.answers,
        "rendering_ahead_s": round(rendered_s, 1),
        **costs,
        **summary(log, until, options.seconds, failures),
        **audit(log),
    }
    if not options.keep:
        clear()
    print(json.dumps(report) if options.json else "\n".join(f"{k}: {v}" for k, v in report.items()))


if __name__ == "__main__":
    main()
