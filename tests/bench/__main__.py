"""Run every measurement, one after the other: ``python -m tests.bench``."""

import runpy
import sys
from pathlib import Path

FOLDER = Path(__file__).parent


def names():
    return sorted(path.stem for path in FOLDER.glob("*.py") if not path.stem.startswith("_"))


if __name__ == "__main__":
    wanted = sys.argv[1:] or names()
    for name in wanted:
        print(f"\n== {name}", flush=True)
        try:
            runpy.run_module(f"tests.bench.{name}", run_name="__main__", alter_sys=True)
        except SystemExit as ended:
            print(f"{name} ended with {ended.code}")
