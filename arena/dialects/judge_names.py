"""Judges and their prompts as MT-Bench's judgment files write them."""

from pydantic import JsonValue

from arena.dialects.fields import Fields


def read_judge(fields: Fields, key: str = "judge") -> tuple[str, str]:
    """``(judge, prompt name)`` from ``["gpt-4", "pair-v2"]`` or from a bare name."""
    value = fields.get(key)
    if isinstance(value, list):
        names = fields.texts(key)
        if not names or not names[0].strip():
            raise fields.error(key, "expected [judge, prompt name]")
        return names[0].strip(), names[1] if len(names) > 1 else ""
    return fields.name(key), ""


def written_judge(judge: str, prompt_name: str) -> list[JsonValue]:
    return [judge, prompt_name]


def prompt_messages(user_prompt: str) -> list[JsonValue]:
    return [{"role": "user", "content": user_prompt}] if user_prompt else []


def user_prompt_of(messages: list[JsonValue]) -> str:
    """The last user message: what MT-Bench's files keep of a prompt."""
    for message in reversed(messages):
        if isinstance(message, dict) and message.get("role") == "user":
            content = message.get("content")
            return content if isinstance(content, str) else ""
    return ""
