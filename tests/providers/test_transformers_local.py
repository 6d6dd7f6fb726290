"""Checkpoints run in this process, against direct calls of transformers."""

import asyncio
from math import inf

import pytest

from providers import EndpointConfig, FailureKind, GenerationSettings, Message, ProviderError
from providers.checkpoints.jobs import Job, next_batch
from providers.checkpoints.mailbox import Mailbox
from providers.checkpoints.spec import spec_of
from providers.pool import ProviderPool

pytest.importorskip("transformers")

from tests.tiny_checkpoints import (
    direct_reply,
    direct_score,
    make_classifier,
    save_classifier,
    save_generator,
)

GREEDY = GenerationSettings(temperature=0, max_tokens=12)
LENGTHS = (40, 1, 13, 5, 27, 2, 33, 8)


@pytest.fixture(scope="module")
def scorer(tmp_path_factory):
    return save_classifier(tmp_path_factory.mktemp("scorer"))


@pytest.fixture(scope="module")
def generator(tmp_path_factory):
    return save_generator(tmp_path_factory.mktemp("generator"))


@pytest.fixture
async def local():
    """A provider of a local checkpoint; options go to the endpoint's settings."""
    async with ProviderPool() as pool:

        def open_local(folder, api="chat", **settings):
            return pool.get(
                EndpointConfig(
                    provider="transformers_local",
                    model=str(folder),
                    max_concurrency=64,
                    max_attempts=1,
                    api=api,
                    settings=settings,
                )
            )

        yield open_local


def about(text):
    return [Message("user", "Is it so?"), Message("assistant", text)]


def as_turns(messages):
    return [{"role": message.role, "content": message.text} for message in messages]


async def test_scores_equal_a_direct_call(local, scorer):
    provider = local(scorer)
    asked = [about("word " * n) for n in LENGTHS]
    replies = await asyncio.gather(*(provider.complete(messages) for messages in asked))
    direct = [direct_score(scorer, as_turns(messages)) for messages in asked]
    # the tolerance covers rounding in another order of additions
    assert [float(reply.text) for reply in replies] == pytest.approx(direct, abs=1e-5)


@pytest.mark.parametrize("rows", [1, 3])
async def test_the_size_of_the_batch_changes_no_score(local, scorer, rows):
    asked = [about("word " * n) for n in LENGTHS]
    found = []
    for provider in (local(scorer), local(scorer, batch_rows=rows)):
        replies = await asyncio.gather(*(provider.complete(messages) for messages in asked))
        found.append([float(reply.text) for reply in replies])
    assert found[1] == pytest.approx(found[0], abs=1e-5)


async def test_a_score_counts_the_tokens_read(local, scorer):
    reply = await local(scorer).complete(about("word"))
    assert (reply.input_tokens, reply.output_tokens, reply.is_usage_reported) == (33, 0, True)


async def test_a_classifier_with_several_outputs_needs_the_name_of_one(local, tmp_path):
    folder = save_classifier(tmp_path, labels=2)
    with pytest.raises(ProviderError, match="LABEL_0, LABEL_1; name the one that is the score"):
        await local(folder).complete(about("word"))
    reply = await local(folder, label="LABEL_1").complete(about("word"))
    direct = direct_score(folder, as_turns(about("word")), label=1)
    assert float(reply.text) == pytest.approx(direct, abs=1e-5)


async def test_a_classifier_without_a_chat_template_reads_question_and_answer_as_a_pair(
    local, tmp_path
):
    import torch
    from transformers import AutoTokenizer

    folder = save_classifier(tmp_path)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.chat_template = None
    tokenizer.save_pretrained(folder)
    (folder / "chat_template.jinja").unlink(missing_ok=True)
    reply = await local(folder).complete(about("word"))
    ids = tokenizer("Is it so?", "word", return_tensors="pt")
    with torch.inference_mode():
        direct = make_classifier()(input_ids=ids["input_ids"]).logits[0, 0]
    assert float(reply.text) == pytest.approx(float(direct), abs=1e-5)


