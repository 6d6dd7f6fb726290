"""Getting responses: endpoints, echoed likelihoods, and batches with one bad sample."""

import asyncio

import pytest

from benchmarks.services.asking import EndpointAsker, LocalAsker
from benchmarks.services.echo import likelihood_from
from benchmarks.services.workload import storable
from benchmarks.suites_base import RequestKind, SampleRequest
from providers.base import Completion, EndpointConfig, ProviderError, TokenLogprob

ECHO = {
    "choices": [{"logprobs": {
        "tokens": ["The", " sky", " is", " blue", "!"],
        "token_logprobs": [None, -1.0, -0.5, -2.0, -9.0],
        "text_offset": [0, 3, 7, 10, 15],
        "top_logprobs": [None, {" sky": -1.0}, {" is": -0.5}, {" grey": -1.5}, {"!": -9.0}],
    }}]
}  # fmt: skip


def test_an_echoed_likelihood_sums_the_continuations_tokens_only():
    found = likelihood_from(ECHO, boundary=len("The sky"), end=len("The sky is blue"))
    assert found.logprob == -2.5
    assert found.tokens == 2
    assert not found.is_greedy


def test_a_token_across_the_boundary_counts_as_the_continuations():
    assert likelihood_from(ECHO, boundary=5, end=15).logprob == -3.5


@pytest.mark.parametrize("payload", [{}, {"choices": []}, {"choices": [{"logprobs": None}]}])
def test_an_endpoint_without_echo_says_what_to_do(payload):
    with pytest.raises(ProviderError, match="protocol 'generation'"):
        likelihood_from(payload, 0, 5)


class Scripted:
    """A provider that remembers what it was asked."""

    config = EndpointConfig(base_url="http://here", model="m")

    def __init__(self, completion):
        self.completion, self.asked = completion, []

    async def complete(self, messages, settings=None):
        self.asked.append((messages, settings))
        return self.completion

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


def test_nul_characters_never_reach_the_database():
    assert storable({"text": "a\x00b", "list": ["\x00"]}) == {"text": "a�b", "list": ["�"]}
