"""A question set of the arena: the very questions that quality is measured on.

The room hands the turns over as an option; this module knows no database.
"""

from collections.abc import Iterator, Sequence

from speed.workloads import WORKLOADS, Message, Recipe, Request, WorkloadError

PLACEHOLDER_REPLY = "Understood. Please go on."


@WORKLOADS.register("questions")
def questions(recipe: Recipe) -> Iterator[Request]:
    """Option ``turns``: a list of questions, each a list of user turns; cycled up to ``count``."""
    asked: Sequence[Sequence[str]] = recipe.option("turns", ())
    if not asked:
        raise WorkloadError("the question set is empty; choose one with questions")
    for chain in range(recipe.count):
        history: list[Message] = []
        for text in asked[chain % len(asked)]:
            history.append({"role": "user", "content": text})
            yield Request(list(history), chain)
            history.append({"role": "assistant", "content": PLACEHOLDER_REPLY})
