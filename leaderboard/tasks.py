"""Celery's rim over the leaderboard."""

from __future__ import annotations

import logging

from celery import shared_task

from leaderboard.fitting import NoDataError
from leaderboard.live import keep_live
from leaderboard.models import Board
from leaderboard.ratings import RatingError
from leaderboard.services import latest_snapshot, take_snapshot
from leaderboard.slices import BoardError, slice_key

logger = logging.getLogger(__name__)


@shared_task(expires=60)
def refresh_live_boards() -> None:
    """Bring every live board up to date; a quiet one costs a handful of small queries."""
    for board in Board.objects.filter(is_live=True):
        try:
            keep_live(board)
        except (BoardError, RatingError) as error:
            # one board's impossible settings must not keep the others from being fitted
            logger.warning("board %s is not refreshed: %s", board.slug, error)


@shared_task(expires=600)
def fit_slice(board_id: int, overrides: dict[str, str]) -> None:
    """Fit a slice of a large board; nothing happens when it has been fitted meanwhile."""
    board = Board.objects.get(pk=board_id)
    main = latest_snapshot(board)
    if main is None:
        return
    there = latest_snapshot(board, slice_key(overrides))
    if there is None or there.number != main.number:
        try:
            take_snapshot(board=board, overrides=overrides, number=main.number)
        except NoDataError:
            logger.info("board %s has nothing for %s", board.slug, overrides)
        except (BoardError, RatingError) as error:
            logger.warning("board %s cannot be rated for %s: %s", board.slug, overrides, error)
