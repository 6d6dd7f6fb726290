r"""LaTeX formulas as MathML, which browsers draw themselves: no script, no fonts to fetch.

latex2mathml writes text such as ``\text{<script>}`` into its output as it stands and accepts much
that is no LaTeX. So its element tree is taken instead of its string, checked, and serialised here.
"""

import html
import re
from xml.etree.ElementTree import Element, tostring

from latex2mathml import exceptions
from latex2mathml.converter import convert_to_element

MAX_FORMULA_CHARS = 4_000
MAX_FORMULA_DEPTH = 60  # braces and environments; beyond it the converter's recursion is at risk

MATHML_ATTRIBUTES: dict[str, set[str]] = {
    "math": {"display"},
    "mi": {"mathvariant"},
    "mn": {"mathvariant"},
    "mo": {"stretchy", "fence", "form", "separator", "minsize", "maxsize", "movablelimits"},
    "mtext": {"mathvariant"},
    "mspace": {"width"},
    "mrow": set(),
    "mstyle": {"displaystyle", "scriptlevel", "mathvariant"},
    "mfrac": {"linethickness"},
    "msqrt": set(),
    "mroot": set(),
    "msub": set(),
    "msup": set(),
    "msubsup": set(),
    "munder": set(),
    "mover": {"accent"},
    "munderover": set(),
    "mmultiscripts": set(),
    "mprescripts": set(),
    "none": set(),
    "mpadded": {"width", "height", "depth", "lspace", "voffset"},
    "mphantom": set(),
    "menclose": {"notation"},
    "mtable": {"displaystyle", "columnlines", "rowlines", "columnspacing", "rowspacing"},
    "mtr": set(),
    "mtd": {"columnalign"},
}
# MathML Core, section 3: an element with another number of children is drawn as an error
CHILDREN = {
    "mfrac": 2, "mroot": 2, "msub": 2, "msup": 2, "munder": 2, "mover": 2,
    "msubsup": 3, "munderover": 3,
}  # fmt: skip
# environments that the converter does not know, and the ones it knows with the same layout
SAME_LAYOUT = {
    "aligned": "align*",
    "split": "align*",
    "gathered": "gather*",
    "alignedat": "alignat*",
}
ENVIRONMENT = re.compile(r"\\(begin|end)\s*\{(" + "|".join(SAME_LAYOUT) + r")\*?\}")
SYNTAX = re.compile(r"\\(?:[a-zA-Z]+|.)|[{}]", re.DOTALL)
# commands that the converter does not know, in words that it does; numbering means nothing here
REWRITTEN = {
    r"\arg": r"\operatorname{arg}", r"\mod": r"\bmod", r"\&": r"\text{&}",
    r"\bm": r"\mathbf", r"\boldsymbol": r"\mathbf",
    r"\nonumber": "", r"\notag": "", r"\nolimits": "",
}  # fmt: skip
LABEL = re.compile(r"\\label\{[^{}]*\}")
NESTING = {"{": 1, "}": -1, r"\begin": 1, r"\end": -1, r"\left": 1, r"\right": -1}

CONVERTER_ERRORS: tuple[type[Exception], ...] = (
    *(part for part in vars(exceptions).values() if isinstance(part, type)),
    # what its tokenizer and tree walk let escape on truncated input
    IndexError, KeyError, ValueError, TypeError, AttributeError, RuntimeError,
)  # fmt: skip


class FormulaError(ValueError):
    """A formula that cannot be set; its source is shown instead."""


def formula_to_mathml(latex: str, *, is_block: bool) -> str:
    r"""The formula as one ``<math>`` element.

    Raises FormulaError for what is too long, too deep, malformed or uses an unknown command.
    """
    source = latex.strip()
    if len(source) > MAX_FORMULA_CHARS:
        raise FormulaError(f"the formula has {len(source)} characters, over {MAX_FORMULA_CHARS}")
    _check_nesting(source)
    source = _in_known_commands(source)
    try:
        tree = convert_to_element(source, display="block" if is_block else "inline")
    except CONVERTER_ERRORS as error:
        raise FormulaError(
            f"the formula cannot be read: {error or type(error).__name__}"
        ) from error
    return tostring(_checked(tree), encoding="unicode", short_empty_elements=False)


def _in_known_commands(source: str) -> str:
    source = LABEL.sub("", source)
    source = SYNTAX.sub(lambda found: REWRITTEN.get(found[0], found[0]), source)
    return ENVIRONMENT.sub(lambda found: rf"\{found[1]}{{{SAME_LAYOUT[found[2]]}}}", source)


def _check_nesting(source: str) -> None:
    depth = braces = 0
    for piece in SYNTAX.findall(source):
        depth += NESTING.get(piece, 0)
        braces += NESTING[piece] if piece in "{}" else 0
        if depth > MAX_FORMULA_DEPTH:
            raise FormulaError(f"the formula is nested deeper than {MAX_FORMULA_DEPTH} levels")
        if braces < 0:
            raise FormulaError("the formula closes a brace that it never opened")
    if braces:
        raise FormulaError("the formula opens a brace that it never closes")


def _checked(element: Element) -> Element:
    """A copy with known elements and attributes only, its text as plain characters."""
    allowed = MATHML_ATTRIBUTES.get(element.tag)
    if allowed is None:
        raise FormulaError(f"the formula needs the element {element.tag!r}, which is not shown")
    text = html.unescape(element.text or "")
    if element.tag == "mi" and (text == "&" or (text.startswith("\\") and len(text) > 1)):
        raise FormulaError(f"the formula has {text!r}, which has no meaning here")
    children = _with_matrix_as_one(element)
    if CHILDREN.get(element.tag, len(children)) != len(children):
        raise FormulaError(f"a part of the formula is missing in {element.tag}")
    copy = Element(element.tag, {key: value for key, value in element.items() if key in allowed})
    copy.text = text
    for child in children:
        copy.append(_checked(child))
    return copy


def _with_matrix_as_one(element: Element) -> list[Element]:
    """The children; of a matrix with an index or exponent the converter leaves fences and table
    as three of them.
    """
    children = list(element)
    surplus = len(children) - CHILDREN.get(element.tag, len(children))
    if surplus != 2 or [child.tag for child in children[:3]] != ["mo", "mtable", "mo"]:
        return children
    matrix = Element("mrow")
    matrix.extend(children[:3])
    return [matrix, *children[3:]]


def source_as_code(latex: str) -> str:
    """What a reader sees of a formula that cannot be set: its source."""
    code = Element("code", {"class": "math-source"})
    code.text = latex.strip()
    return tostring(code, encoding="unicode", short_empty_elements=False)
