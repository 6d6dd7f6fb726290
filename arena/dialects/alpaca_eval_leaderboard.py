"""AlpacaEval's published leaderboard: the models are read, other people's figures are not.

A figure is only shown here with the rows it can be recomputed from; import the annotations.
"""

from collections.abc import Iterable

from arena.dialects import DIALECTS
from arena.dialects.dialect import NO, SURE, Dialect, Sample
from arena.dialects.fields import Fields
from arena.dialects.records import LanguageModelRecord, Record

INDEX = ""  # pandas leaves the column of names unnamed


@DIALECTS.register("alpaca_eval_leaderboard")
class AlpacaEvalLeaderboard(Dialect):
    name = "alpaca_eval_leaderboard"
    label = "AlpacaEval leaderboard (models only)"
    default_set = "alpaca-eval"

    def detect(self, sample: Sample) -> float:
        is_published = sample.have("win_rate", "standard_error")
        is_sample = sample.have("model", "published_full_win_rate")
        return SURE if is_published or is_sample else NO

    def read_row(self, fields: Fields) -> Iterable[Record]:
        key = next((key for key in ("model", "name") if key in fields), INDEX)
        yield LanguageModelRecord(name=fields.name(key), place=fields.place)
