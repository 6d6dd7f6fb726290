"""Arena-Hard-Auto ``model_judgment/<judge>/<model>.jsonl``, present and older shape."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from pydantic import JsonValue

from arena.dialects import DIALECTS
from arena.dialects.dialect import NO, SURE, Dialect, Sample
from arena.dialects.fields import Fields
from arena.dialects.judge_names import prompt_messages, read_judge
from arena.dialects.mt_bench_pair import GAMES, games_of_pairs
from arena.dialects.outcomes import bracket_of, read_bracket
from arena.dialects.records import GameNumber, JudgmentRecord, QuestionRecord, Record

OLD_BASELINE = "gpt-4-0314"  # v0.1's, where the row does not name it


@DIALECTS.register("arena_hard_judgments")
class ArenaHardJudgments(Dialect):
    """The baseline is side a: game 1 shows it first, game 2 shows the model first."""

    name = "arena_hard_judgments"
    label = "Arena-Hard judgments"
    default_set = "arena-hard"
    writes = (JudgmentRecord,)

    def detect(self, sample: Sample) -> float:
        is_known = sample.have("model", "judge", "games") and sample.mention("uid", "question_id")
        return SURE if is_known else NO

    def read_row(self, fields: Fields) -> Iterable[Record]:
        baseline = fields.name("baseline") if "baseline" in fields else OLD_BASELINE
        model = fields.name("model")
        if model == baseline:
            raise fields.error("model", "the baseline cannot be compared with itself")
        judge, prompt_name = read_judge(fields)
        shared = JudgmentRecord(
            judge=judge,
            mode="pairwise",
            question=QuestionRecord(fields.identifier("uid" if "uid" in fields else "question_id")),
            model_a=baseline,
            model_b=model,
            prompt_name=prompt_name,
            tstamp=fields.timestamp("tstamp"),
            place=fields.place,
        )
        games = fields.list("games")
        if len(games) > len(GAMES):
            raise fields.error("games", "expected at most two games")
        for number, value in zip(GAMES, games, strict=False):
            game = Fields.of(value or {}, fields.place, f"games[{number - 1}]")
            yield _read_game(game, shared, number)

    def write_records(self, records: Iterable[Record]) -> Iterator[dict[str, JsonValue]]:
        for games in games_of_pairs(records):
            first = games[0]
            by_number = {game.game: game for game in games}
            yield {
                "uid": first.question.external_id,
                "category": first.question.category,
                "judge": first.judge,
                "model": first.model_b,
                "baseline": first.model_a,
                "games": [_game_row(by_number.get(number)) for number in GAMES],
            }


def _read_game(game: Fields, shared: JudgmentRecord, number: GameNumber) -> JudgmentRecord:
    verdict = read_bracket(game, "score", number)
    judgment = game.get("judgment")
    if isinstance(judgment, dict):
        judgment = judgment.get("answer")
    prompt = game.get("prompt")
    return replace(
        shared,
        game=number,
        outcome=verdict.outcome if verdict else "",
        strength=verdict.strength if verdict else None,
        is_readable=verdict is not None,
        raw_text=judgment if isinstance(judgment, str) else "",
        prompt=prompt
        if isinstance(prompt, list)
        else prompt_messages(game.text_or_empty("user_prompt")),
    )


def _game_row(game: JudgmentRecord | None) -> JsonValue:
    if game is None:
        return None
    score = bracket_of(game.outcome, game.strength, game.game) if game.outcome else None
    return {"score": score, "judgment": {"answer": game.raw_text}, "prompt": game.prompt}
