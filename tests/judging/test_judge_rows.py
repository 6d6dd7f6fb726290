"""Judges as rows: versions, prompts out of the database, what cannot be built."""

import pytest

from judging.judges import JudgeSettingsError
from judging.models import Judge, JudgePrompt
from judging.prompt_sets import prompt_set
from judging.prompts import PromptError
from judging.services.judges import (
    UnknownJudgeError,
    create_judge,
    judge_from_row,
    new_version,
    runnable_judge,
)
from judging.task import TurnScope
from registry import UnknownPartError

pytestmark = pytest.mark.django_db


@pytest.fixture
def pair_prompt():
    return JudgePrompt.objects.create(
        name="pair-v2",
        mode="pairwise",
        template="{question} {answer_a} {answer_b}",
        convention="mt_bench_pair",
        categories=["general"],
    )


def test_the_same_judge_made_twice_is_one_version():
    first = create_judge(slug="longest", kind="length_preferring", settings={"tie_within": 5})
    assert (
        create_judge(slug="longest", kind="length_preferring", settings={"tie_within": 5}) == first
    )


def test_other_settings_make_the_next_version(length_judge):
    second = new_version(length_judge, settings={"tie_within": 5})
    assert (second.version, second.slug) == (2, length_judge.slug)
    assert second.fingerprint != length_judge.fingerprint


def test_another_prompt_text_makes_the_next_version(referee, pair_prompt):
    first = create_judge(
        slug="own", kind="chat", language_model=referee, settings={"pair_prompts": "pair-v2"}
    )
    JudgePrompt.objects.update(template="Better? {question} {answer_a} {answer_b}")
    assert runnable_judge("own").version == 2
    assert runnable_judge("own@1") == first


def test_a_judge_is_found_by_slug_in_its_newest_version(length_judge):
    newest = new_version(length_judge, settings={"tie_within": 5})
    assert runnable_judge("longest") == newest
    assert runnable_judge("longest@1") == length_judge


@pytest.mark.parametrize("name", ["shortest", "longest@7", "longest@x"])
def test_an_unknown_judge_is_answered_with_those_there_are(length_judge, name):
    with pytest.raises(UnknownJudgeError, match=f"no judge '{name}'; there are: longest"):
        runnable_judge(name)


def test_a_judge_of_imported_verdicts_cannot_be_asked(db):
    Judge.objects.create(slug="gpt", name="gpt", kind="imported", fingerprint="1")
    with pytest.raises(JudgeSettingsError, match="came with imported verdicts"):
        runnable_judge("gpt")


@pytest.mark.parametrize(
    ("arguments", "error", "told"),
    [
        ({"kind": "oracle"}, UnknownPartError, "no judge named 'oracle'"),
        ({"kind": "chat"}, JudgeSettingsError, "needs a model to ask"),
        ({"kind": "random", "settings": {"luck": 1}}, JudgeSettingsError, "no setting 'luck'"),
        ({"kind": "random", "settings": {"pair_turns": "last"}}, JudgeSettingsError, "pair_turns"),
        ({"kind": "chat", "settings": {"pair_prompts": "x"}}, PromptError, "no prompt set 'x'"),
    ],
)
def test_a_judge_that_cannot_work_is_refused_when_it_is_made(arguments, error, told):
    with pytest.raises(error, match=told):
        create_judge(slug="hopeful", **arguments)
    assert not Judge.objects.exists()


def test_imported_prompts_are_found_by_pattern(pair_prompt):
    JudgePrompt.objects.create(
        name="pair-v2-multi-turn",
        mode="pairwise",
        template="{question_1} {question_2} {answer_a_1} {answer_a_2} {answer_b_1} {answer_b_2}",
        convention="mt_bench_pair",
        is_multi_turn=True,
    )
    found = prompt_set("pair-v2*")
    assert [t.name for t in found.templates] == ["pair-v2", "pair-v2-multi-turn"]
    assert [t.scope for t in found.templates] == [TurnScope.ONE_TURN, TurnScope.LAST_TURN]


def test_a_shipped_set_is_found_when_nothing_imported_has_its_name(pair_prompt):
    assert prompt_set("agon_pair").name == "agon_pair"


def test_a_missing_prompt_is_named(pair_prompt):
    with pytest.raises(PromptError, match="no imported judge prompt 'pair-v3'"):
        prompt_set("pair-v2, pair-v3")


def test_the_demo_judge_finds_its_script():
    from judging.demo import demo_judge

    judge = judge_from_row(demo_judge())
    assert len(judge.texts) > 1000
