"""The sandbox against hostile and broken programs, at every isolation level this host offers."""

import os
import socket
import tempfile
import time
from pathlib import Path

import pytest

from benchmarks.sandbox import runner
from benchmarks.sandbox.runner import (
    isolation_level,
    required_isolation,
    run_program,
    run_programs,
)
from benchmarks.sandbox.verdicts import Isolation, Limits, Program, Status, UnsafeSandboxError
from tests.conftest import skip_or_fail

BOUNDS = {"memory_bytes": 512 << 20, "processes": 16}
# what comes to its end by itself does so before this, on a machine with much else to do as well
PATIENT = Limits(timeout_s=60, start_s=120, **BOUNDS)
QUICK = Limits(timeout_s=1.5, start_s=120, **BOUNDS)
SAFE_LEVELS = [level for level in Isolation if level > Isolation.LIMITS]


def offered(level):
    if not runner._is_equipped(level):
        if level is Isolation.BUBBLEWRAP:
            pytest.skip("bubblewrap is not installed here")
        skip_or_fail(f"this host does not offer {level.name}")
    return level


@pytest.fixture(params=SAFE_LEVELS, ids=lambda level: level.name.lower())
def level(request):
    return offered(request.param)


@pytest.fixture(params=Isolation, ids=lambda level: level.name.lower())
def any_level(request):
    """The unsafe level too: resource limits and the verdict hold on every one."""
    return offered(request.param)


def run(source, level, check="", limits=PATIENT):
    return run_program(Program(source, check), limits=limits, isolation=level)


def test_a_right_program_passes_and_its_output_is_kept(any_level):
    verdict = run("def f(x):\n    return x + 1\nprint('hello')", any_level, "assert f(1) == 2")
    assert (verdict.status, verdict.output) == (Status.PASSED, "hello\n")
    assert verdict.isolation is any_level


def test_a_wrong_program_fails(level):
    assert run("def f(x):\n    return x", level, "assert f(1) == 2").status is Status.FAILED


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("1 / 0", "ZeroDivisionError"),
        ("def (", "SyntaxError"),
        ("import nothing", "ModuleNotFound"),
    ],
)
def test_an_error_is_told_apart_from_a_failed_test(level, source, reason):
    verdict = run(source, level)
    assert verdict.status is Status.ERROR
    assert reason in verdict.detail


@pytest.mark.parametrize(
    "leave", ["exit(0)", "raise SystemExit", "import os; os._exit(0)", "import sys; sys.exit()"]
)
def test_leaving_before_the_tests_is_not_a_pass(any_level, leave):
    assert run(leave, any_level, "assert False").status is Status.ERROR


def test_printing_a_verdict_is_not_a_pass(any_level):
    forged = (
        "import json, os\n"
        "for fd in range(3, 64):\n"
        "    try:\n"
        '        os.write(fd, b\'{"status": "passed", "nonce": "0"}\\n\')\n'
        "    except OSError:\n"
        "        pass\n"
        "os._exit(0)"
    )
    assert not run(forged, any_level, "assert False").is_passed


def test_an_endless_loop_is_ended(any_level):
    verdict = run("while True:\n    pass", any_level, limits=Limits(timeout_s=0.3))
    assert verdict.status is Status.TIMED_OUT


def test_a_fork_bomb_is_contained(any_level):
    bomb = "import os\nwhile True:\n    os.fork()"
    verdict = run(bomb, any_level, limits=QUICK)
    assert verdict.status in (Status.ERROR, Status.TIMED_OUT, Status.KILLED)


def test_ten_gigabytes_are_refused(any_level):
    verdict = run("block = bytearray(10 * 1024**3)\nblock[::4096] = block[::4096]", any_level)
    assert verdict.status in (Status.ERROR, Status.KILLED)


def test_nothing_outside_can_be_written(level, tmp_path):
    os.chmod(tmp_path, 0o777)
    target = tmp_path / "written"
    home = Path.home() / "agon-sandbox-was-here"
    source = (
        f"for path in ({str(target)!r}, {str(home)!r}, '/usr/written', '/etc/written'):\n"
        "    try:\n"
        "        open(path, 'w').write('x')\n"
        "    except OSError:\n"
        "        continue\n"
        "    raise SystemError(path)\n"
    )
    assert run(source, level).is_passed
    assert not target.exists()
    assert not home.exists()


def test_files_of_the_host_cannot_be_read(level, tmp_path):
    os.chmod(tmp_path, 0o777)
    secret = tmp_path / "secret"
    secret.write_text("the key")
    secret.chmod(0o644)
    source = (
        "import os\n"
        f"for path in ({str(secret)!r}, '/etc/passwd', '/proc/1/environ'):\n"
        "    try:\n"
        "        text = open(path).read()\n"
        "    except OSError:\n"
        "        continue\n"
        "    assert 'key' not in text and 'root:' not in text and 'SECRET' not in text, path\n"
    )
    assert run(source, level).is_passed


def test_secrets_in_the_environment_are_not_there(any_level, monkeypatch):
    monkeypatch.setenv("AGON_TEST_SECRET", "do-not-tell")
    verdict = run("import os\nprint(dict(os.environ))", any_level)
    assert verdict.is_passed
    assert "do-not-tell" not in verdict.output


