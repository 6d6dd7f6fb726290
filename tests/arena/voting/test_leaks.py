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


INTRODUCTIONS = (
    "I am Claude, made by Anthropic.",
    "I'm GPT-4.",
    "Hi! Claude here, happy to help.",
    "I'm an AI assistant created by Anthropic.",
    "As ChatGPT, I can't browse.",
    "I was created by a team at Google DeepMind.",
    "My creators at Anthropic trained me.",
    "OpenAI trained me.",
    "I'm a model developed by the Qwen team at Alibaba Cloud.",
    "You can call me Gemini.",
    "I go by Kimi.",
    "I'm actually called Llama 3.",
    "I, Claude, think so.",
    "I am called ChatGPT.",
    "My name's Claude.",
    "Im ChatGPT",
    "I\u2019m Bard, an experiment by Google.",
    "I am a large language model, trained by Google.",
    "I'm Cl\u200baude.",
    "I am \u0421laude",
    "I am G P T - 4",
    "I am  C\xadlaude",
    "This is ChatGPT.",
    "I'm DeepSeek-V3, an AI assistant created exclusively by the Chinese Company DeepSeek.",
    "Hello! I’m Qwen, created by Alibaba Cloud.",
    "I'm based on the GPT-4 architecture.",
    "I am powered by Llama 3.",
    "I am built on Mistral 7B.",
    "My underlying model is GPT-4o.",
    "Speaking as Claude, I'd say no.",
    "Yours, ChatGPT",
    "I am an artificial intelligence model known as Llama. It stands for something.",
    "I\u2019m Grok, built by xAI.",
    "I'm Phi, developed by Microsoft.",
    "I am not ChatGPT; I am Claude.",
    "I'm not GPT-4, I'm Mistral.",
    "Anthropic created me to be helpful.",
    "I am **Claude**",
    "I am `Qwen2.5`.",
    "我是通义千问，由阿里云开发。",
    "我是由阿里巴巴集团旗下的通义实验室研发的超大规模语言模型，我叫通义千问。",
    "我是百度研发的知识增强大语言模型，我的中文名是文心一言。",
    "您好，我是Kimi，由月之暗面科技有限公司开发。",
    "我是深度求索公司开发的智能助手DeepSeek。",
    "我是智谱清言。",
    "我是一个由智谱AI训练的大语言模型 GLM-4。",
    "我叫文心一言，英文名是ERNIE Bot。",
    "我是OpenAI开发的ChatGPT。",
    "我是来自阿里云的大规模语言模型",
    "你可以叫我豆包。",
    "我的名字叫豆包",
    "我名叫小爱，是由百度开发",
    "我是科大讯飞研发的星火认知大模型",
    "我是 通 义 千 问",
    "我是由阿里雲開發的通義千問",
    "我是通義千問",
    "我 是 GPT-4",
    "作为由腾讯开发的混元助手，我不能",
    "作为一个由OpenAI训练的大型语言模型，我无法回答",
    "我的开发者是阿里云。",
    "我的研发团队来自百度",
    "阿里云训练了我",
    "本人Kimi，很高兴",
    "我是Gemini，Google打造的",
    "我是由 DeepSeek 公司创建的",
    "我是书生·浦语",
    "我是百川大模型",
    "我是零一万物的Yi模型",
    "作为 Claude，我",
    "我并不是 ChatGPT，我是 Claude",
    "我是幻方旗下的深度求索",
    "我是你的AI助手文心一言",
)
ORDINARY_SENTENCES = (
    "A palm tree needs sun.",
    "This is a palm tree.",
    "This is a photograph of a palm.",
    "As palm oil is cheap, farmers like it.",
    "I am Palm Beach's mayor, she said.",
    "Claude Monet painted water lilies.",
    "This is Claude Monet's garden.",
    "He works as Claude's assistant.",
    "You can see the Gemini constellation in winter.",
    "This is Gemini, the third sign of the zodiac.",
    "The twins, known as Gemini, are bright.",
    "A llama is a camelid.",
    "This is a llama.",
    "As a llama owner, you should trim nails.",
    "The llama was bred by Incas.",
    "Companies such as Google and Microsoft hire many.",
    "Tech giants such as Microsoft, Amazon, and IBM",
    "Windows was developed by Microsoft.",
    "Android is an operating system developed by Google.",
    "TensorFlow is a library created by Google.",
    "React was made by Facebook, Go was designed by Google.",
    "AWS is a cloud made by Amazon.",
    "The System/360 was released by IBM.",
    "The CUDA toolkit, created by NVIDIA, is free.",
    "Kotlin was developed by JetBrains, and Angular is built by Google.",
    "GPT-4 is a model developed by OpenAI.",
    "ChatGPT was created by OpenAI.",
    "Large language models such as GPT-4 and Claude",
    "Models like Llama are trained by Meta.",
    "Known as Titan, the moon is large.",
    "This is Titan, Saturn's largest moon.",
    "This is Nova Scotia.",
    "He plays as Falcon in the game.",
    "As Amazon grew, so did its profits.",
    "Alexa, as Amazon's assistant, is popular.",
    "as Google's CEO said",
    "The play was released by Amazon Studios",
    "This is solar power.",
    "As solar energy becomes cheaper",
    "This is the Amazon rainforest.",
    "this is a koala.",
    "This is Dolly, the cloned sheep.",
    "This is the Granite State.",
    "This is a zephyr, a light wind.",
    "The bard, as bard of Avon",
    "As Spark jobs run in memory, they are fast.",
    "Data was processed as Spark RDDs.",
    "The golden ratio, known as phi, is 1.618.",
    "I am Spartacus.",
    "I'm a falcon enthusiast",
    "I'm Amazon Prime member",
    "I am solar powered",
    "I'm Nova Scotia born",
    "My name is Jean-Claude.",
    "I am Yi Ling, your guide.",
    "I'm using Google Docs.",
    "You are chatting with a Google engineer",
    "I'm Microsoft certified.",
    "as IBM PC clones",
    "I am Titanium.",
    "Make sure it was built by Alibaba suppliers.",
    "The film was made by Tencent Pictures.",
    "call me Claudette",
    "微信是由腾讯开发的社交软件。",
    "百度地图由百度开发。",
    "王者荣耀由腾讯天美工作室开发。",
    "淘宝由阿里巴巴集团推出。",
    "抖音是由字节跳动推出的短视频应用。",
    "通义千问是由阿里云开发的大模型。",
    "Android由Google开发。",
    "作为阿里巴巴的创始人，马云",
    "作为腾讯的员工，你应该",
    "作为百度的竞争对手",
    "作为微软的创始人",
    "我是百度的员工。",
    "我是腾讯的忠实用户",
    "我是阿里巴巴的一名产品经理",
    "我是星火小学的学生",
    "我是书生，寒窗苦读",
    "从前有个书生，他说：我是书生",
    "我是百川东到海",
    "我是一名来自星火村的老师",
    "作为谷歌搜索的替代",
    "ChatGPT是由OpenAI训练的",
    "豆包很好吃，我爱吃豆包",
    "我是混元一气太极门的",
    "作为文心雕龙的作者，刘勰",
    "作为通义的例子",
    "由阿里负责的项目",
    "我是从百度上看到的",
    "由百度搜索结果可知",
    "我是用Python写的",
)


@pytest.mark.parametrize("answer", INTRODUCTIONS)
def test_every_way_to_introduce_oneself_is_a_leak(answer):
    for around in ("{}", "Hello!\n\n{}\n\nWhat next?"):
        if not answer.startswith("Yours"):
            assert leaked_name(around.format(answer), model_names=NOBODY)
    assert leaked_name(answer, model_names=NOBODY)


@pytest.mark.parametrize("answer", ORDINARY_SENTENCES)
def test_sentences_about_animals_stars_companies_and_other_models_are_no_leak(answer):
    assert leaked_name(f"Well. {answer} So it is.", model_names=NOBODY) is None


@pytest.mark.parametrize("hidden", ["\u200b", "\u00ad", "\u2060", "\ufeff", "\u202e"])
def test_hidden_characters_hide_no_name(hidden):
    assert leaked_name(f"I am Cl{hidden}aude.", model_names=NOBODY)
    assert leaked_name(f"Yours, Qwen{hidden}2 72B", model_names=("qwen2-72b",))


def test_a_name_of_ones_own_that_is_a_word_needs_more_than_this_is():
    assert leaked_name("This is sunny weather.", model_names=("Sunny",)) is None
    assert leaked_name("I am sunny side up.", model_names=("Sunny",)) is None
