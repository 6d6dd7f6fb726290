"""Keeping live boards right: one more vote costs milliseconds, whatever the number behind it.

Between snapshots a Bradley–Terry board carries its pair totals along and refits from them. What
cannot be carried along (a row marked afterwards, many judgments in flight, a changed question)
leads to a fresh snapshot, which rebuilds the totals. Intervals come with each snapshot.
"""

from __future__ import annotations

import datetime as dt
import zlib
from typing import Any, Final

import numpy as np
from django.db import transaction
from django.db.models import Count, Max, Q, QuerySet
from django.utils import timezone

from arena.models import Battle, IntegrityAction, Vote, WorkStatus
from judging.models import Judgment
from leaderboard.examination import examine
from leaderboard.fitting import Fitted, NoDataError, fit, select
from leaderboard.models import Board, Evidence, LiveState, Snapshot
from leaderboard.ratings import METHODS, Comparisons
from leaderboard.ratings.options import ScaleOptions
from leaderboard.ratings.sufficient import LiveBradleyTerry
from leaderboard.selection import Selection, select_comparisons
from leaderboard.services import is_same_question, latest_snapshot, store_snapshot
from leaderboard.slices import BoardSlice, board_slice
from leaderboard.spans import Span, Watermark
from leaderboard.traits import classify_new_questions

CARRIED_ALONG: Final = "bradley_terry"
MOST_WAITING: Final = 5_000
"""Judgments in flight that are followed one by one; with more, only snapshots are taken."""
MOST_ABSENT: Final = 1_000
SNAPSHOT_AT_GROWTH: Final = 0.05
SNAPSHOT_AFTER: Final = dt.timedelta(minutes=10)
MARKS_CHECKED_EVERY: Final = dt.timedelta(minutes=2)


def keep_live(board: Board) -> LiveState | None:
    """Bring a live board up to date; returns where it stands, None while there is nothing.

    A snapshot is taken when the rows have grown by a twentieth, when there is news and the last
    snapshot is ten minutes old, or when what was counted no longer counts.
    """
    question = board_slice(board)
    state = LiveState.objects.filter(board=board).select_related("snapshot").first()
    if state is None or not is_same_question(state.snapshot, question, state.snapshot.input_hash):
        return renew(board)
    now = timezone.now()
    if now - state.marks_checked_at >= MARKS_CHECKED_EVERY:
        if _marks(state.marks["until"]) != state.marks:
            return renew(board)
        LiveState.objects.filter(board=board).update(marks_checked_at=now)
    state = advance(board, question)
    is_large = state.added >= max(1, SNAPSHOT_AT_GROWTH * state.snapshot.battles)
    is_old = now - state.snapshot.created_at >= SNAPSHOT_AFTER
    has_news = state.added > 0 or len(state.waiting) >= MOST_WAITING
    return renew(board) if has_news and (is_large or is_old) else state


@transaction.atomic
def advance(board: Board, question: BoardSlice) -> LiveState:
    """Count what has come since, and refit; a method without totals only learns how much."""
    state = LiveState.objects.select_for_update().select_related("snapshot").get(board=board)
    after = Watermark(
        state.last_vote, state.last_judgment, tuple(state.absent_votes), tuple(state.waiting)
    )
    number = _number_of_news(after)
    if not number:
        return state
    if question.query.traits or question.query.languages:
        classify_new_questions()
    news = select_comparisons(question.query, span=Span(after=after))
    if state.totals and news.comparisons is not None and news.rows:
        live = _totals_of(state, question)
        _add(live, news.comparisons)
        _keep_ratings(state, live)
    state.added += news.rows if state.totals else number
    _move_watermark(state, news)
    state.save()
    return state


def renew(board: Board) -> LiveState | None:
    """Fit the board anew, keep a snapshot if anything changed, and the totals to carry along."""
    question = board_slice(board)
    classify_new_questions()
    marks = _marks()
    selection = select(question.query, METHODS.get(question.method))
    try:
        fitted = fit(question, selection)
    except NoDataError:
        LiveState.objects.filter(board=board).delete()
        return None
    last = latest_snapshot(board)
    # rows that are all left out change no rating, but what the board says it leaves out
    is_told = last is not None and last.excluded == selection.excluded
    if last is None or not (is_told and is_same_question(last, question, selection.input_hash)):
        last = store_snapshot(board, fitted, overrides={})
    # the ratings are right from here on; what a sceptic asks may take a little longer
    state = _start(board, last, fitted, marks)
    if Evidence.objects.filter(snapshot=last, examination={}).exists():
        examine(last, fitted)
    return state


