"""How a timing process gets its CPU, each case in a process of its own."""

import os
import subprocess
import sys

from speed.urgency import urgently

SPIN = """
import os, time
from speed.urgency import urgently

def is_real_time():
    return os.sched_getscheduler(0) & ~os.SCHED_RESET_ON_FORK == os.SCHED_RR

with urgently() as urgency:
    began = is_real_time()
    deadline = time.monotonic() + 60
    while is_real_time() and time.monotonic() < deadline:
        pass
    ended = is_real_time()
print(urgency, began, ended, os.getpriority(os.PRIO_PROCESS, 0))
"""


def test_a_process_that_computes_without_waiting_becomes_ordinary_again():
    told = subprocess.run(
        [sys.executable, "-c", SPIN], capture_output=True, text=True, check=True
    ).stdout.split()

    is_privileged = told[0] == "real-time"
    assert told[-3] == str(is_privileged)
    assert told[-2] == "False"


def test_without_the_privilege_the_run_goes_on_and_says_so(monkeypatch):
    def refuse(*_):
        raise PermissionError

    monkeypatch.setattr(os, "sched_setscheduler", refuse)
    monkeypatch.setattr(os, "setpriority", refuse)

    with urgently() as urgency:
        pass

    assert urgency == f"niceness {os.getpriority(os.PRIO_PROCESS, 0)}"


def test_urgency_ends_with_its_block():
    script = SPIN.replace("while is_real_time()", "while False")

    told = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    ).stdout.split()

    assert told[-1] == str(os.getpriority(os.PRIO_PROCESS, 0))


def test_a_process_is_kept_on_its_cpu():
    cpu = min(os.sched_getaffinity(0))
    script = f"import os, speed.urgency as u; u.pin_to({cpu}); print(os.sched_getaffinity(0))"

    told = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    ).stdout

    assert told.strip() == str({cpu})