async def test_an_answer_that_does_not_fit_fails_instead_of_being_cut(local, scorer):
    with pytest.raises(ProviderError) as failed:
        await local(scorer).complete(about("word " * 600))
    assert failed.value.kind is FailureKind.CONTEXT_TOO_LONG


async def test_replies_equal_a_direct_call_and_do_not_depend_on_their_neighbours(local, generator):
    provider = local(generator)
    asked = [[Message("user", "word " * n)] for n in LENGTHS]
    replies = await asyncio.gather(*(provider.complete(m, GREEDY) for m in asked))
    assert [reply.text for reply in replies] == [
        direct_reply(generator, as_turns(messages), max_tokens=12) for messages in asked
    ]


async def test_a_sampled_reply_depends_on_its_seed_alone(local, generator):
    provider = local(generator)
    hello = [Message("user", "Hello")]

    def sampled(seed):
        settings = GenerationSettings(temperature=1.0, top_p=0.9, max_tokens=8, seed=seed)
        return provider.complete(hello, settings)

    together = [r.text for r in await asyncio.gather(*(sampled(seed) for seed in (1, 2, 3, 1)))]
    alone = (await sampled(1)).text
    assert together[0] == together[3] == alone
    assert len(set(together)) > 1


async def test_a_stream_adds_up_to_its_completion(local, generator):
    provider = local(generator)
    async with provider.stream([Message("user", "Hello")], GREEDY) as stream:
        pieces = [delta.text async for delta in stream]
    whole = await provider.complete([Message("user", "Hello")], GREEDY)
    assert "".join(pieces) == stream.completion.text == whole.text
    assert stream.completion.ttft_s is not None
    assert len(pieces) > 1


async def test_a_stop_string_ends_the_reply_before_it(local, generator):
    provider, hello = local(generator), [Message("user", "Hello")]
    whole = (await provider.complete(hello, GREEDY)).text
    stop = whole[4:6]
    settings = GenerationSettings(temperature=0, max_tokens=12, stop=(stop,))
    cut = await provider.complete(hello, settings)
    assert cut.text == whole[: whole.index(stop)]
    assert cut.finish_reason == "stop"


async def test_the_candidates_of_each_token_come_with_their_probabilities(local, generator):
    settings = GenerationSettings(temperature=0, max_tokens=2, logprobs=True, top_logprobs=3)
    reply = await local(generator).complete([Message("user", "Hello")], settings)
    assert [len(candidates) for candidates in reply.top_logprobs] == [3, 3]
    assert reply.text.startswith(reply.top_logprobs[0][0].token)


async def test_a_reply_cut_at_the_token_limit_says_so(local, generator):
    reply = await local(generator).complete([Message("user", "Hello")], GREEDY)
    assert (reply.finish_reason, reply.output_tokens) == ("length", 12)


async def test_without_a_system_turn_in_the_format_its_text_opens_the_question(local, generator):
    template = (
        "{% for m in messages %}{% if m['role'] == 'system' %}{{ raise_exception('none') }}"
        "{% endif %}{{ m['content'] }}|{% endfor %}"
    )
    provider = local(generator, chat_template=template)
    split = await provider.complete([Message("system", "S"), Message("user", "Q")], GREEDY)
    joined = await provider.complete([Message("user", "S\n\nQ")], GREEDY)
    assert split.text == joined.text


async def test_the_completions_api_sends_the_text_as_it_stands(local, generator):
    raw = await local(generator, api="completions").complete([Message("user", "Hello")], GREEDY)
    assert raw.input_tokens < (
        await local(generator).complete([Message("user", "Hello")], GREEDY)
    ).input_tokens  # fmt: skip


async def test_a_checkpoint_that_is_not_there_fails_for_good(local, tmp_path):
    with pytest.raises(ProviderError, match="cannot be loaded") as failed:
        await local(tmp_path / "nothing").complete(about("word"))
    assert (failed.value.kind, failed.value.is_retryable) == (FailureKind.NOT_FOUND, False)


async def test_the_event_loop_goes_on_while_a_model_works(local, scorer):
    provider, beats = local(scorer), 0
    asked = asyncio.gather(*(provider.complete(about("word " * 30)) for _ in range(200)))
    while not asked.done():
        beats += 1
        await asyncio.sleep(0)
    assert beats > len(LENGTHS)