def _start(board: Board, snapshot: Snapshot, fitted: Fitted, marks: dict[str, Any]) -> LiveState:
    selection = fitted.selection
    comparisons = selection.comparisons
    now = timezone.now()
    values: dict[str, Any] = {  # columns of LiveState
        "snapshot": snapshot,
        "model_slugs": list(fitted.ratings.models),
        "totals": b"",
        "last_vote": selection.last_vote,
        "last_judgment": selection.last_judgment,
        "absent_votes": [],
        "waiting": selection.waiting[:MOST_WAITING].tolist(),
        "marks": marks,
        "marks_checked_at": now,
        "added": 0,
        "ratings": {},
        "updated_at": now,
    }
    # totals are whole counts; a weighted board lives from snapshot to snapshot
    is_counting = fitted.question.query.draw_weights == "equal"
    if fitted.question.method == CARRIED_ALONG and is_counting and comparisons is not None:
        values["totals"] = _as_bytes(LiveBradleyTerry.of(comparisons))
    state, _ = LiveState.objects.update_or_create(board=board, defaults=values)
    return state


def _number_of_news(after: Watermark) -> int:
    """Rows to look at: look-ups by primary key, so that a quiet board costs nothing."""
    votes = Vote.objects.filter(Q(id__gt=after.last_vote) | Q(id__in=after.absent_votes))
    finished = (WorkStatus.DONE, WorkStatus.FAILED)
    judgments = Judgment.objects.filter(
        Q(id__gt=after.last_judgment) | Q(id__in=after.waiting, status__in=finished)
    )
    return votes.count() + judgments.count()


def _marks(until: dict[str, int] | None = None) -> dict[str, Any]:
    """Rows by mark among those up to the ids ``until`` (all, where not given): JSON.

    Whoever marks, unmarks or deletes a row changes one of these counts; who marks one and unmarks
    another has acted, which is counted too.
    """
    rows: dict[str, QuerySet[Any]] = {
        "votes": Vote.objects.order_by(),
        "battles": Battle.objects.order_by(),
        "judgments": Judgment.objects.order_by(),
    }
    last = until or {
        name: of_kind.aggregate(last=Max("id"))["last"] or 0 for name, of_kind in rows.items()
    }
    acts = IntegrityAction.objects.aggregate(last=Max("id"))["last"] or 0
    marks: dict[str, Any] = {"until": last, "acts": acts}
    for name, of_kind in rows.items():
        by_mark = of_kind.filter(id__lte=last[name]).values_list("exclusion")
        marks[name] = dict(by_mark.annotate(n=Count("id")))
    return marks


def _totals_of(state: LiveState, question: BoardSlice) -> LiveBradleyTerry:
    m = len(state.model_slugs)
    kept = zlib.decompress(bytes(state.totals))
    counts = np.frombuffer(kept, dtype=f"<u{len(kept) // (4 * m * m)}").reshape(m, m, 4)
    options = METHODS.get(CARRIED_ALONG).options.model_validate(question.options)
    shared = {name: getattr(options, name) for name in ScaleOptions.model_fields}
    totals = np.broadcast_to(counts.astype(np.float64), (3, m, m, 4))
    live = LiveBradleyTerry.from_totals(
        tuple(state.model_slugs), totals, ScaleOptions.model_validate(shared)
    )
    live.start_from({slug: rating for slug, (rating, _) in state.ratings.items()})
    return live


def _add(live: LiveBradleyTerry, news: Comparisons) -> None:
    for name in news.models:
        if name not in live.models:
            live.add_model(name)
    sides = zip(news.model_a.tolist(), news.model_b.tolist(), news.outcome.tolist(), strict=True)
    for a, b, outcome in sides:
        live.add(news.models[a], news.models[b], outcome)


def _keep_ratings(state: LiveState, live: LiveBradleyTerry) -> None:
    now = live.ratings()
    state.model_slugs = list(live.models)
    state.totals = _as_bytes(live)
    state.ratings = {
        name: [float(rating), int(battles)]
        for name, rating, battles in zip(now.models, now.rating, now.counts.battles, strict=True)
        if not np.isnan(rating)
    }
    state.updated_at = timezone.now()


def _as_bytes(live: LiveBradleyTerry) -> bytes:
    """Counts as unsigned integers no wider than the largest needs, compressed: each vote rewrites
    them all, and PostgreSQL takes twenty times as long over what zlib makes small in a millisecond.
    """
    counts = live.counts
    width = next(width for width in (1, 2, 4, 8) if int(counts.max(initial=0)) < 1 << 8 * width)
    return zlib.compress(counts.astype(f"<u{width}").tobytes(), level=1)


def _move_watermark(state: LiveState, news: Selection) -> None:
    seen_until = max(state.last_vote, news.last_vote)
    # ids are given before a transaction commits: a gap may still be filled
    gaps = [*state.absent_votes, *range(state.last_vote + 1, seen_until)][-MOST_ABSENT:]
    if gaps:
        present = set(Vote.objects.filter(id__in=gaps).values_list("id", flat=True))
        state.absent_votes = [i for i in gaps if i not in present]
    state.last_vote = seen_until
    state.last_judgment = max(state.last_judgment, news.last_judgment)
    state.waiting = news.waiting[:MOST_WAITING].tolist()
