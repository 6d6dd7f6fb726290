"""The normal form that every file format is read into and written from.

Records name things by the words of the file (a model's name, a question's id); turning names into
database rows is the importer's work. ``place`` says where a record was read and takes no part in
comparisons.
"""

import hashlib
from dataclasses import dataclass, field
from typing import Annotated, Literal, TypeAlias

import orjson
from pydantic import Field, JsonValue

Metadata: TypeAlias = dict[str, JsonValue]
OutcomeName: TypeAlias = Literal["model_a", "model_b", "tie", "both_bad"]
SideName: TypeAlias = Literal["a", "b"]
GameNumber: TypeAlias = Literal[1, 2]
MAX_COUNT, MAX_SMALL = 2**31 - 1, 2**15 - 1  # of PostgreSQL's integer and smallint
Count: TypeAlias = Annotated[int, Field(ge=0, le=MAX_COUNT)]
SmallCount: TypeAlias = Annotated[int, Field(ge=0, le=MAX_SMALL)]


@dataclass(frozen=True, slots=True)
class Place:
    """A line of a file, counted from 1; line 0 is the file as a whole."""

    file: str = ""
    line: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


NOWHERE = Place()
Origin: TypeAlias = Annotated[Place, Field(exclude=True)]  # never written into a bundle


def content_hash(value: JsonValue) -> str:
    """SHA-256 over the canonical JSON of ``value``: equal content, equal hash."""
    return hashlib.sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)).hexdigest()


@dataclass(frozen=True, slots=True)
class TextPart:
    text: str
    type: Literal["text"] = "text"


@dataclass(frozen=True, slots=True)
class ImagePart:
    """``url`` is an https or a ``data:`` address."""

    url: str
    type: Literal["image"] = "image"


Turn: TypeAlias = tuple[TextPart | ImagePart, ...]


@dataclass(frozen=True, slots=True)
class LicenseRecord:
    spdx_id: str
    name: str = ""
    family: str = "unknown"
    commercial_use: str = "unknown"
    condition: str = ""
    url: str = ""
    place: Origin = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class LanguageModelRecord:
    """A model under the name the files call it by; prices are USD per million tokens."""

    name: str
    display_name: str = ""
    organisation: str = ""
    description: str = ""
    license: str = ""
    url: str = ""
    release_date: str = ""
    knowledge_cutoff: str = ""
    parameters_b: float | None = None
    context_length: Count | None = None
    price_in_per_mtok: float | None = None
    price_out_per_mtok: float | None = None
    provider_model: str = ""
    provider_settings: Metadata = field(default_factory=dict)
    is_active: bool = True
    is_demo: bool = False
    place: Origin = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class QuestionSetRecord:
    slug: str
    name: str = ""
    description: str = ""
    license: str = ""
    is_demo: bool = False
    place: Origin = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class QuestionRecord:
    """A question; without ``turns`` it only points at one by ``external_id``.

    ``question_set`` is empty where the file does not say it: the importer's own choice holds.
    """

    external_id: str = ""
    turns: tuple[Turn, ...] = ()
    question_set: str = ""
    category: str = ""
    dimension: str = ""
    language: str = ""
    references: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    metadata: Metadata = field(default_factory=dict)
    place: Origin = field(default=NOWHERE, compare=False, repr=False)

    @property
    def is_pointer(self) -> bool:
        return not self.turns

    @property
    def turns_as_json(self) -> list[JsonValue]:
        return [[_part_as_json(part) for part in turn] for turn in self.turns]

    @property
    def turn_texts(self) -> tuple[str, ...]:
        """The text of every turn, images left out."""
        return tuple(
            "\n".join(part.text for part in turn if isinstance(part, TextPart))
            for turn in self.turns
        )


def _part_as_json(part: TextPart | ImagePart) -> JsonValue:
    if isinstance(part, TextPart):
        return {"type": "text", "text": part.text}
    return {"type": "image", "url": part.url}


@dataclass(frozen=True, slots=True)
class AnswerRecord:
    """A model's reply to all turns of a question.

    ``sample_index`` numbers the answers of a model's answer set; ``None`` marks a conversation
    that only belongs to a battle. ``tstamp`` is Unix time in seconds; ``*_s`` are seconds.
    """

    model: str
    question: QuestionRecord
    turns: tuple[str, ...]
    sample_index: SmallCount | None = 0
    origin: Literal["generated", "imported", "live"] = "imported"
    reasoning: tuple[str, ...] = ()
    settings: Metadata = field(default_factory=dict)
    input_tokens: Count | None = None
    output_tokens: Count | None = None
    latency_s: float | None = None
    ttft_s: float | None = None
    finish_reason: str = ""
    error_kind: str = ""
    error_detail: str = ""
    tstamp: float | None = None
    place: Origin = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class ReferenceAnswerRecord:
    """The right answer, one text per turn, and who wrote it."""

    question: QuestionRecord
    turns: tuple[str, ...]
    author: str = ""
    tstamp: float | None = None
    place: Origin = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class VoteRecord:
    """A person's choice, in terms of the battle's own sides.

    ``is_address`` says that ``voter`` is a network address, to be stored only as a keyed hash.
    """

    outcome: OutcomeName
    voter: str = ""
    is_address: bool = False
    is_expert: bool = False
    source: Literal["human", "imported", "demo"] = "imported"
    shown_first: SideName | Literal[""] = ""
    draw_probability: float | None = None
    strength: SmallCount | None = None
    reasons: tuple[str, ...] = ()
    exclusion: str = ""
    tstamp: float | None = None


