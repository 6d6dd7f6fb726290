"""Tests and program in processes of their own: what crosses over, and what cannot be forged."""

import pytest

from benchmarks.sandbox.runner import isolation_level, run_program
from benchmarks.sandbox.verdicts import Isolation, Limits, Program, Status
from tests.conftest import skip_or_fail

BOUNDS = {"memory_bytes": 512 << 20, "processes": 16, "start_s": 120}
PATIENT, QUICK = (Limits(timeout_s=seconds, **BOUNDS) for seconds in (60, 3))


@pytest.fixture(scope="module")
def level():
    if isolation_level() is Isolation.LIMITS:
        skip_or_fail("this host has neither namespaces nor Landlock with seccomp")
    return isolation_level()


@pytest.fixture
def verdict(level):
    def run(source, check, limits=PATIENT, **more):
        return run_program(Program(source, check, **more), limits=limits, isolation=level)

    return run


@pytest.mark.parametrize(
    ("body", "check"),
    [
        ("return [x, (x, {x: {1, 2}}), None, True]", "f(3) == [3, (3, {3: {1, 2}}), None, True]"),
        ("return 10 ** 5000 + x", "f(1) == 10 ** 5000 + 1"),
        ("return float('nan')", "f(0) != f(0)"),
        ("return '\\ud800\\n' + x", r"f('é') == '\ud800\né'"),
        ("return b'\\x00' + x", r"f(b'a') == b'\x00a'"),
        ("return (2 + 3j, range(x), frozenset([x]))", "f(2) == (2 + 3j, range(2), frozenset([2]))"),
        ("from decimal import Decimal\n    return Decimal('0.1') * x", "str(f(3)) == '0.3'"),
        ("from collections import Counter\n    return Counter(x)", "f('aab') == {'a': 2, 'b': 1}"),
        ("yield from range(x)", "list(f(3)) == [0, 1, 2] and sum(f(4)) == 6"),
        ("return map(str, x)", "f([1]) != ['1'] and list(f([1])) == ['1']"),
        ("return x(2) + x(3)", "f(lambda n: n * n) == 13"),
        ("return x is True", "f(True) is True and f(1) is False"),
    ],
)
def test_a_call_takes_and_gives_what_python_programs_exchange(verdict, body, check):
    found = verdict(f"def f(x):\n    {body}", f"assert {check}")
    assert found.is_passed, found


def test_what_a_program_changes_in_its_arguments_is_changed_for_the_tests(verdict):
    source = "def f(rows, names):\n    rows.sort()\n    names['n'] = len(rows)"
    check = "rows, names = [3, 1], {}\nf(rows, names=names)\nassert rows == [1, 3]"
    assert verdict(source, check).is_passed
    assert verdict(source, "found = {}\nf([3], found)\nassert found == {'n': 1}").is_passed


def test_objects_of_the_programs_own_classes_are_handed_around(verdict):
    source = (
        "class Pair:\n"
        "    def __init__(self, a, b):\n        self.a, self.b = a, b\n"
        "    def total(self, *, times=1):\n        return (self.a + self.b) * times\n"
        "def first(pairs):\n    return pairs[0]\n"
    )
    check = (
        "one = Pair(1, 2)\n"
        "assert first([one, Pair(3, 4)]) == one\n"
        "assert (one.a, one.total(times=2)) == (1, 6)\n"
        "assert first([one]) != 3"
    )
    assert verdict(source, check).is_passed


def test_errors_come_over_as_what_they_were(verdict):
    source = "def f(x):\n    raise KeyError(x)"
    assert verdict(source, "try:\n    f(1)\nexcept KeyError:\n    pass\nelse:\n    1 / 0").is_passed
    found = verdict(source, "f(1)")
    assert (found.status, "KeyError" in found.detail) == (Status.ERROR, True)


def test_modules_and_constants_of_the_program_serve_its_tests(verdict):
    assert verdict("import math\nLIMIT = [3]", "assert math.sqrt(9) == LIMIT[0]").is_passed


def test_an_object_that_equals_everything_passes_no_test(verdict):
    source = (
        "class Anything:\n    def __eq__(self, other):\n        return True\n"
        "class Number(int):\n    def __eq__(self, other):\n        return True\n"
        "def f(x):\n    return Anything() if x else Number(1)\n"
    )
    assert verdict(source, "assert f(1) == 5").status is Status.FAILED
    assert verdict(source, "assert f(0) == 5").status is Status.FAILED


