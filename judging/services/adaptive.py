"""Adaptive runs: which judgments are made next, and when enough of them are made.

The rows are the truth: every decision is computed from the stored verdicts, so a run that was
killed, or that two workers share, goes on as if nothing had happened.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from django.utils import timezone

from judging.adaptive import (
    Candidates,
    Forecast,
    Goal,
    Look,
    Verdicts,
    batch_size,
    choose_judgments,
    fit_strengths,
    forecast,
    look_at,
    noise_of,
)
from judging.models import JudgeRunMode
from judging.services.ledger import JudgeRunError, JudgeRunSpec, Ledger
from judging.services.stored_verdicts import Compared, compared_rows, history_of
from judging.task_reading import Slot

StopAt = Literal["order", "interval"]
Orders = Literal["one", "both"]
STOP_AT: tuple[StopAt, ...] = ("order", "interval")
ORDERS: tuple[Orders, ...] = ("one", "both")
PAIRS_NOTED = 3  # of each look, for the run's report


@dataclass(frozen=True, slots=True)
class AdaptiveSettings:
    """``within`` rating points a gap between two models is to be known to (half a 95 % interval).

    ``stop_at`` ``order`` also settles a gap once its two models are separated; ``interval`` does
    not. ``orders`` ``one`` shows a pair in one order per question, in turn; ``both`` in both.
    """

    within: float
    stop_at: StopAt = "order"
    orders: Orders = "one"

    def __post_init__(self) -> None:
        if not isinstance(self.within, int | float) or self.within <= 0:
            raise JudgeRunError(
                f"adaptive: within is {self.within!r}; give rating points above 0, for instance 40"
            )
        for name, value, known in (
            ("stop_at", self.stop_at, STOP_AT),
            ("orders", self.orders, ORDERS),
        ):
            if value not in known:
                raise JudgeRunError(f"adaptive: {name} is {value!r}; use {' or '.join(known)}")

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> AdaptiveSettings | None:  # JSON of a run
        """What is stored with a run, if it is adaptive; raises JudgeRunError for a bad value."""
        given = settings.get("adaptive")
        if not given:
            return None
        unknown = sorted(set(given) - {"within", "stop_at", "orders"})
        if unknown or "within" not in given:
            raise JudgeRunError(
                f"adaptive has no {unknown[0]!r}; it has: within, stop_at, orders"
                if unknown
                else "adaptive needs within: rating points that each gap is to be known to"
            )
        return cls(**given)

    @property
    def goal(self) -> Goal:
        """When to stop."""
        return Goal(within=float(self.within), stop_at_order=self.stop_at == "order")


@dataclass(frozen=True, slots=True)
class Batch:
    """The slots to judge next, none when the goal is reached; ``look`` is what decided it.

    ``names`` are the models' slugs by their code in the look, ``pairs`` the codes of the models
    that each slot compares.
    """

    slots: list[Slot]
    look: Look
    total: int
    names: Sequence[str] = ()
    pairs: Sequence[tuple[int, int]] = ()

    def note(self, left: Forecast | None = None) -> dict[str, Any]:  # JSON
        """The look as it is kept with the run; of its pairs the first few, by name.

        ``left`` is what is forecast from then on, this batch included.
        """
        told = asdict(self.look)
        told["open_gaps"] = len(self.look.open_gaps)
        names, gaps = self.names, self.look.open_gaps[:PAIRS_NOTED]
        asked = Counter(self.pairs).most_common(PAIRS_NOTED)
        return told | {
            "is_reached": self.look.is_reached,
            "next": len(self.slots),
            "left": asdict(left) if left else None,
            "open_pairs": [[names[a], names[b]] for a, b in gaps],
            "next_pairs": [[names[a], names[b], n] for (a, b), n in asked],
            "at": timezone.now().isoformat(timespec="seconds"),
        }


@dataclass(slots=True)
class _Grouped:
    """Slots by question, models and order: what is chosen together."""

    keys: list[tuple[int, int, int, int]] = field(default_factory=list)
    slots: list[list[Slot]] = field(default_factory=list)


def check_adaptive(spec: JudgeRunSpec) -> AdaptiveSettings | None:
    """The run's adaptive settings; raises JudgeRunError where they make no sense."""
    settings = AdaptiveSettings.of(spec.settings)
    if settings is not None and spec.mode == JudgeRunMode.SINGLE:
        raise JudgeRunError(
            "adaptive spending chooses pairs of models, and mode single compares none; choose "
            "mode baseline or pairs"
        )
    return settings


