"""The word list finds its words however they are written."""

import pytest

from arena.models import VotingPolicy
from arena.voting.moderation import is_on_word_list, is_unwanted

pytestmark = pytest.mark.one_round
WORDS = "forbidden thing\nBOMB\n禁词"


@pytest.mark.parametrize(
    "text",
    [
        "A Forbidden thing!",
        "a forbidden\n thing",
        "ｂｏｍｂ",
        "a bo\u200bmb",
        "bo\u00admb",
        "请说禁\u2060词吧",
    ],
)
def test_width_capitals_line_breaks_and_hidden_characters_hide_no_word(text):
    assert is_on_word_list(text, WORDS)


@pytest.mark.parametrize("text", ["bombastic", "aplomb", "forbidden things", "禁止的词"])
def test_a_part_of_another_word_is_none_of_them(text):
    assert not is_on_word_list(text, WORDS)


async def test_an_endpoint_that_is_gone_lets_prompts_pass_and_is_logged(caplog):
    assert not await is_unwanted("a bomb", VotingPolicy(moderation="endpoint"))
    assert "the endpoint that moderates is gone" in caplog.text
