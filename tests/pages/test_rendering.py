import re
from html.parser import HTMLParser

import nh3
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arena import rendering
from arena.rendering import MAX_MARKDOWN_CHARS, is_too_long, render_markdown

ATTACKS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<math><mtext><table><mglyph><style><img src onerror=alert(1)>",
    "<a href='javascript:alert(1)'>x</a>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](java\tscript:alert(1))",
    "[x](&#106;avascript:alert(1))",
    "[x](vbscript:msgbox(1))",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "[x](data:image/png;base64,AAAA)",
    "[x]: javascript:alert(1)\n\n[x]",
    "<javascript:alert(1)>",
    "![x](javascript:alert(1))",
    "![x](data:image/svg+xml;base64,PHN2Zz4=)",
    '![" onerror="alert(1)](/a.png)',
    '[x](https://e.org "\\" onmouseover=\\"alert(1)")',
    '```"><script>alert(1)</script>\ncode\n```',
    "```html\n<script>alert(1)</script>\n```",
    "`<script>alert(1)</script>`",
    "$\\text{<script>alert(1)</script>}$",
    "$$\\text{</mtext></math><script>alert(1)</script>}$$",
    "$\\text{&lt;img src=x onerror=alert(1)&gt;}$",
    "$\\href{javascript:alert(1)}{x}$",
    "$\\style{position:fixed}{x}$",
    "$\\class{site-header}{x}$",
    "\\(<img src=x onerror=alert(1)>\\)",
    "\\[\\frac{<script>alert(1)</script>\\]",
    "\\begin{align}<script>alert(1)</script>\\end{align}",
    "|<script>alert(1)</script>|\n|-|\n|<img src=x onerror=alert(1)>|",
    "<style>body{display:none}</style>",
    "<form action=//e.org><button>x</button></form>",
    "<base href=//e.org>",
    "\x00<scr\x00ipt>alert(1)</script>",
]


class Elements(HTMLParser):
    """What a browser would build: every element's name and attributes."""

    def __init__(self, rendered):
        super().__init__()
        self.tags, self.attributes = set(), {}
        self.feed(rendered)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes.update(attrs)


def check_is_inert(rendered):
    """No active element, attribute or address."""
    built = Elements(rendered)
    assert built.tags <= rendering.TAGS
    assert set(built.attributes) <= {"href", "title", "rel", "class", "tabindex", "src", "alt"} | {
        "loading", "data-language", "display", "stretchy", "displaystyle", "rowspacing",
        "columnspacing", "columnalign",
    }  # fmt: skip
    addresses = [built.attributes.get(name) or "" for name in ("href", "src")]
    assert all(re.match(r"(https?://|/a|data:image/png|$)", address) for address in addresses)
    assert not (built.attributes.get("href") or "").startswith("data:")


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_leaves_no_active_element_or_attribute(attack):
    check_is_inert(render_markdown(attack))


def test_text_about_html_is_shown_as_written():
    assert "&lt;b&gt;bold&lt;/b&gt;" in render_markdown("<b>bold</b>")


def test_class_of_a_formula_cannot_borrow_the_style_of_the_page():
    assert "class" not in render_markdown("$\\class{button}{x}$")


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("**b** *i* ~~s~~", "<strong>b</strong> <em>i</em> <s>s</s>"),
        ("- a\n- b", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>"),
        ("3. a", '<ol start="3">'),
        ("> q", "<blockquote>"),
        ("one\ntwo", "one<br>\ntwo"),
        ("a `b`", "<code>b</code>"),
    ],
)
def test_markdown_becomes_elements(source, expected):
    assert expected in render_markdown(source)


def test_headings_stand_below_those_of_the_page():
    rendered = render_markdown("# a\n## b\n### c\n#### d")
    assert re.findall(r"<(h\d)>", rendered) == ["h4", "h5", "h6", "h6"]


def test_an_answer_that_begins_with_a_low_heading_skips_no_level():
    rendered = render_markdown("### a\n#### b")
    assert re.findall(r"<(h\d)>", rendered) == ["h4", "h5"]


def test_headings_begin_below_the_one_under_which_the_text_stands():
    rendered = render_markdown("# a\n## b", first_heading=2)
    assert re.findall(r"<(h\d)>", rendered) == ["h2", "h3"]


def test_a_table_scrolls_by_keyboard_and_aligns_by_class():
    rendered = render_markdown("|a|b|\n|:-:|-:|\n|1|2|")
    assert '<div class="table-scroll" tabindex="0"><table>' in rendered
    assert '<td class="centred">1</td>' in rendered
    assert '<td class="numeric">2</td>' in rendered


