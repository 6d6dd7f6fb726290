"""Markdown rendered while it is written: what is seen on the way, and that the end is the same."""

import json
import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arena.live.growing import END_MARK, GrowingMarkdown
from arena.rendering import MAX_MARKDOWN_CHARS, render_markdown
from tests.pages.test_rendering import ATTACKS, check_is_inert

pytestmark = pytest.mark.one_round

NASTY = [
    "`\n\n-]",  # what is held back makes a list of the rest
    "a\n```x`",  # no fence, as its language has a tick
    "[x]\n\n[x]:a",  # an address in the last line
    "[x]\n\n[x]:a\n\n1",
    "\\[\n\n-\\",
    "# `\n1.[",
]
LONG = """\
# Why the sky is blue

The **sky** is *blue* because of `Rayleigh` scattering\\*, see [the paper](https://e.org/a_b).

1. First, 2 * 3 * 4 and snake_case
2. **Second**: \\(x^2\\) and $y_1$

   still second
- other list
  - nested `code`
    ```python
    def f():
        return "**"
    ```

> quoted **words**
lazily continued

| a | b |
|---|--:|
| 1 | `2` |
| 3 |

```html
<b>&amp;</b>

```
\\[
\\frac{a}{b}
= c
\\]

$$
x
$$
\\begin{align}
a &= b

\\end{align}

Setext
---
***
~~gone~~ ![picture](/a.png) <https://e.org> &copy; [later]

[later]: https://e.org/later

    indented code
"""


class Screen:
    """What a browser shows: the server's blocks, and the words added to them."""

    def __init__(self):
        self.text, self.sealed, self.open, self.renderings = GrowingMarkdown(), "", "", 0

    def feed(self, piece, *, is_rendered=True):
        self.text.feed(piece)
        if words := self.text.plain_words():
            assert self.open.count(END_MARK) == 1
            escaped = words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
            self.open = self.open.replace(END_MARK, escaped + END_MARK)
        if is_rendered and self.text.is_behind:
            self.take(self.text.render())
        return self

    def take(self, change):
        self.renderings += 1
        self.sealed = change.sealed if change.is_anew else self.sealed + change.sealed
        self.open = change.open

    def finish(self):
        self.take(self.text.render(is_finished=True))
        return self.html

    @property
    def html(self):
        return (self.sealed + self.open).replace(END_MARK, "")

    @property
    def words(self):
        return re.sub(r"<[^>]+>", "", self.html).strip()


def written(text, seed):
    """Everything shown on the way, in pieces and at moments drawn at random, and the end."""
    drawn, screen, at, seen = random.Random(seed), Screen(), 0, []
    while at < len(text):
        size = drawn.randint(1, 9)
        screen.feed(text[at : at + size], is_rendered=drawn.random() < 0.5)
        at += size
        seen.append(screen.html)
    return seen, screen.finish()


@pytest.mark.parametrize("seed", range(20))
def test_the_last_picture_is_that_of_the_finished_text(seed):
    _, end = written(LONG, seed)
    assert end == render_markdown(LONG)


@pytest.mark.parametrize("text", NASTY)
def test_what_looked_like_something_else_ends_as_the_finished_text(text):
    screen = Screen()
    for character in text:
        screen.feed(character)
    assert screen.finish() == render_markdown(text)


@given(st.text("ab1 \n\n*_`~[]()<>#-+.|$\\!:=\t", max_size=120), st.integers(0, 3))
@settings(deadline=None)
def test_whatever_is_written_ends_as_the_finished_text(text, seed):
    seen, end = written(text, seed)
    assert all(END_MARK not in html for html in seen)
    assert end == render_markdown(text)


@pytest.mark.parametrize(
    "name", ["alpaca_eval/outputs.jsonl", "mt_bench/reference_answers_gpt-4.jsonl"]
)
def test_real_answers_end_as_the_finished_text(shared_data, name):
    lines = (shared_data / name).read_text().splitlines()[:30]
    answers = [text for line in lines for text in texts_in(json.loads(line))]
    assert answers
    for seed, answer in enumerate(answers):
        assert written(answer, seed)[1] == render_markdown(answer)


def texts_in(value):
    if isinstance(value, str):
        return [value] if len(value) > 80 else []
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    return [text for part in parts for text in texts_in(part)]


