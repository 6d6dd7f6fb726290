"""As many programs at once as the host has cores, whoever asks for them."""

from threading import Barrier, Thread

import pytest

from benchmarks.sandbox import runner
from benchmarks.sandbox.runner import Slots, run_programs
from benchmarks.sandbox.verdicts import Isolation, Program, Status, UnsafeSandboxError, Verdict
from benchmarks.suites.programs import ProgramTask
from benchmarks.suites_base import TaskError, TaskOptions


def test_all_slots_are_the_host_to_oneself():
    slots = Slots(2)
    with slots.all():
        assert not slots.free.acquire(blocking=False)
    with slots.one(), slots.one():
        assert not slots.free.acquire(blocking=False)


def test_two_that_want_the_whole_host_do_not_block_each_other():
    slots, start = Slots(3), Barrier(2)
    seen = []

    def take(name):
        start.wait()
        with slots.all():
            seen.append(name)

    threads = [Thread(target=take, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(seen) == ["a", "b"]


def test_a_late_program_is_tried_again_with_the_host_to_itself(monkeypatch):
    slots = Slots(2)
    alone = []

    def run(program, *, limits, isolation):
        alone.append(not slots.free.acquire(blocking=False))
        if not alone[-1]:
            slots.free.release()
        return Verdict(Status.TIMED_OUT, isolation)

    monkeypatch.setattr(runner, "SLOTS", slots)
    monkeypatch.setattr(runner, "run_program", run)
    run_programs([Program("")], isolation=Isolation.NAMESPACES, workers=1)
    assert alone == [False, True]


def test_programs_are_refused_before_the_model_is_asked_where_nothing_isolates(monkeypatch):
    def refuse(*, allows_unsafe):
        raise UnsafeSandboxError("install bubblewrap")

    monkeypatch.setattr(runner, "required_isolation", refuse)
    with pytest.raises(TaskError, match="install bubblewrap"):
        ProgramTask("humaneval", [], TaskOptions()).build()
