"""The ``arena-human-preference-100k`` set: clean battles with style counts and tags."""

from arena.dialects import DIALECTS
from arena.dialects.dialect import NO, SURE, Sample
from arena.dialects.fastchat_battles import FastChatBattles


@DIALECTS.register("arena_100k")
class Arena100k(FastChatBattles):
    name = "arena_100k"
    label = "Arena human preference (100k)"

    def detect(self, sample: Sample) -> float:
        is_tagged = sample.have("conv_metadata", "category_tag", "question_id")
        return SURE if super().detect(sample) and is_tagged else NO
