"""Long patterns are tried where they can match only, and in hostile texts not without end."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arena.voting import leaks
from arena.voting.leaks import family_names, introductions, leaked_name
from arena.voting.spotting import MOST_TRIED, REACH, Spotter

SAID = (
    "I am|i'm|Im|my name is|I go by|call me|you are talking to|as|as an|this is|I,|yours,|"
    "regards,|hi|here|speaking|an AI model|a|the|called|made by|trained me|trained by|a team at|"
    "based on|was|run on|my creators at|my base model is|from|Claude|claude|GPT-4|google|Meta AI|"
    "spark|Command R|qwen2|monet|.|,|\n|-|—|: |我|我们|是|叫|名叫|的名字叫|由|被|并不是|，而|一个|"
    "本人|作为|叫我|阿里云|百度|通义千问|文心|大模型|助手|训练了我|训练了我们|开发|旗下的|研发的|。|"
    "\u3000|\u200b|\r|x"
)
WORDS = SAID.split("|")


def found_everywhere(text):
    """By a search that tries every pattern at every character."""
    patterns = (pattern for some in introductions() for pattern in some)
    return any(re.search(pattern, leaks._plain(text)) for pattern in patterns)


@given(st.lists(st.sampled_from(WORDS), max_size=14), st.sampled_from(("", " ")))
def test_what_a_search_everywhere_finds_is_found(words, between):
    text = between.join(words)
    assert bool(leaks._introduced_family(leaks._plain(text))) == found_everywhere(text)


@pytest.mark.parametrize(
    "told",
    ["OpenAI trained me.", "Well. Claude here!", "阿里云训练了我", "I am Claude.", "我叫豆包"],
)
def test_a_leak_is_found_however_much_stands_around_it(told):
    padding = "I am sure that we are. 我是学生。 " * 4000
    assert leaked_name(padding + told + padding, model_names=())


def test_a_name_beyond_reach_of_every_introduction_is_not_tried():
    spotter = Spotter(re.compile("i am"), re.compile("i am.*name", re.DOTALL))
    text = "i am" + " " * (REACH - 4) + "name"
    assert spotter.search(text, [REACH])
    assert not spotter.search(" " + text.replace(" name", "  name"), [REACH + 2])


# nearly introductions, each with a name close by
HOSTILE = (
    "I am google-minded ",
    "I'm a, b, c, d, e, f, g, h, i, google ",
    "my name is just called google ",
    "as an AI made by the team of google ",
    "I was trained by the the the team of spark ",
    "google trained men ",
    "hi, spark heres ",
    "regards, meta ",
    "我是百度",
    "我是旗下的百度",
    "我是模型，百度",
    "我并不是百度而我",
    "作为一个ai百度",
    "阿里训练了我们",
    "i\u200b am meta\n-\n",
    "I am\r\n\t google ",
    "阿里",
    "I am ",
    "我是",
)


def tries(text):
    plain = leaks._plain(text)
    return sum(
        1 for spotter in leaks._spotters() for _ in spotter.candidates(plain, family_names(plain))
    )


@pytest.mark.parametrize("unit", HOSTILE)
def test_twice_as_long_a_text_has_at_most_twice_the_places_to_try(unit):
    assert tries(unit * 2000) <= 2 * tries(unit * 1000) + 2


@pytest.mark.parametrize("unit", HOSTILE)
def test_a_text_full_of_places_is_given_up_after_so_many(unit, monkeypatch):
    tried = []

    def count(self, text, place):
        tried.append(place.start())

    monkeypatch.setattr(Spotter, "_match", count)
    assert leaked_name(unit * 10_000, model_names=("google", "meta")) is None
    assert len(tried) <= 3 * MOST_TRIED  # beginnings, ends, and those with its own names


def test_no_run_of_blanks_is_left_for_a_pattern_to_go_through():
    blanks = "\r\x0b\x0c\x1c\x85\u2028\u1680\u3000 \n\t" * 100
    assert len(leaks._plain(f"I am{blanks}Claude")) < 30
