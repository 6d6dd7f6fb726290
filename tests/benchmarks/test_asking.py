"""Getting responses: endpoints, echoed likelihoods, and batches with one bad sample."""

import asyncio

import pytest

from benchmarks.services.asking import EndpointAsker, LocalAsker
from benchmarks.services.echo import likelihood_from, place_in_text
from benchmarks.services.workload import storable
from benchmarks.suites_base import RequestKind, SampleRequest
from providers.base import (
    Completion,
    EndpointConfig,
    ProviderError,
    ScoredToken,
    TokenLogprob,
)


def scored(*tokens):
    return tuple(ScoredToken(*token) for token in tokens)


ECHO = scored(("The", None, True), (" sky", -1.0, True), (" is", -0.5, True),
              (" blue", -2.0, False), ("!", -9.0, True))  # fmt: skip
BOS = scored(("<s>", None, True))
PAIR = SampleRequest(RequestKind.LIKELIHOOD, "The sky", " is blue")


@pytest.mark.parametrize("tokens", [ECHO, BOS + ECHO])
def test_an_echoed_likelihood_sums_the_continuations_tokens_only(tokens):
    (found,) = ask(EndpointAsker(Scripted(Completion("…", scored_tokens=tokens))), PAIR)
    assert (found.logprob, found.tokens, found.is_greedy) == (-2.5, 2, False)
    assert found.token_logprobs == ()


def test_a_token_across_the_boundary_counts_as_the_continuations():
    place = place_in_text(ECHO, len("The s"), "The sky is blue")
    assert likelihood_from(ECHO[place]).logprob == -3.5


def test_a_whole_text_leaves_out_its_first_token_which_nothing_predicts():
    request = SampleRequest(RequestKind.TOKENS, "The sky is blue")
    (found,) = ask(EndpointAsker(Scripted(Completion("…", scored_tokens=ECHO))), request)
    assert found.token_logprobs == (-1.0, -0.5, -2.0)


def test_pieces_of_characters_are_placed_by_counting_the_contexts_tokens():
    """One character in two tokens, each shown as U+FFFD, as vLLM shows them."""
    half = ("\ufffd", -1.0, True)
    before = (("\ufffd", None, True), half)
    replies = {"天": (*before, half), "天 A": (*before, (" A", -2.0, True), half)}
    provider = Scripted(None)
    provider.reply = lambda messages: Completion(
        "…", output_tokens=1, scored_tokens=scored(*replies[messages[0].text])
    )
    (found,) = ask(EndpointAsker(provider), SampleRequest(RequestKind.LIKELIHOOD, "天", " A"))
    assert (found.logprob, found.tokens) == (-2.0, 1)


def test_an_endpoint_without_echo_says_what_to_do_and_is_not_asked_again():
    with pytest.raises(ProviderError, match="protocol 'generation'") as caught:
        ask(EndpointAsker(Scripted(Completion("blue"))), PAIR)
    assert not caught.value.is_retryable


class Scripted:
    """A provider that remembers what it was asked."""

    config = EndpointConfig(base_url="http://here", model="m")

    def __init__(self, completion):
        self.reply, self.asked = lambda messages: completion, []

    async def complete(self, messages, settings=None):
        self.asked.append((messages, settings))
        return self.reply(messages)

    async def aclose(self):
        pass


def ask(asker, *requests):
    async def run():
        try:
            return await asker.ask(requests)
        finally:
            await asker.aclose()

    return asyncio.run(run())


def test_a_chat_endpoint_gets_the_conversation_and_its_settings():
    provider = Scripted(Completion("ANSWER: A", finish_reason="stop", output_tokens=5))
    messages = ({"role": "system", "content": "Be brief."}, {"role": "user", "content": "Which?"})
    decoding = {"max_tokens": 9, "temperature": 0.0, "stop": ["a", "b", "c", "d", "e"]}
    request = SampleRequest(RequestKind.GENERATION, "x", decoding=decoding, messages=messages)
    (found,) = ask(EndpointAsker(provider), request)
    (sent, settings) = provider.asked[0]
    assert [message.role for message in sent] == ["system", "user"]
    assert (settings.max_tokens, len(settings.stop)) == (9, 4)
    assert (found.text, found.tokens) == ("ANSWER: A", 5)


