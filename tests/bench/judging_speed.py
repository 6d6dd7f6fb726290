"""Judgments per second, parsed and stored, against a mock judge: ours and other clients' patterns.

    python -m tests.bench.judging_speed [--json] [--judgments N] [--postgres URL --redis URL]

One server (50 ms per reply, in a process of its own), 64 calls in flight, both orders of every
pair. The ideal is in flight / delay. "Ours" reads answers from the database, renders the prompts,
asks, parses and stores each judgment on a fresh SQLite database; with ``--postgres`` it does so on
a fresh PostgreSQL database as well. The other patterns only call and parse: nothing is stored.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

from tests.openai_server import run_in_process

DELAY_S = 0.05
IN_FLIGHT = 64
ANSWER = "The harbour was quiet, and nobody asked why the boats had stayed at home. " * 14
PROMPT = f"Question\n\n{ANSWER}\n\n{ANSWER}\n\nEnd with [[A]], [[B]] or [[C]]."


def verdict(messages):
    return "Both say the same; the first is a little clearer. " * 4 + "\n\n[[A]]"


def ours(url, judgments, env):
    """In a process of its own, so that each database starts fresh."""
    command = [sys.executable, "-m", "tests.bench.judging_speed", "--url", url]
    done = subprocess.run(
        [*command, "--judgments", str(judgments)],
        env={**os.environ, "LOG_LEVEL": "WARNING", **env},
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return float(done.stdout.split()[-1])


def drive_here(url, judgments):
    """Judgments per second from the first claim to the last stored row."""
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    run = _prepared_run(url, judgments)
    from arena.models import RunStatus, WorkStatus
    from arena.services.driving import drive_run_chunk

    type(run).objects.filter(pk=run.pk).update(status=RunStatus.ACTIVE)
    began, cpu_began = time.perf_counter(), time.process_time()
    drive_run_chunk("judging", run.pk)
    took_s = time.perf_counter() - began
    cpu_ms = 1000 * (time.process_time() - cpu_began) / judgments
    sys.stderr.write(f"{cpu_ms:.2f} ms of processor time per judgment\n")
    stored = run.judgments.filter(status=WorkStatus.DONE, is_readable=True).count()
    assert stored == judgments, f"{stored} of {judgments} judgments were stored"
    return judgments / took_s


def _prepared_run(url, judgments):
    from arena.models import Answer, Endpoint, LanguageModel, Question, QuestionSet, WorkStatus
    from judging.models import JudgeRunMode
    from judging.services.judge_runs import create_judge_run
    from judging.services.judges import create_judge
    from judging.services.ledger import JudgeRunSpec

    endpoint = Endpoint.objects.create(
        slug="mock",
        base_url=url,
        api_key="bench",
        max_concurrency=IN_FLIGHT,
        settings={"is_streaming": False},
    )
    names = ("judge", "one", "two")
    judge_model, one, two = (
        LanguageModel.objects.create(slug=name, display_name=name, endpoint=endpoint)
        for name in names
    )
    questions = QuestionSet.objects.create(slug="bench")
    rows = Question.objects.bulk_create(
        Question(
            question_set=questions,
            external_id=str(number),
            turns=[[{"type": "text", "text": f"Question {number}?"}]],
            language="en",
        )
        for number in range(judgments // 2)
    )
    Answer.objects.bulk_create(
        Answer(question=row, model=model, turns=[f"{model} {ANSWER}"], status=WorkStatus.DONE)
        for row in rows
        for model in (one, two)
    )
    judge = create_judge(slug="bench", kind="chat", language_model=judge_model)
    return create_judge_run(JudgeRunSpec(judge, JudgeRunMode.PAIRS, questions, (one, two)))


def client_per_call(url, calls):
    """arena-hard-auto's pattern: threads, and a new client for every call."""
    from openai import OpenAI

    def call(_):
        client = OpenAI(base_url=url + "/v1", api_key="bench")
        return _ask(client)

    return _rate(call, calls)


def one_client(url, calls):
    """Threads that share one synchronous client."""
    from openai import OpenAI

    with OpenAI(base_url=url + "/v1", api_key="bench") as client:
        return _rate(lambda _: _ask(client), calls)


def _ask(client):
    reply = client.chat.completions.create(
        model="judge", messages=[{"role": "user", "content": PROMPT}]
    )
    return "[[A]]" in reply.choices[0].message.content


def _rate(call, calls):
    with ThreadPoolExecutor(IN_FLIGHT) as threads:
        began = time.perf_counter()
        assert all(threads.map(call, range(calls)))
        return calls / (time.perf_counter() - began)


def fresh_postgres(url, redis_url):
    import psycopg

    server, name = url.rsplit("/", 1)
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}"')
        connection.execute(f'CREATE DATABASE "{name}"')
    return {
        "DATABASE_URL": url,
        "REDIS_URL": redis_url,
        "SECRET_KEY": "only-for-measuring-only-for-measuring-only-for-measuring",
        "ALLOWED_HOSTS": "localhost",
    }


def measure(options):
    with (
        run_in_process(delay_s=DELAY_S, reply=verdict, is_logging=False) as url,
        tempfile.TemporaryDirectory() as home,
    ):
        rates = {"ours on SQLite": ours(url, options.judgments, {"AGON_HOME": home})}
        if options.postgres:
            env = fresh_postgres(options.postgres, options.redis)
            rates["ours on PostgreSQL"] = ours(url, options.judgments, {"AGON_HOME": home} | env)
        rates["threads, one client"] = one_client(url, options.judgments // 3)
        rates["threads, a client per call"] = client_per_call(url, options.judgments // 20)
    return rates


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--judgments", type=int, default=6000)
    parser.add_argument("--postgres", default="", help="postgres://…/DATABASE, made afresh")
    parser.add_argument("--redis", default="redis://127.0.0.1:6379/9")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--url", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.url:
        print(drive_here(options.url, options.judgments))
        return
    rates = measure(options)
    slowest = rates["threads, a client per call"]
    if options.json:
        print(json.dumps({"ideal": IN_FLIGHT / DELAY_S, "judgments_per_s": rates}))
        return
    print(f"{IN_FLIGHT} in flight, {DELAY_S * 1000:.0f} ms, ideal {IN_FLIGHT / DELAY_S:.0f}/s")
    for name, rate in rates.items():
        print(f"{name:28} {rate:7.0f} judgments/s  {rate / slowest:5.1f} x a client per call")


if __name__ == "__main__":
    main()