def next_batch(spec: JudgeRunSpec, settings: AdaptiveSettings, ledger: Ledger) -> Batch:
    """Look at what is judged, and choose what narrows the open gaps most."""
    codes = {model.pk: code for code, model in enumerate(spec.answering_models)}
    judged = _verdicts(spec, codes, ledger)
    strengths = fit_strengths(judged, len(codes))
    look = look_at(strengths, settings.goal, len(judged))
    waiting = ledger.to_make
    total = len(waiting) + ledger.done + ledger.busy
    grouped = _group(waiting, codes, ledger.owners, settings.orders)
    names = [model.slug for model in spec.answering_models]
    if not waiting or (look.is_reached and ledger.done + ledger.busy):
        return Batch([], look, total, names)
    size = batch_size(total, ledger.done + ledger.busy)
    chosen = choose_judgments(
        strengths,
        judged,
        Candidates.of(grouped.keys),
        open_gaps=list(look.open_gaps),
        size=max(1, round(size * len(grouped.keys) / len(waiting))),
        seed=spec.seed,
    )
    taken = [(grouped.keys[place][1:3], slot) for place in chosen for slot in grouped.slots[place]]
    return Batch([slot for _, slot in taken], look, total, names, [pair for pair, _ in taken])


def forecast_of(
    spec: JudgeRunSpec,
    settings: AdaptiveSettings,
    ledger: Ledger,
    history: Sequence[Compared] | None = None,
) -> Forecast:
    """How many of the judgments that are left the run will make, simulated on what is known.

    ``history`` is what the judge has compared anywhere; it is read when it is not given.
    """
    codes = {model.pk: code for code, model in enumerate(spec.answering_models)}
    grouped = _group(ledger.to_make, codes, ledger.owners, settings.orders)
    rows = history_of(spec.judge) if history is None else history
    everywhere = {model: code for code, model in enumerate({m for r in rows for m in r[1:3]})}
    return forecast(
        _verdicts(spec, codes, ledger),
        Candidates.of(grouped.keys),
        settings.goal,
        noise_of(Verdicts.of([_row(row, everywhere) for row in rows])),
        n_models=len(codes),
        waiting=len(ledger.to_make),
        made=ledger.done + ledger.busy,
        seed=spec.seed,
    )


def _verdicts(spec: JudgeRunSpec, codes: Mapping[int, int], ledger: Ledger) -> Verdicts:
    asked = {question for question, _ in ledger.owners.values()}
    rows = []
    for row in compared_rows(spec):
        if row.question in asked:
            rows.append(_row(row, codes))
    return Verdicts.of(rows)


def _row(row: Compared, codes: Mapping[int, int]) -> tuple[int, int, int, int, float]:
    """(question, first, second, game, share of first), the model with the lower code first."""
    first, second, game = _oriented(codes[row.model_a], codes[row.model_b], row.game)
    share = row.share if first == codes[row.model_a] else 1 - row.share
    return row.question, first, second, game, share


def _oriented(a: int, b: int, game: int) -> tuple[int, int, int]:
    """The models by code, and 1 when the one with the lower code is shown first."""
    return (a, b, game) if a < b else (b, a, 3 - game)


def _group(
    slots: Sequence[Slot],
    codes: Mapping[int, int],
    owners: Mapping[int, tuple[int, int]],
    orders: Orders,
) -> _Grouped:
    groups: defaultdict[tuple[int, int, int, int], list[Slot]] = defaultdict(list)
    for slot in slots:
        question, model_a = owners[slot.answer_a]
        model_b = owners[slot.answer_b][1]
        first, second, game = _oriented(codes[model_a], codes[model_b], slot.game)
        groups[question, first, second, game if orders == "one" else 0].append(slot)
    return _Grouped(list(groups), list(groups.values()))


def adaptive_summary(plan: Mapping[str, Any]) -> dict[str, Any]:  # JSON of a run's plan
    """What the last look saw and what was saved against judging everything; empty if not adaptive.

    ``saved`` counts judgments that were never asked for.
    """
    told = plan.get("adaptive") or {}
    looks = told.get("looks") or []
    if not looks:
        return {}
    last = looks[-1]
    asked = last["asked"] + last["next"]
    return {
        "within": told["within"],
        "looks": len(looks),
        "is_reached": last["is_reached"],
        "open_gaps": last["open_gaps"],
        "widest": last["widest"],
        "left": last.get("left"),
        "total": told["total"],
        "asked": asked,
        "saved": max(told["total"] - asked, 0),
    }
