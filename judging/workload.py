"""Deciding the judgments of a run: what the driver calls for each row."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple, Self

from django.db import connections

from arena.calling import NotCallableError, OpenModels, endpoint_config
from arena.models import LanguageModel, Run, RunStatus, WorkStatus
from arena.services.runs import RunStateError, stop_run
from arena.work.kinds import Claimed
from judging.batch_desk import POLL_S, PRICE_SHARE, BatchDesk
from judging.budget import Budget, Purse, Spent
from judging.cost import Prices, estimate_prompt_tokens
from judging.judges import Judge as BuiltJudge
from judging.judges import JudgeRequest, JudgeSettingsError, Verdict, build_judge
from judging.kept_replies import KeptReplies, kept_replies
from judging.models import JudgeRun, Judgment, ProbeRun
from judging.prompts import PromptError
from judging.receipt import BILL_COLUMNS, Receipt, StoredBill
from judging.replies import UNREADABLE_TRIES, ReplyBook, judgment_key, request_key
from judging.services.judges import judge_from_row, models_of
from judging.services.planning import prices_of
from judging.spending import seconds_since_start, spent_by
from judging.storing import stored_replies, verdict_columns
from judging.task import JudgingError, JudgingTask
from judging.task_reading import Slot, TaskReader
from providers.base import Completion, Provider
from providers.openai_batch import OpenAIBatches
from registry import UnknownPartError

logger = logging.getLogger(__name__)

OFFLINE_IN_FLIGHT = 128
MOST_IN_FLIGHT = 256
BATCHED_AT_ONCE = 5_000  # requests of one batch, unless several workers share the run
SAFETY = 1.5  # the estimate of a prompt's tokens is from its characters
UNLIMITED_TOKENS = 8_192  # what a reply without a limit is assumed to take at most


class ClaimedJudgment(NamedTuple):
    """See Claimed: a judgment's row, without the texts that it does not have yet."""

    pk: int
    attempts: int
    lease_owner: str


@dataclass(frozen=True, slots=True)
class Asked:
    """A row's task and the keys of its requests; ``refusal`` when the judge cannot be asked."""

    task: JudgingTask | None
    keys: tuple[str, ...] = ()
    requests: tuple[JudgeRequest, ...] = ()
    refusal: JudgingError | None = None

    def key_of(self, request: JudgeRequest) -> str | None:
        """The key made when its reply was looked up: hashing a long prompt twice takes time."""
        known = zip(self.requests, self.keys, strict=True)
        return next((key for each, key in known if each == request), None)


@dataclass(frozen=True, slots=True)
class Decided:
    """What came of one row; ``unreadable`` holds replies that were asked for again."""

    verdict: Verdict | None
    receipt: Receipt
    cache_key: str = ""
    unreadable: tuple[Verdict, ...] = ()
    refusal: JudgingError | None = None


