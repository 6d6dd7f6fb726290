"""When the mock's answers go out: common ticks of a batch, or each stream on its own clock."""

from collections import deque
from time import monotonic_ns
from typing import TYPE_CHECKING, Any  # JSON of unknown shape

from speed.mock_behaviour import Frame, MockBehaviour, Usage, stream_frames, whole_answer
from speed.mock_connection import MockConnection
from speed.reactor import Reactor

if TYPE_CHECKING:
    from speed.mock_server import TruthRecord

DEFAULT_OUTPUT_TOKENS = 64
NS = 1_000_000_000


class Stream:
    """One answer under way."""

    __slots__ = ("connection", "due_ns", "frames", "is_streamed", "position", "record", "stop_at")

    def __init__(
        self,
        connection: MockConnection,
        record: "TruthRecord",
        frames: list[Frame],
        is_streamed: bool,
    ) -> None:
        self.connection = connection
        self.record = record
        self.frames = frames
        self.is_streamed = is_streamed
        self.position = 0
        self.due_ns = 0
        self.stop_at = len(frames) // 2 if record.fault == "cut" else len(frames)


class StreamScheduler:
    """Admits requests up to the capacity and emits their frames on time."""

    def __init__(self, reactor: Reactor, behaviour: MockBehaviour) -> None:
        self.behaviour = behaviour
        self._reactor = reactor
        self._active: list[Stream] = []
        self._served = 0
        self._waiting: deque[tuple[MockConnection, TruthRecord, dict[str, Any], bool]] = deque()
        self._is_ticking = False
        self._next_tick_ns = 0

    def serve(
        self, connection: MockConnection, record: "TruthRecord", body: dict[str, Any], is_chat: bool
    ) -> None:
        """Answer ``record`` now, or queue it when the capacity is taken."""
        if record.fault in ("429", "500"):
            record.status = int(record.fault)
            headers = b"Retry-After: 1\r\n" if record.fault == "429" else b""
            error = {"error": {"message": f"injected {record.fault}", "type": "mock_fault"}}
            record.sent_ns.append(connection.send_json(record.status, error, headers))
            record.ended_ns = monotonic_ns()
        elif record.fault == "reset":
            record.status = 0
            record.ended_ns = monotonic_ns()
            connection.reset()
        elif record.fault == "timeout":
            record.status = 0
        elif self.behaviour.capacity and self._served >= self.behaviour.capacity:
            self._waiting.append((connection, record, body, is_chat))
        else:
            self._start(connection, record, body, is_chat, record.received_ns)

    def _start(
        self,
        connection: MockConnection,
        record: "TruthRecord",
        body: dict[str, Any],
        is_chat: bool,
        from_ns: int,
    ) -> None:
        behaviour = self.behaviour
        self._served += 1
        usage = self._usage(record, body)
        is_streamed = bool(body.get("stream"))
        if is_streamed:
            asked = (body.get("stream_options") or {}).get("include_usage", False)
            frames = stream_frames(behaviour, usage, is_chat, bool(asked))
        else:
            frames = [Frame(whole_answer(usage, is_chat), usage.completion_tokens)]
        stream = Stream(connection, record, frames, is_streamed)
        wait_s = behaviour.ttft_s + behaviour.prefill_s_per_token * (
            record.prompt_tokens - record.cached_tokens
        )
        if not is_streamed or behaviour.buffering:
            wait_s += behaviour.itl_s * max(0, usage.completion_tokens - 1)
        elif frames[0].is_role_only:
            wait_s -= behaviour.role_lead_s
        stream.due_ns = from_ns + int(max(0.0, wait_s) * NS)
        self._schedule(stream)

    def _usage(self, record: "TruthRecord", body: dict[str, Any]) -> Usage:
        asked = body.get("max_completion_tokens") or body.get("max_tokens") or 0
        tokens = int(asked) or self.behaviour.output_tokens or DEFAULT_OUTPUT_TOKENS
        if self.behaviour.output_tokens:
            tokens = min(tokens, self.behaviour.output_tokens)
        record.completion_tokens = tokens
        record.reasoning_tokens = min(tokens, self.behaviour.reasoning_tokens)
        return Usage(record.prompt_tokens, tokens, record.reasoning_tokens, record.cached_tokens)

    def _schedule(self, stream: Stream) -> None:
        if self._emits_at_once(stream) or not self.behaviour.batch_synchronous:
            self._reactor.call_at(stream.due_ns, lambda: self._emit_alone(stream))
            return
        self._active.append(stream)
        if not self._is_ticking:
            self._is_ticking = True
            self._next_tick_ns = max(stream.due_ns, monotonic_ns())
            self._reactor.call_at(self._next_tick_ns, self._tick)

    def _emits_at_once(self, stream: Stream) -> bool:
        return not stream.is_streamed or self.behaviour.buffering or self.behaviour.itl_s == 0

    def _tick(self) -> None:
        tick_ns = self._next_tick_ns
        still: list[Stream] = []
        for stream in self._active:
            if stream.due_ns > tick_ns or self._emit_one(stream):
                still.append(stream)
        self._active = still
        if not still:
            self._is_ticking = False
            return
        self._next_tick_ns = max(tick_ns + self._period_ns(), monotonic_ns() - self._period_ns())
        self._reactor.call_at(self._next_tick_ns, self._tick)

    def _period_ns(self) -> int:
        behaviour = self.behaviour
        return int((behaviour.itl_s + behaviour.itl_per_stream_s * len(self._active)) * NS)

    def _emit_alone(self, stream: Stream) -> None:
        if self._emits_at_once(stream):
            self._emit_everything(stream)
            return
        after_role = stream.frames[stream.position].is_role_only
        if self._emit_one(stream):
            pause = self.behaviour.role_lead_s if after_role else self._period_ns() / NS
            stream.due_ns += int(pause * NS)
            self._reactor.call_at(stream.due_ns, lambda: self._emit_alone(stream))

    def _emit_everything(self, stream: Stream) -> None:
        connection, record = stream.connection, stream.record
        frames = stream.frames[: stream.stop_at]
        if not stream.is_streamed:
            if frames:
                record.sent_ns.append(connection.send_json(200, frames[0].payload))
                record.sent_tokens.append(frames[0].tokens)
            self._end(stream)
            return
        payload = connection.stream_header() + b"".join(frame.payload for frame in frames)
        stamp = connection.send(payload)
        record.sent_ns.extend([stamp] * len(frames))
        record.sent_tokens.extend([frame.tokens for frame in frames])
        self._end(stream)

    def _emit_one(self, stream: Stream) -> bool:
        """Send the next frame; False when the stream has ended."""
        connection, record = stream.connection, stream.record
        if not connection.is_open:
            record.is_client_gone = True
            self._end(stream)
            return False
        if stream.position < stream.stop_at:
            frame = stream.frames[stream.position]
            payload = frame.payload
            if stream.position == 0:
                payload = connection.stream_header() + payload
            record.sent_ns.append(connection.send(payload))
            record.sent_tokens.append(frame.tokens)
            stream.position += 1
        if stream.position >= stream.stop_at:
            self._end(stream)
            return False
        return True

    def _end(self, stream: Stream) -> None:
        record, connection = stream.record, stream.connection
        record.ended_ns = monotonic_ns()
        self._served -= 1
        if record.fault == "cut":
            connection.close()
        elif connection.is_open and stream.is_streamed:
            connection.finish()
        self._admit_waiting()

    def _admit_waiting(self) -> None:
        while self._waiting and (
            not self.behaviour.capacity or self._served < self.behaviour.capacity
        ):
            connection, record, body, is_chat = self._waiting.popleft()
            if connection.is_open:
                self._start(connection, record, body, is_chat, monotonic_ns())
            else:
                record.is_client_gone = True