@dataclass(frozen=True, slots=True)
class BattleRecord:
    """Two models on one question, with the votes it received.

    ``answer_a`` and ``answer_b`` are both given or both missing. ``external_id`` is the file's own
    id; two rows with the same id, sides, answers and time are the same battle.
    """

    model_a: str
    model_b: str
    question: QuestionRecord | None = None
    answer_a: AnswerRecord | None = None
    answer_b: AnswerRecord | None = None
    votes: tuple[VoteRecord, ...] = ()
    external_id: str = ""
    origin: Literal["stored", "live", "imported"] = "imported"
    is_anonymous: bool = True
    language: str = ""
    turn_count: SmallCount = 1
    exclusion: str = ""
    tstamp: float | None = None
    metadata: Metadata = field(default_factory=dict)
    place: Origin = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class JudgeRecord:
    slug: str
    version: Count = 1
    name: str = ""
    description: str = ""
    kind: str = "imported"
    language_model: str = ""
    convention: str = ""
    settings: Metadata = field(default_factory=dict)
    fingerprint: str = ""
    is_demo: bool = False
    place: Origin = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class JudgePromptRecord:
    """A prompt in the shape of MT-Bench's ``judge_prompts.jsonl``."""

    name: str
    type: str
    prompt_template: str
    system_prompt: str = ""
    description: str = ""
    categories: tuple[str, ...] = ()
    output_format: str = ""
    place: Origin = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class JudgmentRecord:
    """What a judge said once: about one answer (``single``) or one game of a pair.

    In a pair, game 1 showed ``model_a`` first and game 2 ``model_b``; ``outcome`` names the sides,
    not the places shown. A single judgment is about ``model_a`` alone. ``turn`` 0 is the whole
    conversation. ``is_readable`` False keeps a verdict that could not be read.
    """

    judge: str
    mode: Literal["single", "pairwise"]
    question: QuestionRecord
    model_a: str
    model_b: str = ""
    answer_a: AnswerRecord | None = None
    answer_b: AnswerRecord | None = None
    battle: BattleRecord | None = None
    judge_version: Count = 1
    game: GameNumber = 1
    turn: SmallCount = 0
    repeat: SmallCount = 0
    source: Literal["judged", "imported", "demo"] = "imported"
    is_dry_run: bool = False
    outcome: OutcomeName | Literal[""] = ""
    strength: SmallCount | None = None
    score: float | None = None
    preference: float | None = None
    is_readable: bool = True
    raw_text: str = ""
    prompt: list[JsonValue] = field(default_factory=list)
    prompt_name: str = ""
    input_tokens: Count | None = None
    output_tokens: Count | None = None
    cost_usd: float | None = None
    latency_s: float | None = None
    exclusion: str = ""
    tstamp: float | None = None
    metadata: Metadata = field(default_factory=dict)
    place: Origin = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class BoardRecord:
    """A board's recipe; its snapshots are recomputed from the rows."""

    slug: str
    title: str = ""
    description: str = ""
    query: Metadata = field(default_factory=dict)
    method: str = "bradley_terry"
    options: Metadata = field(default_factory=dict)
    seed: Annotated[int, Field(ge=-(2**63), lt=2**63)] = 0
    is_public: bool = True
    is_live: bool = True
    is_demo: bool = False
    position: SmallCount = 0
    place: Origin = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class IgnoredRow:
    """A row that is well formed and holds nothing to store, with the reason to count it under."""

    reason: str
    place: Origin = field(default=NOWHERE, compare=False, repr=False)


Record: TypeAlias = (
    LicenseRecord
    | LanguageModelRecord
    | QuestionSetRecord
    | QuestionRecord
    | ReferenceAnswerRecord
    | AnswerRecord
    | BattleRecord
    | JudgePromptRecord
    | JudgeRecord
    | JudgmentRecord
    | BoardRecord
)

# the word for each kind in reports and bundles, in an order in which nothing points forward
RECORD_KINDS: dict[str, type[Record]] = {
    "license": LicenseRecord,
    "language_model": LanguageModelRecord,
    "question_set": QuestionSetRecord,
    "question": QuestionRecord,
    "reference_answer": ReferenceAnswerRecord,
    "answer": AnswerRecord,
    "battle": BattleRecord,
    "judge_prompt": JudgePromptRecord,
    "judge": JudgeRecord,
    "judgment": JudgmentRecord,
    "board": BoardRecord,
}
KIND_OF_RECORD: dict[type[Record], str] = {cls: kind for kind, cls in RECORD_KINDS.items()}