def test_a_program_can_replace_neither_builtins_nor_helpers_under_its_tests(verdict):
    source = (
        "import builtins\n"
        "builtins.AssertionError = builtins.abs = len = lambda *_: 0\n"
        "def helper(x):\n    return 0\n"
        "def f(x):\n    return 7\n"
    )
    check = "assert abs(f(1)) == 7 and len('ab') == 2 and helper(f(1)) == 0"
    helpers = "def helper(x):\n    return x - 7\ndef f(x):\n    pass"
    assert verdict(source, check, helpers=helpers, entry="f").is_passed
    assert verdict(source, "assert f(1) == 8", helpers=helpers, entry="f").status is Status.FAILED
    assert verdict(source, "assert helper(9) == 0", helpers=helpers).status is Status.FAILED


def test_what_tests_hand_over_can_be_called_and_not_looked_into(verdict):
    source = (
        "def f(callback, kind):\n"
        "    found = []\n"
        "    for thing in (callback, kind):\n"
        "        for question in ({'get': thing._number, 'name': '__globals__'},\n"
        "                         {'get': thing._number, 'name': '__subclasses__'},\n"
        "                         {'item': thing._number, 'key': 0},\n"
        "                         {'apply': 'str', 'to': thing._number}):\n"
        "            try:\n"
        "                found.append(thing._peer.ask(**question))\n"
        "            except PermissionError:\n"
        "                pass\n"
        "    return [found, callback(2), kind('3')]\n"
    )
    assert verdict(source, "assert f(lambda n: n + 1, int) == [[], 3, 3]").is_passed


LOOK_EVERYWHERE = """
import gc, os, sys
KEPT = ["kept-" + str(4711)]
def f(parts):
    seen = [repr(found) for found in gc.get_objects() if isinstance(found, (dict, str, list))]
    frame = sys._getframe()
    while frame:
        seen.append(repr((frame.f_globals, frame.f_locals)))
        frame = frame.f_back
    paths = [f"/proc/{os.getppid()}/{name}" for name in ("mem", "environ", "cmdline", "fd/0")]
    for source in [*range(3, 64), *paths]:
        try:
            descriptor = source if isinstance(source, int) else os.open(source, os.O_RDONLY)
            os.set_blocking(descriptor, False)
            seen.append(os.read(descriptor, 1 << 20).decode("latin1"))
        except OSError:
            pass
    return any("".join(parts) in text for text in seen)
"""


def test_neither_tests_nor_nonce_can_be_read_by_the_program(verdict):
    """It looks at objects, frames, descriptors and the other process; it does find its own."""
    assert verdict(LOOK_EVERYWHERE, "assert f(['kept', '-', '4711'])").is_passed
    check = "assert not f(['only ', 'told ', 'here'])  # only told here"
    assert verdict(LOOK_EVERYWHERE, check).is_passed


@pytest.mark.parametrize(
    "attack",
    [
        "os._exit(0)",
        "os.kill(os.getppid(), 9)",
        "os.kill(0, 9)",
        "[os.write(fd, b'{\"value\": 5}\\n' * 3) for fd in range(3, 64)]",
        '[os.write(fd, b\'{"status": "passed", "nonce": ""}\\n\') for fd in range(1, 9)]',
        "[os.close(fd) for fd in range(64)]",
        "sys.setrecursionlimit(10 ** 9)",
        "exec('import ctypes; ctypes.string_at(0)')",
    ],
)
def test_an_attack_in_the_middle_of_the_tests_is_no_pass(verdict, attack):
    source = (
        f"import os, sys\ndef f():\n    try:\n        {attack}\n    except OSError:\n        pass\n"
    )
    assert not verdict(source, "assert f() == 5\nassert f() == 6", QUICK).is_passed


def test_a_program_that_ends_between_two_calls_is_told_as_ended(verdict):
    source = "import os, threading\ndef f(x):\n    os._exit(7)"
    found = verdict(source, "f(1)")
    assert found.status is Status.ERROR
    assert "left with code 7" in found.detail
