"""Two streams at one pace."""

from hypothesis import given
from hypothesis import strategies as st

from arena.live.pacing import Pace, PacedText


def pair(**options):
    return Pace([PacedText(), PacedText()], **options)


def test_the_faster_side_waits_for_the_slower_one():
    pace = pair()
    pace.feed(0, "x" * 100)
    pace.feed(1, "yy")
    assert pace.advance(1.0) == ["xx", "yy"]


def test_nothing_is_shown_before_both_have_begun():
    pace = pair()
    pace.feed(0, "hello")
    assert pace.advance(1.0) == ["", ""]


def test_a_side_that_has_ended_no_longer_holds_the_other_back():
    pace = pair()
    pace.feed(0, "x" * 10)
    pace.end(1)
    assert pace.advance(1.0) == ["x" * 10, ""]


def test_a_burst_is_let_through_no_faster_than_the_limit_on_either_side():
    pace = pair(max_characters_per_s=100)
    for side in (0, 1):
        pace.feed(side, "z" * 1000)
        pace.end(side)
    shown = [pace.advance(0.1) for _ in range(10)]
    assert [len(left) for left, _ in shown] == [len(right) for _, right in shown]
    assert 90 <= sum(len(left) for left, _ in shown) <= 110


def test_a_stopped_pace_keeps_only_what_was_shown():
    pace = pair()
    for side in (0, 1):
        pace.feed(side, "abcdef")
    pace.advance(0.0033)
    pace.stop()
    assert pace.is_drained
    assert pace.sides[0].arrived == pace.sides[0].shown


def test_named_models_are_not_paced():
    pace = pair(is_matched=False)
    pace.feed(0, "x" * 500)
    assert pace.advance(0.001) == ["x" * 500, ""]


events = st.lists(
    st.tuples(st.integers(0, 1), st.integers(0, 30), st.floats(0.001, 0.2)), max_size=60
)


@given(events)
def test_until_one_side_ends_both_have_always_shown_equally_much(arrivals):
    pace = pair()
    for side, length, elapsed in arrivals:
        pace.feed(side, "c" * length)
        pace.advance(elapsed)
        assert pace.sides[0].released == pace.sides[1].released


@given(events)
def test_everything_is_shown_in_the_end_and_in_order(arrivals):
    pace = pair()
    shown = ["", ""]
    for number, (side, length, elapsed) in enumerate(arrivals):
        pace.feed(side, chr(97 + number % 26) * length)
        shown = [a + b for a, b in zip(shown, pace.advance(elapsed), strict=True)]
    pace.end(0)
    pace.end(1)
    for _ in range(2000):
        shown = [a + b for a, b in zip(shown, pace.advance(0.1), strict=True)]
    assert pace.is_drained
    assert shown == [side.arrived for side in pace.sides]
