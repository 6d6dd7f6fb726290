"""Models that judge each other: one judge and one run per model, never about itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from arena.models import LanguageModel, QuestionSet
from judging.models import Judge, JudgeRunMode
from judging.services.judges import create_judge
from judging.services.ledger import JudgeRunError, JudgeRunSpec
from judging.services.planning import plan_judge_run

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


def peer_judge(model: LanguageModel, spec: PeerSpec) -> Judge:
    """The model as a judge, in the version that fits; raises as ``create_judge`` does."""
    return create_judge(
        slug=peer_slug(model),
        kind=spec.kind,
        name=f"{model.display_name or model.slug} (peer)"[:200],
        settings=spec.settings,
        language_model=model,
    )


def peer_runs(spec: PeerSpec) -> list[JudgeRunSpec]:
    """One run per examiner over all pairs of the others; raises JudgeRunError."""
    models = tuple(dict.fromkeys(spec.language_models))
    return [
        run_over_pairs(spec, peer_judge(model, spec), [m for m in models if m != model])
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
class PeerPlan:
    """What an examination would take; ``money`` is US dollars, None where a price is not known."""

    judgments: int
    calls: int
    money: float | None


def plan_peers(specs: Sequence[JudgeRunSpec]) -> PeerPlan:
    """Add up the plans of all runs; changes nothing and calls nobody."""
    plans = [plan_judge_run(spec) for spec in specs]
    known = [plan.money for plan in plans if plan.money is not None]
    return PeerPlan(
        judgments=sum(plan.to_make for plan in plans),
        calls=sum(plan.calls for plan in plans),
        money=sum(known) if len(known) == len(plans) else None,
    )
