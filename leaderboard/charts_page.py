"""Which charts a board shows, and the rows they are drawn from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from django.utils.translation import gettext as _

from arena.vocabulary import category_label
from leaderboard.board_page import FITTED_AT_ONCE, ask_for_slice
from leaderboard.charts import (
    Chart,
    RatedModel,
    average_win_rate_chart,
    battle_count_chart,
    rating_chart,
    win_fraction_chart,
)
from leaderboard.charts_of_models import PricedModel, Track, history_chart, price_chart, radar_chart
from leaderboard.models import Board, Rating, Snapshot
from leaderboard.selectors import pair_counts, rating_rows
from leaderboard.services import NoDataError, latest_snapshot, take_snapshot
from leaderboard.slices import slice_key

CHARTED_MODELS: Final = 40
TRACKED_MODELS: Final = 8
TRACKED_SNAPSHOTS: Final = 60
RADAR_MODELS: Final = 5
RADAR_CATEGORIES: Final = 10
LEAST_CATEGORIES: Final = 3


def board_charts(board: Board, snapshot: Snapshot) -> list[Chart]:
    """The charts under a board; large boards chart their best models only."""
    rows = rating_rows(snapshot)
    charts = _pair_charts(snapshot, rows[:CHARTED_MODELS])
    for chart in (_history(board, snapshot, rows), _radar(board, snapshot, rows), _prices(rows)):
        if chart is not None:
            charts.append(chart)
    return charts


def _pair_charts(snapshot: Snapshot, shown: Sequence[Rating]) -> list[Chart]:
    names = [row.model.slug for row in shown]
    rated = [
        RatedModel(row.model.slug, row.rating, row.rating_lower, row.rating_upper) for row in shown
    ]
    # xgettext:no-python-format
    title = _("Ratings with 95 % intervals")
    charts = [rating_chart(title, _("Rating"), rated)]
    pairs = pair_counts(snapshot)
    if pairs:
        charts += [
            win_fraction_chart(_("Share of battles won, row against column"), names, pairs),
            battle_count_chart(_("Battles per pair"), names, pairs),
            average_win_rate_chart(
                _("Average win rate over all opponents"), _("Average win rate"), names, pairs
            ),
        ]
    return charts


def _history(board: Board, snapshot: Snapshot, rows: Sequence[Rating]) -> Chart | None:
    history = board.snapshots.filter(slice_key=snapshot.slice_key, number__lte=snapshot.number)
    stamps = list(history.order_by("-number").values_list("id", "created_at")[:TRACKED_SNAPSHOTS])
    stamps.reverse()
    if len(stamps) < 2:
        return None
    models = {row.model_id: row.model.display_name for row in rows[:TRACKED_MODELS]}
    ratings = Rating.objects.filter(snapshot__in=[pk for pk, _ in stamps], model__in=models)
    known = {
        (snapshot_id, model_id): rating
        for snapshot_id, model_id, rating in ratings.values_list("snapshot", "model", "rating")
    }
    tracks = [
        Track(name, [known.get((pk, model)) for pk, _ in stamps]) for model, name in models.items()
    ]
    times = [time.strftime("%Y-%m-%d %H:%M:%S") for _, time in stamps]
    return history_chart(_("Rating over time"), _("Rating"), times, tracks)


def _radar(board: Board, snapshot: Snapshot, rows: Sequence[Rating]) -> Chart | None:
    """Only for the newest whole board: a slice has no further categories to compare."""
    categories = snapshot.facets.get("category", {})
    main = latest_snapshot(board)
    if len(categories) < LEAST_CATEGORIES or main is None or main.pk != snapshot.pk:
        return None
    largest = sorted(categories, key=lambda category: -categories[category])[:RADAR_CATEGORIES]
    names = {row.model_id: row.model.display_name for row in rows[:RADAR_MODELS]}
    ratings: dict[str, dict[str, float]] = {name: {} for name in names.values()}
    for category in sorted(largest):
        part = _category_slice(board, snapshot, category)
        if part is None:
            continue
        for model, rating in part.ratings.values_list("model", "rating"):
            if model in names:
                ratings[names[model]][str(category_label(category))] = rating
    shared = set.intersection(*(set(by_category) for by_category in ratings.values()))
    return radar_chart(_("Best models by category"), ratings) if len(shared) > 2 else None


def _category_slice(board: Board, main: Snapshot, category: str) -> Snapshot | None:
    chosen = {"category": category}
    there = board.snapshots.filter(slice_key=slice_key(chosen), number=main.number).first()
    if there is not None:
        return there
    if main.battles > FITTED_AT_ONCE:
        ask_for_slice(board, main, chosen)
        return None
    try:
        return take_snapshot(board=board, overrides=chosen, number=main.number)
    except NoDataError:
        return None


def _prices(rows: Sequence[Rating]) -> Chart | None:
    priced = [
        PricedModel(row.model.display_name, row.rating, row.model.price_out_per_mtok)
        for row in rows[:CHARTED_MODELS]
        if row.model.price_out_per_mtok  # a free model has no place on a logarithmic axis
    ]
    if len(priced) < 2:
        return None
    return price_chart(
        _("Rating against price"),
        _("Rating"),
        _("US dollars per million output tokens"),
        priced,
    )
