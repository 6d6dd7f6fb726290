from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers import ProviderError
from providers.sse import MAX_EVENT_BYTES, EventParser

STREAM = (
    ": ping\r\n\r\n"
    'event: message\r\nid: 7\r\ndata: {"a": "你好 \u2028 wörld"}\r\n\r\n'
    'data:{"b": 1}\n\n'
    'data: {"c": "no blank line"}\n'
    'data: {"d": 2}\r\r'
    "retry: 10\n\n"
    "data: [DONE]\n\n"
).encode()
EVENTS = [
    '{"a": "你好 \u2028 wörld"}'.encode(),
    b'{"b": 1}',
    b'{"c": "no blank line"}',
    b'{"d": 2}',
    b"[DONE]",
]


def parse(chunks):
    parser = EventParser()
    events = [event for chunk in chunks for event in parser.feed(chunk)]
    return events + parser.close()


def test_events_are_read_whatever_ends_their_lines():
    assert parse([STREAM]) == EVENTS


@given(cuts=st.lists(st.integers(0, len(STREAM)), max_size=30))
def test_it_does_not_matter_where_the_network_cuts(cuts):
    edges = [0, *sorted(cuts), len(STREAM)]
    assert parse([STREAM[a:b] for a, b in pairwise(edges)]) == EVENTS


def test_it_does_not_matter_if_every_byte_comes_alone():
    assert parse([bytes([byte]) for byte in STREAM]) == EVENTS


def test_an_event_over_several_lines_is_joined():
    assert parse([b'data: {"a":\ndata: 1}\n\n']) == [b'{"a":\n1}']


def test_a_last_event_without_its_blank_line_is_not_lost():
    assert parse([b'data: {"a": 1}']) == [b'{"a": 1}']


def test_a_runaway_line_is_refused_before_it_fills_the_memory():
    parser = EventParser()
    with pytest.raises(ProviderError, match="longer than"):
        parser.feed(b"x" * (MAX_EVENT_BYTES + 1))
