"""Reading stored responses: SSE in all its spellings, split wherever the network likes."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speed.generator.events import event_data, read_response
from speed.http1 import FramingError, MessageFraming, decode_chunked
from speed.mock_behaviour import MockBehaviour, Usage, http_chunk, stream_frames
from speed.stamps import ChunkKind

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


def stream(*events):
    return HEAD + b"".join(http_chunk(event) for event in events) + b"0\r\n\r\n"


def delta(fields):
    return b'data: {"choices":[{"delta":' + fields + b"}]}\n\n"


def read_whole(raw):
    return read_response(raw, [len(raw)], [1])


def test_a_role_only_opener_is_no_text():
    reading = read_whole(stream(delta(b'{"role":"assistant","content":""}')))

    assert [chunk.kind for chunk in reading.chunks] == [ChunkKind.ROLE_ONLY]
    assert not reading.has_output


@pytest.mark.parametrize("name", ["reasoning", "reasoning_content"])
def test_both_spellings_of_reasoning_are_text(name):
    reading = read_whole(stream(delta(b'{"%b":"hm"}' % name.encode())))

    assert reading.chunks[0].kind == ChunkKind.REASONING


def test_the_same_reasoning_under_both_names_counts_once():
    reading = read_whole(stream(delta(b'{"reasoning":"hmm","reasoning_content":"hmm"}')))

    assert reading.chunks[0].characters == 3


def test_tool_calls_are_output():
    call = b'{"tool_calls":[{"function":{"name":"f","arguments":"{}"}}]}'

    assert read_whole(stream(delta(call))).chunks[0].kind == ChunkKind.TOOL


def test_comments_and_pings_are_no_packages():
    reading = read_whole(stream(b": ping\n\n", b"event: ping\n\n", delta(b'{"content":"a"}')))

    assert len(reading.chunks) == 1


def test_a_usage_only_event_gives_the_counts():
    usage = (
        b'data: {"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":5,'
        b'"prompt_tokens_details":{"cached_tokens":3},'
        b'"completion_tokens_details":{"reasoning_tokens":2}}}\n\n'
    )

    reading = read_whole(stream(usage))

    assert reading.usage == {"prompt": 7, "output": 5, "cached": 3, "reasoning": 2}


def test_continuous_usage_gives_tokens_per_package():
    events = [
        b'data: {"choices":[{"delta":{"content":"ab"}}],"usage":{"completion_tokens":%d}}\n\n' % n
        for n in (2, 5)
    ]

    assert [chunk.tokens for chunk in read_whole(stream(*events)).chunks] == [2, 3]


def test_an_error_inside_the_stream_is_an_error():
    reading = read_whole(stream(delta(b'{"content":"a"}'), b'data: {"error":"overloaded"}\n\n'))

    assert reading.error == "overloaded"


def test_line_ends_may_be_crlf():
    reading = read_whole(stream(delta(b'{"content":"a"}').replace(b"\n", b"\r\n")))

    assert reading.chunks[0].kind == ChunkKind.CONTENT


def test_data_over_several_lines_is_joined():
    assert event_data(b"data: a\ndata:b\nid: 3") == b"a\nb"


def test_events_of_one_read_share_its_stamp_and_are_marked():
    raw = stream(delta(b'{"content":"a"}'), delta(b'{"content":"b"}'))

    kinds = [chunk.kind for chunk in read_whole(raw).chunks]

    assert kinds == [ChunkKind.CONTENT, ChunkKind.CONTENT | ChunkKind.SHARED_READ]


def test_an_event_has_the_stamp_of_the_read_that_completed_it():
    raw = stream(delta(b'{"content":"a"}'), delta('{"content":"字"}'.encode()))
    cut = raw.index("字".encode()) + 1  # in the middle of a character

    reading = read_response(raw, [cut, len(raw) - cut], [10, 20])

    assert [chunk.stamp for chunk in reading.chunks] == [10, 20]


@given(st.lists(st.integers(0, 1500), max_size=12))
def test_how_the_bytes_were_split_never_changes_what_was_said(cuts):
    usage = Usage(9, 6, 2, 0)
    frames = stream_frames(MockBehaviour(tokens_per_chunk=2), usage, is_chat=True, tail=True)
    raw = HEAD + b"".join(frame.payload for frame in frames)
    borders = sorted({0, len(raw), *(cut for cut in cuts if cut < len(raw))})
    parts = [raw[a:b] for a, b in pairwise(borders)]
    framing = MessageFraming()

    ends = [framing.feed(part) for part in parts]
    reading = read_response(raw, [len(part) for part in parts], list(range(len(parts))))

    assert ends == [False] * (len(parts) - 1) + [True]
    assert reading.usage["output"] == 6
    assert "".join(reading.text) == "".join(read_whole(raw).text)
    assert reading.is_done


def test_a_content_length_ends_a_response():
    framing = MessageFraming()

    assert not framing.feed(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab")
    assert framing.feed(b"cd")


def test_a_body_without_a_length_ends_with_the_connection():
    framing = MessageFraming()
    framing.feed(b"HTTP/1.1 200 OK\r\n\r\nabc")

    assert framing.end_of_stream()


def test_a_chunked_body_cut_short_is_no_end():
    framing = MessageFraming()
    framing.feed(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab")

    assert not framing.end_of_stream()


def test_trailers_are_part_of_the_message():
    framing = MessageFraming()
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

    assert not framing.feed(head + b"2\r\nab\r\n0\r\nX-Sum: 1\r\n")
    assert framing.feed(b"\r\n")


def test_an_interim_response_precedes_the_real_one():
    framing = MessageFraming()

    assert framing.feed(
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n"
    )
    assert framing.status == 204


@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\n",
    ],
)
def test_bytes_that_are_no_http_are_refused(raw):
    with pytest.raises(FramingError):
        MessageFraming().feed(raw)


def test_a_chunked_body_decodes_to_its_payload():
    assert decode_chunked(http_chunk(b"abc") + http_chunk(b"de") + b"0\r\n\r\n") == b"abcde"
