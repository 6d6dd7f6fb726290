"""The bundled demo's verdict texts, read by the conventions that its scripted judge names."""

import json
from pathlib import Path

import arena
from arena.models import Outcome as BattleOutcome
from judging.verdicts import VERDICTS, JudgeReply, Outcome
from judging.verdicts.arena_hard import LEVELS

DEMO = Path(arena.__file__).parent / "demo"


def rows(name: str) -> list[dict[str, object]]:
    lines = (DEMO / name).read_text(encoding="utf-8").split("\n")
    return [json.loads(line) for line in lines if line]


def test_every_demo_verdict_is_read_as_it_was_meant():
    parse = VERDICTS.get("arena_hard")().parse
    verdicts = rows("verdicts.jsonl")
    read = [parse(JudgeReply(each["text"])) for each in verdicts]
    meant = [LEVELS.get(each["verdict"], (None, None)) for each in verdicts]
    assert [(verdict.outcome, verdict.strength) for verdict in read] == meant


def test_every_demo_score_is_read_as_it_was_meant():
    parse = VERDICTS.get("mt_bench_single")().parse
    scores = rows("scores.jsonl")
    assert [parse(JudgeReply(each["text"])).score for each in scores] == [
        each["score"] for each in scores
    ]


def test_outcomes_are_the_words_of_battles():
    assert [outcome.value for outcome in Outcome] == BattleOutcome.values
