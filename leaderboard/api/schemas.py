"""What the API answers with; the field names are those of the CSV and JSON exports."""

from __future__ import annotations

import datetime as dt
from typing import Any

from ninja import Schema

from arena.models import LanguageModel
from judging.agreement import Estimate
from judging.people import Dispute
from leaderboard.models import Snapshot
from speed.models import SpeedPhase


class Problem(Schema):
    """Why there is no answer."""

    detail: str


class Refusal(Schema):
    """Which parameter is wrong, where, and why."""

    detail: list[dict[str, Any]]


class BoardOut(Schema):
    """A board: a saved query, a rating method with its options, and a seed."""

    slug: str
    title: str
    description: str
    method: str
    options: dict[str, Any]
    query: dict[str, Any]
    seed: int
    is_live: bool
    is_demo: bool
    latest_snapshot: int | None


class SnapshotOut(Schema):
    """An immutable, numbered state of a board."""

    number: int
    slice: str
    method: str
    options: dict[str, Any]
    query: dict[str, Any]
    seed: int
    battles: int
    excluded: dict[str, int]
    input_hash: str
    data_until: dt.datetime | None
    created_at: dt.datetime
    software_version: str
    diagnostics: dict[str, Any]

    @staticmethod
    def resolve_slice(snapshot: Snapshot) -> str:
        return snapshot.slice_key


class RatingOut(Schema):
    """One model's line."""

    rank: int
    rank_lower: int
    rank_upper: int
    rank_set: list[int] | None
    model: str
    display_name: str
    organisation: str
    license: str | None
    rating: float
    rating_lower: float | None
    rating_upper: float | None
    standard_error: float | None
    probability_best: float | None
    component: int
    is_provisional: bool
    battles: int
    wins: int
    losses: int
    ties: int
    both_bad: int


class PairOut(Schema):
    """Two models' battles, counted from the first one's side."""

    model_a: str
    model_b: str
    battles: int
    wins_a: int
    wins_b: int
    ties: int
    both_bad: int


class ModelOut(Schema):
    """A language model; prices are US dollars per million tokens."""

    slug: str
    display_name: str
    organisation: str
    description: str
    url: str
    license: str | None
    is_commercially_usable: bool
    release_date: dt.date | None
    parameters_b: float | None
    context_length: int | None
    price_in_per_mtok: float | None
    price_out_per_mtok: float | None
    is_demo: bool

    @staticmethod
    def resolve_license(model: LanguageModel) -> str | None:
        return model.license.spdx_id if model.license else None

    @staticmethod
    def resolve_is_commercially_usable(model: LanguageModel) -> bool:
        return bool(model.license and model.license.is_commercially_usable)


class ModelRatingOut(Schema):
    """Where a model stands on the newest snapshot of a board."""

    board: str
    snapshot: int
    rank: int
    rating: float
    rating_lower: float | None
    rating_upper: float | None


class SpeedOut(Schema):
    """The serving speed that may be quoted: medians with 95 % intervals, at the lowest load."""

    load: str
    grade: str
    ttft_s: float | None
    ttft_lower_s: float | None
    ttft_upper_s: float | None
    tpot_s: float | None
    tpot_lower_s: float | None
    tpot_upper_s: float | None
    output_tokens_per_s: float | None

    @staticmethod
    def resolve_load(phase: SpeedPhase) -> str:
        return phase.name


class ScoreOut(Schema):
    """A benchmark score; only scores of one fingerprint may be compared."""

    benchmark: str
    metric: str
    protocol: str
    fingerprint: str
    value: float
    lower: float | None
    upper: float | None
    samples: int


class FiguresOut(Schema):
    """What is measured of a model beside its ratings."""

    speed: SpeedOut | None
    benchmarks: list[ScoreOut]


class EstimateOut(Schema):
    """A value with its 95 % interval from resampling questions; null where nothing is known."""

    value: float | None
    lower: float | None
    upper: float | None
    votes: int
    questions: int

    @staticmethod
    def resolve_votes(estimate: Estimate) -> int:
        return estimate.n

    @staticmethod
    def resolve_questions(estimate: Estimate) -> int:
        return estimate.n_clusters


class AgreementOut(Schema):
    """How far one judge and the people agree; an empty category stands for all questions."""

    category: str
    agreement: EstimateOut
    agreement_without_ties: EstimateOut
    kappa: EstimateOut
    battles: int
    disputes: int


class JudgeAgreementOut(Schema):
    """One version of a judge beside the people, in all and by category."""

    judge: str
    version: int
    name: str
    overall: AgreementOut
    categories: list[AgreementOut]


class PeopleAlphaOut(Schema):
    """Krippendorff's alpha between people, over the battles that several of them judged."""

    category: str
    alpha: EstimateOut
    battles: int


class PeopleOut(Schema):
    """People and judges on the same battles. Split battles have no majority, and a verdict that
    wavers changes with the order of the answers; it counts as a tie.
    """

    worked_out_at: dt.datetime
    is_old: bool
    is_demo: bool
    votes: int
    wavering_verdicts: int
    split_battles: int
    judges: list[JudgeAgreementOut]
    people: list[PeopleAlphaOut]


class DisputeOut(Schema):
    """A battle on which most votes and the judge are for different models."""

    battle: int
    question: str
    category: str
    model_a: str
    model_b: str
    judge: str
    version: int
    people: str
    verdict: str
    votes: int

    @staticmethod
    def resolve_battle(dispute: Dispute) -> int:
        return dispute.battle.pk

    @staticmethod
    def resolve_question(dispute: Dispute) -> str:
        """The line that public lists show: of a visitor's prompt without personal data."""
        question = dispute.battle.question
        return question.first_line if question else ""

    @staticmethod
    def resolve_model_a(dispute: Dispute) -> str:
        return dispute.battle.model_a.slug

    @staticmethod
    def resolve_model_b(dispute: Dispute) -> str:
        return dispute.battle.model_b.slug

    @staticmethod
    def resolve_judge(dispute: Dispute) -> str:
        return dispute.judge.slug

    @staticmethod
    def resolve_version(dispute: Dispute) -> int:
        return dispute.judge.version
