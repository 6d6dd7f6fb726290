"""Reward model: scores each answer once, and the difference of two scores decides.

It asks a model that replies to a conversation with a number: a sequence classifier run here (an
endpoint of kind ``transformers_local``), or any endpoint that does the same. An answer's score
depends on the answer alone, so it is paid for once however many rivals it meets, in either order.

P(a beats b) = σ(Δ - ln η) and P(b beats a) = σ(-Δ - ln η) with Δ = (score a - score b) / scale,
as Rao & Kupper (1967) have it; the rest is the probability of a tie. A side wins when it is more
likely than not to win, that is when |Δ| > ln η; otherwise the pair is a tie. ``scale`` 1
and η 1 is the Bradley-Terry reading that reward models are trained with; calibration on people's
votes fits both (``judging.reward_calibration``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import exp, log
from typing import ClassVar

from judging.judges import JUDGES
from judging.judges.base import Ask, JudgeRequest, JudgeSettingsError, Verdict, all_ended
from judging.judges.plain import PlainJudge
from judging.task import JudgingTask
from judging.verdicts.base import Mode, Outcome, ParsedVerdict, UnreadableReason
from providers.base import Completion, GenerationSettings, Message

CONVENTION = "reward"
_NUMBER = re.compile(r"\s*[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class RewardSettings:
    """``scale`` is the difference of scores that counts as one nat; ``tie_eta`` ≥ 1 makes ties.

    1 knows no tie but that of equal scores.
    """

    scale: float = 1.0
    tie_eta: float = 1.0

    def __post_init__(self) -> None:
        if not self.scale > 0:
            raise JudgeSettingsError(f"scale is {self.scale}; it must be above 0")
        if not self.tie_eta >= 1:
            raise JudgeSettingsError(
                f"tie_eta is {self.tie_eta}; it must be at least 1, which knows no ties"
            )


@JUDGES.register("reward_model")
@dataclass(frozen=True, slots=True)
class RewardModelJudge(PlainJudge):
    """One score per answer; a pair is judged from two of them."""

    settings: RewardSettings
    kind: ClassVar[str] = "reward_model"
    options: ClassVar[type] = RewardSettings

    def requests(self, task: JudgingTask) -> tuple[JudgeRequest, ...]:
        """One score per different answer, in battle order: the order shown does not matter."""
        sides = [task.answers_a, task.answers_b] if task.mode is Mode.PAIRWISE else [task.answers_a]
        shown = dict.fromkeys(answers[: task.shown_turns] for answers in sides)
        return tuple(_request(task, answers) for answers in shown)

    async def judge(self, task: JudgingTask, ask: Ask) -> Verdict:
        """Have the answers scored and compare."""
        requests = self.requests(task)
        completions = await all_ended(ask(request) for request in requests)
        scores = [score_of(completion) for completion in completions]
        return Verdict(
            parsed=self._parsed(scores, task.mode),
            raw_text="\n".join(completion.text for completion in completions),
            convention=CONVENTION,
            prompt=requests[0].messages,
            completions=tuple(completions),
            details=self._details(scores, task.mode),
        )

    def _parsed(self, scores: list[float | None], mode: Mode) -> ParsedVerdict:
        first, last = scores[0], scores[-1]  # the same for one answer, or two identical ones
        if first is None or last is None:
            return ParsedVerdict(reason=UnreadableReason.NO_VERDICT)
        if mode is Mode.SINGLE:
            return ParsedVerdict(score=first)
        wins_a, wins_b, ties = self.probabilities(first - last)
        outcome = Outcome.TIE
        if max(wins_a, wins_b) > 1 / 2:
            outcome = Outcome.MODEL_A if wins_a > wins_b else Outcome.MODEL_B
        return ParsedVerdict(
            outcome=outcome,
            scores=(first, last),
            preference=2 - (wins_a + ties / 2),
            confidence=max(wins_a, wins_b, ties),
        )

    def probabilities(self, difference: float) -> tuple[float, float, float]:
        """Of a win of a, a win of b and a tie, for a's score minus b's."""
        nats, threshold = difference / self.settings.scale, log(self.settings.tie_eta)
        wins_a, wins_b = sigmoid(nats - threshold), sigmoid(-nats - threshold)
        return wins_a, wins_b, max(1 - wins_a - wins_b, 0.0)

    def _details(self, scores: list[float | None], mode: Mode) -> dict[str, object]:
        if mode is Mode.SINGLE or scores[0] is None or scores[-1] is None:
            return {}
        names = ("model_a", "model_b", "tie")
        return dict(zip(names, self.probabilities(scores[0] - scores[-1]), strict=True))


def score_of(completion: Completion) -> float | None:
    """The number that a reply consists of; None when it is anything else."""
    return float(completion.text) if _NUMBER.fullmatch(completion.text) else None


def sigmoid(x: float) -> float:
    """1 / (1 + exp(-x)) without overflow."""
    return 1 / (1 + exp(-x)) if x >= 0 else exp(x) / (1 + exp(x))


def _request(task: JudgingTask, answers: tuple[str, ...]) -> JudgeRequest:
    turns = zip(task.questions, answers, strict=False)
    messages = [
        message
        for question, answer in turns
        for message in (Message("user", question), Message("assistant", answer))
    ]
    return JudgeRequest(tuple(messages), GenerationSettings(), is_kept=True)
