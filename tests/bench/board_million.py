"""A board over 1,000,000 stored votes: selected, fitted, snapshot; then one more vote; then pages.

Every model also has a serving speed and a benchmark run of sixty tasks, two thirds of them a group,
so that the board's page carries its further columns.

    python -m tests.bench.board_million [--battles 1000000] [--models 300]

Runs on the database that DATABASE_URL names, else on SQLite in AGON_HOME; use an empty one that
may be thrown away. The rows are synthesised in the database itself and kept for the next run.
"""

import argparse
import os
import resource
import sys
import time
from pathlib import Path

import django

QUESTIONS, VOTERS = 20_000, 50_000
BOARD = "bench"
# (the i-th row's) pseudo-random numbers by linear congruence, alike on both databases
ROWS = """
WITH RECURSIVE n(i) AS (SELECT CAST(1 AS BIGINT) UNION ALL SELECT i + 1 FROM n WHERE i < {battles}),
drawn AS (
    SELECT i, (i * 48271) % {models} AS first,
        ((i * 48271) % {models} + 1 + (i * 69621) % ({models} - 1)) % {models} AS second,
        (i * 40692 + i / 7) % 10007 AS luck
    FROM n
)
"""
BATTLES = """
INSERT INTO arena_battle (id, model_a_id, model_b_id, question_id, origin, is_anonymous, language,
    turn_count, exclusion, metadata, created_at)
{rows}
SELECT i, {first_model} + first, {first_model} + second,
    {first_question} + (i * 16807) % {questions},
    'imported', TRUE, '', 1, CASE WHEN i % 500 = 0 THEN 'identity_leak' ELSE '' END, '{{}}', '{now}'
FROM drawn
"""
VOTES = """
INSERT INTO arena_vote (id, battle_id, voter_id, outcome, source, shown_first, reasons, exclusion,
    created_at)
{rows}
SELECT i, i, {first_voter} + (i * 39373) % {voters},
    CASE WHEN luck < 1500 THEN 'tie' WHEN luck < 2000 THEN 'both_bad'
         WHEN luck - 2000 < 4000 + 3000 * (second - first) / {models} THEN 'model_a'
         ELSE 'model_b' END,
    'human', CASE WHEN i % 2 = 0 THEN 'a' ELSE 'b' END, '[]',
    CASE WHEN i % 300 = 0 THEN 'too_fast' ELSE '' END, '{now}'
FROM drawn
"""


def synthesise(battles, models):
    from django.db import connection

    from arena.models import LanguageModel, Question, QuestionSet, Vote, Voter
    from leaderboard.models import Board

    if Vote.objects.count() >= battles and LanguageModel.objects.count() == models:
        return
    started = time.perf_counter()
    LanguageModel.objects.bulk_create(
        LanguageModel(slug=f"model-{i:03d}", display_name=f"Model {i:03d}") for i in range(models)
    )
    chosen = QuestionSet.objects.create(slug="bench", name="Bench")
    Question.objects.bulk_create(
        (
            Question(
                question_set=chosen,
                external_id=str(i),
                turns=[[{"type": "text", "text": f"Question number {i}?"}]],
                category=("math", "coding", "writing")[i % 3],
                language=("en", "zh")[i % 2],
            )
            for i in range(QUESTIONS)
        ),
        batch_size=2000,
    )
    Voter.objects.bulk_create((Voter(key=str(i)) for i in range(VOTERS)), batch_size=5000)
    places = {
        "battles": battles,
        "models": models,
        "first_model": LanguageModel.objects.order_by("id").first().pk,
        "first_question": Question.objects.order_by("id").first().pk,
        "first_voter": Voter.objects.order_by("id").first().pk,
        "questions": QUESTIONS,
        "voters": VOTERS,
        "now": "2026-11-20 12:00:00+00:00" if connection.vendor == "postgresql" else
        "2026-11-20 12:00:00",
    }  # fmt: skip
    rows = ROWS.format(**places)
    with connection.cursor() as cursor:
        for statement in (BATTLES, VOTES):
            cursor.execute(statement.format(rows=rows, **places))
        if connection.vendor == "postgresql":
            for table in ("arena_battle", "arena_vote"):
                cursor.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), {battles})")
        cursor.execute("ANALYZE")
    values = {"title": "Bench", "query": {"source": "people"}}
    Board.objects.get_or_create(slug=BOARD, defaults=values)
    print(f"synthesised {battles:,} battles in {time.perf_counter() - started:.1f} s")


