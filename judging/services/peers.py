"""Models that judge each other: one judge and one run per model, never about itself."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from arena.models import LanguageModel, QuestionSet
from judging.models import Judge, JudgeRunMode
from judging.services.judges import create_judge, planned_judge
from judging.services.ledger import JudgeRunError, JudgeRunSpec, open_ledger, read_answers
from judging.services.planning import SAMPLED_TASKS, JudgePlan, plan_of

LEAST_SAMPLED = 20  # tasks of one examiner whose prompts are rendered for the plan
FEWEST_PEERS = 3  # with two, nobody is left to judge their pair


@dataclass(frozen=True, slots=True)
class PeerSpec:
    """Who examines whom, and how: every model judges with the same kind and settings.

    ``budget`` holds for each examiner's run.
    """

    question_set: QuestionSet
    language_models: tuple[LanguageModel, ...]
    kind: str = "chat"
    settings: Mapping[str, Any] = field(default_factory=dict)  # JSON of the kind
    is_dry_run: bool = False
    limit: int | None = None
    repeats: int = 1
    seed: int = 0
    budget: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if len(set(self.language_models)) < FEWEST_PEERS:
            raise JudgeRunError(
                f"a peer examination takes at least {FEWEST_PEERS} models, of which one judges "
                f"the others; {len(set(self.language_models))} given"
            )


def peer_slug(model: LanguageModel) -> str:
    """What a model is called as an examiner."""
    return f"peer-{model.slug}"[:160]


def peer_judge(model: LanguageModel, spec: PeerSpec, *, is_planned: bool = False) -> Judge:
    """The model as a judge, in the version that fits; raises as ``create_judge`` does.

    A planned one is not stored.
    """
    make = planned_judge if is_planned else create_judge
    return make(
        slug=peer_slug(model),
        kind=spec.kind,
        name=f"{model.display_name or model.slug} (peer)"[:200],
        settings=spec.settings,
        language_model=model,
    )


def peer_runs(spec: PeerSpec, *, is_planned: bool = False) -> list[JudgeRunSpec]:
    """One run per examiner over all pairs of the others; raises JudgeRunError."""
    models = tuple(dict.fromkeys(spec.language_models))
    return [
        run_over_pairs(
            spec,
            peer_judge(model, spec, is_planned=is_planned),
            [other for other in models if other != model],
        )
        for model in models
    ]


def run_over_pairs(
    spec: PeerSpec, judge: Judge, language_models: Sequence[LanguageModel]
) -> JudgeRunSpec:
    """A judge over all pairs of these models, under the examination's conditions."""
    return JudgeRunSpec(
        judge=judge,
        mode=JudgeRunMode.PAIRS,
        question_set=spec.question_set,
        language_models=tuple(language_models),
        is_dry_run=spec.is_dry_run,
        limit=spec.limit,
        repeats=spec.repeats,
        seed=spec.seed,
        settings={"budget": dict(spec.budget)} if spec.budget else {},
    )


@dataclass(frozen=True, slots=True)
class PeerLine:
    """What one examiner's run would take."""

    judge: Judge
    plan: JudgePlan

    @property
    def examiner(self) -> str:
        """The model by its name; the central judge by its own."""
        model = self.judge.language_model
        is_peer = model is not None and self.judge.slug == peer_slug(model)
        return str(model if is_peer else self.judge)


@dataclass(frozen=True, slots=True)
class PeerPlan:
    """What an examination would take, examiner by examiner; the central judge is the last line.

    ``money`` is US dollars, None where a price is not known.
    """

    lines: tuple[PeerLine, ...]

    @property
    def judgments(self) -> int:
        """To be made."""
        return sum(line.plan.to_make for line in self.lines)

    @property
    def reused(self) -> int:
        """There already."""
        return sum(line.plan.reused for line in self.lines)

    @property
    def calls(self) -> int:
        """To be sent."""
        return sum(line.plan.calls for line in self.lines)

    @property
    def input_tokens(self) -> int:
        """Tokens sent."""
        return sum(line.plan.input_tokens for line in self.lines)

    @property
    def output_tokens(self) -> int:
        """Tokens received."""
        return sum(line.plan.output_tokens for line in self.lines)

    @property
    def money(self) -> float | None:
        """Expected."""
        return _sum_known([line.plan.money for line in self.lines])

    @property
    def money_at_most(self) -> float | None:
        """If every reply is as long as it may be."""
        return _sum_known([line.plan.money_at_most for line in self.lines])

    @property
    def seconds(self) -> float:
        """Examiners of one endpoint share its limits, those of different ones work side by side."""
        by_endpoint: defaultdict[int | None, float] = defaultdict(float)
        for line in self.lines:
            model = line.judge.language_model
            by_endpoint[model.endpoint_id if model else None] += line.plan.seconds
        return max(by_endpoint.values(), default=0.0)

    @property
    def missing_answers(self) -> dict[str, int]:
        """By model; what needs them is left out."""
        found: dict[str, int] = {}
        for line in self.lines:
            found |= line.plan.missing_answers
        return found

    @property
    def problem(self) -> str:
        """The first reason why an examiner cannot be asked; empty when all can."""
        return next((line.plan.problem for line in self.lines if line.plan.problem), "")


def plan_peers(specs: Sequence[JudgeRunSpec]) -> PeerPlan:
    """The plans of all runs of one examination; changes nothing and calls nobody.

    Its answers are read once, and the prompts' lengths are learnt from all runs together.
    """
    if not specs:
        return PeerPlan(())
    everyone = {model.pk: model for spec in specs for model in spec.answering_models}
    sheet = read_answers(specs[0].question_set, list(everyone.values()), specs[0].limit)
    sampled = max(SAMPLED_TASKS // len(specs), LEAST_SAMPLED)
    return PeerPlan(
        tuple(
            PeerLine(spec.judge, plan_of(spec, open_ledger(spec, sheet), sampled=sampled))
            for spec in specs
        )
    )


def _sum_known(amounts: Sequence[float | None]) -> float | None:
    known = [amount for amount in amounts if amount is not None]
    return sum(known) if len(known) == len(amounts) else None
