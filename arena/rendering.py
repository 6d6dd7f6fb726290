r"""Untrusted Markdown, as models and people write it, to HTML that is safe to show.

Three fences stand behind each other: the parser knows no raw HTML, the rules below emit only what
they mean to, and nh3 rebuilds the result from an allow-list. Everything is bounded: long text is
shown as it is, deep nesting is cut, and no rule looks further ahead than once.
"""

import html
import re
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Final

import nh3
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_block import StateBlock
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict
from mdit_py_plugins.amsmath import amsmath_plugin
from mdit_py_plugins.dollarmath import dollarmath_plugin
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexer import Lexer
from pygments.lexers import get_lexer_by_name
from pygments.token import STANDARD_TYPES

from arena.mathematics import (
    MATHML_ATTRIBUTES,
    FormulaError,
    formula_to_mathml,
    source_as_code,
)

MAX_MARKDOWN_CHARS: Final = 60_000  # the slowest input found takes 11 µs per character
MAX_HIGHLIGHT_CHARS: Final = 10_000  # some lexers are quadratic: 1.3 s at 18,000 characters
MAX_HIGHLIGHT_CHARS_IN_ALL: Final = 20_000
MAX_FORMULA_LINES: Final = 40
MAX_NESTING: Final = 20
MAX_ENVIRONMENTS: Final = 60  # the search for an environment's end is quadratic in their number
FIRST_HEADING_LEVEL: Final = 4  # an answer stands below the page's own three levels

# what the parts of a text tell each other
REFERENCES: Final = "references"  # by label, as the parser keeps them
HIGHLIGHTED_CHARS: Final = "highlighted chars"
TOP_HEADING: Final = "top heading"  # the lowest level of a heading so far
FIRST_HEADING: Final = "first heading"  # the level which that one is shown with
UNFINISHED: Final = "unfinished"  # given the blocks' tokens before their words are parsed

# named one by one: a few of Pygments' five hundred lexers take quadratic time on hostile text
HIGHLIGHTED: Final = frozenset({
    "bash", "c", "c++", "console", "cpp", "cs", "csharp", "css", "dart", "diff", "docker",
    "dockerfile", "elixir", "go", "golang", "haskell", "html", "ini", "java", "javascript", "js",
    "json", "jsx", "julia", "kotlin", "kt", "latex", "lua", "make", "makefile", "markdown",
    "matlab", "md", "objective-c", "perl", "php", "powershell", "py", "pycon", "python",
    "python3", "r", "rb", "ruby", "rs", "rust", "scala", "sh", "shell", "sql", "swift", "tex",
    "toml", "ts", "tsx", "typescript", "vim", "xml", "yaml", "yml", "zsh",
})  # fmt: skip
RASTER_IMAGE: Final = re.compile(r"data:image/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/=]+\Z")
LINK_ATTRIBUTE: Final = re.compile("href|src", re.IGNORECASE)
# no way up, no query: an image must not make its reader ask for any page of ours
OWN_FILE: Final = re.compile(r"/media/[\w/-]+\.\w+\Z", re.ASCII)

TAGS: Final = {
    "a", "blockquote", "br", "code", "del", "div", "em", "h2", "h3", "h4", "h5", "h6", "hr", "img",
    "li", "ol", "p", "pre", "s", "span", "strong", "table", "tbody", "td", "th", "thead", "tr",
    "ul",
    *MATHML_ATTRIBUTES,
}  # fmt: skip
ATTRIBUTES: Final = {
    "a": {"href", "title"},
    "img": {"src", "alt", "title", "loading"},
    "ol": {"start"},
    "pre": {"tabindex"},
    "div": {"tabindex", "data-language"},
    **MATHML_ATTRIBUTES,
}
CLASSES: Final = {
    "a": {"image-link"},
    "code": {"math-source"},
    "div": {"code-block", "math-block", "table-scroll"},
    "span": {name for name in STANDARD_TYPES.values() if name},
    "td": {"centred", "numeric"},
    "th": {"centred", "numeric"},
}
# what a rule cannot match without; most answers need few of them, and each asks at every line or
# at every mark of another
MARKS: Final = {
    "table": "|", "math_block": "$", "fence": "`~", "amsmath": ("\\begin{",), "bracket_block": "\\",
    "blockquote": ">", "hr": "*-_", "reference": "[", "html_block": "<", "heading": "#",
    "lheading": "=-", "math_inline": "$", "bracket_formula": "\\", "escape": "\\",
    "backticks": "`", "strikethrough": "~", "link": "[", "image": "[", "autolink": "<",
    "html_inline": "<", "entity": "&",
}  # fmt: skip
FORMATTER: Final = HtmlFormatter(nowrap=True)
ALIGNMENTS: Final = {"text-align:center": "centred", "text-align:right": "numeric"}