def test_a_link_gives_no_credit_and_no_window():
    rendered = render_markdown("[x](https://e.org/?a=1&b=2)")
    assert rendered == (
        '<p><a href="https://e.org/?a=1&amp;b=2" rel="nofollow noopener ugc">x</a></p>\n'
    )


def test_a_known_language_is_highlighted_by_class_only():
    rendered = render_markdown("```python\ndef f(): pass\n```")
    assert 'data-language="python"' in rendered
    assert '<span class="k">def</span>' in rendered
    assert "style=" not in rendered


def test_an_unknown_language_is_shown_plain():
    assert "<code>x &lt; y\n</code>" in render_markdown("```zorglub\nx < y\n```")


def test_code_too_long_to_highlight_is_shown_plain():
    code = "x = 1\n" * 2_000
    assert "<span" not in render_markdown(f"```python\n{code}```")


def test_highlighting_of_all_blocks_together_is_bounded():
    block = "```python\n" + "x = 1\n" * 1_000 + "```\n\n"
    rendered = render_markdown(block * 5)
    assert rendered.count("x = 1\n") == 2_000
    assert rendered.count('<div class="code-block"') == 5


@pytest.mark.parametrize(
    "source",
    ["/vote/next/?category=x", "/sign-in/x/", "/media/../vote/", "/media/%2e%2e/vote/", "/a.png"],
)
def test_an_image_asks_for_no_page_of_ours_in_the_readers_name(source):
    assert "<img" not in render_markdown(f"![x]({source})")


@pytest.mark.parametrize("source", ["/media/a.png", "data:image/png;base64,iVBORw0KGgo="])
def test_an_image_of_our_own_is_shown(source):
    assert f'<img src="{source}" alt="x" loading="lazy">' in render_markdown(f"![x]({source})")


@pytest.mark.parametrize("source", ["https://e.org/a.png", "//e.org/a.png"])
def test_a_foreign_image_is_a_link_so_that_no_reader_is_tracked(source):
    rendered = render_markdown(f"![x]({source})")
    assert "<img" not in rendered
    assert ">x</a>" in rendered or "![x]" in rendered


def test_a_foreign_image_inside_a_link_is_only_its_words():
    rendered = render_markdown("[![badge](https://e.org/b.png)](https://e.org)")
    assert rendered == '<p><a href="https://e.org" rel="nofollow noopener ugc">badge</a></p>\n'


def test_a_megabyte_of_open_brackets_is_shown_as_it_is():
    text = "[" * 1_000_000
    assert is_too_long(text)
    assert render_markdown(text) == f'<pre tabindex="0">{text}</pre>'


def test_a_long_text_is_still_escaped():
    assert "<script" not in render_markdown("<script>" * MAX_MARKDOWN_CHARS)


@pytest.mark.parametrize(
    "unit",
    [
        "[",
        "![",
        "> ",
        "- ",
        "*a ",
        "_a",
        "`a",
        "$a ",
        "\\(",
        "\\[\n",
        "\\begin{align}\n",
        "(",
        "<a",
    ],
)
def test_repetition_up_to_the_limit_is_rendered(unit):
    text = unit * (MAX_MARKDOWN_CHARS // len(unit))
    assert render_markdown(text)


def test_the_search_for_a_formulas_end_stops_after_a_fixed_number_of_lines():
    too_far = "\\[\n" + "a\n" * rendering.MAX_FORMULA_LINES + "\\]"
    assert not render_markdown(too_far).startswith('<div class="math-block"')


@settings(max_examples=300, deadline=None)
@given(
    st.text(
        st.sampled_from(list("ab1 \n\t<>\"'&[]()!*_`~$\\{}^|-#:=/.;+中")), min_size=1, max_size=80
    )
)
def test_whatever_comes_in_only_listed_html_goes_out(text):
    rendered = render_markdown(text)
    assert rendering._sanitise(rendered) == rendered
    assert nh3.is_html(rendered) or "<" not in rendered


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from([*"a1 |$`~\\>*-_[]()<#=!&;.\n", "\\begin{a}", "\\end{a}"])))
def test_leaving_idle_rules_out_changes_nothing(pieces):
    text = "".join(pieces)
    everything = rendering._parser(frozenset())
    assert render_markdown(text) == rendering._sanitise(everything.render(text))


@pytest.mark.parametrize("rule", rendering.MARKS)
def test_a_rule_that_is_left_out_finds_nothing_without_its_marks(rule):
    marks = "".join(rendering.MARKS[rule])
    text = "a | b\n-|-\n1 $x$ `c` ~~d~~ \\* > # = * _ [e](f) <g> &amp;"
    text = text.translate({ord(mark): " " for mark in marks})
    without = rendering._parser(frozenset({rule}))
    assert without.render(text) == rendering._parser(frozenset()).render(text)
