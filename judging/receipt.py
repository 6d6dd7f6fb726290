"""The bill of one judgment: what all its attempts have cost, whoever made them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple, Self

from judging.cost import Prices
from judging.stored_reply import reply_as_json, reply_from_json
from providers.base import Completion

# a row's columns that hold its bill, in the order of StoredBill
BILL_COLUMNS = ("cost_usd", "input_tokens", "output_tokens", "latency_s", "metadata")


class StoredBill(NamedTuple):
    """A row's columns as they were when it was claimed."""

    cost_usd: float | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    latency_s: float | None = None
    metadata: Mapping[str, Any] = {}  # JSON


@dataclass(slots=True)
class Share:
    """What one of several models has cost; ``usd`` is None when its price is not known."""

    calls: int = 0
    usd: float | None = 0.0
    input_tokens: int = 0
    output_tokens: int = 0

    def add(self, completion: Completion, usd: float | None) -> None:
        """Count a paid call."""
        self.calls += 1
        self.usd = _plus(self.usd, usd)
        self.input_tokens += completion.input_tokens or 0
        self.output_tokens += completion.output_tokens or 0


@dataclass(slots=True)
class Receipt:
    """What one judgment has cost so far; ``cost_usd`` is None when a price is not known.

    Tokens are None when no endpoint counted them, seconds when there was no call, or when all came
    in a batch. ``by_model`` splits the bill where a judge asks several models, by their slugs.
    ``keys`` name the requests that were answered at the first try, which need not be those that
    were planned: an endpoint may have refused these; ``bought`` holds the replies that are on this
    bill, so that no attempt pays again for what an earlier one got.
    ``before_usd`` and ``before_calls`` are what earlier attempts have left on the row.
    """

    row: int = 0
    calls: int = 0
    cost_usd: float | None = 0.0
    input_tokens: int | None = None
    output_tokens: int | None = None
    latency_s: float | None = None
    keys: list[str] = field(default_factory=list)
    bought: dict[str, Completion] = field(default_factory=dict)
    reused: int = 0
    by_model: dict[str, Share] = field(default_factory=dict)
    before_usd: float = 0.0
    before_calls: int = 0

    @classmethod
    def going_on(cls, row: int, bill: StoredBill) -> Self:
        """The bill that earlier attempts have left on the row, to be added to."""
        kept = bill.metadata
        calls = kept.get("paid_calls", 0)
        return cls(
            row=row,
            calls=calls,
            cost_usd=bill.cost_usd if calls else 0.0,
            input_tokens=bill.input_tokens,
            output_tokens=bill.output_tokens,
            latency_s=bill.latency_s,
            bought={
                key: reply_from_json(reply) for key, reply in kept.get("paid_replies", {}).items()
            },
            by_model={
                name: Share(**share) for name, share in kept.get("spent_by_model", {}).items()
            },
            before_usd=bill.cost_usd or 0.0,
            before_calls=calls,
        )

    def add(self, completion: Completion, prices: Prices | None, model: str = "") -> None:
        """Count a paid call; ``model`` is empty for a judge that asks only one."""
        sent, received = completion.input_tokens, completion.output_tokens
        usd = None
        if prices is not None and sent is not None and received is not None:
            usd = prices.cost(sent, received)
        self.calls += 1
        self.cost_usd = _plus(self.cost_usd, usd)
        self.input_tokens = _known(self.input_tokens, sent)
        self.output_tokens = _known(self.output_tokens, received)
        self.latency_s = _known(self.latency_s, completion.latency_s or None)
        if model:
            self.by_model.setdefault(model, Share()).add(completion, usd)

    def columns(self) -> dict[str, object]:
        """The bill as the row's columns, whatever came of the calls."""
        return {
            "cost_usd": self.cost_usd,
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
            "latency_s": self.latency_s,
        }

    def notes(self) -> dict[str, Any]:  # JSON
        """What the row's metadata says of the bill."""
        return {
            "paid_calls": self.calls or None,
            "reused_replies": self.reused or None,
            "spent_by_model": {name: asdict(share) for name, share in self.by_model.items()},
        }

    def unfinished_columns(self) -> dict[str, object]:
        """The bill of a row that has no verdict yet, as the next attempt goes on with it.

        Empty when nothing was paid.
        """
        if not self.calls:
            return {}
        notes = {name: value for name, value in self.notes().items() if value}
        notes.pop("reused_replies", None)
        replies = {key: reply_as_json(reply) for key, reply in self.bought.items()}
        return self.columns() | {"metadata": notes | {"paid_replies": replies}}


def _plus(known: float | None, usd: float | None) -> float | None:
    """The sum; not known when one of the two is not."""
    return None if known is None or usd is None else known + usd


def _known(total: Any, more: Any) -> Any:  # of integers, or of floats
    """The sum of what is known."""
    return total if more is None else (total or 0) + more
