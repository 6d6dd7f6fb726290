import subprocess
import sys
from math import log

import pytest

from judging.judges import JUDGES, JudgeContext, JudgeRequest, JudgeSettingsError, build_judge
from judging.prompts import PromptSet, PromptTemplate
from judging.task import JudgingError, TurnScope
from judging.verdicts import Mode, Outcome, UnreadableReason
from providers.base import Completion, FailureKind, ImagePart, ProviderError, TokenLogprob
from registry import UnknownPartError

OFFLINE = sorted(name for name, kind in JUDGES.items() if not kind.needs_endpoint)
SCRIPT = [
    {"question_id": "q1", "model_a": "alpha", "model_b": "beta", "game": 1, "text": "[[A>>B]]"},
    {"question_id": "q1", "model_a": "alpha", "model_b": "beta", "game": 2, "text": "[[A>B]]"},
    {"question_id": "q1", "model": "alpha", "turn": 1, "text": "Rating: [[7]]"},
]
CONTEXT = JudgeContext(script=lambda name: SCRIPT)
SETTINGS: dict[str, dict[str, object]] = {
    "scripted": {"script": "demo"},
    "jury": {"members": [{"kind": "length_preferring"}]},
}


class Endpoint:
    """Answers every request alike and remembers what it was asked."""

    def __init__(self, text: str, **fields: object) -> None:
        self.completion = Completion(text=text, input_tokens=90, output_tokens=7, **fields)
        self.requests: list[JudgeRequest] = []

    async def __call__(self, request: JudgeRequest) -> Completion:
        self.requests.append(request)
        return self.completion


async def nobody(request: JudgeRequest) -> Completion:
    raise AssertionError(f"an offline judge asked {request}")


async def test_the_chat_judge_asks_once_and_reads_the_reply(pair):
    endpoint = Endpoint("A is right. [[A]]")
    verdict = await build_judge("chat", {}).judge(pair(), endpoint)
    assert verdict.parsed.outcome is Outcome.MODEL_A
    assert verdict.raw_text == "A is right. [[A]]"
    assert verdict.prompt_name == "agon_pair-en-one_turn"
    assert verdict.convention == "mt_bench_pair"
    assert (verdict.input_tokens, verdict.output_tokens) == (90, 7)
    assert len(endpoint.requests) == 1


async def test_what_the_judge_says_of_the_first_answer_in_game_two_is_about_side_b(pair):
    verdict = await build_judge("chat", {}).judge(pair(game=2), Endpoint("[[A]]"))
    assert verdict.parsed.outcome is Outcome.MODEL_B


async def test_the_requests_known_beforehand_are_those_that_are_sent(pair, single):
    for task in (pair(), pair(game=2, turn=2), single()):
        judge, endpoint = build_judge("chat", {}), Endpoint("[[A]]")
        await judge.judge(task, endpoint)
        assert judge.requests(task) == tuple(endpoint.requests)


async def test_an_unreadable_reply_is_neither_tie_nor_zero(pair, single):
    for task in (pair(), single()):
        verdict = await build_judge("chat", {}).judge(task, Endpoint("Hard to say."))
        assert verdict.parsed.reason is UnreadableReason.NO_VERDICT
        assert (verdict.parsed.outcome, verdict.parsed.score) == (None, None)


async def test_a_reply_cut_at_the_token_limit_says_so(pair):
    endpoint = Endpoint("A is better because", finish_reason="length")
    verdict = await build_judge("chat", {}).judge(pair(), endpoint)
    assert verdict.parsed.reason is UnreadableReason.TRUNCATED


async def test_a_single_score_is_read_on_the_scale_of_the_settings(single):
    judge = build_judge(
        "chat", {"convention_options": {"highest": 100}, "convention": "mt_bench_single"}
    )
    assert (await judge.judge(single(), Endpoint("[[85]]"))).parsed.score == 85.0


async def test_a_structured_judge_holds_the_endpoint_to_a_schema(pair):
    endpoint = Endpoint('{"reasons": "…", "verdict": "A>B", "confidence": 0.8}')
    verdict = await build_judge("chat", {"is_structured": True}).judge(pair(game=2), endpoint)
    assert (verdict.parsed.outcome, verdict.parsed.confidence) == (Outcome.MODEL_B, 0.8)
    schema = endpoint.requests[0].settings.response_format["json_schema"]["schema"]
    assert "verdict" in schema["required"]


async def test_a_choice_where_a_score_was_asked_is_unreadable(single):
    judge = build_judge("chat", {"is_structured": True})
    verdict = await judge.judge(single(), Endpoint('{"verdict": "A>B"}'))
    assert verdict.parsed.reason is UnreadableReason.WRONG_MODE


