"""llmuses reviews: one order, both orders, or a single score."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import ClassVar

from pydantic import JsonValue

from arena.dialects import DIALECTS
from arena.dialects.dialect import NO, SURE, Dialect, Sample
from arena.dialects.fields import Fields
from arena.dialects.llmuses_questions import question_row, read_question
from arena.dialects.mt_bench_pair import GAMES, games_of_pairs
from arena.dialects.outcomes import read_verdict
from arena.dialects.records import GameNumber, JudgmentRecord, Record

JUDGE = "llmuses"  # the rows do not say who reviewed


@DIALECTS.register("llmuses_reviews")
class LlmusesReviews(Dialect):
    """``win_1`` and ``win_2`` both name the model that won, not the place it was shown in."""

    name = "llmuses_reviews"
    label = "llmuses reviews"
    default_set = "llmuses"
    writes = (JudgmentRecord,)
    needs_outputs: ClassVar[bool] = False

    def detect(self, sample: Sample) -> float:
        is_pair = sample.have("model_a", "model_b", "question_id")
        is_verdict = sample.mention("win", "win_1") and not sample.mention("output_a")
        is_single = sample.have("model", "score", "question_id", "review_text")
        return SURE if (is_pair and is_verdict) or is_single else NO

    def read_row(self, fields: Fields) -> Iterable[Record]:
        question = read_question(fields, "question")
        is_single = "model_a" not in fields
        shared = JudgmentRecord(
            judge=fields.name("reviewer") if "reviewer" in fields else JUDGE,
            mode="single" if is_single else "pairwise",
            question=question,
            model_a=fields.name("model" if is_single else "model_a"),
            model_b="" if is_single else fields.name("model_b"),
            tstamp=fields.timestamp("tstamp"),
            place=fields.place,
        )
        if is_single:
            yield _single(fields, shared)
        elif shared.model_a == shared.model_b:
            raise fields.error("model_b", "a model cannot be compared with itself")
        elif "win_1" in fields or "win_2" in fields:
            yield from (_game(fields, shared, game, f"_{game}") for game in GAMES)
        else:
            yield _game(fields, shared, 1, "")

    def write_records(self, records: Iterable[Record]) -> Iterator[dict[str, JsonValue]]:
        for games in games_of_pairs(records):
            first = games[0]
            row = question_row(first.question, "question") | {
                "model_a": first.model_a,
                "model_b": first.model_b,
                "anony": True,
                "tstamp": first.tstamp,
                "language": first.question.language,
                "reviewer": first.judge,
            }
            suffixes = [""] if len(games) == 1 else ["_1", "_2"]
            for suffix, game in zip(suffixes, games, strict=False):
                row["win" + suffix] = _written_winner(game)
                row["review_text" + suffix] = game.raw_text
            yield row | first.metadata


def _single(fields: Fields, shared: JudgmentRecord) -> JudgmentRecord:
    score = fields.number_or_none("score")
    score = None if score is not None and score < 0 else score
    text = fields.text_or_empty("review_text")
    return replace(shared, score=score, is_readable=score is not None, raw_text=text)


def _game(fields: Fields, shared: JudgmentRecord, game: GameNumber, suffix: str) -> JudgmentRecord:
    outcome = read_verdict(fields, "win" + suffix)
    scores = fields.get("scores")
    return replace(
        shared,
        game=game,
        outcome=outcome,
        is_readable=bool(outcome),
        raw_text=fields.text_or_empty("review_text" + suffix),
        metadata={} if scores is None else {"scores": scores},
    )


def _written_winner(game: JudgmentRecord) -> str:
    if game.outcome == "both_bad":
        return "tie (bothbad)"
    return game.outcome or "unknown"
