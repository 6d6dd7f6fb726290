"""The rows of a board, and words around them.

A board may have hundreds of lines with a drawing each. Rendered by nested templates that takes a
second; written here it takes milliseconds. Everything that comes from outside is escaped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from django import template
from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from arena.models import LanguageModel
from arena.templatetags.figures import unlocalised
from arena.templatetags.navigation import url_if
from leaderboard.beside import Beside, BesideColumn
from leaderboard.board_page import INTERVAL_WORDS, BoardLine, BoardPage, Tick
from leaderboard.comparing import Move
from leaderboard.methods_pages import method_address
from leaderboard.ratings import METHODS

WIDE = 10

register = template.Library()

_ABSENT = "–"
_PLACEHOLDER = "--model--"


@dataclass(frozen=True, slots=True)
class _Shared:
    """What all rows of a table have in common, escaped already."""

    page: BoardPage
    columns: Sequence[tuple[BesideColumn, str]]
    labels: dict[str, str]
    badges: dict[str, str]
    model_url: str
    grid: str
    interval: str


@register.filter
def percent(value: float | None) -> str:
    """A share as a whole percentage; small ones keep a decimal, unknown ones a dash."""
    if value is None:
        return _ABSENT
    if 0 < value < 0.01:
        return "<1 %"
    return f"{value:.0%}".replace("%", " %")


@register.filter
def chance(value: float | None) -> str:
    """A probability as a percentage; no estimate makes anything certain."""
    if value is None:
        return _ABSENT
    if value < 0.01:
        return "<1 %"
    return ">99 %" if value > 0.99 else percent(value)


@register.filter
def interval_ends(line: BoardLine) -> str:
    """Both ends, with decimals where whole numbers would hide the width; nothing without them."""
    if line.lower is None or line.upper is None:
        return ""
    decimals = 0 if line.upper - line.lower >= WIDE else 1
    return f"{line.lower:.{decimals}f}–{line.upper:.{decimals}f}"


@register.filter
def method_name(method: str) -> str:
    """What readers know a rating method by; one that is gone by its registered name."""
    return _(METHODS.get(method).label) if method in METHODS.names() else method


@register.filter
def named(slug: str, names: Mapping[str, str]) -> str:
    """What a model is called, where that is known."""
    return names.get(slug, slug)


@register.simple_tag
def method_link(method: str) -> str:
    """The address of the page that explains a rating method; empty where there is none."""
    return method_address(method)


@register.simple_tag
def board_rows(page: BoardPage, beside: Beside) -> SafeString:
    """All lines of the table."""
    shared = _Shared(
        page=page,
        columns=[(column, escape(column.label)) for column in beside.columns],
        labels=_labels(),
        badges=_badges(),
        model_url=url_if("model_detail", _PLACEHOLDER),
        grid="".join(_grid_line(tick) for tick in page.ticks),
        interval=_(INTERVAL_WORDS),
    )
    return mark_safe("".join(_row(line, shared) for line in page.lines))


@register.simple_tag
def rank_sets(lines: Sequence[BoardLine]) -> SafeString:
    """List items: each model's best and worst rank that hold for all models at once."""
    items = []
    for line in lines:
        if line.rank_set:
            best, worst = line.rank_set
            ranks = f"{best}–{worst}" if best != worst else f"{best}"
            items.append(f"<li>{escape(line.row.model.display_name)}: {ranks}</li>")
    return mark_safe("".join(items))


@register.simple_tag
def move_rows(moves: Sequence[Move]) -> SafeString:
    """The rows of two snapshots side by side."""
    words = {
        key: escape(word)
        for key, word in {
            "rank": _("Rank"),
            "places": _("Places gained"),
            "before": _("Rating before"),
            "after": _("Rating after"),
            "change": _("Change"),
            "battles": _("New battles"),
            "beyond": _("Beyond the old interval"),
            "yes": _("yes"),
            "no": _("no"),
            "new": _("new"),
            "left": pgettext("of a model in a snapshot", "left"),
        }.items()
    }
    return mark_safe("".join(_move_row(move, words) for move in moves))


def _move_row(move: Move, words: dict[str, str]) -> str:
    before, after = move.before, move.after
    mark = ""
    if before is None:
        mark = f' <span class="badge badge-accent">{words["new"]}</span>'
    elif after is None:
        mark = f' <span class="badge">{words["left"]}</span>'
    places = move.rank_change
    figures = {
        "places": _ABSENT if places is None else f"{places:+d}" if places else "0",
        "before": f"{before.rating:.1f}" if before else _ABSENT,
        "after": f"{after.rating:.1f}" if after else _ABSENT,
        "change": _ABSENT if move.rating_change is None else f"{move.rating_change:z.1f}",
        "battles": str(move.new_battles),
    }
    cells = "".join(
        f'<td class="number" data-label="{words[key]}">{text}</td>' for key, text in figures.items()
    )
    beyond = words["no"]
    if move.is_beyond_interval:
        beyond = f'<span class="badge badge-warn">{words["yes"]}</span>'
    return (
        f'<tr><td class="number" data-label="{words["rank"]}">'
        f"{after.rank if after else _ABSENT}</td>"
        f'<th scope="row">{escape(move.model.display_name)}{mark}</th>{cells}'
        f'<td data-label="{words["beyond"]}">{beyond}</td></tr>'
    )


def _labels() -> dict[str, str]:
    words = {
        "rank": _("Rank"),
        "rating": _("Rating"),
        # xgettext:no-python-format
        "interval": _("95 % interval"),
        "range": _("Rank range"),
        "best": _("P(best)"),
        "battles": _("Battles"),
        "organisation": _("Organisation"),
        "licence": _("Licence"),
        "price": _("Price"),
    }
    return {key: escape(word) for key, word in words.items()}


