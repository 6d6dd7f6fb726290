"""Log-probability judge: AlpacaEval 2's soft preference from one token.

The judge answers with one identifier and the balance of the two identifiers' probabilities is the
preference. Identical answers get 1.5 without a call. Source: Dubois et al. 2024, "Length-Controlled
AlpacaEval"; settings (one token, temperature 1, five candidates) as published.
"""

from dataclasses import dataclass
from typing import ClassVar, Self

from judging.judges import JUDGES
from judging.judges.base import (
    Ask,
    JudgeContext,
    JudgeRequest,
    Settings,
    Verdict,
    as_reply,
    read_options,
)
from judging.judges.chat import as_messages
from judging.prompts import FOLLOW_QUESTION, PromptSet, PromptTemplate, render
from judging.task import JudgingTask
from judging.verdicts.alpaca_eval_logprob import AlpacaEvalLogprob
from judging.verdicts.base import AGREEING_PREFERENCE, Mode, Outcome, ParsedVerdict
from providers.base import GenerationSettings

CONVENTION = "alpaca_eval_logprob"


@dataclass(frozen=True, slots=True)
class LogprobSettings:
    """What is stored with a log-probability judge.

    The tokens are the identifiers that the prompt gives to the first and the second answer.
    """

    pair_prompts: str = "agon_pair_soft"
    language: str = FOLLOW_QUESTION
    first_token: str = "m"
    second_token: str = "M"
    temperature: float = 1.0
    top_logprobs: int = 5
    max_tokens: int = 1


@JUDGES.register("logprob")
@dataclass(frozen=True, slots=True)
class LogprobJudge:
    """One token per pair."""

    prompts: PromptSet
    settings: LogprobSettings
    is_dry_run: ClassVar[bool] = False
    needs_endpoint: ClassVar[bool] = True
    modes: ClassVar[frozenset[Mode]] = frozenset({Mode.PAIRWISE})
    options: ClassVar[type] = LogprobSettings

    @classmethod
    def from_settings(cls, settings: Settings, context: JudgeContext) -> Self:
        """Look the prompts up."""
        chosen = read_options(LogprobSettings, settings, "logprob")
        return cls(prompts=context.prompt_set(chosen.pair_prompts), settings=chosen)

    def requests(self, task: JudgingTask) -> tuple[JudgeRequest, ...]:
        """One call, or none for identical answers."""
        if task.are_answers_identical:
            return ()
        return (self._request(self._choose(task), task),)

    async def judge(self, task: JudgingTask, ask: Ask) -> Verdict:
        """Ask for one token and weigh the candidates."""
        if task.are_answers_identical:
            parsed = ParsedVerdict(outcome=Outcome.TIE, preference=AGREEING_PREFERENCE)
            return Verdict(parsed=parsed, convention=CONVENTION, details={"is_identical": True})
        template = self._choose(task)
        request = self._request(template, task)
        completion = await ask(request)
        convention = AlpacaEvalLogprob(self.settings.first_token, self.settings.second_token)
        return Verdict(
            parsed=convention.parse(as_reply(completion)).in_battle_order(task.game),
            raw_text=completion.text,
            convention=CONVENTION,
            prompt=request.messages,
            prompt_name=template.name,
            prompt_version=template.version,
            completions=(completion,),
        )

    def _choose(self, task: JudgingTask) -> PromptTemplate:
        return self.prompts.choose(task, self.settings.language)

    def _request(self, template: PromptTemplate, task: JudgingTask) -> JudgeRequest:
        settings = GenerationSettings(
            temperature=self.settings.temperature,
            max_tokens=self.settings.max_tokens,
            logprobs=True,
            top_logprobs=self.settings.top_logprobs,
        )
        return JudgeRequest(messages=as_messages(render(template, task)), settings=settings)