def test_thinking_that_a_server_leaves_in_the_text_is_kept_apart():
    provider = Scripted(Completion("<think>A or B?</think>\n\nANSWER: B"))
    messages = ({"role": "user", "content": "Which?"},)
    (found,) = ask(
        EndpointAsker(provider), SampleRequest(RequestKind.GENERATION, "x", messages=messages)
    )
    assert (found.text, found.reasoning) == ("ANSWER: B", "<think>A or B?")


def test_letters_are_read_from_the_first_tokens_candidates():
    top = tuple(
        TokenLogprob(t, p) for t, p in ((" B", -0.2), ("B", -3.0), ("x", -1.0), ("a", -2.0))
    )
    provider = Scripted(Completion("B", top_logprobs=(top,)))
    request = SampleRequest(RequestKind.LETTERS, "Which?", letters=("A", "B", "C"))
    (found,) = ask(EndpointAsker(provider), request)
    assert found.letters == {"B": -0.2, "A": -2.0}
    assert provider.asked[0][1].max_tokens == 1


class PickyEngine:
    """Refuses the request whose text is ``bad``, and with it any batch that holds it."""

    def __init__(self):
        self.batches = []

    def rolling(self, requests):
        from benchmarks.engine.requests import RollingLikelihood

        self.batches.append(len(requests))
        if any(request.text == "bad" for request in requests):
            raise RuntimeError("no such text")
        return [RollingLikelihood(-1.0, 1) for _ in requests]


def test_samples_asked_together_run_as_one_batch_and_a_bad_one_fails_alone():
    engine = PickyEngine()
    asker = LocalAsker(lambda: engine)

    async def run():
        texts = ["one", "bad", "two"]
        asked = (asker.ask([SampleRequest(RequestKind.ROLLING, text)]) for text in texts)
        found = await asyncio.gather(*asked, return_exceptions=True)
        await asker.aclose()
        return found

    first, bad, second = asyncio.run(run())
    assert engine.batches == [3, 1, 1, 1]
    assert first[0].logprob == second[0].logprob == -1.0
    assert isinstance(bad, ProviderError)
    assert "no such text" in bad.detail


class SlowEngine:
    """Takes ``pace_s`` of a made-up time for each request."""

    def __init__(self, pace_s):
        self.pace_s, self.now_s, self.batches = pace_s, 0.0, []

    def rolling(self, requests):
        from benchmarks.engine.requests import RollingLikelihood

        self.batches.append(len(requests))
        self.now_s += self.pace_s * len(requests)
        return [RollingLikelihood(-1.0, 1) for _ in requests]


@pytest.mark.parametrize(
    ("pace_s", "batches"),
    # 64 at first; then what 20 seconds hold, at most four times as many as before, 32 to 256
    [(0.001, [64, 256, 180]), (0.25, [64, 80, 80, 80, 80, 80, 36]), (5.0, [64] + [32] * 13 + [20])],
)
def test_batches_hold_what_is_answered_in_a_while(pace_s, batches):
    engine = SlowEngine(pace_s)

    def loading():
        engine.now_s += 300  # which says nothing about batches
        return engine

    asker = LocalAsker(loading, clock=lambda: engine.now_s)

    async def run():
        requests = [SampleRequest(RequestKind.ROLLING, str(i)) for i in range(500)]
        await asyncio.gather(*(asker.ask([request]) for request in requests))
        await asker.aclose()

    asyncio.run(run())
    assert engine.batches == batches


def test_nul_characters_never_reach_the_database():
    assert storable({"text": "a\x00b", "list": ["\x00"]}) == {"text": "a�b", "list": ["�"]}
