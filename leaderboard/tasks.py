"""Celery's rim over the leaderboard."""

from __future__ import annotations

import logging

from celery import shared_task

from leaderboard.models import Board
from leaderboard.services import (
    NoDataError,
    latest_snapshot,
    refresh_board,
    slice_key,
    take_snapshot,
)

logger = logging.getLogger(__name__)


@shared_task(expires=60)
def refresh_live_boards() -> None:
    """Take a snapshot of every live board whose votes or verdicts have changed."""
    for board in Board.objects.filter(is_live=True):
        try:
            refresh_board(board)
        except NoDataError:
            continue


@shared_task(expires=600)
def fit_slice(board_id: int, overrides: dict[str, str]) -> None:
    """Fit a slice of a large board; nothing happens when it has been fitted meanwhile."""
    board = Board.objects.get(pk=board_id)
    main = latest_snapshot(board)
    if main is None:
        return
    there = latest_snapshot(board, slice_key(overrides))
    if there is None or there.number != main.number:
        take_snapshot(board=board, overrides=overrides, number=main.number)