def render_markdown(text: str, *, first_heading: int = FIRST_HEADING_LEVEL) -> str:
    """Safe HTML of untrusted Markdown; what is too long to parse is shown as plain text.

    ``first_heading`` is the level below that of the heading under which the text stands, 2 to 6.
    """
    if is_too_long(text):
        return render_plain(text)
    context: EnvType = {FIRST_HEADING: first_heading}
    return render_tokens(parse_markdown(text, context), context)


def render_plain(text: str) -> str:
    """Any text as it is."""
    return f'<pre tabindex="0">{html.escape(text)}</pre>'


def parse_markdown(text: str, context: EnvType) -> list[Token]:
    """What ``render_tokens`` shows.

    A text may be parsed in parts that begin with a block of their own: ``context`` carries from one
    to the next what is counted over all of it. See REFERENCES, HIGHLIGHTED_CHARS, TOP_HEADING and
    UNFINISHED.
    """
    idle = frozenset(rule for rule, marks in MARKS.items() if not any(m in text for m in marks))
    if text.count("\\begin{") > MAX_ENVIRONMENTS:
        idle |= {"amsmath"}
    if UNFINISHED in context:
        idle -= {"backticks"}  # that which closes a formula
    return _parser(idle).parse(text, context)


def render_tokens(tokens: Sequence[Token], context: EnvType) -> str:
    """Safe HTML of whole blocks."""
    parser = _parser(frozenset())
    return _sanitise(str(parser.renderer.render(tokens, parser.options, context)))


def render_pending_formula(latex: str) -> str:
    """A displayed formula of which the end is missing: its source, at the place of the formula."""
    return _math_block(source_as_code(latex))


def is_too_long(text: str) -> bool:
    """Whether ``render_markdown`` shows this text as plain text."""
    return len(text) > MAX_MARKDOWN_CHARS


@cache
def _cleaner(*, has_links: bool) -> nh3.Cleaner:
    """Built once: preparing the lists costs twice what cleaning an ordinary answer does."""
    return nh3.Cleaner(
        tags=TAGS,
        attributes=ATTRIBUTES,
        allowed_classes=CLASSES,
        attribute_filter=_only_plain_links if has_links else None,
        url_schemes={"http", "https", "mailto", "data"},
        link_rel="nofollow noopener ugc",
    )


def _sanitise(unsafe: str) -> str:
    # calling back for every attribute takes as long as all the rest of the cleaning
    return _cleaner(has_links=LINK_ATTRIBUTE.search(unsafe) is not None).clean(unsafe)


def _only_plain_links(tag: str, attribute: str, value: str) -> str | None:
    if tag == "a" and attribute == "href" and value.lower().lstrip().startswith("data:"):
        return None
    if tag == "img" and attribute == "src" and not is_shown_as_image(value):
        return None
    return value


def is_shown_as_image(source: str) -> bool:
    """Only what the page itself carries, or a file of ours: a foreign image would tell who reads
    when, and any other address here would be asked for in the reader's name.
    """
    return bool(RASTER_IMAGE.match(source) or OWN_FILE.match(source))


def _image(
    renderer: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType
) -> str:
    token = tokens[index]
    source = str(token.attrGet("src") or "")
    words = html.escape(renderer.renderInlineAsText(token.children or [], options, env))
    if is_shown_as_image(source):
        return f'<img src="{html.escape(source)}" alt="{words}" loading="lazy">'
    is_inside_link = sum(part.nesting for part in tokens[:index] if part.tag == "a") > 0
    if is_inside_link:
        return words
    return f'<a class="image-link" href="{html.escape(source)}">{words or html.escape(source)}</a>'


def _fence(
    renderer: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType
) -> str:
    token = tokens[index]
    language = token.info.strip().split(maxsplit=1)[0].lower() if token.info.strip() else ""
    if language == "math":
        return _formula(token.content, is_block=True)
    shown = f' data-language="{html.escape(language)}"' if language.isascii() and language else ""
    code = _highlighted(token.content, language, env)
    return f'<div class="code-block"{shown}><pre tabindex="0"><code>{code}</code></pre></div>\n'


def _highlighted(code: str, language: str, env: EnvType) -> str:
    so_far = env.get(HIGHLIGHTED_CHARS, 0) + len(code)
    is_small = len(code) <= MAX_HIGHLIGHT_CHARS and so_far <= MAX_HIGHLIGHT_CHARS_IN_ALL
    if language not in HIGHLIGHTED or not is_small:
        return html.escape(code)
    env[HIGHLIGHTED_CHARS] = so_far
    return highlight(code, _lexer(language), FORMATTER)


@cache
def _lexer(language: str) -> Lexer:
    return get_lexer_by_name(language, stripnl=False)


def _formula(latex: str, *, is_block: bool) -> str:
    try:
        shown = formula_to_mathml(latex, is_block=is_block)
    except FormulaError:
        shown = source_as_code(latex)
    return _math_block(shown) if is_block else shown


