"""The ``chatbot_arena_conversations`` set: clean battles with moderation verdicts."""

from arena.dialects import DIALECTS
from arena.dialects.dialect import NO, SURE, Sample
from arena.dialects.fastchat_battles import FastChatBattles


@DIALECTS.register("arena_33k")
class Arena33k(FastChatBattles):
    name = "arena_33k"
    label = "Chatbot Arena conversations (33k)"

    def detect(self, sample: Sample) -> float:
        is_tagged = sample.have("openai_moderation", "toxic_chat_tag")
        return SURE if super().detect(sample) and is_tagged else NO
