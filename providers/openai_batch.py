"""OpenAI's Batch API: many requests in one file, answered within a day at half the price.

Three steps that may lie hours and processes apart: ``submit`` returns an id to store, ``status``
tells how far it is, ``results`` yields one outcome per request. If a process dies between creating
the batch and storing its id, ``find`` finds it again by its label, so it is not paid twice.
"""

import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

import orjson

from providers.base import (
    Completion,
    EndpointConfig,
    FailureKind,
    GenerationSettings,
    Message,
    ProviderError,
)
from providers.openai_failures import Redactor, error_in, failure_from_object, malformed
from providers.openai_sdk import sdk_client
from providers.openai_urls import OPERATIONS
from providers.openai_wire import JsonObject, checked, parse_reply, request_body

if TYPE_CHECKING:
    from openai.types import Batch

MAX_REQUESTS = 50_000  # OpenAI's limits of one batch
MAX_FILE_BYTES = 200 * 10**6
LABEL_FIELD = "agon_label"
NEVER_REACHED = frozenset({"batch_expired", "batch_cancelled"})  # codes of single requests
FINAL_STATES = frozenset({"completed", "failed", "expired", "cancelled"})


@dataclass(frozen=True, slots=True)
class BatchRequest:
    """One request; ``custom_id`` comes back with its outcome and is unique within the batch."""

    custom_id: str
    messages: tuple[Message, ...]
    settings: GenerationSettings


@dataclass(frozen=True, slots=True)
class BatchStatus:
    """How far a batch is; ``state`` is OpenAI's word, ``problem`` what was wrong with the file."""

    batch_id: str
    state: str
    total: int
    completed: int
    failed: int
    problem: str = ""

    @property
    def is_finished(self) -> bool:
        """Whether nothing more will come; an expired or cancelled batch still has results."""
        return self.state in FINAL_STATES


@dataclass(frozen=True, slots=True)
class BatchOutcome:
    """What became of one request: a completion, or the failure."""

    custom_id: str
    completion: Completion | None
    error: ProviderError | None = None


class OpenAIBatches:
    """The batches of one endpoint and model."""

    def __init__(self, config: EndpointConfig) -> None:
        self._config = config
        self._redact = Redactor(config)
        # Azure's deployments live under a path without the version
        self._operation = ("" if config.api_version else "/v1") + OPERATIONS[config.api]

    async def submit(self, requests: Iterable[BatchRequest], *, label: str) -> str:
        """Upload the requests and start a batch; its id. ``label`` (≤ 512 characters) names it.

        Raises ValueError for more requests or bytes than one batch may hold, before anything is
        sent.
        """
        with tempfile.TemporaryFile() as file:
            self._write(requests, file)
            file.seek(0)
            async with sdk_client(self._config) as client:
                uploaded = await client.files.create(file=("requests.jsonl", file), purpose="batch")
                batch = await client.batches.create(
                    input_file_id=uploaded.id,
                    endpoint=self._operation,  # type: ignore[arg-type]  # Azure's path has no /v1
                    completion_window="24h",
                    metadata={LABEL_FIELD: label},
                )
        return batch.id

    async def find(self, label: str) -> str | None:
        """The id of the newest batch submitted under ``label``, cancelled and failed ones aside."""
        async with sdk_client(self._config) as client:
            async for batch in client.batches.list(limit=100):
                is_alive = batch.status not in ("cancelling", "cancelled", "failed")
                if is_alive and (batch.metadata or {}).get(LABEL_FIELD) == label:
                    return batch.id
        return None

    async def status(self, batch_id: str) -> BatchStatus:
        """How far the batch is."""
        async with sdk_client(self._config) as client:
            return _status(await client.batches.retrieve(batch_id))

    async def cancel(self, batch_id: str) -> BatchStatus:
        """Stop the batch; what is answered by then is billed and stays available.

        It is ``cancelling`` for some minutes, while what is in flight is finished.
        """
        async with sdk_client(self._config) as client:
            return _status(await client.batches.cancel(batch_id))

    async def results(self, batch_id: str) -> AsyncIterator[BatchOutcome]:
        """One outcome per answered or failed request, in no particular order.

        Requests that an expired or cancelled batch never reached have no outcome: submit them
        again.
        """
        async with sdk_client(self._config) as client:
            batch = await client.batches.retrieve(batch_id)
        for file_id in (batch.output_file_id, batch.error_file_id):
            if file_id:
                async with aclosing(self._lines(file_id)) as lines:
                    async for line in lines:
                        outcome = self._outcome(line)
                        if outcome is not None:
                            yield outcome

    def _write(self, requests: Iterable[BatchRequest], file: IO[bytes]) -> None:
        for number, request in enumerate(requests, start=1):
            file.write(orjson.dumps(self._row(request)) + b"\n")
            if number > MAX_REQUESTS or file.tell() > MAX_FILE_BYTES:
                raise ValueError(
                    f"request {number} does not fit into one batch of at most {MAX_REQUESTS} "
                    f"requests and {MAX_FILE_BYTES} bytes; submit them in several batches"
                )

    def _row(self, request: BatchRequest) -> JsonObject:
        messages: Sequence[Message] = request.messages
        body = request_body(self._config, messages, request.settings, is_streaming=False)
        return {
            "custom_id": request.custom_id,
            "method": "POST",
            "url": self._operation,
            "body": body,
        }

    async def _lines(self, file_id: str) -> AsyncGenerator[bytes, None]:
        """Lines split on LF alone: the package's own iterator would split at U+2028 too."""
        rest = b""
        async with (
            sdk_client(self._config) as client,
            client.files.with_streaming_response.content(file_id) as response,
        ):
            async for chunk in response.iter_bytes():
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    yield line
        if rest.strip():
            yield rest

    def _outcome(self, line: bytes) -> BatchOutcome | None:
        try:
            row = orjson.loads(line)
            custom_id = row["custom_id"]
        except (orjson.JSONDecodeError, KeyError, TypeError):
            raise malformed(line, self._redact) from None
        if (error_in(row) or {}).get("code") in NEVER_REACHED:
            return None
        try:
            return BatchOutcome(custom_id, self._completion(row))
        except ProviderError as error:
            return BatchOutcome(custom_id, None, error)

    def _completion(self, row: JsonObject) -> Completion:
        response = row.get("response") or {}
        reply = response.get("body") or {}
        error = error_in(row) or error_in(reply)
        if error is not None:
            status = response.get("status_code")
            raise failure_from_object({**error, "status": status}, self._redact)
        try:
            return checked(parse_reply(reply))
        except ValueError:
            raise ProviderError(
                FailureKind.MALFORMED_REPLY, "the batch's row holds no completion"
            ) from None


def _status(batch: "Batch") -> BatchStatus:
    counts = batch.request_counts
    errors = batch.errors.data if batch.errors else None
    return BatchStatus(
        batch_id=batch.id,
        state=batch.status,
        total=counts.total if counts else 0,
        completed=counts.completed if counts else 0,
        failed=counts.failed if counts else 0,
        problem="; ".join(error.message or "" for error in errors or ()),
    )
