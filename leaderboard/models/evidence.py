from __future__ import annotations

from django.db import models

from leaderboard.models.snapshot import Snapshot


class Evidence(models.Model):
    """The large part of a snapshot, apart from what every page reads.

    ``model_slugs`` fixes the order of the models. ``pairs`` are the bytes of int32[k, 6]: first
    model, second model, first won, second won, ties, both bad, for the k pairs that met, the first
    place before the second. ``covariance`` are those of float64[m(m+1)/2], the lower triangle of
    the ratings' covariance; empty where the method has none. ``examination`` is what
    ``leaderboard.examination`` found: misfitting pairs, cycles, the votes that carry rank 1;
    empty until a worker has looked. ``left_out`` are the newest rows by reason:
    ``{"vote:too_fast": [["vote", 7], …]}``. ``columns`` are the fitted rows themselves as a
    compressed archive of numpy arrays, for boards small enough; others are selected again up to
    ``last_vote`` and ``last_judgment``. ``labels`` name what else the columns point into.
    """

    snapshot = models.OneToOneField(
        Snapshot, on_delete=models.CASCADE, primary_key=True, related_name="evidence"
    )
    model_slugs = models.JSONField(default=list)
    pairs = models.BinaryField(default=bytes)
    covariance = models.BinaryField(default=bytes)
    columns = models.BinaryField(default=bytes)
    labels = models.JSONField(default=dict)
    last_vote = models.BigIntegerField(default=0)
    last_judgment = models.BigIntegerField(default=0)
    left_out = models.JSONField(default=dict)
    examination = models.JSONField(default=dict)

    def __str__(self) -> str:
        return f"evidence of {self.snapshot_id}"
