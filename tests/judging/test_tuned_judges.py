"""PandaLM, Auto-J and Prometheus: their prompts and how their replies are read."""

import pytest

from judging.judges import JudgeContext, JudgeSettingsError, build_judge
from judging.prompts import PromptSet, PromptTemplate, shipped_prompts
from judging.task import TurnScope
from judging.verdicts import Mode, Outcome
from providers.base import Completion


def replying(text):
    async def ask(request):
        return Completion(text=text)

    return ask


@pytest.mark.parametrize(
    ("kind", "reply", "outcome"),
    [
        ("pandalm", "2\n\n### Reason: more exact.", Outcome.MODEL_B),
        ("pandalm", "Tie\n", Outcome.TIE),
        ("auto_j", "Both are fine. So, the final decision is Response 1.", Outcome.MODEL_A),
        ("auto_j", "… the final decision is Tie", Outcome.TIE),
        ("prometheus", "Feedback: B is wrong. [RESULT] A", Outcome.MODEL_A),
    ],
)
async def test_a_comparison_is_read_in_the_kinds_own_words(pair, kind, reply, outcome):
    verdict = await build_judge(kind, {}).judge(pair(), replying(reply))
    assert verdict.parsed.outcome is outcome


async def test_what_is_said_of_the_first_response_in_game_two_is_about_side_b(pair):
    verdict = await build_judge("pandalm", {}).judge(pair(game=2), replying("1\n"))
    assert verdict.parsed.outcome is Outcome.MODEL_B


@pytest.mark.parametrize(
    ("kind", "reply", "score"),
    [("auto_j", "Short. Rating: [[7]]", 7.0), ("prometheus", "Feedback: good [RESULT] 4", 4.0)],
)
async def test_a_score_is_read_in_the_kinds_own_words(single, kind, reply, score):
    verdict = await build_judge(kind, {}).judge(single(), replying(reply))
    assert verdict.parsed.score == score


def sent(kind, task, **settings):
    (request,) = build_judge(kind, settings).requests(task)
    return request.messages[-1].text


def test_each_answer_stands_under_its_own_heading(pair):
    text = sent("pandalm", pair())
    assert text.index("### Response 1:\nTwo.") < text.index("### Response 2:\nSeven is a prime.")
    assert text.endswith("### Evaluation:")


def test_prometheus_judges_by_the_rubric_it_is_given(pair):
    assert "###Score Rubric:\nIs {it} polite?" in sent(
        "prometheus", pair(), rubric="Is {it} polite?"
    )


def test_prometheus_sees_the_reference_where_there_is_one(pair):
    assert "###Reference Answer:\n2, 3 or 5" in sent("prometheus", pair(references=("2, 3 or 5",)))
    assert "###Reference Answer" not in sent("prometheus", pair())


def test_marks_are_put_around_the_prompt_only_where_they_are_asked_for(pair):
    assert sent("auto_j", pair(), inst_marks=True).startswith("[INST] ")
    assert not sent("auto_j", pair()).startswith("[INST] ")


def test_pandalm_scores_no_single_answer():
    assert build_judge("pandalm", {}).modes == {Mode.PAIRWISE}


def test_prompts_that_another_convention_reads_are_refused():
    with pytest.raises(JudgeSettingsError, match="convention 'mt_bench_pair'; this judge writes"):
        build_judge("pandalm", {"pair_prompts": "agon_pair"})


async def test_a_models_own_wording_can_take_the_place_of_ours(pair):
    own = PromptTemplate(
        name="own",
        mode=Mode.PAIRWISE,
        convention="pandalm",
        system="",
        user="{question}|{answer_a}|{answer_b}",
        scope=TurnScope.ONE_TURN,
    )
    context = JudgeContext(
        prompt_set=lambda name: PromptSet(name, (own,)) if name == "own" else shipped_prompts(name)
    )
    (request,) = build_judge("pandalm", {"pair_prompts": "own"}, context).requests(pair())
    assert request.messages[-1].text == "Name a prime.|Two.|Seven is a prime."
