"""The queue in a folder: whole messages or none, whatever lies there."""

import json
import os
import socket
from pathlib import Path

import pytest
from django.conf import settings
from kombu import Connection, Consumer, Exchange, Producer, Queue

from config import file_queue
from config.file_queue import Channel, Transport

QUEUE = Queue("celery", Exchange("celery"), routing_key="celery")


@pytest.fixture
def folders(tmp_path):
    made = {name: tmp_path / name for name in ("messages", "control")}
    for folder in made.values():
        folder.mkdir()
    return made


@pytest.fixture
def connect(folders, monkeypatch):
    # bindings are remembered by the process, for all folders alike
    monkeypatch.setattr(Transport, "global_state", type(Transport.global_state)())
    opened = []

    def connect_():
        options = {
            "data_folder_in": str(folders["messages"]),
            "data_folder_out": str(folders["messages"]),
            "control_folder": str(folders["control"]),
        }
        opened.append(
            Connection(
                "filesystem://localhost//",
                transport="config.file_queue:Transport",
                transport_options=options,
            )
        )
        return opened[-1]

    yield connect_
    for connection in opened:
        connection.release()


def send(connection, *bodies):
    with connection.channel() as channel:
        producer = Producer(channel, exchange=QUEUE.exchange, routing_key=QUEUE.routing_key)
        for body in bodies:
            producer.publish([body], declare=[QUEUE])


def received(connection, number):
    """As many messages as that, as a worker consumes them."""
    bodies = []

    def on_message(body, message):
        bodies.extend(body)
        message.ack()

    with connection.channel() as channel:
        consumer = Consumer(channel, [QUEUE], callbacks=[on_message], accept=["json"])
        with consumer:
            while len(bodies) < number:
                connection.drain_events(timeout=60)
    return bodies


def names(folder, ending):
    return [name for name in os.listdir(folder) if name.endswith(ending)]


def test_messages_arrive_in_order_and_leave_nothing_behind(connect, folders):
    send(connect(), 1)
    send(connect(), 2)
    assert sorted(received(connect(), 2)) == [1, 2]
    assert os.listdir(folders["messages"]) == []


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b'{"body": "eyJ',
        b"\xff\xfe",
        b"[]",
        b"3",
        b"{}",
        b'{"properties": {}}',
        b'{"properties": {"delivery_tag": "1", "body_encoding": "base64"}, "body": "a"}',
    ],
)
def test_a_file_without_a_message_is_put_aside_and_the_next_is_read(
    connect, folders, caplog, content
):
    (folders["messages"] / "0_broken.celery.msg").write_bytes(content)
    send(connect(), "good")
    assert received(connect(), 1) == ["good"]
    aside = folders["messages"] / "0_broken.celery.msg.unreadable"
    assert aside.read_bytes() == content
    assert os.listdir(folders["messages"]) == [aside.name]
    warnings = [record for record in caplog.records if record.name == file_queue.__name__]
    assert len(warnings) == 1
    assert str(aside) in warnings[0].getMessage()


def test_a_reader_between_making_and_writing_a_file_sees_no_message(connect, folders, monkeypatch):
    send(connect())
    write, looked = Path.write_bytes, []

    def slowly(self, data):
        self.touch()
        with pytest.raises((TimeoutError, socket.timeout)):
            reader(self)
        looked.append(self.name)
        written = write(self, data)
        with pytest.raises((TimeoutError, socket.timeout)):
            reader(self)
        return written

    def reader(_):
        with connect() as connection, connection.channel() as channel:
            consumer = Consumer(channel, [QUEUE], callbacks=[print], accept=["json"])
            with consumer:
                connection.drain_events(timeout=0.05)

    connection = connect()
    send(connection, "first")  # binds the queue, without the look in between
    monkeypatch.setattr(Path, "write_bytes", slowly)
    assert received(connect(), 1) == ["first"]
    send(connection, "whole")
    monkeypatch.undo()
    assert len(looked) == 1
    assert received(connect(), 1) == ["whole"]


def test_a_message_goes_to_one_of_two_readers_at_once(connect, folders):
    send(connect(), "once")
    (file,) = folders["messages"].iterdir()
    with connect() as first, connect() as second:
        takers = [connection.channel() for connection in (first, second)]
        assert [taker._taken(file) is not None for taker in takers] == [True, False]


def test_a_message_that_cannot_be_written_leaves_no_file(connect, folders, monkeypatch):
    def full(self, target):
        raise OSError("no space left")

    send(connect(), "declared")
    received(connect(), 1)
    monkeypatch.setattr(Path, "replace", full)
    with connect() as connection, pytest.raises(Exception, match="cannot add"):
        connection.channel()._put("celery", {})
    assert os.listdir(folders["messages"]) == []


@pytest.mark.parametrize("content", [b"", b'[["cel', b"[3]"])
def test_a_table_of_queues_that_cannot_be_read_is_written_anew(connect, folders, caplog, content):
    table = folders["control"] / "celery.exchange"
    table.write_bytes(content)
    send(connect(), "good")
    assert json.loads(table.read_text()) == [["celery", "", "celery"]]
    assert received(connect(), 1) == ["good"]


def test_queues_are_bound_beside_others_and_taken_away_alone(connect, folders):
    table = folders["control"] / "celery.exchange"
    with connect() as connection, connection.channel() as channel:
        for name in ("celery", "gpu"):
            channel._queue_bind("celery", name, "", name)
        channel._queue_bind("celery", "gpu", "", "gpu")
        assert len(json.loads(table.read_text())) == 2
        channel._delete("gpu", "celery", "gpu", "")
    assert json.loads(table.read_text()) == [["celery", "", "celery"]]


def test_the_embedded_arena_uses_it():
    if settings.REDIS_URL:
        pytest.skip("with Redis there is no queue in a folder")
    from config.celery import app

    assert isinstance(app.connection_for_write().channel(), Channel)
