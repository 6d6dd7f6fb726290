"""How fast, and in how much memory, one million FastChat battles are imported and ranked.

    python -m tests.bench.import_million_battles [--rows N] [--without-texts] [--json]

The file is made with a fixed seed in a temporary folder, in the shape of FastChat's clean battles:
one JSON array. Prompts repeat as they do in a real arena; every reply is of its own. The import
runs in a fresh process on a fresh SQLite database, and reports its own peak memory.
"""

import argparse
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROWS = 1_000_000
MODELS = 40
PROMPTS = 200_000
VOTERS = 100_000
MEMORY_LIMIT_MB = 600
WINNERS = ("model_a", "model_a", "model_b", "model_b", "tie", "tie (bothbad)")
LANGUAGES = ("English", "English", "English", "Chinese", "Russian", "German")
WORDS = tuple(f"{start}{end}" for start in ("ba", "ti", "no", "re", "lu") for end in "aeiounrs")


def text(rng, words):
    return " ".join(rng.choices(WORDS, k=words))


def battle(rng, number, *, with_texts):
    prompt = rng.randrange(PROMPTS)
    a, b = rng.sample(range(MODELS), 2)
    row = {
        "question_id": f"{number:032x}",
        "model_a": f"model-{a:02d}",
        "model_b": f"model-{b:02d}",
        "winner": rng.choice(WINNERS),
        "judge": f"arena_user_{rng.randrange(VOTERS)}",
        "turn": 1,
        "anony": rng.random() < 0.95,
        "language": LANGUAGES[prompt % len(LANGUAGES)],
        "tstamp": 1_700_000_000 + number * 0.5,
    }
    if with_texts:
        asked = {"role": "user", "content": text(random.Random(prompt), 12), "num_tokens": 12}
        for side in "ab":
            reply = {"role": "assistant", "content": text(rng, 40), "num_tokens": 40}
            row[f"conversation_{side}"] = [asked, reply]
    return row


def synthesise(path, rows, *, with_texts):
    rng = random.Random(2024)
    with path.open("w", encoding="utf-8") as file:
        for number in range(rows):
            file.write("[\n" if number == 0 else ",\n")
            json.dump(battle(rng, number, with_texts=with_texts), file)
        file.write("\n]\n")


def import_here(path):
    """In the child: import, and print what it took."""
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    from django.core.management import call_command

    from arena.importing import import_files
    from arena.models import Answer, Battle, Question, Vote

    call_command("migrate", verbosity=0)
    started = time.perf_counter()
    report = import_files([path], question_set="bench")
    seconds = time.perf_counter() - started
    imported_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    board = show_board()
    peak_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    counts = {kind.__name__: kind.objects.count() for kind in (Battle, Vote, Question, Answer)}
    return {
        "is_complete": report.is_complete,
        "bad_rows": report.bad_row_count,
        "rows": report.stored["battle"],
        "import_s": round(seconds, 1),
        "rows_per_s": round(report.stored["battle"] / seconds),
        "peak_memory_of_import_mb": round(imported_kb / 1024),
        "peak_memory_mb": round(peak_kb / 1024),
        "counts": counts,
        **board,
    }


def show_board():
    """Fit the board of everything stored, then ask for its page as a reader would."""
    from django.test import Client

    from leaderboard.models import Board
    from leaderboard.services import take_snapshot

    started = time.perf_counter()
    snapshot = take_snapshot(board=Board.objects.get(slug="overall"))
    fitted = time.perf_counter()
    page = Client(headers={"host": "localhost"}).get("/boards/overall/")
    shown = time.perf_counter()
    if page.status_code != 200 or "model-00" not in page.content.decode():
        raise SystemExit(f"the board was not shown: status {page.status_code}")
    return {
        "board_battles": snapshot.battles,
        "board_fit_s": round(fitted - started, 2),
        "board_page_s": round(shown - fitted, 3),
    }


def measure(rows=ROWS, *, with_texts=True):
    """Make the file, import it in a fresh process, return what it took."""
    with tempfile.TemporaryDirectory(prefix="agon-bench-") as folder:
        path = Path(folder) / "clean_battle.json"
        synthesise(path, rows, with_texts=with_texts)
        environment = {
            name: value
            for name, value in os.environ.items()
            if name not in ("DATABASE_URL", "REDIS_URL")
        } | {"AGON_HOME": str(Path(folder) / "home")}
        child = subprocess.run(
            [sys.executable, "-m", "tests.bench.import_million_battles", "--import", str(path)],
            env=environment,
            cwd=Path(__file__).resolve().parents[2],
            check=True,
            capture_output=True,
            text=True,
        )
        result = json.loads(child.stdout.splitlines()[-1])
        database = Path(folder) / "home" / "agon.sqlite3"
        return result | {
            "file_mb": round(path.stat().st_size / 1e6),
            "database_mb": round(database.stat().st_size / 1e6),
            "with_texts": with_texts,
        }


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--without-texts", action="store_true", help="FastChat's simple mode")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--import", dest="path", type=Path, help=argparse.SUPPRESS)
    # run with the others, the command line holds the names of measurements as well
    options, _ = parser.parse_known_args(arguments)
    if options.path:
        print(json.dumps(import_here(options.path)))
        return 0
    result = measure(options.rows, with_texts=not options.without_texts)
    if options.json:
        print(json.dumps(result))
    else:
        print(
            f"{result['rows']:,} battles ({result['file_mb']} MB) imported in "
            f"{result['import_s']} s: {result['rows_per_s']:,} rows/s, "
            f"peak memory {result['peak_memory_of_import_mb']} MB, database "
            f"{result['database_mb']} MB; board of {result['board_battles']:,} fitted in "
            f"{result['board_fit_s']} s, its page shown in {result['board_page_s']} s, peak memory "
            f"of all {result['peak_memory_mb']} MB (limit {MEMORY_LIMIT_MB})"
        )
    is_good = (
        result["is_complete"]
        and result["rows"] == options.rows
        and result["peak_memory_mb"] < MEMORY_LIMIT_MB
    )
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