def _badges() -> dict[str, str]:
    kinds = ("demo", "provisional", "commercial", "conditional", "noncommercial")
    return {
        kind: " " + render_to_string("components/_badge.html", {"kind": kind, "text": ""})
        for kind in kinds
    } | {"": ""}


def _row(line: BoardLine, shared: _Shared) -> str:
    page, labels, badges = shared.page, shared.labels, shared.badges
    model = line.row.model
    worst = f"–{line.worst}" if line.worst != line.best else ""
    best_chance = chance(line.probability_best)
    price = ""
    if page.has_prices:
        amount = _price(model)
        value = _ABSENT if model.price_out_per_mtok is None else f"{model.price_out_per_mtok:g}"
        price = (
            f'<td class="number nowrap" data-label="{labels["price"]}" data-value="{value}">'
            f"{amount}</td>"
        )
    return (
        f'<tr><td class="number rank" data-label="{labels["rank"]}">{line.rank}</td>'
        f'<th scope="row">{_name(line, shared)}</th>'
        f'<td class="number" data-label="{labels["rating"]}" data-value="{line.rating:.4f}">'
        f"<span><strong>{line.rating:.1f}</strong>{_ends(line)}</span>"
        f'</td><td data-label="{labels["interval"]}">{_bar(line, shared)}</td>'
        f'<td class="number nowrap" data-label="{labels["range"]}">{line.best}{worst}</td>'
        f'<td class="number nowrap" data-label="{labels["best"]}" '
        f'data-value="{line.probability_best or 0:.4f}">{escape(best_chance)}</td>'
        f'<td class="number" data-label="{labels["battles"]}">{line.battles}</td>'
        f'<td data-label="{labels["organisation"]}">{escape(model.organisation or _ABSENT)}</td>'
        f'<td data-label="{labels["licence"]}">{_licence(line, badges)}</td>{price}'
        f"{''.join(_beside(column, label, model.pk) for column, label in shared.columns)}</tr>"
    )


def _ends(line: BoardLine) -> str:
    """The interval in figures, as a drawing cannot be quoted; the drawing tells it to those who
    listen.
    """
    ends = interval_ends(line)
    return f' <span class="interval-ends nowrap" aria-hidden="true">{ends}</span>' if ends else ""


def _beside(column: BesideColumn, label: str, model_id: int) -> str:
    cell = column.cells.get(model_id)
    if cell is None:
        return f'<td class="number secondary" data-label="{label}">{_ABSENT}</td>'
    text = escape(cell.text)
    if cell.href:
        text = f'<a href="{escape(cell.href)}">{text}</a>'
    doubt = ' <span aria-hidden="true">*</span>' if cell.is_doubtful else ""
    return (
        f'<td class="number nowrap" data-label="{label}" data-value="{cell.value:.6g}" '
        f'title="{escape(cell.note)}">{text}{doubt}</td>'
    )


def _name(line: BoardLine, shared: _Shared) -> str:
    page, badges, model_url = shared.page, shared.badges, shared.model_url
    model = line.row.model
    name = escape(model.display_name)
    if model_url:
        name = f'<a href="{model_url.replace(_PLACEHOLDER, escape(model.slug))}">{name}</a>'
    marks = badges["demo"] if model.is_demo and not page.board.is_demo else ""
    marks += badges["provisional"] if line.is_provisional else ""
    if page.group_count > 1:
        words = escape(_("Group %(group)s") % {"group": line.group + 1})
        marks += f' <span class="badge">{words}</span>'
    return f'<span class="model-chip">{name}</span>{marks}'


def _licence(line: BoardLine, badges: dict[str, str]) -> str:
    license_ = line.row.model.license
    if license_ is None:
        return _ABSENT
    # the prefix only says that a licence stands in no list
    name = escape(license_.spdx_id.removeprefix("LicenseRef-"))
    words = f'<span class="nowrap" title="{escape(license_.name)}">{name}</span>'
    return f"<span>{words}{badges[line.commercial_badge]}</span>"


def _price(model: LanguageModel) -> str:
    return _ABSENT if model.price_out_per_mtok is None else _dollars(model.price_out_per_mtok)


def _dollars(amount: float) -> str:
    """In cents, or as finely as it takes."""
    return f"${amount:.2f}" if amount >= 0.1 or not amount else f"${amount:.3g}"


def _grid_line(tick: Tick) -> str:
    x = unlocalised(tick.position)
    return f'<line class="grid-line" x1="{x}%" x2="{x}%" y1="-60%" y2="160%"/>'


def _bar(line: BoardLine, shared: _Shared) -> str:
    """The same drawing as components/_interval_bar.html."""
    words = escape(line.words_by(shared.interval))
    state = " data-provisional" if line.is_provisional else ""
    drawing = shared.grid
    if line.left is not None and line.right is not None:
        left, right = unlocalised(line.left), unlocalised(line.right)
        drawing += (
            f'<line class="reach" x1="{left}%" x2="{right}%" y1="50%" y2="50%"/>'
            f'<line class="whisker" x1="{left}%" x2="{left}%" y1="28%" y2="72%"/>'
            f'<line class="whisker" x1="{right}%" x2="{right}%" y1="28%" y2="72%"/>'
        )
    return (
        f'<svg class="interval-bar" role="img" aria-label="{words}"{state}><title>{words}</title>'
        f'{drawing}<circle class="estimate" cx="{unlocalised(line.position)}%" cy="50%" r="4.6"/>'
        "</svg>"
    )
