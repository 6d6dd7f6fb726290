"""Publishing votes: counted ones only, without voters, without personal data, in public formats.

A prompt that many sent would weigh too much and is sampled down. A prompt of a live battle that
few sent may tell who they are: fewer than a chosen number hold it back, and one person's prompt in
which personal data was found is always held back whole, since a recogniser that found one trace may
have missed the next.
"""

from __future__ import annotations

import hashlib
import random
import secrets
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from pydantic import JsonValue

from arena.dialects.records import AnswerRecord, BattleRecord, TextPart, VoteRecord
from arena.exporting import Selection, arena_records
from arena.exporting.exporter import CHUNK
from arena.models import Question, Vote, VoteSource
from arena.models.question import LIVE_TAG
from arena.voting.personal_data import remove_personal_data

HASHED_CHARACTERS = 10_000  # FastChat's key of a prompt
DEFAULT_MOST_PER_PROMPT = 100
_SWAPPED = {"model_a": "model_b", "model_b": "model_a", "tie": "tie", "both_bad": "both_bad"}


@dataclass(frozen=True, slots=True)
class ReleaseOptions:
    """``most_per_prompt`` votes of one prompt are released, chosen by ``seed``; live prompts only
    when at least ``fewest_askers`` different voters sent them.
    """

    question_set: str = ""
    most_per_prompt: int = DEFAULT_MOST_PER_PROMPT
    fewest_askers: int = 1
    seed: int = 0
    include_demo: bool = False


@dataclass(slots=True)
class ReleaseReport:
    released: int = 0
    held_back: Counter[str] = field(default_factory=Counter)
    removed: Counter[str] = field(default_factory=Counter)

    def as_json(self) -> dict[str, int | dict[str, int]]:
        return {
            "released": self.released,
            "held_back": dict(self.held_back),
            "removed": dict(self.removed),
        }


def battles(selection: Selection) -> Iterator[BattleRecord]:
    for record in arena_records.battles(selection):
        if isinstance(record, BattleRecord):
            yield record


def prompt_key(turn_texts: Sequence[str]) -> str:
    return hashlib.sha256(
        "\n".join(turn_texts)[:HASHED_CHARACTERS].encode(errors="replace")
    ).hexdigest()


def released_battles(
    options: ReleaseOptions, report: ReleaseReport, *, on_battle: Callable[[], None] = lambda: None
) -> Iterator[BattleRecord]:
    """One record per released vote, side a on the left; fills ``report`` as it goes and calls
    ``on_battle`` after each battle.
    """
    selection = Selection(question_set=options.question_set)
    votes_of, askers = _count_prompts(options)
    kept_places = _sample(votes_of, options)
    names = _Pseudonyms()
    seen: Counter[str] = Counter()
    for battle in battles(selection):
        key, wanted = prompt_key(battle.question.turn_texts if battle.question else ()), []
        for vote in battle.votes:
            reason = _unwanted(battle, vote, options)
            if not reason:
                seen[key] += 1
                if key in kept_places and seen[key] - 1 not in kept_places[key]:
                    reason = "frequent_prompt"
                elif _is_live(battle) and len(askers.get(key, ())) < options.fewest_askers:
                    reason = "rare_prompt"
            if reason:
                report.held_back[reason] += 1
            else:
                wanted.append(vote)
        if wanted:
            clean, removed = _without_personal_data(battle)
            if removed and _is_live(battle) and len(askers.get(key, ())) < 2:
                report.held_back["personal_prompt"] += len(wanted)
                wanted = []
            for vote in wanted:
                report.released += 1
                report.removed += removed
                yield _one_vote(clean, vote, names, is_sampled=key in kept_places)
        on_battle()


def _is_live(battle: BattleRecord) -> bool:
    """A visitor's own words, also where stored answers to them were voted on."""
    return battle.origin == "live" or (
        battle.question is not None and LIVE_TAG in battle.question.tags
    )


def _unwanted(battle: BattleRecord, vote: VoteRecord, options: ReleaseOptions) -> str:
    if vote.source == "demo" and not options.include_demo:
        return "demo"
    return vote.exclusion or battle.exclusion


