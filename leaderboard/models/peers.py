from __future__ import annotations

from django.db import models

from judging.models import JudgeRun
from leaderboard.models.board import Board


class PeerExamination(models.Model):
    """A board on which models have judged each other, and the central judge's board beside it.

    ``runs`` are the examiners' judge runs, and the central judge's where it had to judge as well.
    """

    board = models.OneToOneField(Board, on_delete=models.CASCADE, related_name="peer_examination")
    central_board = models.ForeignKey(
        Board, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    runs = models.ManyToManyField(JudgeRun, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return str(self.board)
