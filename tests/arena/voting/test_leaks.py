"""Which answers give their model away."""

import pytest

from arena.voting.leaks import FAMILIES, leaked_name

NOBODY = ("Some Model",)


@pytest.mark.parametrize(
    "answer",
    [
        "I am Claude, and I can help.",
        "As an AI language model trained by OpenAI, I cannot say.",
        "I'm ChatGPT!",
        "My name is **Gemini**, made to help.",
        "I am a large language model called Qwen.",
        "You are talking to a helpful AI assistant from Anthropic.",
        "This is PaLM speaking.",
        "我是通义千问，很高兴为您服务。",
        "我是由阿里云训练的语言模型。",
        "作为百度研发的语言模型，我不能回答。",
        "我叫豆包。",
        "I was developed by Mistral in Paris.",
        "i am gpt-4 by the way",
        "Ｉ ａｍ Ｃｌａｕｄｅ",
    ],
)
def test_an_answer_that_introduces_itself_is_a_leak(answer):
    assert leaked_name(answer, model_names=NOBODY)


@pytest.mark.parametrize(
    "answer",
    [
        "A palm tree needs sun.",
        "Open Google Maps and search for the llama farm.",
        "Jean-Claude played the bard at the Gemini festival.",
        "The falcon and the alpaca met at the nova of Titan.",
        "Command R to reload; the phi coefficient is 0.4.",
        "I am happy to explain the Mistral, a wind in Provence.",
        "As a rule, Google ranks pages by links.",
        "Tea was introduced by Alibaba the merchant.",
        "我是学生，想了解百度搜索的历史。",
        "作为老师，你可以布置作业。",
        "The software was built by volunteers; Claude Shannon was not one.",
    ],
)
def test_ordinary_words_and_other_peoples_names_are_no_leak(answer):
    assert leaked_name(answer, model_names=NOBODY) is None


def test_a_models_own_distinctive_name_is_a_leak_anywhere():
    assert leaked_name("Yours, Qwen2 72B", model_names=("qwen2-72b",))


def test_another_models_version_is_not_taken_for_ones_own():
    assert leaked_name("Unlike qwen2-72b, this is short.", model_names=("qwen2-7",)) is None


def test_a_name_the_question_spoke_of_is_no_leak():
    names = ("llama-3-8b",)
    question = "Compare llama-3-8b with a cat."
    assert leaked_name("Llama-3-8B purrs less.", model_names=names, question=question) is None


def test_a_common_word_as_own_name_leaks_only_when_the_answer_introduces_itself():
    assert leaked_name("Sunny days are rare.", model_names=("Sunny",)) is None
    assert leaked_name("Hello, I am Sunny.", model_names=("Sunny",))


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_is_found_however_it_is_spaced(family):
    for written in (family, family.replace(" ", ""), family.replace(" ", "-").upper()):
        assert leaked_name(f"Well: I am {written}-4.", model_names=NOBODY)
