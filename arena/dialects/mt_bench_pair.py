"""MT-Bench ``<judge>_pair.jsonl``: both orders of each pair in one row."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import groupby

from pydantic import JsonValue

from arena.dialects import DIALECTS
from arena.dialects.dialect import NO, SURE, Dialect, Sample
from arena.dialects.fields import Fields
from arena.dialects.judge_names import prompt_messages, read_judge, user_prompt_of, written_judge
from arena.dialects.mt_bench_questions import written_id
from arena.dialects.outcomes import read_verdict
from arena.dialects.records import GameNumber, JudgmentRecord, QuestionRecord, Record

GAMES: tuple[GameNumber, ...] = (1, 2)
WRITTEN_WINNERS = {"model_a": "model_1", "model_b": "model_2", "tie": "tie", "both_bad": "tie"}


@DIALECTS.register("mt_bench_pair")
class MtBenchPair(Dialect):
    name = "mt_bench_pair"
    label = "MT-Bench pairwise judgments (*_pair.jsonl)"
    default_set = "mt-bench"
    writes = (JudgmentRecord,)

    def detect(self, sample: Sample) -> float:
        is_pair = sample.have("question_id", "model_1", "model_2", "judge")
        return SURE if is_pair and sample.mention("g1_winner", "winner") else NO

    def read_row(self, fields: Fields) -> Iterable[Record]:
        judge, prompt_name = read_judge(fields)
        shared = JudgmentRecord(
            judge=judge,
            mode="pairwise",
            question=QuestionRecord(fields.identifier("question_id")),
            model_a=fields.name("model_1"),
            model_b=fields.name("model_2"),
            turn=fields.count_or_none("turn") or 0,
            prompt_name=prompt_name,
            tstamp=fields.timestamp("tstamp"),
            metadata={key: fields.get(key) for key in ("m1_score", "m2_score") if key in fields},
            place=fields.place,
        )
        if "g1_winner" in fields:
            yield from (self._game(fields, shared, game) for game in GAMES)
        else:
            # the oldest files keep only what the two games came to
            outcome = read_verdict(fields, "winner")
            metadata = shared.metadata | {"is_aggregate": True}
            yield replace(shared, outcome=outcome, is_readable=bool(outcome), metadata=metadata)

    def _game(self, fields: Fields, shared: JudgmentRecord, game: GameNumber) -> JudgmentRecord:
        outcome = read_verdict(fields, f"g{game}_winner")
        return replace(
            shared,
            game=game,
            outcome=outcome,
            is_readable=bool(outcome),
            raw_text=fields.text_or_empty(f"g{game}_judgment"),
            prompt=prompt_messages(fields.text_or_empty(f"g{game}_user_prompt")),
        )

    def write_records(self, records: Iterable[Record]) -> Iterator[dict[str, JsonValue]]:
        for games in games_of_pairs(records):
            first = games[0]
            row: dict[str, JsonValue] = {
                "question_id": written_id(first.question.external_id),
                "model_1": first.model_a,
                "model_2": first.model_b,
                "judge": written_judge(first.judge, first.prompt_name),
                "turn": first.turn,
                "tstamp": first.tstamp,
            }
            for number in GAMES:
                game = next((game for game in games if game.game == number), None)
                row[f"g{number}_winner"] = WRITTEN_WINNERS.get(
                    game.outcome if game else "", "error"
                )
                row[f"g{number}_user_prompt"] = user_prompt_of(game.prompt) if game else ""
                row[f"g{number}_judgment"] = game.raw_text if game else ""
            yield row | first.metadata


def games_of_pairs(records: Iterable[Record]) -> Iterator[list[JudgmentRecord]]:
    """Neighbouring judgments that are the games of one pair, by one judge, on one turn."""
    pairs = (r for r in records if isinstance(r, JudgmentRecord) and r.mode == "pairwise")
    for _, games in groupby(pairs, key=_pair_key):
        yield list(games)


def _pair_key(record: JudgmentRecord) -> tuple[object, ...]:
    question = record.question.external_id or record.question.turn_texts
    models = (record.model_a, record.model_b)
    return (question, models, record.judge, record.judge_version, record.turn, record.repeat)
