"""Judges whose model runs in this process, from the rows to the verdicts, through transformers."""

import pytest

from arena.models import Endpoint
from judging.models import JudgeRunMode, Judgment, KeptReply
from judging.services.judges import create_judge, new_version
from judging.services.planning import plan_judge_run

pytest.importorskip("transformers")

from tests.tiny_checkpoints import direct_score, save_classifier, save_parrot

pytestmark = [pytest.mark.one_round, pytest.mark.django_db(transaction=True)]


@pytest.fixture(scope="module")
def scorer(tmp_path_factory):
    return save_classifier(tmp_path_factory.mktemp("scorer"))


@pytest.fixture
def local_model(make_model, db):
    """A language model that is a checkpoint on this machine."""

    def make(slug, folder, **settings):
        endpoint = Endpoint.objects.create(
            slug=f"here-{slug}",
            name="This machine",
            provider="transformers_local",
            max_concurrency=256,
            settings=settings,
        )
        return make_model(slug, endpoint=endpoint, provider_model=str(folder))

    return make


@pytest.fixture
def reward_judge(local_model, scorer):
    return create_judge(
        slug="reward", kind="reward_model", language_model=local_model("reward", scorer)
    )


def batches_of(folder):
    from providers.checkpoints.resident import _residents

    return [n for spec, each in _residents.items() if spec.checkpoint == str(folder)
            for n in each.batches]  # fmt: skip


def test_a_reward_models_verdicts_rest_on_the_scores_transformers_gives(
    spec, decide, reward_judge, scorer
):
    decide(spec(judge=reward_judge))
    judgment = Judgment.objects.select_related("battle__answer_a", "battle__answer_b").first()
    question = judgment.battle.question.turn_texts[0]
    direct = [
        direct_score(
            scorer,
            [
                {"role": "user", "content": question},
                {"role": "assistant", "content": answer.turns[0]},
            ],
        )
        for answer in (judgment.battle.answer_a, judgment.battle.answer_b)
    ]
    assert judgment.metadata["scores"] == pytest.approx(direct, abs=1e-5)
    assert (judgment.outcome == "model_a") == (direct[0] > direct[1])


def test_an_answer_is_scored_once_however_many_rivals_it_meets(spec, decide, reward_judge, scorer):
    before = sum(batches_of(scorer))
    run = decide(spec(judge=reward_judge))
    assert run.judgments.readable().count() == 6 * 3 * 2  # questions, pairs, games
    assert sum(batches_of(scorer)) - before == 6 * 3  # questions, models


def test_the_plan_counts_one_call_per_answer(spec, reward_judge):
    plan = plan_judge_run(spec(judge=reward_judge))
    assert (plan.to_make, plan.calls) == (6 * 3 * 2, 6 * 3)


def test_the_scores_are_made_in_batches_across_rows(spec, decide, reward_judge, scorer):
    before = len(batches_of(scorer))
    decide(spec(judge=reward_judge))
    # the first batch may be one early bird; without batches there would be 18
    assert len(batches_of(scorer)) - before <= 4


def test_another_tie_band_reuses_the_kept_scores(spec, decide, reward_judge, scorer):
    decide(spec(judge=reward_judge))
    before = sum(batches_of(scorer))
    wider = new_version(reward_judge, settings={"tie_eta": 1e6})
    run = decide(spec(judge=wider))
    assert sum(batches_of(scorer)) == before
    assert set(run.judgments.values_list("outcome", flat=True)) == {"tie"}
    assert KeptReply.objects.count() == 6 * 3


def test_single_scores_and_pairs_share_the_kept_scores(spec, decide, reward_judge, scorer):
    decide(spec(judge=reward_judge, mode=JudgeRunMode.SINGLE))
    before = sum(batches_of(scorer))
    decide(spec(judge=reward_judge))
    assert sum(batches_of(scorer)) == before


@pytest.mark.parametrize(
    ("kind", "reply", "outcomes"),
    [
        ("pandalm", "1\n\n### Reason: it is exact.", {1: "model_a", 2: "model_b"}),
        ("auto_j", "So, the final decision is Tie", {1: "tie", 2: "tie"}),
        ("prometheus", "Feedback: fuller. [RESULT] B", {1: "model_b", 2: "model_a"}),
    ],
)
def test_a_local_judge_models_words_become_verdicts(
    spec, decide, local_model, tmp_path, kind, reply, outcomes
):
    judge = create_judge(
        slug=kind, kind=kind, language_model=local_model(kind, save_parrot(tmp_path, reply))
    )
    run = decide(spec(judge=judge, limit=2))
    found = {(row.game, row.outcome) for row in run.judgments.readable()}
    assert found == set(outcomes.items())
    assert set(run.judgments.values_list("raw_text", flat=True)) == {reply}


def test_a_checkpoint_that_is_not_there_fails_every_row_with_the_reason(
    spec, decide, local_model, tmp_path
):
    judge = create_judge(
        slug="lost",
        kind="reward_model",
        language_model=local_model("lost", tmp_path / "no", circuit_threshold=99),
    )
    run = decide(spec(judge=judge))
    assert set(run.judgments.values_list("status", "error_kind")) == {("failed", "not_found")}
    assert "cannot be loaded" in run.judgments.first().error_detail