def _math_block(shown: str) -> str:
    return f'<div class="math-block" tabindex="0">{shown}</div>\n'


def _inline_formula(
    renderer: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType
) -> str:
    return _formula(tokens[index].content, is_block=False)


def _display_formula(
    renderer: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType
) -> str:
    """A displayed formula inside a paragraph, where no block element may stand."""
    try:
        return formula_to_mathml(tokens[index].content, is_block=True)
    except FormulaError:
        return source_as_code(tokens[index].content)


def _block_formula(
    renderer: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType
) -> str:
    return _formula(tokens[index].content, is_block=True)


def _table_open(
    renderer: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType
) -> str:
    return '<div class="table-scroll" tabindex="0"><table>\n'


def _table_close(
    renderer: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType
) -> str:
    return "</table></div>\n"


def _bracket_formula(state: StateInline, silent: bool) -> bool:
    r"""``\( … \)`` and ``\[ … \]`` within a paragraph, as most models write them."""
    start = state.pos
    opening = state.src[start : start + 2]
    if opening not in {r"\(", r"\["}:
        return False
    closing = r"\)" if opening == r"\(" else r"\]"
    # a search that failed once fails from every later place too: keeps `\(\(\(…` linear
    exhausted: set[str] = state.env.setdefault(f"no closing bracket {id(state.src)}", set())
    if closing in exhausted:
        return False
    end = state.src.find(closing, start + 2)
    if end < 0 or end >= state.posMax:
        if end < 0:
            exhausted.add(closing)
        return False
    if not silent:
        kind = "math_inline" if opening == r"\(" else "math_inline_double"
        state.push(kind, "math", 0).content = state.src[start + 2 : end]
    state.pos = end + 2
    return True


def _bracket_block(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    r"""A paragraph that begins with ``\[``: its lines are a formula, not lists or headings."""
    begin = state.bMarks[start] + state.tShift[start]
    if state.sCount[start] - state.blkIndent >= 4 or not state.src.startswith(r"\[", begin):
        return False
    for line in range(start, min(end, start + MAX_FORMULA_LINES)):
        if line > start and state.isEmpty(line):
            return False
        text = state.src[state.bMarks[line] : state.eMarks[line]].rstrip()
        if text.endswith(r"\]"):
            break
    else:
        return False
    if silent:
        return True
    body = state.getLines(start, line + 1, state.blkIndent, False).strip()
    token = state.push("math_block", "math", 0)
    token.content, token.map = body[2:-2], [start, line + 1]
    state.line = line + 1
    return True


def _adapt_tokens(state: StateCore) -> None:
    """Shift headings below the page's own, and say alignment by class instead of style."""
    levels = [int(token.tag[1]) for token in state.tokens if token.type == "heading_open"]
    top = state.env[TOP_HEADING] = min([*levels, state.env.get(TOP_HEADING, 6)])
    shift = state.env.get(FIRST_HEADING, FIRST_HEADING_LEVEL) - top
    for token in state.tokens:
        if token.type in {"heading_open", "heading_close"}:
            token.tag = f"h{min(6, int(token.tag[1]) + shift)}"
        elif token.type in {"th_open", "td_open"}:
            style = str(token.attrs.pop("style", ""))
            if style in ALIGNMENTS:
                token.attrSet("class", ALIGNMENTS[style])


def _tell_unfinished(state: StateCore) -> None:
    if UNFINISHED in state.env:
        state.env[UNFINISHED](state.tokens)


@lru_cache(maxsize=256)
def _parser(idle: frozenset[str]) -> MarkdownIt:
    """For texts in which the rules of these names find nothing."""
    parser = MarkdownIt("js-default", {"html": False, "linkify": False, "breaks": True})
    parser.options["maxNesting"] = MAX_NESTING
    dollarmath_plugin(
        parser,
        allow_labels=False,
        allow_space=False,
        allow_digits=False,
        allow_blank_lines=False,
        double_inline=True,
    )
    amsmath_plugin(parser)
    parser.inline.ruler.before("escape", "bracket_formula", _bracket_formula)
    parser.block.ruler.before(
        "blockquote",
        "bracket_block",
        _bracket_block,
        {"alt": ["paragraph", "reference", "blockquote", "list"]},
    )
    parser.core.ruler.after("block", "unfinished", _tell_unfinished)
    parser.core.ruler.push("adapt_tokens", _adapt_tokens)
    rules = {
        "image": _image,
        "fence": _fence,
        "math_inline": _inline_formula,
        "math_inline_double": _display_formula,
        "math_block": _block_formula,
        "amsmath": _block_formula,
        "table_open": _table_open,
        "table_close": _table_close,
    }
    for name, rule in rules.items():
        parser.add_render_rule(name, rule)
    return parser.disable(idle)
