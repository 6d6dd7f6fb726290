from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arena.mathematics import MAX_FORMULA_CHARS, FormulaError, formula_to_mathml
from arena.rendering import render_markdown


@pytest.mark.parametrize(
    "source", ["$x^2$", "\\(x^2\\)", "so $x^2$, then", "- $x^2$", "中文$x^2$中文"]
)
def test_inline_mathematics_becomes_mathml(source):
    rendered = render_markdown(source)
    assert (
        '<math display="inline"><mrow><msup><mi>x</mi><mn>2</mn></msup></mrow></math>' in rendered
    )


@pytest.mark.parametrize(
    "source",
    ["$$x$$", "$$\nx\n$$", "\\[x\\]", "\\[\nx\n\\]", "text\n\\[\nx\n\\]\nmore", "```math\nx\n```"],
)
def test_displayed_mathematics_stands_on_its_own_line(source):
    assert '<math display="block"><mrow><mi>x</mi></mrow></math>' in render_markdown(source)


def test_lines_of_a_formula_are_not_taken_for_a_list():
    rendered = render_markdown("\\[\na\n- b\n= c\n\\]")
    assert "<ul>" not in rendered
    assert rendered.count("<math") == 1


@pytest.mark.parametrize("name", ["align", "align*", "equation", "gather"])
def test_an_environment_needs_no_dollars(name):
    assert "<math" in render_markdown(f"\\begin{{{name}}}\na = b\n\\end{{{name}}}")


def test_aligned_is_set_as_a_table():
    rendered = formula_to_mathml(r"\begin{aligned} a &= b \\ c &= d \end{aligned}", is_block=True)
    assert rendered.count("<mtr>") == 2


@pytest.mark.parametrize(
    ("raised", "tag"), [("^{-1}", "msup"), ("_{2}", "msub"), ("_{2}^T", "msubsup")]
)
def test_a_matrix_takes_an_exponent_as_a_whole(raised, tag):
    source = rf"\begin{{pmatrix}} a & b \\ c & d \end{{pmatrix}}{raised} = x"
    rendered = formula_to_mathml(source, is_block=True)
    assert f"<{tag}><mrow><mo>(</mo><mtable>" in rendered


@pytest.mark.parametrize("text", ["It costs $5 and $10.", "US$5 to US$10 each", "a $ b $ c"])
def test_prices_are_not_mathematics(text):
    assert "<math" not in render_markdown(text)


def test_dollars_in_code_stay():
    assert render_markdown("`$x$`") == "<p><code>$x$</code></p>\n"


@pytest.mark.parametrize(
    "latex",
    [r"\frac{a", r"x^2^3", r"\unknowncommand{x}", r"a & b", r"\left( x", r"\frac{a}", r"}{"],
)
def test_malformed_latex_falls_back_to_its_source(latex):
    with pytest.raises(FormulaError):
        formula_to_mathml(latex, is_block=False)
    assert '<code class="math-source">' in render_markdown(f"\\({latex}\\)")


def test_an_escaped_brace_is_no_nesting():
    assert "<mo stretchy=" in formula_to_mathml(r"\{1, 2\}", is_block=False)


def test_text_in_a_formula_is_escaped_once():
    rendered = formula_to_mathml(r"\text{a < b & c}", is_block=False)
    assert "<mtext>a\xa0&lt;\xa0b\xa0&amp;\xa0c</mtext>" in rendered.replace("&#160;", "\xa0")


@pytest.mark.parametrize("latex", ["{" * 500 + "x" + "}" * 500, "x" * (MAX_FORMULA_CHARS + 1)])
def test_a_formula_too_deep_or_too_long_is_refused_before_it_is_read(latex):
    with pytest.raises(FormulaError):
        formula_to_mathml(latex, is_block=False)


def test_endless_recursion_ends_as_source():
    assert '<code class="math-source">' in render_markdown("$" + "\\sqrt" * 790 + "$")


COMMANDS = r"\frac \sqrt \left( \right) \begin{matrix} \end{matrix} \\ \text{a} \limits \sum \over"
PIECES = st.sampled_from([*COMMANDS.split(), *"&{}^_x1+[]'%"])


@settings(max_examples=500, deadline=None)
@given(st.lists(PIECES, max_size=14).map("".join))
def test_any_latex_is_set_or_refused(latex):
    with suppress(FormulaError):
        assert formula_to_mathml(latex, is_block=False).startswith("<math")