def measure_models():
    from django.utils import timezone

    from arena.models import LanguageModel, RunStatus
    from benchmarks.models import BenchmarkRun, BenchmarkTask, EngineKind
    from speed.models import SpeedPhase, SpeedRun, SpeedStamps

    if BenchmarkRun.objects.exists():
        return
    models = list(LanguageModel.objects.all())
    names = [f"subject_{i:02d}" for i in range(40)] + [f"task_{i:02d}" for i in range(20)]
    runs = BenchmarkRun.objects.bulk_create(
        BenchmarkRun(language_model=model, engine=EngineKind.LOCAL, status=RunStatus.COMPLETED,
                     groups={"subjects": names[:40]})
        for model in models
    )  # fmt: skip
    score = {"value": 0.5, "stderr": 0.02, "lower": 0.46, "upper": 0.54, "n": 500}
    BenchmarkTask.objects.bulk_create(
        (
            BenchmarkTask(run=run, name=name, suite="bench", protocol="native",
                          primary_metric="acc,none", fingerprint_hash=name[-12:],
                          scores={"acc,none": score}, audit={"scored": 500},
                          scored_at=timezone.now())
            for run in runs for name in names
        ),
        batch_size=2000,
    )  # fmt: skip
    speeds = SpeedRun.objects.bulk_create(
        SpeedRun(language_model=model, spec={"targets": []}, workload_key="w", status="completed",
                 target_key=model.slug)
        for model in models
    )  # fmt: skip
    stamps = SpeedStamps.objects.bulk_create(SpeedStamps(run=run, content=b"") for run in speeds)
    SpeedPhase.objects.bulk_create(
        SpeedPhase(run=kept.run, stamps=kept, number=0, phase=0, name="1 at once", load="closed",
                   level=1, attempts=1, succeeded=1, failed=0, window_s=1, grade="green",
                   language_model=kept.run.language_model, ttft_s=0.2, tpot_s=0.02)
        for kept in stamps
    )  # fmt: skip


def database_seconds():
    """Processor seconds of this connection's PostgreSQL process, where it runs on this machine."""
    from django.db import connection

    if connection.vendor != "postgresql":
        return 0.0
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        stat = Path(f"/proc/{cursor.fetchone()[0]}/stat")
    if not stat.exists():
        return 0.0
    fields = stat.read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def snapshots(rounds):
    from leaderboard.models import Board
    from leaderboard.services import take_snapshot

    board = Board.objects.get(slug=BOARD)
    for _ in range(rounds):
        served, started, worked = database_seconds(), time.perf_counter(), time.process_time()
        snapshot = take_snapshot(board=board)
        seconds, cpu = time.perf_counter() - started, time.process_time() - worked
        served = database_seconds() - served
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(
            f"snapshot {snapshot.number} of {snapshot.battles:,} votes: {seconds:.2f} s "
            f"({cpu:.2f} s of this process's CPU, {served:.2f} s of its PostgreSQL process's), "
            f"peak memory {peak:.0f} MiB, left out {snapshot.excluded}"
        )


def one_more_vote(rounds):
    import numpy as np

    from arena.models import Battle, LanguageModel, Question, Vote, Voter
    from leaderboard.fitting import fit, select
    from leaderboard.live import advance, renew
    from leaderboard.models import Board
    from leaderboard.ratings import METHODS
    from leaderboard.slices import board_slice

    board = Board.objects.get(slug=BOARD)
    renew(board)
    question = board_slice(board)
    models = list(LanguageModel.objects.all()[:2])
    voter, _ = Voter.objects.get_or_create(key="one-more")
    seconds, cpu = [], []
    for _ in range(rounds):
        battle = Battle.objects.create(
            model_a=models[0], model_b=models[1], question=Question.objects.first(),
            origin="imported",
        )  # fmt: skip
        Vote.objects.create(battle=battle, voter=voter, outcome="model_b")
        started, worked = time.perf_counter(), time.process_time()
        state = advance(board, question)
        seconds.append(time.perf_counter() - started)
        cpu.append(time.process_time() - worked)
    whole = fit(question, select(question.query, METHODS.get(question.method))).ratings
    gaps = [abs(state.ratings[name][0] - whole.of(name)) for name in state.ratings]
    print(
        f"one more vote: median {1000 * np.median(seconds):.1f} ms "
        f"({1000 * np.median(cpu):.1f} ms of this process's CPU), slowest "
        f"{1000 * max(seconds):.1f} ms; largest gap to the full refit {max(gaps):.1e} points"
    )
    Battle.objects.filter(votes__voter=voter).delete()
    renew(board)


def pages(rounds):
    import numpy as np
    from django.test import Client

    client = Client(HTTP_HOST="localhost")
    for address in ("/boards/", f"/boards/{BOARD}/", f"/boards/{BOARD}/history/",
                    f"/boards/{BOARD}/compare/", f"/boards/{BOARD}/decisive/",
                    f"/boards/{BOARD}/left-out/too_fast/", f"/boards/{BOARD}/embed/",
                    f"/boards/{BOARD}/charts/",
                    f"/boards/{BOARD}/board.json", f"/boards/{BOARD}/board.csv",
                    f"/pareto/?board={BOARD}", f"/pareto/?board={BOARD}&axis=throughput",
                    f"/boards/{BOARD}/model-000/vs/model-001/"):  # fmt: skip
        seconds, cpu = [], []
        for _ in range(rounds + 1):
            started, worked = time.perf_counter(), time.process_time()
            response = client.get(address)
            seconds.append(time.perf_counter() - started)
            cpu.append(time.process_time() - worked)
        print(
            f"{address}: {response.status_code}, median {1000 * np.median(seconds[1:]):.0f} ms "
            f"({1000 * np.median(cpu[1:]):.0f} ms of this process's CPU), "
            f"{len(response.content) / 1024:.0f} KiB"
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--battles", type=int, default=1_000_000)
    parser.add_argument("--models", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    from django.core.management import call_command
    from django.db import connection

    call_command("migrate", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    print(f"{connection.vendor}, Python {sys.version.split()[0]}, {os.cpu_count()} cores")
    synthesise(given.battles, given.models)
    measure_models()
    snapshots(given.rounds)
    one_more_vote(20)
    pages(5)


if __name__ == "__main__":
    main()
