"""The engine gives lm-eval's numbers: likelihoods to 1e-4 in float32, greedy texts exactly."""

import random

import pytest

from benchmarks.engine.encoding import TextEncoder
from benchmarks.engine.loading import prepare
from benchmarks.engine.local import LocalEngine
from benchmarks.engine.requests import (
    Decoding,
    GenerationRequest,
    LikelihoodRequest,
    RollingRequest,
)
from benchmarks.engine.spec import ModelSpec
from tests.benchmarks.tiny import make_model, make_tokenizer

pytest.importorskip("lm_eval")

TOLERANCE = 1e-4  # float32 sums of up to 400 nats, in another order
WORDS = (
    "the",
    "capital",
    "of",
    "question",
    "city",
    "answer",
    "river",
    "答案",
    "数学",
    "一个",
    "dog",
)


def sentence(rng, words):
    return " ".join(rng.choice(WORDS) for _ in range(words))


def request_texts():
    rng = random.Random(0)
    shots = "".join(
        f"Question: {sentence(rng, 8)}\nAnswer: {sentence(rng, 2)}\n\n" for _ in range(4)
    )
    one_token = [
        (f"{shots}Question: {sentence(rng, 6)}\nAnswer:", f" {letter}")
        for _ in range(30)
        for letter in "ABCD"
    ]
    endings = []
    for _ in range(15):
        context = sentence(rng, 30)
        endings += [(context, f" {sentence(rng, rng.randint(1, 12))}") for _ in range(4)]
    odd = [
        ("", "the capital of"),
        ("trailing space ", " word"),
        ("trailing lines \n\n", "word"),
        ("数", "学"),
        ("你好", "吗？"),
        ("the cap", "ital of"),
        (sentence(rng, 400), " end of it"),
        (sentence(rng, 300), f" {sentence(rng, 20)}"),
        ("<s>a text with its own", " beginning"),
        ("", "<s>another"),
        one_token[0],
        endings[0],
    ]
    return one_token + endings + odd


@pytest.fixture(scope="module", params=["with BOS", "without BOS"])
def both(request):
    """The same tiny model in our engine and in lm-eval's hf backend."""
    from lm_eval.models.huggingface import HFLM

    tokenizer = make_tokenizer(adds_bos=request.param == "with BOS")
    model = make_model()
    engine = LocalEngine(prepare(ModelSpec("tiny"), model, tokenizer))
    return engine, HFLM(pretrained=model, tokenizer=tokenizer, batch_size=8)


def instances(kind, arguments):
    from lm_eval.api.instance import Instance

    return [Instance(kind, {}, argument, 0) for argument in arguments]


def test_log_likelihoods_and_greediness_equal_lm_evals(both):
    engine, harness = both
    texts = request_texts()
    wanted = harness.loglikelihood(instances("loglikelihood", texts), disable_tqdm=True)
    found = engine.likelihoods([LikelihoodRequest(*pair) for pair in texts])
    assert max(abs(f.logprob - w[0]) for f, w in zip(found, wanted, strict=True)) < TOLERANCE
    assert [f.is_greedy for f in found] == [w[1] for w in wanted]


def test_the_requests_cover_what_is_hard(both):
    engine, _ = both
    found = engine.likelihoods([LikelihoodRequest(*pair) for pair in request_texts()])
    assert any(f.is_boundary_merge for f in found)
    assert any(f.is_truncated for f in found)
    assert len({len(f.token_logprobs) for f in found}) > 10
    assert engine.loaded.is_sharing


def test_prefixes_are_run_once(both):
    engine, _ = both
    before = engine.counts.tokens
    requests = [LikelihoodRequest(*pair) for pair in request_texts()[:120]]
    engine.likelihoods(requests)
    separate = sum(len(pair.inputs) for pair in engine.encoder.encode_pairs(requests))
    assert engine.counts.tokens - before < separate / 8


def test_rolling_likelihoods_equal_lm_evals(both):
    engine, harness = both
    rng = random.Random(1)
    texts = [sentence(rng, length) for length in (3, 60, 200, 333)]
    arguments = [(text,) for text in texts]
    wanted = harness.loglikelihood_rolling(
        instances("loglikelihood_rolling", arguments), disable_tqdm=True
    )
    found = engine.rolling([RollingRequest(text) for text in texts])
    for mine, theirs in zip(found, wanted, strict=True):
        assert mine.logprob == pytest.approx(theirs, abs=2e-3, rel=1e-6)


@pytest.mark.parametrize("stop", [(), ("\n",), ("e", "答"), ("Question:", " ")])
def test_greedy_generations_are_lm_evals(both, stop):
    engine, harness = both
    rng = random.Random(2)
    prompts = [f"Question: {sentence(rng, n)}\nAnswer:" for n in (3, 20, 9, 70, 90, 1, 14)]
    settings = {"until": list(stop), "max_gen_toks": 24, "do_sample": False}
    wanted = harness.generate_until(
        instances("generate_until", [(p, dict(settings)) for p in prompts]), disable_tqdm=True
    )
    decoding = Decoding(max_tokens=24, stop=stop)
    found = engine.generate([GenerationRequest(p, decoding) for p in prompts])
    assert [f.text for f in found] == wanted


def test_a_sequence_cut_at_two_places_is_read_at_its_own_end(both):
    """lm-eval's one-token cache reads the shorter of the two at the longer's first position."""
    engine, _ = both
    alone = engine.likelihoods([LikelihoodRequest("<s>the", "x")])
    together = engine.likelihoods(
        [LikelihoodRequest("", "the capital"), LikelihoodRequest("<s>the", "x")]
    )
    assert together[1].logprob == pytest.approx(alone[0].logprob, abs=TOLERANCE)


def test_white_space_alone_is_no_context():
    encoder = TextEncoder(make_tokenizer(adds_bos=False), 64)
    pair = encoder.encode_pairs([LikelihoodRequest("  ", "the")])[0]
    assert pair.inputs[0] == 1
    assert not pair.error


@pytest.mark.parametrize(
    ("context", "continuation", "reason"),
    [("the", "", "no tokens of its own"), ("the", " dog" * 100, "shorten it")],
)
def test_a_pair_that_cannot_be_scored_says_why(both, context, continuation, reason):
    engine, _ = both
    good = LikelihoodRequest("the", " dog")
    found = engine.likelihoods([good, LikelihoodRequest(context, continuation * 4), good])
    assert reason in found[1].error
    assert found[0].logprob == found[2].logprob < 0