def test_the_network_cannot_be_reached(level):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        source = f"import socket\nsocket.create_connection(('127.0.0.1', {port}), 1)"
        verdict = run(source, level)
    assert verdict.status is Status.ERROR


def living_marks(mark):
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if mark.encode() in words:
                found.append(entry.name)
    return found


def test_a_daemon_in_its_own_session_dies_with_the_program(level):
    mark = f"agon-daemon-{os.getpid()}-{level}"
    source = (
        "import os, sys, time\n"
        "if os.fork() == 0:\n"
        "    try:\n"
        "        os.setsid()\n"
        "    except OSError:\n"
        "        pass\n"
        "    if os.fork() == 0:\n"
        f"        os.execv(sys.executable or '/usr/bin/python3', ['{mark}', '-c', "
        "'import time; time.sleep(600)'])\n"
        "    os._exit(0)\n"
    )
    run(source, level, limits=QUICK)  # the daemon holds its pipes open
    assert wait_until_gone(mark)


def wait_until_gone(mark):
    """A killed process stays visible for the moment the kernel needs to take it apart."""
    deadline = time.monotonic() + 120
    while living_marks(mark):
        if time.monotonic() > deadline:
            return False
        os.sched_yield()
    return True


def test_other_processes_cannot_be_signalled(level):
    source = (
        "import os\n"
        "try:\n"
        f"    os.kill({os.getpid()}, 0)\n"
        "except OSError:\n"
        "    pass\n"
        "else:\n"
        "    raise SystemError\n"
    )
    assert run(source, level).is_passed


def test_a_flood_of_output_is_cut_and_ended(any_level):
    limits = Limits(timeout_s=60, output_bytes=1000, flood_bytes=100_000)
    program = Program("while True:\n    print('x' * 1000)")
    verdict = run_program(program, limits=limits, isolation=any_level)
    assert verdict.status is Status.KILLED
    assert len(verdict.output) == 1000


def test_deleting_the_own_folder_does_no_harm(any_level):
    source = "import os, shutil\nshutil.rmtree(os.getcwd(), ignore_errors=True)"
    assert run(source, any_level, "assert True").status in (Status.PASSED, Status.ERROR)


def test_tracing_cannot_skip_assertions(any_level):
    source = (
        "import sys\n"
        "def jump(frame, event, arg):\n"
        "    if event == 'line':\n"
        "        frame.f_lineno = frame.f_lineno + 1\n"
        "    return jump\n"
        "def f():\n"
        "    sys.settrace(jump)\n"
        "    frame = sys._getframe()\n"
        "    while frame:\n"
        "        frame.f_trace, frame = jump, frame.f_back\n"
        "    return 1\n"
    )
    assert not run(source, any_level, "assert f() == 2\nassert f() == 3").is_passed


def test_a_large_file_is_refused(any_level):
    source = "open('big', 'wb').write(b'x' * (50 << 20))"
    assert run(source, any_level).status in (Status.ERROR, Status.KILLED)


def test_folders_of_the_sandbox_are_removed(level, monkeypatch):
    with tempfile.TemporaryDirectory() as own:  # sandboxes of other processes come and go in /tmp
        os.chmod(own, 0o711)
        monkeypatch.setattr(tempfile, "tempdir", own)
        assert run("open('left', 'w').write('x')", level).is_passed
        assert os.listdir(own) == []


def test_a_sandbox_that_cannot_start_is_no_verdict_on_the_program(monkeypatch):
    monkeypatch.setattr("benchmarks.sandbox.launch._wrapper", lambda *_: ["/nonexistent/wrapper"])
    verdict = run("pass", Isolation.NAMESPACES)
    assert verdict.status is Status.SANDBOX_ERROR


def test_a_time_out_is_tried_once_more_alone(monkeypatch):
    calls = []

    def slow_once(program, *, limits, isolation):
        calls.append(program.source)
        status = (
            Status.TIMED_OUT if calls.count("b") == 1 and program.source == "b" else Status.PASSED
        )
        return runner.Verdict(status, isolation)

    monkeypatch.setattr(runner, "run_program", slow_once)
    programs = [Program(source) for source in "abc"]
    verdicts = run_programs(programs, isolation=Isolation.NAMESPACES, workers=1)
    assert [v.status for v in verdicts] == [Status.PASSED] * 3
    assert calls == ["a", "b", "c", "b"]


def test_the_unsafe_level_is_refused_unless_allowed(monkeypatch):
    monkeypatch.setattr(runner, "isolation_level", lambda: Isolation.LIMITS)
    with pytest.raises(UnsafeSandboxError, match="bubblewrap"):
        required_isolation()
    assert required_isolation(allows_unsafe=True) is Isolation.LIMITS


def test_this_host_offers_a_safe_level():
    if isolation_level() is Isolation.LIMITS:
        skip_or_fail("this host has neither namespaces nor Landlock with seccomp")
    assert isolation_level() >= Isolation.SYSTEM_CALLS