async def test_a_providers_error_passes_through_the_judge(pair):
    async def failing(request: JudgeRequest) -> Completion:
        raise ProviderError(FailureKind.TIMED_OUT, "no answer in 600 s")

    with pytest.raises(ProviderError):
        await build_judge("chat", {}).judge(pair(), failing)


def test_images_of_the_question_reach_the_judge(pair):
    task = pair(images=(("https://example.org/prime.png",), ()))
    request = build_judge("chat", {}).requests(task)[0]
    assert request.messages[-1].images == (ImagePart("https://example.org/prime.png"),)


def test_a_prompt_set_of_the_user_replaces_the_shipped_one(pair):
    own = PromptTemplate(
        "own", Mode.PAIRWISE, "arena_hard", "", "{answer_a}/{answer_b}", TurnScope.ONE_TURN
    )
    context = JudgeContext(prompt_set=lambda name: PromptSet(name, (own,)))
    request = build_judge("chat", {"pair_prompts": "own"}, context).requests(pair())[0]
    assert [message.role for message in request.messages] == ["user"]
    assert request.messages[0].text == "Two./Seven is a prime."


def test_equal_requests_have_equal_fingerprints(pair):
    judge = build_judge("chat", {})
    first, again = (judge.requests(pair())[0].fingerprint for _ in range(2))
    other_game = judge.requests(pair(game=2))[0].fingerprint
    warmer = build_judge("chat", {"temperature": 0.7}).requests(pair())[0].fingerprint
    assert first == again
    assert len({first, other_game, warmer}) == 3


def candidates(**logprobs: float) -> tuple[tuple[TokenLogprob, ...], ...]:
    return (tuple(TokenLogprob(token, value) for token, value in logprobs.items()),)


async def test_the_logprob_judge_weighs_the_first_tokens(pair):
    endpoint = Endpoint("m", top_logprobs=candidates(m=log(0.8), M=log(0.2)))
    judge = build_judge("logprob", {})
    assert (await judge.judge(pair(), endpoint)).parsed.preference == pytest.approx(1.2)
    assert (await judge.judge(pair(game=2), endpoint)).parsed.preference == pytest.approx(1.8)
    assert endpoint.requests[0].settings.max_tokens == 1
    assert endpoint.requests[0].settings.top_logprobs == 5


async def test_identical_answers_are_a_tie_without_a_call(pair):
    task = pair(answers_a=("Two.", ""), answers_b=("Two.", ""))
    judge = build_judge("logprob", {})
    verdict = await judge.judge(task, nobody)
    assert (verdict.parsed.preference, verdict.parsed.outcome) == (1.5, Outcome.TIE)
    assert judge.requests(task) == ()


async def test_an_endpoint_without_log_probabilities_makes_the_verdict_unreadable(pair):
    verdict = await build_judge("logprob", {}).judge(pair(), Endpoint("m"))
    assert verdict.parsed.reason is UnreadableReason.NO_LOGPROBS


@pytest.mark.parametrize("kind", OFFLINE)
async def test_an_offline_judge_asks_nobody_and_repeats_itself(kind, pair, single):
    judge = build_judge(kind, SETTINGS.get(kind, {}), CONTEXT)
    for task in (pair(), pair(game=2), single()):
        assert judge.requests(task) == ()
        assert await judge.judge(task, nobody) == await judge.judge(task, nobody)


def test_only_the_random_judge_is_a_dry_run():
    assert [name for name, kind in JUDGES.items() if kind.is_dry_run] == ["random"]


async def test_random_verdicts_are_marked_and_cover_every_outcome(pair):
    judge = build_judge("random", {})
    verdicts = [await judge.judge(pair(question_key=f"q{n}"), nobody) for n in range(300)]
    assert all(verdict.is_dry_run for verdict in verdicts)
    counts = [
        sum(v.parsed.outcome is o for v in verdicts)
        for o in (Outcome.MODEL_A, Outcome.MODEL_B, Outcome.TIE)
    ]
    # 100 each, standard deviation 8.
    assert all(70 <= count <= 130 for count in counts)


async def test_the_scripted_judge_replays_each_game_in_battle_order(pair, single):
    judge = build_judge("scripted", {"script": "demo"}, CONTEXT)
    first, second = [await judge.judge(pair(game=game), nobody) for game in (1, 2)]
    assert (first.parsed.outcome, first.parsed.strength) == (Outcome.MODEL_A, 3)
    assert (second.parsed.outcome, second.parsed.strength) == (Outcome.MODEL_B, 1)
    assert (await judge.judge(single(), nobody)).parsed.score == 7.0