def test_an_option_that_a_local_model_does_not_have_is_refused():
    config = EndpointConfig(model="m", settings={"presicion": "bf16"})
    with pytest.raises(ValueError, match="has no option 'presicion'; it has: batch_rows"):
        spec_of(config)


def test_an_option_of_the_wrong_type_is_refused():
    with pytest.raises(ValueError, match="'batch_rows' is 'many'; it must be of type int"):
        spec_of(EndpointConfig(model="m", settings={"batch_rows": "many"}))


def test_a_precision_that_does_not_exist_is_refused():
    with pytest.raises(ValueError, match="precision is 'fp8'; choose one of: auto, fp32"):
        spec_of(EndpointConfig(model="m", settings={"precision": "fp8"}))


def jobs(*lengths):
    return [Job((), GenerationSettings(), ids=[0] * length) for length in lengths]


def lengths_of_batch(*lengths, **bounds):
    """Of the batch in which the first of these jobs runs."""
    waiting = jobs(*lengths)
    batch = next_batch(waiting, **{"tokens": 1_000, "rows": 8, "padding": 1_000.0} | bounds)
    assert waiting[0] in batch
    return [len(job.ids) for job in batch]


def test_a_batch_holds_the_oldest_job_and_its_neighbours_by_length():
    assert lengths_of_batch(10, 50, 9, 11, 8, 3, padding=7) == [8, 9, 10, 11]
    assert lengths_of_batch(10, 50, 9, 11, 8, 3, padding=5) == [8, 9, 10]
    assert lengths_of_batch(10, 2, 60, padding=7) == [10]


def test_a_batch_of_any_lengths_is_formed_where_padding_does_not_matter():
    assert lengths_of_batch(10, 2, 60, padding=inf) == [2, 10, 60]


def test_padded_tokens_stay_within_the_budget():
    assert lengths_of_batch(10, 50, 9, 8, tokens=30) == [8, 9, 10]
    assert lengths_of_batch(10, 50, 9, 8, tokens=20) == [9, 10]


def test_a_batch_has_no_more_rows_than_it_may():
    assert lengths_of_batch(10, 10, 10, 10, rows=3) == [10, 10, 10]


def test_a_job_that_exceeds_the_budget_runs_alone():
    assert lengths_of_batch(90, 1, tokens=30) == [90]


def test_calls_for_a_loop_wake_it_once_and_are_made_in_order():
    loop, made, woken = asyncio.new_event_loop(), [], []
    mailbox = Mailbox(loop)
    loop.call_soon_threadsafe = woken.append
    for number in range(3):
        mailbox.post(lambda number=number: made.append(number))
    assert len(woken) == 1
    woken[0]()
    mailbox.post(lambda: made.append(3))
    assert len(woken) == 2
    woken[1]()
    assert made == [0, 1, 2, 3]
    loop.close()


def test_a_model_that_nobody_asks_gives_its_memory_back(scorer):
    from providers.checkpoints.resident import Resident
    from providers.checkpoints.spec import CheckpointSpec

    resident = Resident(CheckpointSpec(str(scorer), idle_s=0))
    first = Job(tuple(about("word")), GenerationSettings())
    assert resident.submit(first)
    first.future.result()
    resident.thread.join()
    assert not resident.submit(Job(tuple(about("word")), GenerationSettings()))


def test_a_cancelled_call_ends_its_generation(generator):
    from providers.checkpoints.encoding import encode
    from providers.checkpoints.generating import generate_batch
    from providers.checkpoints.loading import load_checkpoint
    from providers.checkpoints.spec import CheckpointSpec

    loaded, shown = load_checkpoint(CheckpointSpec(str(generator))), []
    job = Job([Message("user", "Hello")], GenerationSettings(temperature=0, max_tokens=900))
    job.ids = encode(loaded, job.messages)

    def show(delta):
        shown.append(delta)
        job.is_cancelled = True

    job.show = show
    generate_batch(loaded, [job])
    assert len(shown) == 1
    assert not job.future.done()