@dataclass(slots=True)
class JudgeWorkload:
    """Puts tasks to one judge; a dry run draws random verdicts and calls nobody.

    A reply that cannot be read is asked for once more; then it is stored as unreadable, with the
    text of both.
    """

    run: JudgeRun | ProbeRun
    judge: BuiltJudge | None
    models: dict[str, LanguageModel]
    in_flight: int
    reader: TaskReader
    book: ReplyBook = field(default_factory=ReplyBook)
    kept: KeptReplies = field(default_factory=KeptReplies)
    open_models: OpenModels = field(default_factory=OpenModels)
    asked: dict[int, Asked] = field(default_factory=dict)
    receipts: dict[int, Receipt] = field(default_factory=dict)
    identities: dict[str, str] = field(default_factory=dict)
    unusable: JudgingError | None = None
    purse: Purse | None = None
    stored: Spent = field(default_factory=Spent)  # by this workload
    desk: BatchDesk | None = None

    @classmethod
    def open(cls, run: JudgeRun | ProbeRun) -> Self:
        """As many at once as the endpoints of the judge's models allow together.

        A judge that cannot be built any more does not leave its run hanging: every row then
        fails with the reason.
        """
        try:
            judge = judge_from_row(run.judge)
            models = {} if run.is_dry_run else models_of(run.judge, judge)
        except (JudgeSettingsError, PromptError, UnknownPartError) as error:
            unusable = JudgingError("judge_unusable", str(error))
            return cls(run, None, {}, OFFLINE_IN_FLIGHT, TaskReader(), unusable=unusable)
        endpoints = {model.endpoint for model in models.values()}
        slots = sum(endpoint.max_concurrency for endpoint in endpoints if endpoint)
        desk = _desk(run, models)
        return cls(
            run=run,
            judge=judge,
            models=models,
            in_flight=BATCHED_AT_ONCE if desk else min(slots, MOST_IN_FLIGHT) or OFFLINE_IN_FLIGHT,
            desk=desk,
            reader=TaskReader(seed=run.seed),
            identities={name: _identity(model) for name, model in models.items()},
            purse=None if desk else _purse(run),
        )

    # -- reading ----------------------------------------------------------------------------

    def load(self, ids: Sequence[int]) -> Sequence[Claimed]:
        self._look_into_the_purse()
        rows, slots = [], []
        # plain values instead of rows with their battles: half the time of a run's reading
        for pk, attempts, owner, answer, first, second, game, turn, repeat, *bill in (
            Judgment.objects.filter(pk__in=ids)
            .order_by("id")
            .values_list(
                *("id", "attempts", "lease_owner", "answer_id"),
                *("battle__answer_a_id", "battle__answer_b_id", "game", "turn", "repeat"),
                *BILL_COLUMNS,
            )
        ):
            rows.append(ClaimedJudgment(pk, attempts, owner))
            slots.append(Slot(first or answer or 0, second or 0, game, turn, repeat))
            self._open_receipt(pk, StoredBill(*bill))
        self.reader.fetch(slots)
        for row, slot in zip(rows, slots, strict=True):
            self.asked[row.pk] = self._ask_about(slot)
        self._look_up_replies([self.asked[row.pk] for row in rows])
        if self.desk is not None:
            self.desk.load()
            for row in rows:
                self.desk.note_payer(row.pk, self.receipts[row.pk].bought)
        return rows

    def _open_receipt(self, row: int, bill: StoredBill) -> None:
        """The row's bill, with what earlier attempts have paid for: that is not asked again."""
        receipt = self.receipts[row] = Receipt.going_on(row, bill)
        for key, reply in receipt.bought.items():
            self.book.remember(key, reply)

    def _look_into_the_purse(self) -> None:
        """What others have spent is what the rows tell, less what this workload has stored."""
        if self.purse is not None:
            told = spent_by(self.run)
            self.purse.before = Spent(told.usd - self.stored.usd, told.calls - self.stored.calls)

    def _ask_about(self, slot: Slot) -> Asked:
        if self.judge is None:
            return Asked(None, refusal=self.unusable)
        try:
            return self._prepared(self.reader.task(slot))
        except JudgingError as refusal:
            return Asked(None, refusal=refusal)

    def _prepared(self, task: JudgingTask) -> Asked:
        """The task with its requests and their keys; raises JudgingError."""
        requests = self.judge.requests(task) if self.judge else ()
        if self.run.is_dry_run:
            return Asked(task, requests=requests)
        keys = tuple(self._key(request, task, attempt=0) for request in requests)
        return Asked(task, keys, requests)

    def _look_up_replies(self, asked: Sequence[Asked]) -> None:
        """Replies that earlier judgments have paid for, whichever run and version made them."""
        wanted = {judgment_key(each.keys): each.keys for each in asked if each.keys}
        wanted = {
            key: keys
            for key, keys in wanted.items()
            if not all(single in self.book.known for single in keys)
        }
        for row_key, replies in stored_replies(wanted.keys()).items():
            for key, reply in zip(wanted[row_key], replies, strict=False):
                self.book.remember(key, reply)
        self._look_up_kept(asked)

    def _look_up_kept(self, asked: Sequence[Asked]) -> None:
        """Single replies that many judgments share; what was received meanwhile is written."""
        self.kept.write()
        shared = {
            key
            for each in asked
            for request, key in zip(each.requests, each.keys, strict=False)
            if request.is_kept and key not in self.book.known
        }
        for key, reply in kept_replies(shared).items():
            self.book.remember(key, reply)

    def _key(self, request: JudgeRequest, task: JudgingTask, *, attempt: int) -> str:
        identity = self.identities.get(request.endpoint, "")
        return request_key(identity, request, repeat=task.repeat, attempt=attempt)

    # -- deciding ---------------------------------------------------------------------------

    async def perform(self, judgment: Claimed) -> Decided:
        """What is paid goes on the row's bill, which may hold earlier attempts already."""
        asked, receipt = self.asked[judgment.pk], self.receipts[judgment.pk]
        if asked.task is None or self.judge is None:
            return Decided(None, receipt, refusal=asked.refusal)
        if self.run.is_dry_run:
            return Decided(await _draw(asked.task, asked.requests), receipt)
        unreadable: list[Verdict] = []
        try:
            for attempt in range(UNREADABLE_TRIES):
                verdict = await self._decide(self.judge, asked, receipt, attempt)
                if verdict.parsed.is_readable or not verdict.completions:
                    break
                unreadable.append(verdict)
        except JudgingError as refusal:
            return Decided(None, receipt, refusal=refusal)
        is_whole = len(verdict.completions) == len(asked.keys)
        cache_key = judgment_key(_answered(asked, receipt)) if is_whole else ""
        return Decided(verdict, receipt, cache_key, tuple(unreadable))

    async def _decide(
        self, judge: BuiltJudge, asked: Asked, receipt: Receipt, attempt: int
    ) -> Verdict:
        task = asked.task
        if task is None:
            raise JudgingError("no_task", "this row has no task to decide")

        async def ask(request: JudgeRequest) -> Completion:
            known = asked.key_of(request) if attempt == 0 else None
            key = known or self._key(request, task, attempt=attempt)
            if self.desk is not None and key not in self.book.known:
                reply = await self._from_batch(key, request, receipt)
            else:
                reply = await self.book.get(
                    key,
                    lambda: self._call(request),
                    receipt=receipt,
                    prices=prices_of(self.models[request.endpoint]),
                    model=request.endpoint,
                )
                if request.is_kept and reply.attempts:
                    self.kept.add(key, reply)
            if attempt == 0:
                receipt.keys.append(key)
            return reply

        return await judge.judge(task, ask)

    async def _from_batch(self, key: str, request: JudgeRequest, receipt: Receipt) -> Completion:
        """The reply out of a batch, billed once, to the first row that asks for it."""
        if self.desk is None:
            raise JudgingError("no_batch", "this run does not go through the Batch API")
        completion = await self.desk.reply(key, request)
        prices = prices_of(self.models[request.endpoint])
        if key in receipt.bought:
            return completion
        if self.desk.is_first(key, receipt.row):
            discounted = prices and prices.discounted(PRICE_SHARE)
            receipt.add(completion, discounted, request.endpoint)
            receipt.bought[key] = completion
            if request.is_kept:
                self.kept.add(key, completion)
        else:
            receipt.reused += 1
        return completion

    async def _call(self, request: JudgeRequest) -> Completion:
        provider = self._provider(request.endpoint)
        if self.purse is None:
            return await provider.complete(request.messages, request.settings)
        prices = prices_of(self.models[request.endpoint]) or Prices(0.0, 0.0)
        sent = estimate_prompt_tokens(message.text for message in request.messages)
        return await self.purse.pay(
            lambda: provider.complete(request.messages, request.settings),
            at_most_usd=prices.cost(SAFETY * sent, request.settings.max_tokens or UNLIMITED_TOKENS),
            cost_of=lambda reply: prices.cost(reply.input_tokens or 0, reply.output_tokens or 0),
        )

    def _provider(self, name: str) -> Provider:
        """Raises JudgingError for a model that cannot be called, for instance without its key."""
        try:
            return self.open_models.provider_of(self.models[name])
        except NotCallableError as error:
            raise JudgingError("not_callable", str(error)) from error

    # -- storing ----------------------------------------------------------------------------

    def failure_columns(self, judgment: Claimed) -> dict[str, object]:
        """What was paid in an attempt that failed: a jury's other members have answered when one
        endpoint costs it its quorum.
        """
        receipt = self.receipts.get(judgment.pk) or Receipt()
        self._settle(judgment, receipt)
        return receipt.unfinished_columns()

    def columns(self, judgment: Claimed, decided: Decided) -> dict[str, object]:
        self._settle(judgment, decided.receipt)
        self.kept.write_when_many()
        if decided.verdict is None:
            costs = decided.receipt.unfinished_columns()
            return {"status": WorkStatus.FAILED, **_told(decided.refusal), **costs}
        return verdict_columns(
            decided.verdict,
            decided.receipt,
            unreadable=decided.unreadable,
            cache_key=decided.cache_key,
        )

    def _settle(self, judgment: Claimed, receipt: Receipt) -> None:
        """Count what is about to be stored on the row."""
        self.asked.pop(judgment.pk, None)
        self.receipts.pop(judgment.pk, None)
        usd = (receipt.cost_usd or 0.0) - receipt.before_usd
        calls = receipt.calls - receipt.before_calls
        self.stored = Spent(self.stored.usd + usd, self.stored.calls + calls)

    async def aclose(self) -> None:
        await self.open_models.aclose()
        if self.kept.fresh:
            await asyncio.to_thread(_write_and_close, self.kept)


