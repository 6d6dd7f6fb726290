"""What is known of answers in this process, so that a vote need not ask for it again."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from arena.voting.texts import AnswerFacts, read_facts

KEPT = 200_000


@dataclass(slots=True)
class KnownFacts:
    """Facts by answer id; those known longest are forgotten. How long an answer takes to read may
    come from here; whether it may be shown is for what was just read to say.
    """

    _found: OrderedDict[int, AnswerFacts] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def of(self, answer_ids: Iterable[int]) -> dict[int, AnswerFacts]:
        """Without those that are gone."""
        wanted = list(answer_ids)
        found = {pk: self._found[pk] for pk in wanted if pk in self._found}
        missing = [pk for pk in wanted if pk not in found]
        if missing:
            new = read_facts(missing)
            self.remember(new)
            found |= new
        return found

    def remember(self, facts: Mapping[int, AnswerFacts]) -> None:
        with self._lock:
            self._found.update(facts)
            while len(self._found) > KEPT:
                self._found.popitem(last=False)

    def forget(self) -> None:
        self._found.clear()


FACTS = KnownFacts()