async def test_a_scripted_pair_may_be_asked_the_other_way_round(pair):
    judge = build_judge("scripted", {"script": "demo"}, CONTEXT)
    verdict = await judge.judge(pair(model_a="beta", model_b="alpha", game=2), nobody)
    assert verdict.raw_text == "[[A>>B]]"
    assert verdict.parsed.outcome is Outcome.MODEL_B


async def test_the_scripted_judge_makes_nothing_up(pair):
    judge = build_judge("scripted", {"script": "demo"}, CONTEXT)
    with pytest.raises(JudgingError, match="no verdict on question 'q9'") as failure:
        await judge.judge(pair(question_key="q9"), nobody)
    assert failure.value.kind == "no_stored_verdict"


async def test_the_length_preferring_judge_takes_the_longer_answer_in_either_order(pair):
    judge = build_judge("length_preferring", {})
    for game in (1, 2):
        assert (await judge.judge(pair(game=game), nobody)).parsed.outcome is Outcome.MODEL_B
    near = build_judge("length_preferring", {"tie_within": 100})
    assert (await near.judge(pair(), nobody)).parsed.outcome is Outcome.TIE


@pytest.mark.parametrize(
    ("kind", "given", "message"),
    [
        ("chat", {"temprature": 0}, "no setting 'temprature'; it has: convention"),
        ("chat", {"temperature": "hot"}, "'temperature' is 'hot'; it must be"),
        ("chat", {"max_tokens": True}, "'max_tokens' is True; it must be"),
        ("chat", {"convention": "arena_hard", "convention_options": {"x": 1}}, "does not take"),
        ("biased", {"longer": 1.5}, "longer is 1.5; a probability"),
        ("scripted", {}, "needs the setting 'script'"),
        ("length_preferring", {"full_score_characters": 0}, "must be at least 1"),
    ],
)
def test_settings_that_a_judge_cannot_use_are_refused_with_their_name(kind, given, message):
    with pytest.raises(JudgeSettingsError, match=message):
        build_judge(kind, given, CONTEXT)


def test_a_misspelt_convention_fails_before_any_call():
    with pytest.raises(UnknownPartError, match="no verdict convention named 'arenahard'"):
        build_judge("chat", {"convention": "arenahard"})


def test_a_script_row_without_its_fields_is_named():
    context = JudgeContext(script=lambda name: [{"question_id": "q1", "model": "alpha"}])
    with pytest.raises(JudgeSettingsError, match="row 1 of the script lacks 'text'"):
        build_judge("scripted", {"script": "demo"}, context)


def test_every_kind_names_its_modes_and_builds_from_its_defaults():
    for name, kind in JUDGES.items():
        assert kind.modes <= set(Mode)
        build_judge(name, SETTINGS.get(name, {}), CONTEXT)


def test_listing_judges_imports_nothing_heavy():
    code = (
        "import sys; from judging.judges import JUDGES; JUDGES.names();"
        "heavy = {'torch', 'transformers', 'openai', 'aiohttp', 'django', 'numpy'};"
        "sys.exit(', '.join(sorted(heavy & set(sys.modules))))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert result.stderr.strip() == ""


class WithoutSchema(Endpoint):
    """Refuses a response format, as servers that do not know it do."""

    async def __call__(self, request: JudgeRequest) -> Completion:
        if request.settings.response_format is not None:
            self.requests.append(request)
            raise ProviderError(FailureKind.BAD_REQUEST, "response_format is not supported")
        return await super().__call__(request)


async def test_an_endpoint_that_takes_no_schema_is_asked_in_brackets(pair):
    judge, endpoint = build_judge("chat", {"is_structured": True}), WithoutSchema("Fine. [[B]]")
    verdict = await judge.judge(pair(), endpoint)
    assert verdict.parsed.outcome is Outcome.MODEL_B
    assert verdict.convention == "mt_bench_pair"
    assert verdict.details["schema_refused"] == "response_format is not supported"


async def test_a_refused_schema_is_not_offered_again(pair):
    judge, endpoint = build_judge("chat", {"is_structured": True}), WithoutSchema("Fine. [[B]]")
    await judge.judge(pair(), endpoint)
    await judge.judge(pair(turn=2), endpoint)
    offered = [request.settings.response_format is not None for request in endpoint.requests]
    assert offered == [True, False, False]
    assert judge.requests(pair())[0].settings.response_format is None


async def test_another_refusal_is_not_mistaken_for_a_refused_schema(pair):
    async def refuse(request):
        raise ProviderError(FailureKind.CONTENT_FILTERED, "no")

    judge = build_judge("chat", {"is_structured": True})
    with pytest.raises(ProviderError, match="no"):
        await judge.judge(pair(), refuse)
    assert judge.refusals == []