@pytest.mark.parametrize("attack", ATTACKS)
def test_attacks_are_inert_at_every_moment(attack):
    screen = Screen()
    for character in attack:
        check_is_inert(screen.feed(character).html)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("A **bold wo", "<p>A <strong>bold wo</strong></p>"),
        ("A **", "<p>A</p>"),
        ("An *emphasised **and bold", "<p>An <em>emphasised <strong>and bold</strong></em></p>"),
        ("5 * 3 and 5*x", "<p>5 * 3 and 5*x</p>"),
        ("see snake_ca", "<p>see snake_ca</p>"),
        ("Call `f(x", "<p>Call <code>f(x</code></p>"),
        ("See [the *pap", "<p>See [the <em>pap</em></p>"),
        ("See [the paper](https://e.or", "<p>See the paper</p>"),
        ("![A cat](/cat.pn", "<p>A cat</p>"),
        ("**[Paper](https://e.or", "<p><strong>Paper</strong></p>"),
        ("so \\(x^2 + y", "<p>so <code>x^2 + y</code></p>"),
        ("so $x^2 + y", "<p>so <code>x^2 + y</code></p>"),
        ("it costs $5 and mo", "<p>it costs $5 and mo</p>"),
        ("- one\n- ", "<ul>\n<li>one</li>\n</ul>"),
        ("Words\n-", "<p>Words</p>"),
        ("Words\n\n1. **It", "<p>Words</p>\n<ol>\n<li><strong>It</strong></li>\n</ol>"),
        ("## Hea", "<h4>Hea</h4>"),
        ("#", ""),
        ("a\n```pyth", "<p>a</p>"),
    ],
)
def test_what_is_open_is_shown_as_if_it_were_closed(text, shown):
    assert Screen().feed(text).html.strip() == shown


def test_an_open_fence_is_code_with_its_colours():
    html = Screen().feed("```python\ndef f(x):\n    return 1").html
    assert html.startswith('<div class="code-block" data-language="python">')
    assert '<span class="k">def</span>' in html


def test_lines_of_code_are_added_without_rendering():
    screen = Screen().feed("```\nfirst = 1\n")
    before = screen.renderings
    screen.feed("second = a * b\n\n  # `third`\n", is_rendered=False)
    assert "second = a * b\n\n  # `third`" in screen.html
    assert screen.renderings == before
    assert screen.feed("```\nAfter").words.endswith("After")


def test_the_head_of_a_table_is_a_table_before_its_second_line():
    assert "<th>Na</th>" in Screen().feed("| Name | Na").html
    screen = Screen().feed("| Name | Age |\n|--")
    assert screen.html.count("<th>") == 2
    assert "|" not in screen.words


def test_words_are_added_to_the_cell_that_is_open():
    screen = Screen().feed("| a | b |\n|---|---|\n| one")
    screen.feed(" more", is_rendered=False)
    assert "<td>one more</td>" in screen.html
    screen.feed(" |").feed(" two")
    assert "<td>two</td>" in screen.html


@pytest.mark.parametrize("opening", ["\\[", "$$", "\\begin{align}"])
def test_an_open_displayed_formula_is_its_source_in_its_place(opening):
    html = Screen().feed(f"Thus\n\n{opening}\n- a_1 = b\n# c").html
    assert '<div class="math-block" tabindex="0"><code class="math-source">' in html
    assert "- a_1 = b\n# c" in html
    assert "<li>" not in html
    assert "<h4>" not in html


def test_plain_words_need_no_rendering():
    screen = Screen().feed("The sky")
    for word in ("is", "blue,", "for", "instance;", "its", "colour", "-", "is", "1.5", "times"):
        screen.feed(f" {word}")
    assert screen.renderings == 1


def test_a_block_that_is_complete_is_not_rendered_again():
    screen = Screen()
    for number in range(200):
        screen.feed(f"Paragraph **{number}** of many.\n\n")
        assert screen.text.open_length < 100
    assert screen.sealed.count("<p>") >= 198


def test_a_first_heading_of_a_higher_level_moves_the_earlier_ones():
    screen = Screen().feed("### Small\n\nWords\n\nMore\n\n")
    assert "<h4>Small</h4>" in screen.html
    screen.feed("# Large\n\nEnd")
    assert "<h6>Small</h6>" in screen.html
    assert "<h4>Large</h4>" in screen.html


def test_an_address_given_late_makes_links_of_the_earlier_words():
    screen = Screen().feed("See [one].\n\nWords\n\nMore\n\n")
    assert "<a" not in screen.html
    screen.feed("[one]: https://e.org/\n\nEnd\n\nlast")
    assert 'href="https://e.org/"' in screen.html


def test_a_text_too_long_to_parse_goes_on_as_plain_text():
    text = "Some *words*. " * (MAX_MARKDOWN_CHARS // 14 + 10)
    screen = Screen().feed(text)
    screen.feed("The **end**", is_rendered=False)
    assert "<pre" in screen.html
    assert screen.html.endswith("The **end**</pre>")
    assert screen.finish() == render_markdown(text + "The **end**")


def test_words_that_wait_for_too_long_are_shown_as_they_are_until_they_are_rendered():
    screen = Screen().feed("Some words")
    screen.text.feed(" and **bold")
    assert screen.text.raw_words() == " and **bold"
    assert screen.text.plain_words() == ""
    screen.feed(" ones** too")
    assert screen.html.strip() == "<p>Some words and <strong>bold ones</strong> too</p>"


def test_a_browser_that_comes_back_gets_all_that_is_shown():
    screen = Screen().feed(LONG[:400]).feed("plain words", is_rendered=False)
    again = Screen()
    again.take(screen.text.snapshot())
    assert "plain words" in again.html
    assert again.sealed.startswith(screen.sealed)


def test_line_breaks_of_two_characters_are_one_even_in_two_pieces():
    screen = Screen().feed("One\r").feed("\nTwo\r\n\r\nThree.")
    assert screen.finish() == render_markdown("One\nTwo\n\nThree.")
