"""The rows of the Pareto page's table, written here for the same reason as a board's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from django import template
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe

from arena.templatetags.figures import compact_number
from leaderboard.pareto import Line

register = template.Library()

_ABSENT = "–"
_MODEL = "--model--"
_RUN, _NUMBER = 987654321, 987654322  # stand in an address for the numbers of a run and a phase


@dataclass(frozen=True, slots=True)
class _Addresses:
    """Of a model's page and, for staff, of a phase; one look-up serves all rows."""

    model: str
    phase: str

    @classmethod
    def look_up(cls, *, for_staff: bool) -> _Addresses:
        phase = reverse("speed_phase", args=(_RUN, _NUMBER)) if for_staff else ""
        return cls(escape(reverse("model_detail", args=(_MODEL,))), escape(phase))


@register.simple_tag
def pareto_rows(lines: Sequence[Line], is_board: bool, for_staff: bool) -> SafeString:
    """All lines of the table; ``is_board`` adds what only votes can tell: the price of a win."""
    addresses = _Addresses.look_up(for_staff=for_staff)
    return mark_safe("".join(_row(line, addresses, is_board=is_board) for line in lines))


def _row(line: Line, addresses: _Addresses, *, is_board: bool) -> str:
    model, speed, users, cost = line.model, line.speed, line.users, line.cost
    href = addresses.model.replace(_MODEL, escape(model.slug))
    figures = [
        _fixed(line.quality.value, 1),
        _milliseconds(speed.ttft_s if speed else None),
        _milliseconds(speed.tpot_s if speed else None),
        _throughput(line, addresses),
        _milliseconds(users.ttft_s if users else None),
        _milliseconds(users.tpot_s if users else None),
        compact_number(cost.per_million_output) or _ABSENT,
        _fixed(cost.per_answer, 6),
    ]
    if is_board:
        figures.append(_fixed(line.cost_per_win, 6))
    cells = "".join(f'<td class="numeric">{figure}</td>' for figure in figures)
    return f'<tr><th scope="row"><a href="{href}">{escape(model.display_name)}</a></th>{cells}</tr>'


def _fixed(value: float | None, decimals: int) -> str:
    return _ABSENT if value is None else f"{value:.{decimals}f}"


def _milliseconds(seconds: float | None) -> str:
    return _ABSENT if seconds is None else _fixed(1000 * seconds, 0)


def _throughput(line: Line, addresses: _Addresses) -> str:
    speed = line.speed
    if speed is None:
        return _ABSENT
    text = _fixed(speed.output_tokens_per_s, 0)
    if not addresses.phase:
        return text
    href = addresses.phase.replace(str(_NUMBER), str(speed.number))
    return f'<a href="{href.replace(str(_RUN), str(speed.run_id))}">{text}</a>'