def _answered(asked: Asked, receipt: Receipt) -> Sequence[str]:
    """The planned requests' keys in their order, or those that were asked in their place."""
    return asked.keys if set(receipt.keys) == set(asked.keys) else receipt.keys


async def _draw(task: JudgingTask, requests: Sequence[JudgeRequest]) -> Verdict:
    """A random verdict, with the prompt that a real run would send."""
    verdict = await build_judge("random", {}).judge(task, _never_ask)
    return replace(verdict, prompt=requests[0].messages if requests else ())


async def _never_ask(request: JudgeRequest) -> Completion:
    raise RuntimeError("a dry run calls nobody")


def _told(refusal: JudgingError | None) -> dict[str, object]:
    if refusal is None:
        return {"error_kind": "internal_error", "error_detail": "no verdict and no reason"}
    return {"error_kind": refusal.kind, "error_detail": refusal.detail[:2000]}


def _identity(model: LanguageModel) -> str:
    """Whom a reply came from: the same model at the same address."""
    endpoint = model.endpoint
    where = (endpoint.provider, endpoint.base_url) if endpoint else ("", "")
    settings = sorted(model.provider_settings.items())
    return repr((*where, model.provider_model or model.slug, settings))


def _desk(run: JudgeRun | ProbeRun, models: Mapping[str, LanguageModel]) -> BatchDesk | None:
    """Where the run's requests are handed in, when it goes through the Batch API."""
    if not run.settings.get("batch") or run.is_dry_run or not models:
        return None
    waits = [
        float(model.endpoint.settings.get("batch_poll_s", POLL_S))
        for model in models.values()
        if model.endpoint
    ]
    return BatchDesk(
        run.pk,
        lambda name: OpenAIBatches(endpoint_config(models[name])),
        poll_s=min(waits),
        is_closed=run.status == RunStatus.CANCELLED,
    )


def _write_and_close(kept: KeptReplies) -> None:
    """In a thread, whose connection is its own."""
    try:
        kept.write()
    finally:
        connections.close_all()


def _purse(run: JudgeRun | ProbeRun) -> Purse | None:
    budget = Budget.from_settings(run.settings)
    if budget is None or run.is_dry_run:
        return None

    async def stop(reason: str) -> None:
        await asyncio.to_thread(_stop_for_budget, type(run), run.pk, reason)

    return Purse(budget, stop, lambda: seconds_since_start(run))


def _stop_for_budget(model: type[Run], run_id: int, reason: str) -> None:
    """In a thread, whose connection is its own."""
    try:
        stop_run(model._default_manager.get(pk=run_id), reason=reason)
    except RunStateError as error:
        logger.info("the run came to its end before its budget did: %s", error)
    finally:
        connections.close_all()
