"""FastChat's raw server log (``YYYY-MM-DD-conv.json``): the votes of battles."""

from collections.abc import Iterable
from dataclasses import replace

from pydantic import JsonValue

from arena.dialects import DIALECTS
from arena.dialects.battles import battle_between
from arena.dialects.conversations import Conversation, read_messages
from arena.dialects.dialect import NO, SURE, Dialect, Sample
from arena.dialects.fields import FieldError, Fields
from arena.dialects.records import IgnoredRow, OutcomeName, Record, VoteRecord

VOTES: dict[str, OutcomeName] = {
    "leftvote": "model_a",
    "rightvote": "model_b",
    "tievote": "tie",
    "bothbad_vote": "both_bad",
}
CARRIED_OVER = ("router_outputs", "ans_models", "has_csam_image")


@DIALECTS.register("fastchat_log")
class FastChatLog(Dialect):
    """Only votes make battles; chats, shares and thumbs are counted as ignored."""

    name = "fastchat_log"
    label = "FastChat raw log (conv.json)"

    def detect(self, sample: Sample) -> float:
        return SURE if sample.have("tstamp", "type") and sample.mention("state", "states") else NO

    def read_row(self, fields: Fields) -> Iterable[Record | IgnoredRow]:
        kind = fields.text("type")
        if kind not in VOTES:
            yield IgnoredRow(f"{kind}: not a vote between two models", fields.place)
            return
        states = list(fields.objects("states"))
        if len(states) != 2:
            raise fields.error("states", "expected the states of both sides")
        shown = fields.texts("models") if "models" in fields else ("", "")
        is_anonymous = not any(shown)
        names = tuple(
            state.name("model_name") if is_anonymous else name
            for state, name in zip(states, shown, strict=False)
        )
        if len(names) != 2:
            raise fields.error("models", "expected two models")
        battle = battle_between(
            fields,
            (names[0], names[1]),
            [_conversation(state) for state in states],
            external_id=states[0].identifier("conv_id"),
            is_anonymous=is_anonymous,
            tstamp=fields.timestamp("tstamp"),
            metadata={
                f"{key}_{side}": state.get(key)
                for side, state in zip("ab", states, strict=True)
                for key in CARRIED_OVER
                if key in state
            },
        )
        vote = VoteRecord(
            VOTES[kind],
            voter=fields.text_or_empty("ip"),
            is_address=True,
            shown_first="a",  # the left side
            tstamp=battle.tstamp,
        )
        yield replace(battle, votes=(vote,))


def _conversation(state: Fields) -> Conversation:
    """The messages after ``offset``; what stands before is the template's own example."""
    names = state.texts("roles") if "roles" in state else ("user", "assistant")
    messages: list[JsonValue] = []
    for index, pair in enumerate(state.list("messages")[state.count_or_none("offset") or 0 :]):
        where = f"{state.path}.messages[{index}]"
        if not isinstance(pair, list) or len(pair) != 2:
            raise FieldError(where, pair, "expected [role, text]")
        role = "user" if pair[0] == names[0] else "assistant"
        messages.append({"role": role, "content": _with_images(pair[1])})
    conversation = read_messages(messages, state, f"{state.path}.messages")
    return replace(conversation, system=state.text_or_empty("system_message"))


def _with_images(content: JsonValue) -> JsonValue:
    """A message with images is ``[text, [address, …]]``."""
    if isinstance(content, list) and len(content) == 2 and isinstance(content[1], list):
        images: list[JsonValue] = [{"type": "image", "image": address} for address in content[1]]
        return [content[0], *images]
    return content
