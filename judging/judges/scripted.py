"""Scripted judge: replays stored verdict texts, and reads them like any judge's.

For demos and tests. A script is rows of ``question_id, model_a, model_b, game, text`` for pairs and
``question_id, model, turn, text`` for single scores; a pair stored the other way round is the same
pair in the other game.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self, TypeAlias

from judging.judges import JUDGES
from judging.judges.base import (
    Ask,
    JudgeContext,
    JudgeSettingsError,
    Settings,
    Verdict,
    read_options,
)
from judging.judges.plain import OfflineJudge
from judging.task import JudgingError, JudgingTask
from judging.verdicts import VERDICTS
from judging.verdicts.base import JudgeReply, Mode

# question, shown first, shown second (empty in single mode), turn
Key: TypeAlias = tuple[str, str, str, int]


@dataclass(frozen=True, slots=True)
class ScriptedSettings:
    """The script's name and how its texts are read."""

    script: str
    pair_convention: str = "arena_hard"
    single_convention: str = "mt_bench_single"


@JUDGES.register("scripted")
@dataclass(frozen=True, slots=True)
class ScriptedJudge(OfflineJudge):
    """Says what the script says; a task that is not in it fails, it is not made up."""

    settings: ScriptedSettings
    texts: Mapping[Key, str] = field(repr=False)
    kind: ClassVar[str] = "scripted"
    options: ClassVar[type] = ScriptedSettings

    @classmethod
    def from_settings(cls, settings: Settings, context: JudgeContext) -> Self:
        """Load the script."""
        if "script" not in settings:
            raise JudgeSettingsError("the scripted judge needs the setting 'script', a name")
        chosen = read_options(ScriptedSettings, settings, cls.kind)
        return cls(settings=chosen, texts=texts_by_key(context.script(chosen.script)))

    async def judge(self, task: JudgingTask, ask: Ask) -> Verdict:
        """Look the text up and read it."""
        text = self._find(task)
        is_single = task.mode is Mode.SINGLE
        name = self.settings.single_convention if is_single else self.settings.pair_convention
        parsed = VERDICTS.get(name)().parse(JudgeReply(text))
        return Verdict(parsed=parsed.in_battle_order(task.game), raw_text=text, convention=name)

    def _find(self, task: JudgingTask) -> str:
        """The text for the judged turn, or else the one for the whole conversation."""
        first, second = task.model_a, task.model_b
        if task.mode is Mode.PAIRWISE and task.game == 2:
            first, second = second, first
        for turn in (task.turn, 0):
            text = self.texts.get((task.question_key, first, second, turn))
            if text is not None:
                return text
        raise JudgingError(
            "no_stored_verdict",
            f"script {self.settings.script!r} has no verdict on question {task.question_key!r} "
            f"with {first!r}{f' before {second!r}' if second else ''} in turn {task.turn}",
        )


# Any: rows are JSON objects of a script; a missing field raises below.
def texts_by_key(rows: Iterable[Mapping[str, Any]]) -> dict[Key, str]:
    """Index a script; raises JudgeSettingsError for a row without its fields."""
    texts: dict[Key, str] = {}
    for number, row in enumerate(rows, start=1):
        try:
            turn = int(row.get("turn") or 0)
            sides = (row["model"], "") if "model" in row else (row["model_a"], row["model_b"])
            if row.get("game") == 2:
                sides = (sides[1], sides[0])
            texts[(str(row["question_id"]), *sides, turn)] = row["text"]
        except KeyError as missing:
            raise JudgeSettingsError(f"row {number} of the script lacks {missing}") from None
    return texts
