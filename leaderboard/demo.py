"""Loading and removing the bundled demo.

The demo touches every room, so its loader lives in the topmost one. All rows are marked as demo;
removing deletes exactly those.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_noop

from arena.models import (
    Answer,
    AnswerOrigin,
    Battle,
    LanguageModel,
    License,
    Outcome,
    Question,
    QuestionSet,
    Side,
    Vote,
    Voter,
    VoteSource,
    WorkStatus,
)
from arena.services.battles import side_of, stored_battles
from arena.style import style_features
from judging.demo import demo_judge
from judging.models import Judge, JudgeRun, Judgment, JudgmentMode, JudgmentSource
from judging.verdicts import VERDICTS
from judging.verdicts.base import JudgeReply
from leaderboard.models import Board
from leaderboard.services import refresh_board

FOLDER = Path(settings.BASE_DIR) / "arena" / "demo"
SET_SLUG = "demo"
BATCH = 500


@dataclass(frozen=True, slots=True)
class DemoReport:
    """What was loaded; ``is_new`` is False when the demo had been there already."""

    is_new: bool
    counts: dict[str, int] = field(default_factory=dict)


def is_loaded() -> bool:
    return QuestionSet.objects.filter(slug=SET_SLUG, is_demo=True).exists()


def was_removed() -> bool:
    """Whether somebody removed the demo on purpose, so that `make run` leaves it out."""
    return _marker().exists()


def _marker() -> Path:
    return Path(settings.AGON_HOME) / "demo-removed"


def _rows(name: str) -> Iterator[dict[str, Any]]:  # JSON
    with (FOLDER / name).open(encoding="utf-8", newline="\n") as lines:
        for line in lines:
            yield json.loads(line)


@transaction.atomic
def load_demo() -> DemoReport:
    """Load all of the demo, or nothing when it is there already."""
    if is_loaded():
        return DemoReport(is_new=False)
    models = {row["slug"]: _model(row) for row in _rows("models.jsonl")}
    questions = _load_questions()
    answers = _load_answers(questions, models)
    battles = _load_battles(questions, answers)
    judge = demo_judge()
    judgments = _load_verdicts(judge, battles, answers) + _load_scores(judge, answers)
    votes = _load_votes(battles, answers)
    for board in _boards():
        refresh_board(board)
    _marker().unlink(missing_ok=True)
    counts = {
        "models": len(models),
        "questions": len(questions),
        "answers": len(answers),
        "battles": len(battles),
        "judgments": judgments,
        "votes": votes,
    }
    return DemoReport(is_new=True, counts=counts)


def _model(row: dict[str, Any]) -> LanguageModel:
    values = {key: value for key, value in row.items() if key != "license"}
    return LanguageModel.objects.create(
        **values, license=License.objects.get(spdx_id=row["license"]), is_demo=True
    )


def _load_questions() -> dict[str, Question]:
    chosen = QuestionSet.objects.create(
        slug=SET_SLUG,
        name=gettext_noop("Demo questions"),
        description=gettext_noop(
            "Sixty-four questions in English and Chinese, written for the demo."
        ),
        license=License.objects.get(spdx_id="Apache-2.0"),
        is_demo=True,
    )
    rows = [
        Question(
            question_set=chosen,
            external_id=row["question_id"],
            turns=[[{"type": "text", "text": turn}] for turn in row["turns"]],
            category=row["category"],
            dimension=row["dimension"],
            language=row["language"],
            references=row.get("references", []),
            tags=row.get("tags", []),
        )
        for row in _rows("questions.jsonl")
    ]
    return {row.external_id: row for row in Question.objects.bulk_create(rows)}


AnswerKey = tuple[str, str]


def _load_answers(
    questions: dict[str, Question], models: dict[str, LanguageModel]
) -> dict[AnswerKey, Answer]:
    now = timezone.now()
    answers = {
        (row["question_id"], row["model"]): Answer(
            question=questions[row["question_id"]],
            model=models[row["model"]],
            origin=AnswerOrigin.IMPORTED,
            status=WorkStatus.DONE,
            turns=row["turns"],
            input_tokens=row["input_tokens"],
            output_tokens=row["output_tokens"],
            latency_s=row["latency_s"],
            ttft_s=row["ttft_s"],
            finish_reason="stop",
            style=style_features(row["turns"]),
            finished_at=now,
        )
        for row in _rows("answers.jsonl")
    }
    Answer.objects.bulk_create(answers.values(), batch_size=BATCH)
    return answers


BattleKey = tuple[str, frozenset[str]]


def _load_battles(
    questions: dict[str, Question], answers: dict[AnswerKey, Answer]
) -> dict[BattleKey, Battle]:
    slugs = sorted({slug for _, slug in answers})
    keys = [(key, a, b) for key in questions for a, b in combinations(slugs, 2)]
    battles = stored_battles((answers[key, a], answers[key, b]) for key, a, b in keys)
    by_answers = {
        frozenset((answers[key, a].pk, answers[key, b].pk)): (key, frozenset((a, b)))
        for key, a, b in keys
    }
    return {by_answers[frozenset(pair)]: battle for pair, battle in battles.items()}


def _load_verdicts(
    judge: Judge, battles: dict[BattleKey, Battle], answers: dict[AnswerKey, Answer]
) -> int:
    """Verdict texts are read by the judge's own convention, like any judge's."""
    read = VERDICTS.get("arena_hard")()
    now = timezone.now()
    judgments = []
    for row in _rows("verdicts.jsonl"):
        battle = battles[row["question_id"], frozenset((row["model_a"], row["model_b"]))]
        # the file's game 1 shows its own model_a first; the battle's game 1 shows side a first
        first = answers[row["question_id"], row["model_a"]]
        game = row["game"] if side_of(battle, first) == Side.A else 3 - row["game"]
        parsed = read.parse(JudgeReply(row["text"])).in_battle_order(game)
        judgments.append(
            Judgment(
                judge=judge,
                mode=JudgmentMode.PAIRWISE,
                source=JudgmentSource.DEMO,
                battle=battle,
                game=game,
                status=WorkStatus.DONE,
                outcome=parsed.outcome or "",
                strength=parsed.strength if parsed.outcome else None,
                is_readable=parsed.is_readable,
                raw_text=row["text"],
                finished_at=now,
            )
        )
    return len(Judgment.objects.bulk_create(judgments, batch_size=BATCH))


def _load_scores(judge: Judge, answers: dict[AnswerKey, Answer]) -> int:
    read = VERDICTS.get("mt_bench_single")()
    now = timezone.now()
    judgments = []
    for row in _rows("scores.jsonl"):
        parsed = read.parse(JudgeReply(row["text"]))
        judgments.append(
            Judgment(
                judge=judge,
                mode=JudgmentMode.SINGLE,
                source=JudgmentSource.DEMO,
                answer=answers[row["question_id"], row["model"]],
                turn=row["turn"],
                status=WorkStatus.DONE,
                score=parsed.score,
                is_readable=parsed.is_readable,
                raw_text=row["text"],
                finished_at=now,
            )
        )
    return len(Judgment.objects.bulk_create(judgments, batch_size=BATCH))


def _load_votes(battles: dict[BattleKey, Battle], answers: dict[AnswerKey, Answer]) -> int:
    rows = list(_rows("votes.jsonl"))
    keys = sorted({row["voter"] for row in rows})
    voters = {key: Voter(key=key, is_demo=True) for key in keys}
    Voter.objects.bulk_create(voters.values())
    votes = []
    for row in rows:
        battle = battles[row["question_id"], frozenset((row["model_a"], row["model_b"]))]
        outcome, first = row["outcome"], row["shown_first"]
        if side_of(battle, answers[row["question_id"], row["model_a"]]) == Side.B:
            outcome, first = _turned(outcome), {"a": "b", "b": "a"}.get(first, "")
        votes.append(
            Vote(
                battle=battle,
                voter=voters[row["voter"]],
                outcome=outcome,
                source=VoteSource.DEMO,
                shown_first=first,
                created_at=dt.datetime.fromisoformat(row["created_at"]),
            )
        )
    return len(Vote.objects.bulk_create(votes, batch_size=BATCH))


def _turned(outcome: str) -> str:
    return {"model_a": Outcome.MODEL_B.value, "model_b": Outcome.MODEL_A.value}.get(
        outcome, outcome
    )


def _boards() -> list[Board]:
    query = {"question_sets": [SET_SLUG], "include_demo": True}
    boards = (
        ("demo", gettext_noop("Demo: people and judge"), "combined", "bradley_terry"),
        ("demo-people", gettext_noop("Demo: people's votes"), "people", "bradley_terry"),
        ("demo-judge", gettext_noop("Demo: the judge's verdicts"), "judges", "bradley_terry"),
        ("demo-score", gettext_noop("Demo: mean score"), "judges", "mean_score"),
    )
    return [
        Board.objects.create(
            slug=slug,
            title=title,
            description=gettext_noop(
                "Five invented models on sixty-four questions, for trying the arena out."
            ),
            query={**query, "source": source},
            method=method,
            is_demo=True,
            position=100 + number,
        )
        for number, (slug, title, source, method) in enumerate(boards)
    ]


@transaction.atomic
def remove_demo() -> dict[str, int]:
    """Delete every demo row and remember that it is not wanted; returns counts by kind."""
    doomed = {
        "boards": Board.objects.filter(is_demo=True),
        "judge runs": JudgeRun.objects.filter(question_set__is_demo=True),
        "judgments": Judgment.objects.filter(source=JudgmentSource.DEMO),
        "question sets": QuestionSet.objects.filter(is_demo=True),
        "models": LanguageModel.objects.filter(is_demo=True),
        "voters": Voter.objects.filter(is_demo=True),
        "judges": Judge.objects.filter(is_demo=True, judgments__isnull=True),
    }
    counts = {}
    for name, rows in doomed.items():
        counts[name] = rows.count()
        rows.delete()
    _marker().touch()
    return {name: count for name, count in counts.items() if count}