def _count_prompts(options: ReleaseOptions) -> tuple[Counter[str], dict[str, set[int | None]]]:
    """Votes that would be released, and who cast them, by prompt; without reading any answer."""
    wanted = Vote.objects.counted().order_by()
    if not options.include_demo:
        wanted = wanted.exclude(source=VoteSource.DEMO)
    if options.question_set:
        wanted = wanted.filter(battle__question__question_set__slug=options.question_set)
    asked = Question.objects.filter(pk__in=wanted.values("battle__question")).only("turns")
    keys: dict[int | None, str] = {None: prompt_key(())}
    keys |= {question.pk: prompt_key(question.turn_texts) for question in asked.iterator(CHUNK)}
    votes: Counter[str] = Counter()
    askers: dict[str, set[int | None]] = {}
    for question, voter in wanted.values_list("battle__question_id", "voter_id").iterator(CHUNK):
        key = keys.get(question)
        if key is not None:  # else the question came in between the two queries
            votes[key] += 1
            askers.setdefault(key, set()).add(voter)
    return votes, askers


def _sample(votes_of: Counter[str], options: ReleaseOptions) -> dict[str, set[int]]:
    """For prompts that are too frequent: which of their votes, by number, are released."""
    return {
        key: set(random.Random(f"{options.seed}:{key}").sample(range(n), options.most_per_prompt))
        for key, n in votes_of.items()
        if n > options.most_per_prompt
    }


@dataclass(slots=True)
class _Pseudonyms:
    """Fresh numbers in every release, so that two releases cannot be joined on the voter."""

    salt: str = field(default_factory=secrets.token_hex)
    numbers: dict[str, str] = field(default_factory=dict)

    def of(self, voter: str) -> str:
        """A vote that belongs to nobody any more gets a name of its own: who else it may be of
        cannot be said.
        """
        voter = voter or secrets.token_hex()
        digest = hashlib.sha256(f"{self.salt}:{voter}".encode()).hexdigest()
        return self.numbers.setdefault(voter, f"arena_user_{digest[:12]}")


def _without_personal_data(battle: BattleRecord) -> tuple[BattleRecord, Counter[str]]:
    removed: Counter[str] = Counter()

    def cleaned(text: str) -> str:
        clean, found = remove_personal_data(text)
        removed.update(found)
        return clean

    question = battle.question
    if question is not None:
        turns = tuple(
            tuple(
                TextPart(cleaned(part.text)) if isinstance(part, TextPart) else part
                for part in turn
            )
            for turn in question.turns
        )
        question = replace(question, turns=turns, references=(), metadata={})

    def answer(record: AnswerRecord | None) -> AnswerRecord | None:
        if record is None or question is None:
            return record
        return replace(
            record,
            question=question,
            turns=tuple(cleaned(turn) for turn in record.turns),
            reasoning=(),
            settings={},
            error_detail="",
        )

    clean = replace(
        battle,
        question=question,
        answer_a=answer(battle.answer_a),
        answer_b=answer(battle.answer_b),
        # how often turns were asked again is no secret, what stood there before may be one
        metadata={"repeated": battle.metadata["repeated"]} if "repeated" in battle.metadata else {},
    )
    return clean, removed


def _one_vote(
    battle: BattleRecord, vote: VoteRecord, names: _Pseudonyms, *, is_sampled: bool
) -> BattleRecord:
    """The vote alone, with the battle turned so that side a stood on the left."""
    said = replace(vote, voter=names.of(vote.voter), shown_first="a")
    # readers keep what was sampled; of a prompt that is not frequent that is every vote
    tag: dict[str, JsonValue] = {"dedup_tag": {"high_freq": is_sampled, "sampled": True}}
    tagged = replace(battle, metadata=battle.metadata | tag)
    # the time of day is enough; the second could be matched with a log
    day = vote.tstamp - vote.tstamp % 3600 if vote.tstamp is not None else None
    if vote.shown_first != "b":
        return replace(tagged, votes=(replace(said, tstamp=day),), tstamp=day)
    return replace(
        tagged,
        model_a=battle.model_b,
        model_b=battle.model_a,
        answer_a=battle.answer_b,
        answer_b=battle.answer_a,
        votes=(replace(said, outcome=_SWAPPED[vote.outcome], tstamp=day),),  # type: ignore[arg-type]  # swapping keeps to the four outcomes
        tstamp=day,
    )
