"""A server whose model answers questions, and judges the answers of others by their length."""

import re
from dataclasses import dataclass

from tests.openai_server import OpenAIServer, Reply

_ANSWER = re.compile(r"<<<(?:Answer|回答) ?([AB])?(?: \d+)? \| \w+>>>\n(.*?)\n<<</", re.DOTALL)
# alpha says most, gamma least
WORDS = {"alpha": 30, "beta": 20, "gamma": 10}


def verdict_by_length(text: str) -> str:
    """The longer conversation wins; a single answer gets a point per 20 characters."""
    lengths = {"A": 0, "B": 0}
    for label, answer in _ANSWER.findall(text):
        lengths[label or "A"] += len(answer)
    if "B" not in [label for label, _ in _ANSWER.findall(text)]:
        return f"It is what it is. Rating: [[{min(max(lengths['A'] // 20, 1), 10)}]]"
    if lengths["A"] == lengths["B"]:
        return "No difference. [[C]]"
    return "One says more. " + ("[[A]]" if lengths["A"] > lengths["B"] else "[[B]]")


@dataclass
class ServedModels(OpenAIServer):
    """Models alpha, beta and gamma answer; any model judges when it is shown answers."""

    def _say(self, call):
        text = str(call.body["messages"][-1]["content"])
        if _ANSWER.search(text):
            return Reply(verdict_by_length(text)) if self.reply is None else super()._say(call)
        model = call.body["model"]
        return Reply(f"{model} on {text} " + "word " * WORDS.get(model, 5))
